//! A profile's logins: what is listed of them, and how all of them are ended.

use std::collections::HashSet;
use std::time::Duration;

use crate::support::client::{Answer, Client, LOGINS};
use crate::support::fixture::{
    ACME, ACME_LOGIN, ACME_PROFILE, ADMIN, DISABLED_LOGIN, DISABLED_PROFILE, LOGIN, NO_LOGIN,
    NO_PROFILE, NOTHING_FIRST, NOW, POWERLESS, PROFILE, PROFILES, TICKETS, TOKEN,
};
use crate::support::server::{Server, Setup};

const SECOND: Duration = Duration::from_secs(1);

/// The contract's age of a persistent login.
const MAX_AGE: Duration = Duration::from_secs(1_296_000);

/// A server with [`LOGIN`] and logins that were created one, two, … seconds later; all their ids in
/// the order of their creation.
fn server_with(count: usize) -> (Server, Vec<String>) {
    let server = Server::start();
    let mut ids = vec![LOGIN.to_owned()];
    for _ in 0..count {
        server.app.clock.advance(SECOND);
        ids.push(server.client().create(PROFILE).login().id);
    }
    (server, ids)
}

#[track_caller]
fn is_unknown_profile(answer: &Answer, id: &str) {
    let message = format!("No profile with ID \"{id}\" found");
    answer.is_error(404, "NO_SUCH_PROFILE", &message);
}

/// Which of these logins are there.
fn left(client: &Client, ids: &[String]) -> Vec<String> {
    let is_there = |id: &&String| client.read(id).status == 200;
    ids.iter().filter(is_there).cloned().collect()
}

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
    let answer = client.by_profile(PROFILE, "");
    assert_eq!(answer.body, expected);
    assert_eq!(answer.list().len(), 1);
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
fn the_login_used_last_comes_first() {
    let (server, ids) = server_with(3);
    let client = server.client();
    let list = |places: [usize; 4]| places.map(|place| ids[place].clone());
    assert_eq!(
        client.by_profile(PROFILE, "").listed_ids(),
        list([3, 2, 1, 0])
    );
    // A rotation is a use, a look and a grace answer are none.
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
    client.delete(&ids[0]).is_empty();
    assert_eq!(client.by_profile(PROFILE, "").listed_ids().len(), 3);
}

#[test]
fn a_list_has_the_logins_of_its_profile_alone() {
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
    client.delete(LOGIN).is_empty();
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
        "&start=99999999999",
    ] {
        assert!(page(beyond).is_empty(), "{beyond}");
    }
    assert_eq!(page("&start=&count="), ids);
}

#[test]
fn without_a_count_a_list_has_a_hundred() {
    let server = Server::start();
    let client = server.client();
    for _ in 0..100 {
        client.create(PROFILE).login();
    }
    let all = client.by_profile(PROFILE, "&count=1000").listed_ids();
    assert_eq!(all.len(), 101);
    assert_eq!(all.iter().collect::<HashSet<_>>().len(), 101);
    // Logins of one moment have an order too, so that pages fit together.
    let mut pages = client.by_profile(PROFILE, "").listed_ids();
    assert_eq!(pages.len(), 100);
    pages.extend(client.by_profile(PROFILE, "&start=100").listed_ids());
    assert_eq!(pages, all);
}

#[test]
fn senseless_pages_are_refused() {
    let server = Server::start();
    for name in ["start", "count"] {
        for value in [
            "-1",
            "many",
            "1.5",
            "0x10",
            "99999999999999999999999",
            "1+2",
            "%20",
        ] {
            let answer = server
                .client()
                .by_profile(PROFILE, &format!("&{name}={value}"));
            answer.is_bad_parameter(name);
        }
    }
    let answer = server.client().by_profile(PROFILE, "&count=1001");
    answer.is_bad_parameter("count");
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
fn expiry_is_told_with_the_idle_limit() {
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
fn an_unknown_profile_has_no_list() {
    let server = Server::start();
    let client = server.client();
    for id in [NO_PROFILE, "not-an-object-id", ""] {
        is_unknown_profile(&client.by_profile(id, ""), id);
        is_unknown_profile(&client.delete_by_profile(id, ""), id);
    }
    server.delete_profile(PROFILE);
    is_unknown_profile(&client.by_profile(PROFILE, ""), PROFILE);
}

#[test]
fn listing_and_ending_needs_manage_tickets_on_the_tenant() {
    let server = Server::start();
    let client = server.client();
    for caller in [POWERLESS, PROFILES, ACME, NOTHING_FIRST] {
        let client = client.with_token(caller);
        client
            .by_profile(PROFILE, "")
            .is_denied("MANAGE_TICKETS", "default");
        client
            .delete_by_profile(PROFILE, "")
            .is_denied("MANAGE_TICKETS", "default");
    }
    for caller in ["nobody", ""] {
        let client = client.with_token(caller);
        for answer in [
            client.by_profile(PROFILE, "&count=x"),
            client.delete_by_profile(PROFILE, "&except=x"),
        ] {
            assert_eq!(answer.status, 403);
            assert!(answer.body.contains("ACCESS_DENIED"), "{answer:?}");
        }
    }
    let may = client.with_token(TICKETS);
    assert_eq!(may.by_profile(PROFILE, "").listed_ids(), [LOGIN]);
    may.by_profile(ACME_PROFILE, "")
        .is_denied("MANAGE_TICKETS", "acme.com");
    may.delete_by_profile(ACME_PROFILE, "")
        .is_denied("MANAGE_TICKETS", "acme.com");
    may.delete_by_profile(PROFILE, "").is_deleted(1);
    assert_eq!(client.read(ACME_LOGIN).login().id, ACME_LOGIN);
}

#[test]
fn the_profile_must_be_told() {
    let server = Server::start();
    let token = format!("accessTokenId={ADMIN}");
    let message = "Required String parameter 'profileId' is not present";
    let list = server.client().get(&format!("{LOGINS}/by_profile?{token}"));
    list.is_error(400, "OTHER", message);
    let target = format!("{LOGINS}/delete_by_profile");
    let delete = server.client().post(&target, &token);
    delete.is_error(400, "OTHER", message);
}

#[test]
fn a_list_costs_no_commit() {
    let server = Server::start();
    let commits = server.app.store.commits();
    server.client().by_profile(PROFILE, "").list();
    server.wait_for_writer();
    assert_eq!(server.app.store.commits(), commits);
}

#[test]
fn head_of_a_list_answers_like_get_without_a_body() {
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

#[test]
fn all_logins_of_a_profile_are_ended() {
    let (server, ids) = server_with(3);
    let client = server.client();
    client.delete_by_profile(PROFILE, "").is_deleted(4);
    assert!(left(&client, &ids).is_empty());
    for id in &ids {
        client.refresh(id).is_no_login(id);
    }
    assert_eq!(client.by_profile(PROFILE, "").list(), []);
    for id in [DISABLED_LOGIN, ACME_LOGIN] {
        assert_eq!(client.read(id).login().id, id);
    }
    client.delete_by_profile(PROFILE, "").is_deleted(0);
    let fresh = client.create(PROFILE).login();
    assert_eq!(client.by_profile(PROFILE, "").listed_ids(), [fresh.id]);
    let server = Setup::new().home(server.stop()).start();
    assert!(left(&server.client(), &ids).is_empty());
}

#[test]
fn the_logins_of_a_disabled_profile_may_be_ended() {
    let server = Server::start();
    let client = server.client();
    client.delete_by_profile(DISABLED_PROFILE, "").is_deleted(1);
    client.read(DISABLED_LOGIN).is_no_login(DISABLED_LOGIN);
}

#[test]
fn one_login_may_stay() {
    let (server, ids) = server_with(3);
    let client = server.client();
    let kept = client.read(&ids[2]).login();
    let except = format!("&except={}", kept.id);
    client.delete_by_profile(PROFILE, &except).is_deleted(3);
    assert_eq!(left(&client, &ids), [kept.id.as_str()]);
    client.delete_by_profile(PROFILE, &except).is_deleted(0);
    assert_eq!(client.read(&kept.id).login(), kept);
    client.refresh_with(&kept.id, &kept.token).login();
}

#[test]
fn what_is_no_id_of_a_login_ends_nothing() {
    let (server, ids) = server_with(2);
    let client = server.client();
    let upper = LOGIN.to_uppercase();
    for except in ["", "x", PROFILE, &upper, &LOGIN.replace('-', "")] {
        let answer = client.delete_by_profile(PROFILE, &format!("&except={except}"));
        answer.is_bad_parameter("except");
    }
    assert_eq!(left(&client, &ids), ids);
}

#[test]
fn a_login_of_nobody_or_of_another_profile_keeps_none_of_this_one() {
    for except in [NO_LOGIN, ACME_LOGIN] {
        let (server, ids) = server_with(1);
        let client = server.client();
        let answer = client.delete_by_profile(PROFILE, &format!("&except={except}"));
        answer.is_deleted(2);
        assert!(left(&client, &ids).is_empty());
        assert_eq!(client.read(ACME_LOGIN).login().id, ACME_LOGIN);
    }
}

#[test]
fn an_expired_login_is_not_counted_and_does_not_come_back() {
    let server = Setup::new().flag("--persistent-login-max-age=10s").start();
    let client = server.client();
    server.app.clock.advance(5 * SECOND);
    client.create(PROFILE).login();
    server.app.clock.advance(5 * SECOND);
    client.delete_by_profile(PROFILE, "").is_deleted(1);
    // Where logins live longer it would be valid again.
    let server = Setup::new().home(server.stop()).start();
    server.client().read(LOGIN).is_no_login(LOGIN);
}

#[test]
fn other_methods_are_told_which_there_are() {
    let server = Server::start();
    for (path, method, allow) in [
        ("by_profile", "POST", "GET, HEAD"),
        ("by_profile", "DELETE", "GET, HEAD"),
        ("delete_by_profile", "PUT", "GET, HEAD, POST"),
        ("delete_by_profile", "DELETE", "GET, HEAD, POST"),
    ] {
        // The access token is not looked at.
        let target = format!("{LOGINS}/{path}?profileId={PROFILE}");
        let answer = server.client().send(method, &target, &[], None);
        let message = format!("Request method '{method}' not supported");
        answer.is_error(405, "OTHER", &message);
        assert_eq!(answer.header("allow"), allow, "{method} {path}");
    }
    assert_eq!(server.client().read(LOGIN).login().id, LOGIN);
}

#[test]
fn a_get_on_delete_by_profile_looks_for_the_login_of_that_name() {
    let server = Server::start();
    let client = server.client();
    for suffix in ["", ".json"] {
        let target =
            format!("{LOGINS}/delete_by_profile{suffix}?accessTokenId={ADMIN}&profileId={PROFILE}");
        client.get(&target).is_no_login("delete_by_profile");
    }
    assert_eq!(client.read(LOGIN).login().id, LOGIN);
}

#[test]
fn the_paths_may_be_bare_and_end_in_json() {
    let server = Server::start();
    let client = server.client();
    let bare = LOGINS
        .strip_prefix("/crafter-profile")
        .expect("a context path");
    let token = format!("accessTokenId={ADMIN}&profileId={PROFILE}");
    for base in [LOGINS, bare] {
        let target = format!("{base}/by_profile.json?{token}");
        assert_eq!(client.get(&target).listed_ids().len(), 1);
        let target = format!("{base}/delete_by_profile.json");
        client.post(&target, &token).is_deleted(1);
        client.create(PROFILE).login();
    }
}
