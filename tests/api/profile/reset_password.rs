//! Having a mail sent with which a user can set another password.

use rememberd::testing::Event;
use rememberd::testing::tables::verification_token;
use serde_json::json;

use crate::profile::changes::{
    assert_missing, assert_order_of_checks, assert_unchanged, json_of, post, read, server, setup,
};
use crate::profile::seed::{ADMIN, ANNA, BEN, NOTHING, READER};
use crate::support::client::Response;
use crate::support::server::Server;

const URL: &str = "https://shop.example/reset?from=mail";

fn reset(server: &Server, caller: &str, id: &str, url: &str) -> Response {
    let path = format!("{id}/reset_password");
    post(server, caller, &path, &[("resetPasswordUrl", url)])
}

#[test]
fn a_mail_is_queued_whose_token_changes_the_password() {
    let server = server();
    let before = read(&server, ANNA);
    assert_eq!(json_of(&reset(&server, ADMIN, ANNA, URL)), before);
    assert_eq!(read(&server, ANNA), before);
    server.wait_for_writer();
    assert_eq!(server.app.audit.count(Event::ResetPassword), 1);
    let server = setup().home(server.stop()).start();
    let mail = server.take_mail().expect("a mail is waiting");
    assert_eq!(
        (mail.kind.as_str(), mail.profile_id.as_str()),
        ("reset password", ANNA)
    );
    assert_eq!(mail.link, format!("{URL}&tokenId={}", mail.token_id));
    assert!(server.take_mail().is_none());
    let token = server
        .client()
        .read_verification_token(&mail.token_id)
        .verification_token();
    assert_eq!(
        (token.tenant.as_str(), token.profile_id.as_str()),
        ("corp", ANNA)
    );
    let change = [
        ("resetTokenId", mail.token_id.as_str()),
        ("newPassword", "new"),
    ];
    json_of(&post(&server, READER, "change_password", &change));
}

#[test]
fn a_disabled_profile_gets_a_mail_too_and_each_request_another_one() {
    let server = server();
    for _ in 0..2 {
        assert_eq!(
            json_of(&reset(&server, READER, BEN, URL))["enabled"],
            json!(false)
        );
    }
    let mails = [(); 2].map(|()| server.take_mail().expect("a mail is waiting"));
    assert_ne!(mails[0].token_id, mails[1].token_id);
    for mail in &mails {
        server
            .client()
            .read_verification_token(&mail.token_id)
            .verification_token();
    }
}

#[test]
fn the_url_is_required() {
    let server = server();
    assert_unchanged(&server, ANNA, || {
        let path = format!("{ANNA}/reset_password");
        assert_missing(
            &post(&server, NOTHING, &path, &[]),
            "resetPasswordUrl",
            "String",
        );
    });
    assert!(server.take_mail().is_none());
}

#[test]
fn a_url_that_a_mail_must_not_link_to_is_refused_with_its_cause() {
    let server = server();
    let long = format!("https://a.b/{}", "x".repeat(2_048));
    let absolute = "is no absolute URL, like https://example.com/page";
    let scheme =
        "has a scheme that a mail must not link to: javascript, vbscript, data, blob, file";
    assert_unchanged(&server, ANNA, || {
        for (url, cause) in [
            ("", "is empty"),
            (&long, "is longer than 2048 bytes"),
            ("https://a.b/\r\nx", "has a control character"),
            ("reset", absolute),
            ("/reset", absolute),
            ("https://", absolute),
            ("javascript:alert(1)", scheme),
            ("Data:text/html,x", scheme),
        ] {
            let refused = reset(&server, NOTHING, ANNA, url);
            let message = format!("Parameter 'resetPasswordUrl' {cause}");
            refused.assert_error(400, "OTHER", &message);
        }
    });
    assert!(server.take_mail().is_none());
}

#[test]
fn a_link_leads_into_an_application_by_its_scheme_or_its_fragment() {
    let server = server();
    for url in ["com.example.app:/reset", "https://shop.example/#/reset"] {
        json_of(&reset(&server, ADMIN, ANNA, url));
        let mail = server.take_mail().expect("a mail is waiting");
        assert_eq!(mail.link, format!("{url}?tokenId={}", mail.token_id));
    }
}

#[test]
fn the_order_of_checks_is_that_of_the_contract() {
    let server = server();
    assert_order_of_checks(&server, |token, id| reset(&server, token, id, URL));
    assert!(server.take_mail().is_none());
}

#[test]
fn nothing_is_written_where_the_outbox_is_full() {
    let server = setup().flag("--mail-outbox-max=1").start();
    json_of(&reset(&server, ADMIN, ANNA, URL));
    assert_unchanged(&server, ANNA, || {
        let refused = reset(&server, ADMIN, BEN, URL);
        refused.assert_other_error(503);
        assert!(!refused.header("retry-after").is_empty(), "{refused:?}");
    });
    assert_eq!(server.app.store.read(verification_token::count), Ok(1));
    assert!(server.take_mail().is_some());
    json_of(&reset(&server, ADMIN, BEN, URL));
}

#[test]
fn attribute_to_return_takes_whole_names() {
    let server = server();
    let shown = |more: &[(&str, &str)]| {
        let parameters = [&[("resetPasswordUrl", URL)], more].concat();
        let path = format!("{ANNA}/reset_password");
        json_of(&post(&server, READER, &path, &parameters))["attributes"].clone()
    };
    assert_eq!(
        shown(&[]),
        json!({"name": "Anna \"A\" Zö", "score": 1.0, "secret": "s"})
    );
    assert_eq!(
        shown(&[("attributeToReturn", "score")]),
        json!({"score": 1.0})
    );
    assert_eq!(shown(&[("attributeToReturn", "$none")]), json!({}));
}
