//! What the settings make of mails.

use std::fs;

use crate::clock::Timestamp;
use crate::config::Config;
use crate::domain::mail::MailKind;
use crate::smtp::setting::SettingError;
use crate::smtp::{MailContent, Mailer};

fn load(flags: &[&str]) -> Result<Option<Mailer>, SettingError> {
    let config = Config::from_flags(flags).expect("valid settings");
    Mailer::load(&config.mail)
}

fn content(email: &'static str) -> MailContent<'static> {
    MailContent {
        kind: MailKind::VerifyAccount,
        email,
        username: "zoë <b>",
        link: "https://a.b/?x=1&tokenId=5",
        id: "7".to_owned(),
        time: Timestamp::from_millis(1_495_665_332_589),
    }
}

fn mail(flags: &[&str], email: &'static str) -> String {
    let none = ["--smtp-host=localhost", "--smtp-security=none"];
    let flags = [&none, flags].concat();
    let mailer = load(&flags).expect("valid settings").expect("a mailer");
    let message = mailer.compose(&content(email)).expect("an address");
    String::from_utf8(message.formatted()).expect("it is text")
}

#[test]
fn a_mail_is_one_part_of_html_with_the_link() {
    let text = mail(&["--mail-from=Accounts <a@b.c>"], "Z <z@y.x>");
    for line in [
        "From: Accounts <a@b.c>",
        "To: z@y.x",
        "Subject: Verify Account",
        "Date: Wed, 24 May 2017 22:35:32 +0000",
        "Message-ID: <7@b.c>",
        "Content-Type: text/html;charset=UTF-8",
    ] {
        assert!(text.contains(&format!("{line}\r\n")), "{line}: {text}");
    }
    assert!(!text.contains("multipart"), "{text}");
}

#[test]
fn headers_hold_what_is_not_ascii_encoded() {
    let text = mail(
        &[
            "--mail-from=\"Konten, Ä\" <a@b.c>",
            "--mail-verify-subject=Prüfung",
        ],
        "a@b.c",
    );
    assert!(text.is_ascii(), "{text}");
    assert!(text.contains("Subject: =?utf-8?b?"), "{text}");
    assert!(text.contains(" <a@b.c>\r\n"), "{text}");
}

#[test]
fn settings_that_do_not_fit_are_refused_by_name() {
    let directory = tempfile::TempDir::new().expect("a temporary directory");
    let file = |name: &str, content: &str| {
        let path = directory.path().join(name);
        fs::write(&path, content).expect("it is writable");
        path.display().to_string()
    };
    let (empty, text, absent) = (
        file("empty", ""),
        file("text", "secret\n"),
        directory.path().join("absent").display().to_string(),
    );
    let host = "--smtp-host=mail.example.com";
    let from = "--mail-from=a@b.c";
    for (flags, setting, cause) in [
        (
            vec![host],
            "smtp_host",
            "--mail-from, the sender of mails, is missing",
        ),
        (vec!["--mail-from=a b"], "mail_from", "it is no address"),
        (
            vec![host, from, "--smtp-user=u"],
            "smtp_user",
            "--smtp-password-file is missing",
        ),
        (
            vec![host, from, &format!("--smtp-password-file={text}")],
            "smtp_password_file",
            "--smtp-user is missing",
        ),
        (
            vec![
                host,
                from,
                "--smtp-user=u",
                &format!("--smtp-password-file={empty}"),
            ],
            "smtp_password_file",
            "its first line is empty",
        ),
        (
            vec![
                host,
                from,
                "--smtp-user=u",
                &format!("--smtp-password-file={absent}"),
            ],
            "smtp_password_file",
            "No such file",
        ),
        (
            vec![
                host,
                from,
                "--smtp-security=none",
                "--smtp-user=u",
                &format!("--smtp-password-file={text}"),
            ],
            "smtp_security",
            "would be sent to mail.example.com in clear",
        ),
        (
            vec![host, from, &format!("--smtp-ca-file={text}")],
            "smtp_ca_file",
            "it has no certificate in PEM format",
        ),
        (
            vec![&format!("--mail-verify-template={text}")],
            "mail_verify_template",
            "it has no {{link}}, the place of the link",
        ),
        (
            vec![&format!(
                "--mail-reset-template={}",
                directory.path().display()
            )],
            "mail_reset_template",
            "it is a directory, not a regular file",
        ),
    ] {
        let error = load(&flags).expect_err(setting);
        assert_eq!(error.setting, setting);
        assert!(error.cause.contains(cause), "{error:?}");
    }
    assert!(load(&[]).expect("nothing is set").is_none());
}
