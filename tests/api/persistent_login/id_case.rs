//! Ids in upper case: a client that writes them so means the same login.

use crate::support::fixture::{LOGIN, PROFILE, TOKEN, first_login};
use crate::support::server::Server;

#[test]
fn a_login_is_read_and_refreshed_by_its_id_in_upper_case() {
    let server = Server::start();
    let client = server.client();
    let upper = LOGIN.to_uppercase();
    assert_eq!(client.read(&upper).login(), first_login());
    let refreshed = client.refresh_with(&upper, TOKEN).login();
    assert_eq!(refreshed, first_login().with_token(&refreshed.token));
    assert_eq!(client.read(LOGIN).login(), refreshed);
}

#[test]
fn a_sign_out_with_an_id_in_upper_case_ends_the_login() {
    let server = Server::start();
    let client = server.client();
    let upper = LOGIN.to_uppercase();
    client.delete(&upper).assert_empty();
    client.read(LOGIN).assert_no_such_login(LOGIN);
    // The message has the id as it was given.
    client.read(&upper).assert_no_such_login(&upper);
}

#[test]
fn an_exception_in_upper_case_is_kept() {
    let server = Server::start();
    let client = server.client();
    client.create(PROFILE).login();
    let except = format!("&except={}", LOGIN.to_uppercase());
    client.delete_by_profile(PROFILE, &except).assert_deleted(1);
    assert_eq!(client.read(LOGIN).login(), first_login());
}
