//! The security library, whose cookie has the login's id, the profile's id and the token, encrypted.

use crate::flows::{ABSENCE, Application, VISITS, empty_server, ticket};
use crate::support::client::Login;

/// What the browser keeps.
struct Cookie {
    login_id: String,
    profile_id: String,
    token: String,
}

impl From<&Login> for Cookie {
    fn from(login: &Login) -> Self {
        Self {
            login_id: login.id.clone(),
            profile_id: login.profile_id.clone(),
            token: login.token.clone(),
        }
    }
}

/// Signs in with a password, to be remembered. Returns the ticket's id and the cookie.
fn sign_in(application: &Application) -> (String, Cookie) {
    let ticket = application.authenticate();
    let profile = application.profile(&ticket.profile_id);
    assert_eq!(profile.username, "ann");
    let login = application.create_login(&profile.id);
    (ticket.id, Cookie::from(&login))
}

/// Comes back with a cookie. Returns the new ticket's id and the new cookie.
fn auto_login(application: &Application, cookie: &Cookie) -> (String, Cookie) {
    let login = application.login(&cookie.login_id).login();
    // What is different is taken for a stolen cookie.
    assert_eq!(
        (&login.profile_id, &login.token),
        (&cookie.profile_id, &cookie.token)
    );
    let profile = application.profile(&login.profile_id);
    let ticket = application.create_ticket(&profile.id);
    assert_eq!(ticket.profile_id, profile.id);
    let refreshed = application.refresh_login(&login.id);
    assert_ne!(refreshed.token, login.token);
    assert_eq!(refreshed, login.with_token(&refreshed.token));
    (ticket.id, Cookie::from(&refreshed))
}

#[test]
fn a_person_is_remembered_until_they_sign_out() {
    let server = empty_server(&[]);
    let application = Application::set_up(&server);
    let (mut ticket_id, mut cookie) = sign_in(&application);
    for _ in 0..VISITS {
        // Each page asks for the ticket, which moves the time of its last request.
        let first = ticket(&application.ticket(&ticket_id));
        let second = ticket(&application.ticket(&ticket_id));
        assert!(second.last_request_time > first.last_request_time);
        server.app.clock.advance(ABSENCE);
        let message = format!("No ticket with ID \"{ticket_id}\" found");
        application
            .ticket(&ticket_id)
            .assert_error(404, "NO_SUCH_TICKET", &message);
        (ticket_id, cookie) = auto_login(&application, &cookie);
    }
    application.invalidate_ticket(&ticket_id);
    application.delete_login(&cookie.login_id);
    // The cookie is dropped.
    application
        .login(&cookie.login_id)
        .assert_no_such_login(&cookie.login_id);
    let message = format!("No ticket with ID \"{ticket_id}\" found");
    application
        .ticket(&ticket_id)
        .assert_error(404, "NO_SUCH_TICKET", &message);
}
