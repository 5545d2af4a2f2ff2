//! What a mail looks like.

use rememberd::testing::service::mail::MailKind;
use serde_json::json;

use crate::mail::relay::{Relay, URL, file_flag, start};
use crate::support::fixture::{ACME_PROFILE, PROFILE};
use crate::support::server::Setup;

#[test]
fn a_mail_has_one_part_of_html_with_the_link() {
    let Some(mut relay) = Relay::plain() else {
        return;
    };
    let sending = start(Setup::new(), &relay.flags());
    for (kind, subject) in [
        (MailKind::VerifyAccount, "Verify Account"),
        (MailKind::ResetPassword, "Reset Password"),
    ] {
        let address = "Jane <jane.doe@example.com>";
        let id = sending
            .queue(kind, PROFILE, address)
            .expect("there is room");
        let mail = relay.mail();
        assert_eq!(mail["sender"], "accounts@example.com");
        assert_eq!(mail["recipients"], json!(["jane.doe@example.com"]));
        assert_eq!(mail["parts"], json!(["text/html"]));
        assert_eq!(mail["charset"], "utf-8");
        assert_eq!(mail["raw_content_type"], "text/html;charset=UTF-8");
        let headers = &mail["headers"];
        assert_eq!(headers["From"], "Accounts <accounts@example.com>");
        assert_eq!(headers["To"], "jane.doe@example.com");
        assert_eq!(headers["Subject"], subject);
        assert_eq!(headers["Date"], "Wed, 24 May 2017 22:35:32 +0000");
        let link = format!("{URL}&tokenId={id}");
        assert_eq!(
            mail["links"],
            json!([{"id": "verificationLink", "href": link, "text": link}])
        );
        assert!(
            mail["text"]
                .as_str()
                .is_some_and(|text| text.contains("jdoe"))
        );
        sending.wait_for_outbox(0);
    }
}

#[test]
fn subjects_senders_and_templates_are_settings() {
    let Some(mut relay) = Relay::plain() else {
        return;
    };
    let home = tempfile::TempDir::new().expect("a temporary directory");
    let file = home.path().join("reset.html");
    let template =
        "<p>Grüße, {{username}} <a id=\"verificationLink\" href=\"{{link}}\">{{link}}</a>";
    std::fs::write(&file, template).expect("it is writable");
    let mut flags = relay.flags();
    flags.retain(|flag| !flag.starts_with("--mail-from"));
    flags.push("--mail-from=\"Konten, Ä\" <konten@example.com>".to_owned());
    flags.push(file_flag("mail-reset-template", &file));
    let subject = "Kennwort zurücksetzen: ein sehr langer Betreff, der in mehr als eine Zeile paßt";
    flags.push(format!("--mail-reset-subject={subject}"));
    let sending = start(Setup::new(), &flags);
    let name = "<b>\"x\"&amp;\r\nBcc: eve@example.com";
    sending.server.update_profile(ACME_PROFILE, |profile| {
        profile.username = "<b>\"x\"&amp;\r\nBcc: eve@example.com".to_owned();
    });
    let queued = sending.queue(MailKind::ResetPassword, ACME_PROFILE, "zoë@exämple.com");
    let id = queued.expect("there is room");
    let mail = relay.mail();
    assert_eq!(mail["sender"], "konten@example.com");
    assert_eq!(mail["recipients"], json!(["zoë@exämple.com"]));
    let headers = &mail["headers"];
    assert_eq!(headers["From"], "\"Konten, Ä\" <konten@example.com>");
    assert_eq!(
        headers["Subject"],
        "Kennwort zurücksetzen: ein sehr langer Betreff, der in mehr als eine Zeile paßt"
    );
    assert_eq!(headers.get("Bcc"), None, "{headers}");
    let link = format!("{URL}&tokenId={id}");
    assert_eq!(mail["links"][0]["href"], link);
    assert_eq!(mail["links"][0]["text"], link);
    let text = mail["text"].as_str().expect("a text");
    let escaped = name
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;");
    let text = text.replace("\r\n", "\n");
    let expected = format!("<p>Grüße, {} <a", escaped.replace("\r\n", "\n"));
    assert!(text.starts_with(&expected), "{text}");
}
