//! Listing the logins of a profile.

use std::collections::HashSet;
use std::pin::pin;
use std::time::Duration;

use rememberd::testing::{Caller, service::persistent_login};
use serde_json::json;

use crate::persistent_login::by_profile::{SECOND, server_with};
use crate::support::client::LOGINS;
use crate::support::fixture::{
    self, ACME_LOGIN, ACME_PROFILE, ADMIN, DISABLED_LOGIN, DISABLED_PROFILE, LOGIN, NO_PROFILE,
    NOW, PROFILE, TOKEN,
};
use crate::support::server::{Server, Setup};

/// The contract's age of a persistent login.
const MAX_AGE: Duration = Duration::from_secs(1_296_000);

#[test]
fn a_listed_login_has_these_fields_in_this_order() {
    let server = Server::start();
    let client = server.client();
    server.app.clock.advance(SECOND);
    client.refresh(LOGIN).login();
    let expected = format!(
        "[{{\"id\":\"{LOGIN}\",\"tenant\":\"default\",\"profileId\":\"{PROFILE}\",\"label\":null,\
         \"userAgent\":null,\"ipAddress\":null,\"createdOn\":1495665332589,\
         \"lastUsedOn\":1495665333589,\"expiresOn\":1496961332589}}]"
    );
    let response = client.by_profile(PROFILE, "");
    assert_eq!(response.body, expected);
    assert_eq!(response.list().len(), 1);
}

#[test]
fn no_token_is_listed() {
    let server = Server::start();
    let client = server.client();
    let created = client.create(PROFILE).login();
    let refreshed = client.refresh(&created.id).login();
    let body = client.by_profile(PROFILE, "").body;
    for token in [TOKEN, &created.token, &refreshed.token] {
        assert!(!body.contains(token));
        assert!(!body.contains(&token.replace('-', "")));
    }
    assert!(!body.to_lowercase().contains("token"), "{body}");
}

#[test]
fn the_login_used_most_recently_comes_first() {
    let (server, ids) = server_with(3);
    let client = server.client();
    let list = |indexes: [usize; 4]| indexes.map(|index| ids[index].clone());
    assert_eq!(
        client.by_profile(PROFILE, "").listed_ids(),
        list([3, 2, 1, 0])
    );
    // A rotation counts as a use; a read and a grace response do not.
    server.app.clock.advance(SECOND);
    client.refresh_with(LOGIN, TOKEN).login();
    server.app.clock.advance(SECOND);
    client.refresh(&ids[2]).login();
    server.app.clock.advance(SECOND);
    client.read(&ids[1]).login();
    client.refresh_with(LOGIN, TOKEN).login();
    let listed = client.by_profile(PROFILE, "").list();
    assert_eq!(
        client.by_profile(PROFILE, "").listed_ids(),
        list([2, 0, 3, 1])
    );
    let used: Vec<_> = listed.iter().map(|login| login.last_used_on).collect();
    assert_eq!(
        used,
        [5, 4, 3, 1].map(|second| NOW.as_millis() + second * 1_000)
    );
    client.delete(&ids[0]).assert_empty();
    assert_eq!(client.by_profile(PROFILE, "").listed_ids().len(), 3);
}

#[test]
fn a_list_has_the_logins_of_its_profile_only() {
    let server = Server::start();
    let client = server.client();
    for (profile, login) in [
        (PROFILE, LOGIN),
        (DISABLED_PROFILE, DISABLED_LOGIN),
        (ACME_PROFILE, ACME_LOGIN),
    ] {
        assert_eq!(client.by_profile(profile, "").listed_ids(), [login]);
    }
    let listed = client.by_profile(&PROFILE.to_uppercase(), "").listed_ids();
    assert_eq!(listed, [LOGIN]);
    client.delete(LOGIN).assert_empty();
    assert_eq!(client.by_profile(PROFILE, "").list(), []);
}

#[test]
fn a_list_is_paged() {
    let (server, mut ids) = server_with(6);
    let client = server.client();
    ids.reverse();
    let page = |query: &str| client.by_profile(PROFILE, query).listed_ids();
    assert_eq!(page(""), ids);
    assert_eq!(page("&start=0&count=7"), ids);
    assert_eq!(page("&start=0&count=3"), ids[..3]);
    assert_eq!(page("&start=3&count=3"), ids[3..6]);
    assert_eq!(page("&start=6&count=3"), ids[6..]);
    assert_eq!(page("&start=2"), ids[2..]);
    assert_eq!(page("&count=2"), ids[..2]);
    assert_eq!(page("&count=1000"), ids);
    for beyond in [
        "&start=7",
        "&start=7&count=3",
        "&count=0",
        "&start=2147483647",
    ] {
        assert!(page(beyond).is_empty(), "{beyond}");
    }
    assert_eq!(page("&start=&count=%20"), ids);
    assert_eq!(page("&start=%2B02&count=0x3&count=1"), ids[2..5]);
}

#[test]
fn a_list_of_many_is_read_in_steps() {
    const LOGINS: usize = 3_000;
    let id = |number: usize| format!("00000000-0000-4000-8000-{number:012}");
    // Later ids were created earlier.
    let logins: Vec<_> = (0..LOGINS)
        .map(|number| {
            let created = NOW.plus((LOGINS - number) as u32 * SECOND);
            fixture::login(&id(number), TOKEN, PROFILE, "default", created)
        })
        .collect();
    let mut seed = fixture::seed();
    seed["persistentlogin"] = json!(logins);
    let server = Setup::new()
        .seed(seed)
        .at(NOW.plus(LOGINS as u32 * SECOND))
        .start();
    let client = server.client();
    let expected: Vec<_> = (0..LOGINS).map(id).collect();
    let page = |query: &str| client.by_profile(PROFILE, query).listed_ids();
    assert_eq!(page("&count=1"), expected[..1]);
    assert_eq!(page("&count=1000"), expected[..1_000]);
    assert_eq!(page("&start=2500&count=1000"), expected[2_500..]);
    // It yields to others between its steps.
    let caller = Caller::new(Some(ADMIN.to_owned()));
    let list = persistent_login::list_by_profile(&server.app, caller, PROFILE.to_owned(), 0, 1);
    let mut list = pin!(list);
    assert!(server.begin(list.as_mut()).is_pending());
    let listed = server.block_on(list).expect("it is listed");
    assert_eq!(listed[0].id.to_string(), id(0));
}

#[test]
fn the_default_count_is_a_hundred() {
    let server = Server::start();
    let client = server.client();
    for _ in 0..100 {
        client.create(PROFILE).login();
    }
    let all = client.by_profile(PROFILE, "&count=1000").listed_ids();
    assert_eq!(all.len(), 101);
    assert_eq!(all.iter().collect::<HashSet<_>>().len(), 101);
    // Logins of the same time have a fixed order too, so that pages do not overlap.
    let mut pages = client.by_profile(PROFILE, "").listed_ids();
    assert_eq!(pages.len(), 100);
    pages.extend(client.by_profile(PROFILE, "&start=100").listed_ids());
    assert_eq!(pages, all);
}

#[test]
fn invalid_pages_are_refused() {
    let server = Server::start();
    for name in ["start", "count"] {
        for value in [
            "-1",
            "many",
            "1.5",
            "0x",
            "2147483648",
            "99999999999999999999999",
            "1+2",
        ] {
            let response = server
                .client()
                .by_profile(PROFILE, &format!("&{name}={value}"));
            response.assert_bad_parameter(name);
        }
    }
    let response = server.client().by_profile(PROFILE, "&count=1001");
    response.assert_bad_parameter("count");
}

#[test]
fn expired_logins_are_not_listed() {
    let server = Server::start();
    let client = server.client();
    server.app.clock.advance(SECOND);
    let late = client.create(PROFILE).login();
    server
        .app
        .clock
        .advance(MAX_AGE - SECOND - Duration::from_millis(1));
    assert_eq!(
        client.by_profile(PROFILE, "").listed_ids(),
        [&late.id, LOGIN]
    );
    server.app.clock.advance(Duration::from_millis(1));
    assert_eq!(
        client.by_profile(PROFILE, "").listed_ids(),
        [late.id.as_str()]
    );
    server.app.clock.advance(SECOND);
    assert_eq!(client.by_profile(PROFILE, "").list(), []);
}

#[test]
fn the_expiry_includes_the_idle_limit() {
    let server = Setup::new().flag("--persistent-login-idle-max=1h").start();
    let client = server.client();
    let expires = |expected: Duration| {
        let listed = client.by_profile(PROFILE, "").list();
        assert_eq!(listed[0].expires_on, NOW.plus(expected).as_millis());
    };
    let hour = 3_600 * SECOND;
    expires(hour);
    server.app.clock.advance(hour / 2);
    expires(hour);
    client.refresh(LOGIN).login();
    expires(hour / 2 + hour);
}

#[test]
fn a_list_causes_no_commit() {
    let server = Server::start();
    let commits = server.app.store.commits();
    server.client().by_profile(PROFILE, "").list();
    server.wait_for_writer();
    assert_eq!(server.app.store.commits(), commits);
}

#[test]
fn head_of_a_list_returns_the_headers_of_get_without_a_body() {
    let server = Server::start();
    let client = server.client();
    for profile in [PROFILE, NO_PROFILE] {
        let get = client.by_profile(profile, "");
        let target = format!("{LOGINS}/by_profile?accessTokenId={ADMIN}&profileId={profile}");
        let head = client.send("HEAD", &target, &[], None);
        assert_eq!((head.status, head.body.as_str()), (get.status, ""));
        for name in ["content-type", "content-length", "cache-control"] {
            assert_eq!(head.header(name), get.header(name), "{name}");
        }
    }
}
