//! What becomes of a mail that the server does not take at once.

use std::time::{Duration, Instant};

use rememberd::testing::service::mail::MailKind;
use serde_json::json;

use crate::mail::relay::{Relay, queue, soon, start, unused_port};
use crate::support::fixture::{ADMIN, LOGIN, PROFILE};
use crate::support::server::Setup;

/// Longer than a stop that may take 1 s waits for a mail, and shorter than one that may take the default.
const STOP_MAX: Duration = Duration::from_secs(4);

const KIND: MailKind = MailKind::ResetPassword;

/// The settings of a server at this port, at which there may be none.
fn flags(port: u16) -> Vec<String> {
    let flags = [
        "--smtp-security=none".to_owned(),
        "--smtp-host=127.0.0.1".to_owned(),
        format!("--smtp-port={port}"),
        crate::mail::relay::FROM.to_owned(),
    ];
    [flags.to_vec(), soon()].concat()
}

#[test]
fn a_mail_that_is_deferred_is_tried_again() {
    let Some(mut relay) = Relay::plain() else {
        return;
    };
    let sending = start(Setup::new(), &[relay.flags(), soon()].concat());
    let id = sending.queue(KIND, PROFILE, "deferred-once@example.com");
    relay.wait_for("deferred");
    sending.wait_for_attempt(1);
    sending.advance(Duration::from_millis(1));
    assert_eq!(Ok(relay.token_id()), id);
    sending.wait_for_outbox(0);
}

#[test]
fn a_mail_that_is_refused_is_dropped_and_delays_no_other() {
    let Some(mut relay) = Relay::plain() else {
        return;
    };
    let sending = start(Setup::new(), &relay.flags());
    sending
        .queue(KIND, PROFILE, "refused@example.com")
        .expect("there is room");
    relay.wait_for("refused");
    sending.wait_for_outbox(0);
    sending
        .queue(KIND, PROFILE, "jane@example.com")
        .expect("there is room");
    relay.mail();
    sending.wait_for_outbox(0);
}

#[test]
fn an_address_that_is_not_ascii_is_dropped_where_the_server_takes_none() {
    let Some(mut relay) = Relay::start(&json!({"security": "none", "smtputf8": false})) else {
        return;
    };
    let sending = start(Setup::new(), &relay.flags());
    sending
        .queue(KIND, PROFILE, "zoë@example.com")
        .expect("there is room");
    sending.wait_for_outbox(0);
    sending
        .queue(KIND, PROFILE, "jane@example.com")
        .expect("there is room");
    assert_eq!(relay.mail()["recipients"], json!(["jane@example.com"]));
}

#[test]
fn a_mail_waits_for_its_server_over_a_restart() {
    let port = unused_port();
    let sending = start(Setup::new(), &flags(port));
    let id = sending
        .queue(KIND, PROFILE, "jane@example.com")
        .expect("there is room");
    sending.wait_for_attempt(1);
    let server = sending.stop();
    let later = server.app.clock.now().time().plus(Duration::from_secs(60));
    let home = server.stop();
    let Some(mut relay) = Relay::start(&json!({"security": "none", "port": port})) else {
        return;
    };
    let sending = start(Setup::new().home(home).at(later), &flags(port));
    assert_eq!(relay.token_id(), id);
    sending.wait_for_outbox(0);
}

#[test]
fn a_server_that_is_not_in_service_keeps_the_mails() {
    for greeting in ["554 no service", "421 later", "what?"] {
        let Some(mut relay) = Relay::start(&json!({"security": "none", "greeting": greeting}))
        else {
            return;
        };
        let sending = start(Setup::new(), &[relay.flags(), soon()].concat());
        sending
            .queue(KIND, PROFILE, "jane@example.com")
            .expect("there is room");
        relay.wait_for("connected");
        sending.wait_for_attempt(1);
        assert_eq!(sending.outbox(), 1, "{greeting}");
    }
}

#[test]
fn a_server_that_wants_a_user_keeps_the_mails() {
    let Some(mut relay) = Relay::plain() else {
        return;
    };
    let sending = start(Setup::new(), &[relay.flags(), soon()].concat());
    sending
        .queue(KIND, PROFILE, "unauthorized@example.com")
        .expect("there is room");
    relay.wait_for("unauthorized");
    sending.wait_for_attempt(1);
    assert_eq!(sending.outbox(), 1);
}

#[test]
fn a_server_that_sends_without_an_end_is_cut_off() {
    // What the operating system has received, and nobody has read.
    const BUFFERS_MAX: u64 = 32 << 20;
    for greeting in ["a line without an end ", "220-a response\r\n"] {
        let settings = json!({"security": "none", "greeting": greeting, "repeated": true});
        let Some(mut relay) = Relay::start(&settings) else {
            return;
        };
        let sending = start(Setup::new(), &[relay.flags(), soon()].concat());
        sending
            .queue(KIND, PROFILE, "jane@example.com")
            .expect("there is room");
        let sent = relay.wait_for("cut off")["sent"].as_u64();
        assert!(sent < Some(BUFFERS_MAX), "{greeting:?}: {sent:?}");
        sending.wait_for_attempt(1);
        assert_eq!(sending.outbox(), 1);
    }
}

#[test]
fn a_server_that_hangs_delays_no_request_and_no_stop() {
    for settings in [
        json!({"security": "none", "greeting": "hang"}),
        json!({"security": "none"}),
    ] {
        let Some(mut relay) = Relay::start(&settings) else {
            return;
        };
        let flags = [relay.flags(), vec!["--drain-timeout=1s".to_owned()]].concat();
        let sending = start(Setup::new(), &flags);
        sending
            .queue(KIND, PROFILE, "hangs@example.com")
            .expect("there is room");
        let event = if settings.get("greeting").is_some() {
            "connected"
        } else {
            "hangs"
        };
        relay.wait_for(event);
        let client = sending.server.client();
        for _ in 0..50 {
            client.refresh(LOGIN).login();
        }
        assert_eq!(sending.outbox(), 1);
        let began = Instant::now();
        let server = sending.stop();
        assert!(began.elapsed() < STOP_MAX, "{:?}", began.elapsed());
        server.client().with_token(ADMIN).refresh(LOGIN).login();
    }
}

#[test]
fn a_response_that_does_not_come_is_not_waited_for_for_ever() {
    let Some(mut relay) = Relay::start(&json!({"security": "none", "greeting": "hang"})) else {
        return;
    };
    let flags = [
        relay.flags(),
        soon(),
        vec!["--smtp-timeout=50ms".to_owned()],
    ]
    .concat();
    let sending = start(Setup::new(), &flags);
    sending
        .queue(KIND, PROFILE, "jane@example.com")
        .expect("there is room");
    relay.wait_for("connected");
    sending.wait_for_attempt(1);
    assert_eq!(sending.outbox(), 1);
}

#[test]
fn a_thousand_mails_are_sent_once_each() {
    let Some(mut relay) = Relay::plain() else {
        return;
    };
    let server = Setup::new().start();
    let mut ids: Vec<_> = (0..1_000)
        .map(|_| queue(&server, KIND, PROFILE, "jane@example.com").expect("there is room"))
        .collect();
    let sending = start(Setup::new().home(server.stop()), &relay.flags());
    let mut sent: Vec<_> = ids.iter().map(|_| relay.token_id()).collect();
    sending.wait_for_outbox(0);
    ids.sort_unstable();
    sent.sort_unstable();
    assert_eq!(sent, ids);
    sending.stop();
    relay.assert_no_mail();
}
