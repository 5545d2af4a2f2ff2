//! What the wire contract says of the four endpoints.

use std::time::Duration;

use crate::support::client::{LOGINS, Login};
use crate::support::fixture::{
    ADMIN, DISABLED_PROFILE, LOGIN, NO_LOGIN, NO_PROFILE, NOW, PROFILE, TOKEN, first_login,
};
use crate::support::server::Server;

#[test]
fn a_refresh_answers_to_the_letter_of_the_contract() {
    let server = Server::start();
    let answer = server.client().refresh(LOGIN);
    let token = answer.login().token;
    let example = "{\"tenant\":\"default\",\"profileId\":\"5925a68def86951f895cf497\",\
        \"token\":\"TOKEN\",\"timestamp\":1495665332589,\
        \"id\":\"b68c0013-d7b2-4004-8463-d7ba03e15d94\"}";
    assert_eq!(answer.body, example.replace("TOKEN", &token));
}

#[test]
fn each_refresh_makes_a_new_token_and_changes_nothing_else() {
    let server = Server::start();
    let client = server.client();
    assert_eq!(client.read(LOGIN).login(), first_login());
    let mut tokens = vec![TOKEN.to_owned()];
    for _ in 0..5 {
        server.app.clock.advance(Duration::from_secs(60));
        let refreshed = client.refresh(LOGIN).login();
        assert!(is_random_uuid(&refreshed.token), "{}", refreshed.token);
        assert!(!tokens.contains(&refreshed.token));
        assert_eq!(refreshed, first_login().with_token(&refreshed.token));
        assert_eq!(client.read(LOGIN).login(), refreshed);
        tokens.push(refreshed.token);
    }
}

#[test]
fn a_read_has_no_side_effect() {
    let server = Server::start();
    let commits = server.app.store.commits();
    for _ in 0..3 {
        assert_eq!(server.client().read(LOGIN).login(), first_login());
    }
    assert_eq!(server.app.store.commits(), commits);
}

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
fn logins_do_not_touch_each_other() {
    let server = Server::start();
    let client = server.client();
    let other = client.create(PROFILE).login();
    client.refresh(LOGIN).login();
    assert_eq!(client.read(&other.id).login(), other);
    client.delete(LOGIN).is_empty();
    assert_eq!(client.read(&other.id).login(), other);
}

#[test]
fn a_profile_id_may_be_in_upper_case() {
    let server = Server::start();
    let login = server.client().create(&PROFILE.to_uppercase()).login();
    assert_eq!(login.profile_id, PROFILE);
}

#[test]
fn a_deleted_login_is_gone() {
    let server = Server::start();
    let client = server.client();
    let deleted = client.delete(LOGIN);
    deleted.is_empty();
    assert_eq!(deleted.header("cache-control"), "no-store");
    client.read(LOGIN).is_no_login(LOGIN);
    client.refresh(LOGIN).is_no_login(LOGIN);
    client.delete(LOGIN).is_empty();
}

#[test]
fn deleting_what_is_not_there_is_fine() {
    let server = Server::start();
    for id in [NO_LOGIN, "not-a-uuid", "create"] {
        server.client().delete(id).is_empty();
    }
}

#[test]
fn an_unknown_login_is_not_found() {
    let server = Server::start();
    let client = server.client();
    let upper = LOGIN.to_uppercase();
    for id in [NO_LOGIN, "not-a-uuid", "acme.com", upper.as_str()] {
        client.read(id).is_no_login(id);
        client.refresh(id).is_no_login(id);
    }
}

#[test]
fn an_unknown_profile_gets_no_login() {
    let server = Server::start();
    for id in [NO_PROFILE, "not-an-object-id", "5925a68d", ""] {
        let message = format!("No profile with ID \"{id}\" found");
        let answer = server.client().create(id);
        answer.is_error(404, "NO_SUCH_PROFILE", &message);
    }
}

#[test]
fn a_disabled_profile_gets_no_login() {
    let server = Server::start();
    let answer = server.client().create(DISABLED_PROFILE);
    answer.is_disabled_profile(DISABLED_PROFILE, "default");
}

#[test]
fn a_get_on_create_looks_for_the_login_of_that_name() {
    let server = Server::start();
    server.client().read("create").is_no_login("create");
    let target = format!("{LOGINS}/create.json?accessTokenId={ADMIN}");
    server.client().get(&target).is_no_login("create");
}

#[test]
fn head_answers_like_get_without_a_body() {
    let server = Server::start();
    let client = server.client();
    for id in [LOGIN, NO_LOGIN, "create"] {
        let get = client.read(id);
        let target = format!("{LOGINS}/{id}?accessTokenId={ADMIN}");
        let head = client.send("HEAD", &target, &[], None);
        assert_eq!(head.status, get.status);
        assert_eq!(head.body, "");
        for name in ["content-type", "content-length", "cache-control"] {
            assert_eq!(head.header(name), get.header(name), "{name}");
        }
    }
}

#[test]
fn a_selector_does_not_filter_the_answer() {
    let server = Server::start();
    let target = format!("{LOGINS}/{LOGIN}?accessTokenId={ADMIN}&selector=token");
    let read: Login = server.client().get(&target).login();
    assert_eq!(read, first_login());
}

fn is_random_uuid(text: &str) -> bool {
    let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            14 => byte == b'4',
            19 => b"89ab".contains(&byte),
            _ => hex(byte),
        })
}
