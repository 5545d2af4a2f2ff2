//! `rememberd admin access-token`.

use std::fs::File;
use std::process::Stdio;

use tempfile::TempDir;

use super::{admin, admin_json, assert_code, assert_exit_code, create_access_token, launch};
use crate::support::client::Response;
use crate::support::process::{DEMO_SEED, Launch, Serving, secret};
use crate::support::server::wait_until;

fn serve() -> (TempDir, Serving) {
    let home = TempDir::new().expect("a temporary directory");
    let serving = Launch::serve(home.path()).seed(DEMO_SEED).start();
    (home, serving)
}

fn read_tenant(serving: &Serving, token: &str) -> Response {
    serving
        .client(token)
        .get(&format!("/api/1/tenant/default?accessTokenId={token}"))
}

#[test]
fn an_access_token_is_created_listed_and_revoked() {
    let (home, serving) = serve();
    let home = home.path();
    let created = admin_json(
        home,
        &[
            "access-token",
            "create",
            "--application",
            "shop",
            "--tenant",
            "default",
            "--action",
            "READ_TENANT",
            "--action",
            "MANAGE_TICKETS",
            "--expires",
            "2040-01-02",
        ],
    );
    assert_eq!(created["application"], "shop");
    assert_eq!(created["master"], false);
    assert_eq!(created["expiresOn"], 2_209_075_200_000_u64);
    let permission = &created["tenantPermissions"][0];
    assert_eq!(permission["tenant"], "default");
    let id = created["id"].as_str().expect("an id").to_owned();
    assert_eq!(read_tenant(&serving, &id).status, 200);
    let listed = admin(home, &["access-token", "list"]);
    assert!(
        listed.starts_with("APPLICATION  MASTER  PERMISSIONS"),
        "{listed}"
    );
    let line = listed
        .lines()
        .find(|line| line.starts_with("shop "))
        .expect("it is listed");
    assert!(
        line.contains("default: READ_TENANT, MANAGE_TICKETS"),
        "{line}"
    );
    assert!(line.contains("2040-01-02T00:00:00Z"), "{line}");
    assert!(!listed.contains(&id), "{listed}");
    assert!(admin(home, &["access-token", "list", "--ids"]).contains(&id));
    let json = admin_json(home, &["access-token", "list"]);
    assert!(
        json.as_array()
            .expect("a list")
            .iter()
            .all(|token| token.get("id").is_none())
    );
    let refused = assert_exit_code(home, &["access-token", "revoke", "shop"], 2);
    assert!(refused.contains("--yes"), "{refused}");
    assert_eq!(read_tenant(&serving, &id).status, 200);
    admin(home, &["access-token", "revoke", "shop", "--yes"]);
    assert_eq!(read_tenant(&serving, &id).status, 403);
    let refused = assert_exit_code(home, &["access-token", "revoke", "shop", "--yes"], 1);
    assert!(refused.contains("no access token"), "{refused}");
}

#[test]
fn one_of_several_of_an_application_is_named_by_its_id() {
    let (home, serving) = serve();
    let home = home.path();
    let create = [
        "access-token",
        "create",
        "--application",
        "shop",
        "--tenant",
        "*",
    ];
    let ids = [0, 1].map(|_| {
        let created = admin_json(home, &create);
        created["id"].as_str().expect("an id").to_owned()
    });
    let refused = assert_exit_code(home, &["access-token", "revoke", "shop", "--yes"], 1);
    assert!(refused.contains("several access tokens"), "{refused}");
    admin(home, &["access-token", "revoke", &ids[0], "--yes"]);
    assert_eq!(read_tenant(&serving, &ids[0]).status, 403);
    assert_eq!(read_tenant(&serving, &ids[1]).status, 200);
    admin(home, &["access-token", "revoke", "shop", "--yes"]);
    assert_eq!(read_tenant(&serving, &ids[1]).status, 403);
}

#[test]
fn an_id_that_is_the_name_of_an_application_is_refused() {
    let (home, serving) = serve();
    let home = home.path();
    let first = create_access_token(home, "shop");
    let second = create_access_token(home, &first);
    let refused = assert_exit_code(home, &["access-token", "revoke", &first, "--yes"], 1);
    assert!(
        refused.contains("is the id of one access token and the application of another one"),
        "{refused}"
    );
    for id in [&first, &second] {
        assert_eq!(read_tenant(&serving, id).status, 200);
    }
    admin(home, &["access-token", "revoke", &second, "--yes"]);
    admin(home, &["access-token", "revoke", &first, "--yes"]);
    assert_eq!(read_tenant(&serving, &first).status, 403);
}

#[test]
fn a_lost_master_access_token_is_replaced() {
    let home = TempDir::new().expect("a temporary directory");
    let mut serving = Launch::serve(home.path()).start();
    let lost = serving.first_token();
    assert_eq!(read_tenant(&serving, &lost).status, 200);
    let created = admin_json(
        home.path(),
        &[
            "access-token",
            "create",
            "--application",
            "admin",
            "--master",
            "--tenant",
            "*",
        ],
    );
    let id = created["id"].as_str().expect("an id");
    let all = serving
        .client(id)
        .get(&format!("/api/1/access_token/all?accessTokenId={id}"));
    assert_eq!(all.status, 200);
    admin(home.path(), &["access-token", "revoke", &lost, "--yes"]);
    assert_eq!(read_tenant(&serving, &lost).status, 403);
    assert_eq!(read_tenant(&serving, id).status, 200);
}

#[test]
fn the_file_of_a_generated_access_token_goes_with_it() {
    for is_running in [false, true] {
        let home = TempDir::new().expect("a temporary directory");
        let home = home.path();
        let created = Launch::new(&["init", "--data-dir"]).argument(home).run();
        assert!(created.status.success(), "{created:?}");
        let file = home.join("access-token.admin");
        let id = secret(&file);
        let other = home.join("access-token.other");
        let create = ["access-token", "create", "--application=other", "--master"];
        let revoke = |name: &str| admin(home, &["access-token", "revoke", name, "--yes"]);
        let of_other = admin_json(home, &create);
        let of_other = of_other["id"].as_str().expect("an id");
        std::fs::write(&other, format!("{of_other}\n")).expect("it is written");
        let serving = is_running.then(|| Launch::serve(home).start());
        let revoked = revoke(&id);
        let expected = format!(
            "revoked the access token of \"admin\" and removed {}, which had its id\n",
            file.display()
        );
        assert_eq!(revoked, expected);
        assert!(!file.exists() && other.exists());
        drop(serving);
        let log = Launch::serve(home).start().stop().stderr;
        assert!(!log.contains("no such access token"), "{log}");
    }
}

#[test]
fn revoking_the_last_master_is_confirmed_as_such() {
    let home = TempDir::new().expect("a temporary directory");
    let home = home.path();
    let _serving = Launch::serve(home).start();
    let create = ["access-token", "create", "--application=shop"];
    admin(home, &[&create[..], &["--tenant=*"]].concat());
    let refused = |name: &str| assert_exit_code(home, &["access-token", "revoke", name], 2);
    let last = ", after which no master access token is left; --yes gives it\n";
    assert!(refused("admin").ends_with(last));
    assert!(!refused("shop").contains("master"));
    let create = ["access-token", "create", "--application=safe", "--master"];
    let created = admin(home, &create);
    assert!(created.contains("\npermissions  -\n"), "{created}");
    assert!(!refused("admin").contains("master"));
    admin(home, &["access-token", "revoke", "safe", "--yes"]);
    admin(home, &[&create[..], &["--expires=1s"]].concat());
    wait_until("it has expired", || refused("admin").ends_with(last));
}

#[test]
fn what_is_not_valid_is_refused() {
    let (home, _serving) = serve();
    let create = ["access-token", "create", "--application", "shop"];
    let with = |more: &[&'static str]| [&create[..], more].concat();
    let home = home.path();
    let refused = assert_exit_code(home, &with(&[]), 2);
    assert!(refused.contains("--tenant"), "{refused}");
    assert_exit_code(home, &with(&["--tenant", "*", "--action", "manage"]), 2);
    for expires in ["never", "31.12.2030"] {
        let refused = assert_exit_code(home, &with(&["--tenant", "*", "--expires", expires]), 2);
        assert!(
            refused.contains("it must be a date like 2030-12-31"),
            "{refused}"
        );
    }
    let expired = with(&["--tenant", "*", "--expires", "2020-01-02"]);
    let refused = assert_exit_code(home, &expired, 2);
    assert!(
        refused.starts_with("rememberd: --expires: 2020-01-02T00:00:00Z has passed, it is 20"),
        "{refused}"
    );
    for arguments in [
        &["access-token", "create", "--application=", "--tenant=*"][..],
        &["access-token", "create", "--application=shop", "--tenant="],
        &["access-token", "revoke", "", "--yes"],
    ] {
        let refused = assert_exit_code(home, arguments, 2);
        assert!(refused.contains("a value is required"), "{refused}");
    }
    let listed = admin_json(home, &["access-token", "list"]);
    assert_eq!(listed.as_array().expect("a list").len(), 1, "{listed}");
    // A duration counts from now on.
    let created = admin_json(home, &with(&["--tenant", "*", "--expires", "90d"]));
    let now = admin_json(home, &["clock", "show"])["believedTime"].as_i64();
    let left = created["expiresOn"].as_i64().zip(now);
    let left = left.map(|(expiry, now)| (expiry - now) / 3_600_000);
    assert_eq!(left, Some(90 * 24 - 1), "{created}");
}

#[test]
fn a_tenant_that_does_not_exist_is_warned_of() {
    let (home, _serving) = serve();
    let create = |tenant: &str| {
        let arguments = [
            "access-token",
            "create",
            "--application",
            "shop",
            "--tenant",
        ];
        launch(home.path(), &[&arguments[..], &[tenant]].concat()).run()
    };
    // A tenant with the name of a path is none that exists, and one with a slash has no path.
    for tenant in ["shopp", "all", "a/b"] {
        let created = create(tenant);
        assert!(created.status.success(), "{created:?}");
        let warning = format!("rememberd: warning: there is no tenant {tenant:?}");
        assert!(created.stderr.contains(&warning), "{created:?}");
    }
    for tenant in ["default", "*"] {
        let created = create(tenant);
        assert!(created.status.success(), "{created:?}");
        assert!(!created.stderr.contains("warning"), "{created:?}");
    }
}

#[test]
fn what_cannot_be_printed_is_an_error() {
    let (home, serving) = serve();
    let full = || {
        File::options()
            .write(true)
            .open("/dev/full")
            .expect("it is there")
    };
    let create = ["access-token", "create", "--application=shop", "--master"];
    for (arguments, expected) in [
        (
            &create[..],
            "the access token was created, but its id could not be written; revoke it: ",
        ),
        (
            &["tenant", "create", "shop"],
            "it is done, but standard output could not be written: ",
        ),
        (
            &["tenant", "list"],
            "it is done, but standard output could not be written: ",
        ),
    ] {
        for format in [&[][..], &["--json"]] {
            let arguments = [arguments, format].concat();
            if arguments.ends_with(&["shop", "--json"]) {
                continue;
            }
            let ended = launch(home.path(), &arguments)
                .stdout(Stdio::from(full()))
                .run();
            assert_code(&ended, 1);
            assert!(ended.stderr.contains(expected), "{arguments:?}: {ended:?}");
        }
    }
    let tokens = admin_json(home.path(), &["access-token", "list"]).to_string();
    assert_eq!(tokens.matches("shop").count(), 2, "{tokens}");
    serving.stop();
}
