//! The outbox: its limit, what is dropped unsent, and that it holds no token.

use std::time::Duration;

use rememberd::testing::Failure;
use rememberd::testing::service::mail::MailKind;
use rememberd::testing::tables::verification_token;

use crate::mail::relay::{Relay, queue, start};
use crate::support::fixture::{ACME_PROFILE, PROFILE};
use crate::support::server::{Setup, wait_until};

const KIND: MailKind = MailKind::VerifyAccount;

#[test]
fn a_full_outbox_refuses_one_more_and_nothing_is_written() {
    let sending = start(Setup::new().flag("--mail-outbox-max=2"), &[]);
    for address in ["a@b", "b@b"] {
        sending
            .queue(KIND, PROFILE, address)
            .expect("there is room");
    }
    let refused = sending.queue(KIND, ACME_PROFILE, "c@b");
    assert_eq!(refused, Err(Failure::OutboxFull));
    assert_eq!(sending.outbox(), 2);
    let server = sending.stop();
    let response = server
        .client()
        .get(&format!("/api/1/profile/{ACME_PROFILE}"));
    assert!(!response.body.contains("c@b"), "{}", response.body);
}

#[test]
fn mails_wait_until_there_is_a_server() {
    let sending = start(Setup::new(), &[]);
    let id = sending
        .queue(KIND, PROFILE, "jane@example.com")
        .expect("there is room");
    sending.server.wait_for_writer();
    assert_eq!(sending.outbox(), 1);
    let home = sending.stop().stop();
    let Some(mut relay) = Relay::plain() else {
        return;
    };
    let sending = start(Setup::new().home(home), &relay.flags());
    assert_eq!(relay.token_id(), id);
    sending.wait_for_outbox(0);
}

#[test]
fn a_mail_is_dropped_whose_token_or_profile_is_gone() {
    let Some(mut relay) = Relay::plain() else {
        return;
    };
    let server = Setup::new().start();
    queue(&server, KIND, ACME_PROFILE, "gone@example.com").expect("there is room");
    server.delete_profile(ACME_PROFILE);
    queue(&server, KIND, PROFILE, "old@example.com").expect("there is room");
    let later = server
        .app
        .clock
        .now()
        .time()
        .plus(Duration::from_secs(3_600));
    let setup = || {
        Setup::new()
            .at(later)
            .flag("--verification-token-max-age=1h")
    };
    let home = server.stop();
    // Without a server, too.
    let sending = start(setup().home(home), &[]);
    sending.wait_for_outbox(0);
    queue(&sending.server, KIND, PROFILE, "new@example.com").expect("there is room");
    let home = sending.stop().stop();
    let sending = start(setup().home(home), &relay.flags());
    assert_eq!(relay.mail()["recipients"][0], "new@example.com");
    sending.wait_for_outbox(0);
    sending.stop();
    relay.assert_no_mail();
}

#[test]
fn no_file_holds_the_id_of_a_token() {
    let server = Setup::new().start();
    let id = queue(&server, KIND, PROFILE, "jane@example.com").expect("there is room");
    wait_until("the mail is in the outbox", || {
        let outbox = server
            .app
            .store
            .read(rememberd::testing::tables::mail_outbox::next);
        outbox.is_ok_and(|next| next.is_some())
    });
    let home = server.stop();
    let uuid = verification_token::VerificationTokenId::parse(&id).expect("a UUID");
    let secrets = [id.as_bytes().to_vec(), uuid.reveal().as_bytes().to_vec()];
    for entry in std::fs::read_dir(home.path()).expect("a directory") {
        let content = std::fs::read(entry.expect("an entry").path()).expect("a file");
        for secret in &secrets {
            assert!(!content.windows(secret.len()).any(|bytes| bytes == secret));
        }
    }
}
