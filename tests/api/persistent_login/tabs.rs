//! Clients that compare tokens by themselves, in two tabs with one cookie: each call as the client makes it.

use std::time::Duration;

use crate::support::client::{Client, Login};
use crate::support::concurrency::together;
use crate::support::fixture::{LOGIN, PROFILE, first_login};
use crate::support::server::{Server, Setup};

const WINDOW: Duration = Duration::from_secs(5);

fn server() -> Server {
    Setup::new().flag("--coalesce-refreshes=5s").start()
}

/// The path of a profile.
fn profile(id: &str, client: &Client) -> String {
    format!(
        "/crafter-profile/api/1/profile/{id}.json?{}",
        client.encode(&[])
    )
}

/// An auto-login of the security library with this cookie; `None` for a cookie that it takes for stolen.
fn library(client: &Client, cookie: &Login) -> Option<Login> {
    let read = client.read(&cookie.id).login();
    if (&read.profile_id, &read.token) != (&cookie.profile_id, &cookie.token) {
        return None;
    }
    assert_eq!(client.get(&profile(&read.profile_id, client)).status, 200);
    client.create_ticket(&read.profile_id).ticket();
    Some(client.refresh(&cookie.id).login())
}

/// An auto-login of the site engine with this cookie; `None` where it deletes the login.
fn engine(client: &Client, cookie: &Login) -> Option<Login> {
    let read = client.read(&cookie.id).login();
    if read.token != cookie.token {
        client.delete(&cookie.id).assert_empty();
        return None;
    }
    let refreshed = client.refresh(&cookie.id).login();
    assert_eq!(client.get(&profile(&read.profile_id, client)).status, 200);
    Some(refreshed)
}

type AutoLogin = fn(&Client, &Login) -> Option<Login>;

const CLIENTS: [AutoLogin; 2] = [library, engine];

#[test]
fn a_second_tab_with_the_same_cookie_gets_the_same_successor() {
    for auto_login in CLIENTS {
        let server = server();
        let client = server.client();
        let mut cookie = first_login();
        for _ in 0..10 {
            let first = auto_login(&client, &cookie).expect("the token is the cookie's");
            server.app.clock.advance(WINDOW);
            let second = auto_login(&client, &cookie).expect("the token is still the cookie's");
            assert_ne!(first, cookie);
            assert_eq!(first, second);
            cookie = first;
            server.app.clock.advance(Duration::from_millis(1));
        }
        assert_eq!(client.read(LOGIN).login(), cookie);
    }
}

#[test]
fn many_tabs_at_once_get_the_same_successor() {
    for auto_login in CLIENTS {
        let server = server();
        let cookies = together(&server, 8, |client| auto_login(&client, &first_login()));
        for cookie in &cookies {
            let cookie = cookie.as_ref().expect("the token is the cookie's");
            assert_ne!(cookie, &first_login());
            assert_eq!(Some(cookie), cookies[0].as_ref());
        }
    }
}

#[test]
fn without_coalescing_the_second_tab_finds_another_token() {
    for (auto_login, is_deleted) in CLIENTS.into_iter().zip([false, true]) {
        let server = Server::start();
        let client = server.client();
        auto_login(&client, &first_login()).expect("the token is the cookie's");
        assert_eq!(auto_login(&client, &first_login()), None);
        let status = if is_deleted { 404 } else { 200 };
        assert_eq!(client.read(LOGIN).status, status);
    }
}

#[test]
fn a_new_cookie_is_good_once_the_window_is_over_and_not_before() {
    for auto_login in CLIENTS {
        let server = server();
        let client = server.client();
        let cookie = client.create(PROFILE).login();
        let cookie = auto_login(&client, &cookie).expect("the token is the cookie's");
        server.app.clock.advance(WINDOW + Duration::from_millis(1));
        let cookie = auto_login(&client, &cookie).expect("the token is the cookie's");
        server.app.clock.advance(WINDOW);
        assert_eq!(auto_login(&client, &cookie), None);
    }
}
