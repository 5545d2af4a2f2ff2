//! What a person does by following the links in mails: to verify an address, and to set another password.

use serde_json::{Value, json};

use crate::flows::{API, APPLICATION, Application, MASTER, Ticket, empty_server, ticket};
use crate::support::client::{Response, encode};
use crate::support::server::Server;

const VERIFY_PAGE: &str = "https://shop.example/verify";
const RESET_PAGE: &str = "https://shop.example/reset?lang=en";

/// The token in the link of the mail that is sent next, after asserting that the link leads to `page`.
#[track_caller]
fn follow_link(server: &Server, kind: &str, page: &str) -> String {
    let mail = server.take_mail().expect("a mail is sent");
    assert_eq!(mail.kind, kind);
    let parameter = mail
        .link
        .strip_prefix(page)
        .expect("the page of the application");
    let token = parameter[1..].strip_prefix("tokenId=").expect("the token");
    token.to_owned()
}

fn authenticate(application: &Application, username: &str, password: &str) -> Response {
    let form = encode(&[
        ("accessTokenId", APPLICATION),
        ("tenantName", "shop"),
        ("username", username),
        ("password", password),
    ]);
    let path = format!("{API}/authentication/authenticate.json");
    application.client.post(&path, &form)
}

fn profile(response: &Response) -> Value {
    assert_eq!(response.status, 200, "{response:?}");
    serde_json::from_str(&response.body).expect("a profile")
}

#[test]
fn a_person_signs_up_verifies_the_address_and_signs_in() {
    let server = empty_server(&[]);
    let application = Application::set_up(&server);
    let verifies = format!("{API}/tenant/shop/verify_new_profiles.json");
    let form = encode(&[("accessTokenId", MASTER), ("verify", "true")]);
    let tenant = application.client.post(&verifies, &form);
    assert_eq!(tenant.status, 200, "{tenant:?}");
    let created = profile(&application.post(
        "/profile/create",
        &[
            ("tenantName", "shop"),
            ("username", "bob"),
            ("password", "battery staple"),
            ("email", "bob@shop.example"),
            ("enabled", "true"),
            ("verificationUrl", VERIFY_PAGE),
        ],
    ));
    let id = created["id"].as_str().expect("a text");
    authenticate(&application, "bob", "battery staple").assert_disabled_profile(id, "shop");
    let token = follow_link(&server, "verify account", VERIFY_PAGE);
    let verified =
        profile(&application.post("/profile/verify", &[("verificationTokenId", &token)]));
    assert_eq!(
        (&verified["enabled"], &verified["verified"]),
        (&json!(true), &json!(true))
    );
    let signed_in = ticket(&authenticate(&application, "bob", "battery staple"));
    assert_eq!(signed_in.profile_id, id);
    assert!(server.take_mail().is_none());
}

#[test]
fn a_person_who_forgot_the_password_sets_another_one_which_ends_what_was_open() {
    let server = empty_server(&[]);
    let application = Application::set_up(&server);
    let Ticket {
        id: old_ticket,
        profile_id,
        ..
    } = application.authenticate();
    let cookie = application.create_login(&profile_id);
    application.post(
        &format!("/profile/{profile_id}/reset_password"),
        &[("resetPasswordUrl", RESET_PAGE)],
    );
    // Until the password is changed, nothing ends.
    ticket(&application.ticket(&old_ticket));
    application.login(&cookie.id).login();
    let token = follow_link(&server, "reset password", RESET_PAGE);
    application.post(
        "/profile/change_password",
        &[("resetTokenId", &token), ("newPassword", "another horse")],
    );
    let gone = format!("No ticket with ID \"{old_ticket}\" found");
    application
        .ticket(&old_ticket)
        .assert_error(404, "NO_SUCH_TICKET", &gone);
    application
        .login(&cookie.id)
        .assert_no_such_login(&cookie.id);
    let refused = authenticate(&application, "ann", "correct horse");
    refused.assert_error(401, "BAD_CREDENTIALS", "Invalid username and/or password");
    let signed_in = ticket(&authenticate(&application, "ann", "another horse"));
    assert_eq!(signed_in.profile_id, profile_id);
}
