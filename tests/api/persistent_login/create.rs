//! Creating a login.

use crate::support::fixture::{DISABLED_PROFILE, NO_PROFILE, NOW, PROFILE};
use crate::support::server::Server;

#[test]
fn a_created_login_is_new_and_can_be_read() {
    let server = Server::start();
    let client = server.client();
    let one = client.create(PROFILE).login();
    let two = client.create(PROFILE).login();
    for login in [&one, &two] {
        assert!(is_random_uuid(&login.token), "{}", login.token);
        assert!(is_random_uuid(&login.id), "{}", login.id);
        assert_eq!(login.tenant, "default");
        assert_eq!(login.profile_id, PROFILE);
        assert_eq!(login.timestamp, NOW.as_millis());
        assert_eq!(&client.read(&login.id).login(), login);
    }
    assert_ne!(one.id, two.id);
    assert_ne!(one.token, two.token);
    assert_ne!(one.token, one.id);
}

#[test]
fn a_profile_id_may_be_in_upper_case() {
    let server = Server::start();
    let login = server.client().create(&PROFILE.to_uppercase()).login();
    assert_eq!(login.profile_id, PROFILE);
}

#[test]
fn an_unknown_profile_is_refused() {
    let server = Server::start();
    for id in [NO_PROFILE, "not-an-object-id", "5925a68d", ""] {
        let response = server.client().create(id);
        response.assert_no_such_profile(id);
    }
}

#[test]
fn a_disabled_profile_is_refused() {
    let server = Server::start();
    let response = server.client().create(DISABLED_PROFILE);
    response.assert_disabled_profile(DISABLED_PROFILE, "default");
}

/// Whether this is a UUID of version 4, in lower case.
pub fn is_random_uuid(text: &str) -> bool {
    let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            14 => byte == b'4',
            19 => b"89ab".contains(&byte),
            _ => hex(byte),
        })
}
