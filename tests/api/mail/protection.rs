//! TLS and users.

use rememberd::testing::service::mail::MailKind;
use serde_json::json;
use tempfile::TempDir;

use crate::mail::relay::{Certificates, Relay, Sending, file_flag, soon, start};
use crate::support::fixture::PROFILE;
use crate::support::process::{DEMO_ACCESS_TOKEN, DEMO_SEED, Launch};
use crate::support::server::Setup;

fn queue(sending: &Sending) {
    let queued = sending.queue(MailKind::VerifyAccount, PROFILE, "jane@example.com");
    queued.expect("there is room");
}

#[test]
fn mails_are_sent_with_tls_of_both_kinds_by_a_user() {
    let Some(certificates) = Certificates::new() else {
        return;
    };
    let password = certificates.file("password");
    std::fs::write(&password, "pass word\n").expect("it is writable");
    for (security, host) in [
        ("starttls", "localhost"),
        ("tls", "localhost"),
        ("tls", "127.0.0.1"),
    ] {
        let mut settings = certificates.settings(security);
        settings["user"] = json!("remember");
        settings["password"] = json!("pass word");
        let Some(mut relay) = Relay::start(&settings) else {
            return;
        };
        let mut flags = relay.address_flags(host);
        flags.extend([
            format!("--smtp-security={security}"),
            file_flag("smtp-ca-file", &certificates.file("ca.pem")),
            "--smtp-user=remember".to_owned(),
            file_flag("smtp-password-file", &password),
        ]);
        let sending = start(Setup::new(), &flags);
        queue(&sending);
        relay.wait_for("authenticated");
        let mail = relay.mail();
        assert_eq!(mail["encrypted"], true, "{security}");
        assert_eq!(mail["user"], "remember");
        sending.wait_for_outbox(0);
    }
}

#[test]
fn a_wrong_password_keeps_the_mails() {
    let Some(certificates) = Certificates::new() else {
        return;
    };
    let password = certificates.file("password");
    std::fs::write(&password, "wrong").expect("it is writable");
    let settings = json!({"security": "none", "user": "remember", "password": "right"});
    let Some(mut relay) = Relay::start(&settings) else {
        return;
    };
    let user = [
        "--smtp-user=remember".to_owned(),
        file_flag("smtp-password-file", &password),
    ];
    let flags = [relay.flags(), user.to_vec(), soon()].concat();
    let sending = start(Setup::new(), &flags);
    queue(&sending);
    relay.wait_for("not authenticated");
    // It is due again 1 ms later by a clock that stands still, and is tried only if that is moved.
    assert_eq!(sending.outbox(), 1);
    let server = sending.stop();
    std::fs::write(&password, "right").expect("it is writable");
    let now = server.app.clock.now().time();
    let home = server.stop();
    let setup = Setup::new()
        .home(home)
        .at(now.plus(std::time::Duration::from_secs(1)));
    let sending = start(setup, &flags);
    assert_eq!(relay.mail()["user"], "remember");
    sending.wait_for_outbox(0);
}

#[test]
fn nothing_is_sent_to_a_server_that_is_not_trusted() {
    let (Some(certificates), Some(others)) = (Certificates::new(), Certificates::new()) else {
        return;
    };
    let trusted = file_flag("smtp-ca-file", &certificates.file("ca.pem"));
    let untrusted = file_flag("smtp-ca-file", &others.file("ca.pem"));
    for (security, host, flag) in [
        // Another authority, the system's authorities, and a name that is not in the certificate.
        ("starttls", "localhost", Some(&untrusted)),
        ("tls", "localhost", Some(&untrusted)),
        ("tls", "localhost", None),
        ("tls", "127.0.0.2", Some(&trusted)),
    ] {
        let mut settings = certificates.settings(security);
        settings["host"] = json!(if host == "localhost" {
            "127.0.0.1"
        } else {
            host
        });
        let Some(relay) = Relay::start(&settings) else {
            return;
        };
        let mut flags = [relay.address_flags(host), soon()].concat();
        flags.push(format!("--smtp-security={security}"));
        flags.extend(flag.cloned());
        assert_is_kept(relay, &flags);
    }
    // A server that does not offer STARTTLS.
    let Some(relay) = Relay::plain() else { return };
    let mut flags = [relay.address_flags("localhost"), soon()].concat();
    flags.push(trusted);
    assert_is_kept(relay, &flags);
}

#[test]
fn what_was_added_before_the_encryption_is_no_response() {
    let Some(certificates) = Certificates::new() else {
        return;
    };
    for injected in [
        "250 test",
        "250-test\r\n250 AUTH PLAIN\r\n235 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n250 ok",
    ] {
        let mut settings = certificates.settings("starttls");
        settings["injected"] = json!(injected);
        let Some(relay) = Relay::start(&settings) else {
            return;
        };
        let mut flags = [relay.address_flags("localhost"), soon()].concat();
        flags.push(file_flag("smtp-ca-file", &certificates.file("ca.pem")));
        assert_is_kept(relay, &flags);
    }
}

/// Asserts that a mail is tried and stays in the outbox.
#[track_caller]
fn assert_is_kept(mut relay: Relay, flags: &[String]) {
    let sending = start(Setup::new(), flags);
    queue(&sending);
    sending.wait_for_attempt(1);
    assert_eq!(sending.outbox(), 1);
    sending.stop();
    relay.assert_no_mail();
}

#[test]
fn the_log_has_a_remedy_for_a_certificate_that_is_refused() {
    let (Some(certificates), Some(others)) = (Certificates::new(), Certificates::new()) else {
        return;
    };
    let from_authority = certificates.settings("starttls");
    let mut authority = from_authority.clone();
    authority["certificate"] = json!(certificates.file("ca.pem"));
    authority["key"] = json!(certificates.file("ca.key"));
    for (settings, trusted, remedy) in [
        (&from_authority, &others, "--smtp-ca-file names that"),
        (&authority, &certificates, "basicConstraints=CA:FALSE"),
    ] {
        let Some(relay) = Relay::start(settings) else {
            return;
        };
        let home = TempDir::new().expect("a temporary directory");
        let mut launch = Launch::serve(home.path()).seed(DEMO_SEED);
        for flag in relay.address_flags("localhost") {
            launch = launch.argument(flag);
        }
        let trusted = file_flag("smtp-ca-file", &trusted.file("ca.pem"));
        let mut serving = launch.argument(trusted).start();
        let queued = serving.client(DEMO_ACCESS_TOKEN).post(
            "/api/1/profile/5925a68def86951f895cf497/reset_password",
            &format!("accessTokenId={DEMO_ACCESS_TOKEN}&resetPasswordUrl=https://example.com"),
        );
        assert_eq!(queued.status, 200, "{queued:?}");
        let line = serving.wait_for_log("the SMTP server does not take mails");
        assert!(line.contains(remedy), "{line}");
        serving.stop();
    }
}
