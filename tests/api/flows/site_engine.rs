//! The site engine, whose cookie has the login's id and the token. It makes no ticket when it comes back, and deletes a
//! login whose token is another one.

use crate::flows::{ABSENCE, Application, VISITS, empty_server, ticket};
use crate::support::client::Login;

/// For how long it remembers a person, in milliseconds.
const REMEMBERED_FOR: i64 = 14 * 86_400 * 1_000;

/// What the browser keeps.
#[derive(Clone)]
struct Cookie {
    login_id: String,
    token: String,
}

impl From<&Login> for Cookie {
    fn from(login: &Login) -> Self {
        Self {
            login_id: login.id.clone(),
            token: login.token.clone(),
        }
    }
}

/// Signs in with a password, to be remembered. Returns the ticket's id and the cookie.
fn sign_in(application: &Application) -> (String, Cookie) {
    let ticket = application.authenticate();
    let profile = application.profile(&ticket.profile_id);
    let login = application.create_login(&profile.id);
    (ticket.id, Cookie::from(&login))
}

/// The login that the cookie names, if its token is the same; else the login is deleted.
fn look_up(application: &Application, cookie: &Cookie) -> Option<Login> {
    let login = application.login(&cookie.login_id).login();
    if login.token == cookie.token {
        return Some(login);
    }
    application.delete_login(&login.id);
    None
}

/// Goes on with a login that was looked up. Returns the new cookie.
fn go_on(application: &Application, login: &Login, now: i64) -> Cookie {
    assert!(login.timestamp + REMEMBERED_FOR > now, "it is not too old");
    let refreshed = application.refresh_login(&login.id);
    let profile = application.profile(&refreshed.profile_id);
    assert_eq!(profile.username, "ann");
    Cookie::from(&refreshed)
}

#[test]
fn a_person_is_remembered_until_they_sign_out() {
    let server = empty_server(&[]);
    let application = Application::set_up(&server);
    let now = || server.app.clock.now().time().as_millis();
    let (ticket_id, mut cookie) = sign_in(&application);
    ticket(&application.ticket(&ticket_id));
    for _ in 0..VISITS {
        server.app.clock.advance(ABSENCE);
        let login = look_up(&application, &cookie).expect("its token is the cookie's");
        cookie = go_on(&application, &login, now());
    }
    application.invalidate_ticket(&ticket_id);
    application.delete_login(&cookie.login_id);
    application
        .login(&cookie.login_id)
        .assert_no_such_login(&cookie.login_id);
}

#[test]
fn two_tabs_with_one_cookie_go_on_where_refreshes_are_coalesced() {
    let server = empty_server(&["--coalesce-refreshes=10s"]);
    let application = Application::set_up(&server);
    let now = || server.app.clock.now().time().as_millis();
    let (_, cookie) = sign_in(&application);
    server.app.clock.advance(ABSENCE);
    let first = look_up(&application, &cookie).expect("its token is the cookie's");
    let first = go_on(&application, &first, now());
    let second = look_up(&application, &cookie).expect("its token was replaced just now");
    let second = go_on(&application, &second, now());
    assert_eq!(first.token, second.token);
    server.app.clock.advance(ABSENCE);
    let login = look_up(&application, &second).expect("its token is the cookie's");
    go_on(&application, &login, now());
}

#[test]
fn a_stolen_cookie_that_was_used_ends_the_login_when_its_owner_comes() {
    let server = empty_server(&[]);
    let application = Application::set_up(&server);
    let now = || server.app.clock.now().time().as_millis();
    let (_, cookie) = sign_in(&application);
    let stolen = look_up(&application, &cookie.clone()).expect("its token is the cookie's");
    go_on(&application, &stolen, now());
    server.app.clock.advance(ABSENCE);
    assert!(look_up(&application, &cookie).is_none());
    application
        .login(&cookie.login_id)
        .assert_no_such_login(&cookie.login_id);
}
