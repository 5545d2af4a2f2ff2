//! Extended JSON as MongoDB's own library writes and reads it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::admin::export::export;
use crate::admin::import::{Home, get, post};
use crate::support::fixture::{self, ADMIN, LOGIN, PROFILE, TOKEN};
use crate::support::tools::tool;

const SCRIPT: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/api/admin/extended_json.py"
);

const COLLECTIONS: [&str; 4] = ["tenant", "profile", "persistentlogin", "accesstoken"];

/// Runs the script with the library; `None` without it.
fn run(action: &str, path: &Path) -> Option<Output> {
    let (python, library) = (tool("python/bin/python")?, tool("pymongo")?);
    let mut command = Command::new(python);
    command
        .env("PYTHONPATH", library)
        .arg(SCRIPT)
        .arg(action)
        .arg(path);
    let output = command.output().expect("python starts");
    assert!(output.status.success(), "{output:?}");
    Some(output)
}

#[test]
fn what_mongodb_writes_is_imported() {
    let source = Home::new();
    if run("write", &source.path("")).is_none() {
        return;
    }
    for kind in ["canonical", "relaxed"] {
        let home = Home::new();
        let files: Vec<PathBuf> = COLLECTIONS
            .map(|name| source.path(kind).join(format!("{name}.json")))
            .into();
        let printed = home.import_all(&files);
        assert!(!printed.contains("left out"), "{printed}");
        let serving = home.serve().start();
        let client = serving.client(ADMIN);
        assert_eq!(
            client.refresh_with(LOGIN, TOKEN).login().timestamp,
            fixture::NOW.as_millis()
        );
        let profile = get(
            &client,
            &format!("/crafter-profile/api/1/profile/{PROFILE}"),
            &[],
        );
        let profile: Value = serde_json::from_str(&profile.body).expect("JSON");
        let expected = json!({
            "number": 7,
            "long": 9_007_199_254_740_993_i64,
            "double": 1.5,
            "date": fixture::NOW.as_millis(),
        });
        assert_eq!(profile["attributes"], expected);
        assert_eq!(profile["createdOn"], fixture::NOW.as_millis());
        let form = [
            ("tenantName", "default"),
            ("username", "jdoe"),
            ("password", "1234"),
        ];
        let signed_in = post(
            &client,
            "/crafter-profile/api/1/authentication/authenticate",
            &form,
        );
        assert_eq!(signed_in.status, 200);
        serving.stop();
    }
}

#[test]
fn what_is_exported_has_the_types_that_mongodb_reads() {
    let home = Home::new();
    if run("write", &home.path("")).is_none() {
        return;
    }
    let files: Vec<PathBuf> = COLLECTIONS
        .map(|name| home.path("relaxed").join(format!("{name}.json")))
        .into();
    home.import_all(&files);
    let (directory, _) = export(&home, "mongo", &["--mongo"]);
    let types = |name: &str| {
        let output = run("types", &directory.join(format!("{name}.json"))).expect("it is there");
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        let line = text.lines().next().expect("a document");
        serde_json::from_str::<Value>(line).expect("JSON")
    };
    for (name, expected) in [
        (
            "tenant",
            json!({"_id": "ObjectId", "name": "str", "ssoEnabled": "bool", "attributeDefinitions": "list"}),
        ),
        (
            "profile",
            json!({"_id": "ObjectId", "tenant": "str", "createdOn": "datetime", "lastModified": "datetime",
                   "enabled": "bool", "roles": "list", "attributes": "dict", "password": "str"}),
        ),
        (
            "persistentlogin",
            json!({"_id": "str", "tenant": "str", "profileId": "str", "token": "str", "timestamp": "datetime"}),
        ),
        (
            "accesstoken",
            json!({"_id": "str", "master": "bool", "tenantPermissions": "list"}),
        ),
    ] {
        let found = types(name);
        for (field, kind) in expected.as_object().expect("fields") {
            assert_eq!(&found[field], kind, "{name}.{field}");
        }
    }
}
