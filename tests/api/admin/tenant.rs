//! `rememberd admin tenant`.

use serde_json::json;

use super::{admin, admin_json, assert_exit_code, served};

#[test]
fn a_tenant_is_created_listed_shown_and_deleted() {
    let (home, serving) = served();
    let home = home.path();
    let create = [
        "tenant",
        "create",
        "shop",
        "--role",
        "A",
        "--role",
        "B",
        "--verify-new-profiles",
    ];
    let created = admin_json(home, &create);
    assert_eq!(created["name"], "shop");
    assert_eq!(created["availableRoles"], json!(["A", "B"]));
    assert_eq!(created["verifyNewProfiles"], true);
    let refused = assert_exit_code(home, &create, 1);
    assert_eq!(refused, "rememberd: The tenant \"shop\" already exists\n");
    let names: Vec<_> = admin(home, &["tenant", "list"])
        .lines()
        .map(|line| line.split(' ').next().expect("a word").to_owned())
        .collect();
    assert_eq!(names, ["NAME", "default", "shop"]);
    assert_eq!(admin_json(home, &["tenant", "list"])[1]["name"], "shop");
    let shown = admin_json(home, &["tenant", "show", "default"]);
    assert_eq!(shown["profiles"], 1);
    let refused = assert_exit_code(home, &["tenant", "delete", "shop"], 2);
    let expected = "rememberd: it takes a confirmation to delete the tenant \"shop\" and its profiles (0); --yes gives it\n";
    assert_eq!(refused, expected);
    admin(home, &["tenant", "delete", "shop", "--yes"]);
    for command in ["show", "delete"] {
        let refused = assert_exit_code(home, &["tenant", command, "shop", "--yes"], 1);
        assert_eq!(refused, "rememberd: No tenant with name \"shop\" found\n");
    }
    let log = serving.stop().stderr;
    let audited = "audit what=\"delete_tenant\"";
    let line = log
        .lines()
        .find(|line| line.contains(audited))
        .expect("it is audited");
    assert!(line.contains("application=\"local operator\""), "{line}");
}

#[test]
fn a_tenant_with_the_name_of_another_path_is_one_like_others() {
    let (home, serving) = served();
    let home = home.path();
    for name in ["all", "count"] {
        let refused = assert_exit_code(home, &["tenant", "show", name], 1);
        let expected = format!("rememberd: No tenant with name {name:?} found\n");
        assert_eq!(refused, expected);
        let refused = assert_exit_code(home, &["profile", "list", "--tenant", name], 1);
        assert_eq!(refused, expected);
        admin(home, &["tenant", "create", name]);
        let listed = admin_json(home, &["profile", "list", "--tenant", name]);
        assert_eq!(listed, json!([]));
        let shown = admin_json(home, &["tenant", "show", name]);
        assert_eq!(
            (&shown["name"], &shown["profiles"]),
            (&json!(name), &json!(0))
        );
        let deleted = admin_json(home, &["tenant", "delete", name, "--yes"]);
        assert_eq!(deleted, json!({"name": name, "profiles": 0}));
    }
    for command in ["create", "show", "delete"] {
        let refused = assert_exit_code(home, &["tenant", command, "", "--yes"], 2);
        assert!(refused.contains("a value is required"), "{refused}");
    }
    for arguments in [
        &["tenant", "create", "other", "--role="][..],
        &[
            "profile",
            "create",
            "ann",
            "--email=ann@example.com",
            "--role=",
        ],
    ] {
        let refused = assert_exit_code(home, arguments, 2);
        assert!(refused.contains("a value is required"), "{refused}");
    }
    serving.stop();
}
