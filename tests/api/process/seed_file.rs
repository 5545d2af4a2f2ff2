//! The real binary and its seed file.

use std::fs;
use std::path::PathBuf;

use rememberd::testing::tables::verification_token::{
    self, VerificationTokenDigest, VerificationTokenId,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;

use crate::support::fixture::{
    self, ADMIN, DISABLED_PROFILE, LOGIN, NOW, PROFILE, TOKEN, first_login,
};
use crate::support::process::{DEMO_ACCESS_TOKEN, DEMO_SEED, Launch};
use crate::support::server::Setup;

/// A directory with a seed file and a data directory.
struct Home(TempDir);

impl Home {
    fn new(seed: impl ToString) -> Self {
        let home = Self(TempDir::new().expect("a temporary directory"));
        home.write(seed);
        home
    }

    fn write(&self, seed: impl ToString) {
        fs::write(self.seed(), seed.to_string()).expect("a file");
    }

    fn seed(&self) -> PathBuf {
        self.0.path().join("seed.json")
    }

    fn launch(&self) -> Launch {
        Launch::serve(&self.0.path().join("data")).seed(self.seed())
    }
}

/// The fixture's seed with `value` at `pointer`.
fn seed_with(pointer: &str, value: Value) -> Value {
    let mut seed = fixture::seed();
    *seed.pointer_mut(pointer).expect("the value exists") = value;
    seed
}

#[test]
fn an_invalid_seed_is_refused_with_the_path_of_its_entry_and_not_loaded() {
    let mut unknown_field = fixture::seed();
    unknown_field["profile"][1]["enable"] = json!(true);
    let mut twice = fixture::seed();
    twice["persistentlogin"][2]["_id"] = json!(LOGIN);
    let home = Home::new("");
    for (seed, path) in [
        (json!("text"), "line 1"),
        (json!([]), "it is not a JSON object"),
        (unknown_field, "profile[1]"),
        (twice, "persistentlogin[2]._id"),
        (seed_with("/tenant/1/name", json!(7)), "tenant[1].name"),
        (
            seed_with("/profile/2/tenant", json!("gone")),
            "profile[2].tenant",
        ),
        (seed_with("/profile/0/_id", json!("x")), "profile[0]._id"),
        (
            seed_with("/persistentlogin/1/profileId", json!(fixture::NO_PROFILE)),
            "persistentlogin[1].profileId",
        ),
    ] {
        home.write(seed);
        let message = home.launch().argument("--seed-strict").assert_fails();
        assert!(message.contains("--seed"), "{message}");
        assert!(message.contains("seed.json"), "{message}");
        assert!(message.contains(path), "{message}");
        let is_repaired = message.contains("repairing");
        assert!(
            !is_repaired,
            "the start before closed the database: {message}"
        );
    }
    home.write(fixture::seed());
    let serving = home
        .launch()
        .argument("--persistent-login-max-age=90years")
        .start();
    let read = serving.client(ADMIN).read(LOGIN).login();
    assert_eq!(read, first_login());
}

#[test]
fn what_belongs_to_nothing_is_skipped_with_a_warning_that_counts_it() {
    let mut seed = fixture::seed();
    seed["profile"][2]["tenant"] = json!("gone");
    seed["persistentlogin"][0]["profileId"] = json!(fixture::NO_PROFILE);
    let home = Home::new(seed);
    let mut serving = home.launch().start();
    serving.wait_for_output("seed loaded: 2 profiles, ");
    let log = serving.stop().stderr;
    for skipped in [
        "profile: 1 entry is skipped: there is no such tenant in the file; the first is profile[2]",
        "there is no such profile in the file; the first is persistentlogin[0]",
    ] {
        assert!(log.contains(skipped), "{skipped}: {log}");
    }
}

#[test]
fn tickets_of_a_seed_are_valid_until_they_expire_and_no_id_is_in_a_file() {
    const VALID: &str = "3b1f6a52-8c0d-4a1e-9b7f-5e2d4c6a8f01";
    const EXPIRED: &str = "3b1f6a52-8c0d-4a1e-9b7f-5e2d4c6a8f02";
    const VERIFICATION: &str = "3b1f6a52-8c0d-4a1e-9b7f-5e2d4c6a8f03";
    let mut seed = fixture::seed();
    let entry = |id: &str| json!({"_id": id, "tenant": "default", "profileId": PROFILE});
    let mut expired = entry(EXPIRED);
    expired["lastRequestTime"] = json!(NOW.as_millis());
    seed["ticket"] = json!([entry(VALID), expired]);
    seed["verificationtoken"] = json!([entry(VERIFICATION)]);
    let home = Home::new(seed);
    let mut serving = home.launch().start();
    serving.wait_for_output(", 2 tickets, 1 verification token");
    let client = serving.client(ADMIN);
    let ticket = client.read_ticket(VALID).ticket();
    assert_eq!((&*ticket.profile_id, &*ticket.tenant), (PROFILE, "default"));
    client.read_ticket(EXPIRED).assert_no_such_ticket(EXPIRED);
    serving.stop();
    let file = fs::read(home.0.path().join("data/rememberd.redb")).expect("the database");
    for id in [VALID, EXPIRED, VERIFICATION] {
        let bytes = Uuid::parse_str(id).expect("a UUID").into_bytes();
        let is_there = |bytes: &[u8]| file.windows(bytes.len()).any(|found| found == bytes);
        assert!(!is_there(&bytes) && !is_there(id.as_bytes()), "{id}");
    }
}

#[test]
fn no_ticket_of_a_seed_outlives_one_that_is_created_now() {
    const TICKET: &str = "3b1f6a52-8c0d-4a1e-9b7f-5e2d4c6a8f01";
    const DISABLED: &str = "3b1f6a52-8c0d-4a1e-9b7f-5e2d4c6a8f02";
    const YEAR_MILLIS: i64 = 365 * 86_400_000;
    let future = NOW.as_millis() + YEAR_MILLIS;
    let mut seed = fixture::seed();
    seed["ticket"] = json!([
        {"_id": TICKET, "tenant": "default", "profileId": PROFILE, "lastRequestTime": future},
        {"_id": DISABLED, "tenant": "default", "profileId": DISABLED_PROFILE, "lastRequestTime": NOW.as_millis()},
    ]);
    let server = Setup::new().seed(seed).start();
    let client = server.client();
    client.read_ticket(DISABLED).assert_no_such_ticket(DISABLED);
    let last_request = client.read_ticket(TICKET).ticket().last_request_time;
    assert_eq!(last_request, NOW.as_millis() + 1);
}

#[test]
fn a_login_that_is_dated_in_the_future_is_warned_of() {
    let mut seed = fixture::seed();
    seed["persistentlogin"][1]["timestamp"] = json!("2999-01-01");
    let log = Home::new(seed).launch().start().stop().stderr;
    let warning = "persistentlogin[1].timestamp: the date is in the future, one of 1; ";
    assert!(log.contains(warning), "{log}");
}

#[test]
fn a_seed_without_access_tokens_gets_the_first_one() {
    let mut seed = fixture::seed();
    seed["accesstoken"] = json!([]);
    let home = Home::new(seed);
    let mut serving = home.launch().start();
    let id = serving.first_token();
    assert_eq!(
        serving.client(&id).read(LOGIN).status,
        404,
        "it has expired"
    );
    serving.stop();
}

#[test]
fn a_verification_token_of_a_seed_is_found_by_its_id() {
    const ID: &str = "3b1f6a52-8c0d-4a1e-9b7f-5e2d4c6a8f03";
    let mut seed = fixture::seed();
    let created = NOW.as_millis() - 1_000;
    let entry = json!({"_id": ID, "tenant": "default", "profileId": PROFILE, "timestamp": created});
    seed["verificationtoken"] = json!([entry]);
    let server = Setup::new().seed(seed).start();
    let (_, key) = server.app.keys.get().expect("there are keys").newest();
    let find = |id: &str| {
        let id = VerificationTokenId::parse(id).expect("a UUID");
        let digest = VerificationTokenDigest::new(id, key);
        let found = server
            .app
            .store
            .read(|txn| verification_token::get(txn, digest));
        found.expect("the store is open")
    };
    let found = find(ID).expect("it was loaded");
    assert_eq!(found.profile_id.to_string(), PROFILE);
    assert_eq!(found.tenant.as_str(), "default");
    assert_eq!(found.created.as_millis(), created);
    assert_eq!(find(LOGIN), None);
}

#[test]
fn secrets_that_everybody_knows_are_a_warning() {
    let home = TempDir::new().expect("a temporary directory");
    let launch = || Launch::serve(home.path()).seed(DEMO_SEED);
    let log = launch().start().stop().stderr;
    let token =
        "accesstoken[0]._id: everybody knows this access token, of the application \"demo\"";
    assert!(log.contains(token), "{log}");
    assert!(log.contains("persistentlogin: if the application"), "{log}");
    assert!(!log.contains(DEMO_ACCESS_TOKEN), "{log}");
}

#[test]
fn a_seed_that_is_not_json_or_missing_is_refused() {
    let home = Home::new("{\"tenant\": [}");
    let message = home.launch().assert_fails();
    assert!(message.contains("line 1"), "{message}");
    fs::remove_file(home.seed()).expect("the file exists");
    let path = home.seed();
    let missing = format!("{}: No such file or directory\n", path.display());
    let message = home.launch().assert_fails();
    let expected = format!("rememberd: --seed {missing}");
    assert!(message.ends_with(&expected), "{message}");
    let relative = Launch::serve(&home.0.path().join("data"))
        .in_directory(home.0.path())
        .variable("REMEMBERD_SEED", "seed.json");
    let message = relative.assert_fails();
    let expected = format!("rememberd: REMEMBERD_SEED={missing}");
    assert!(message.ends_with(&expected), "{message}");
}

#[test]
fn a_refused_seed_does_not_show_its_secrets() {
    let mut seed = fixture::seed();
    seed["profile"][0]["password"] = json!("in-clear-text");
    let message = Home::new(seed).launch().assert_fails();
    assert!(message.contains("profile[0].password"), "{message}");
    assert!(!message.contains("in-clear-text"), "{message}");
}

#[test]
fn demo_secrets_are_served_to_other_hosts_only_if_allowed() {
    let home = TempDir::new().expect("a temporary directory");
    let everywhere = || Launch::serve(home.path()).argument("--listen=0.0.0.0:0");
    let message = everywhere().seed(DEMO_SEED).assert_fails();
    assert!(message.contains("--allow-demo-secrets"), "{message}");
    Launch::serve(home.path()).seed(DEMO_SEED).start().stop();
    // They are in the database now, with or without a seed file.
    let message = everywhere().assert_fails();
    assert!(message.contains("--allow-demo-secrets"), "{message}");
    let allowed = everywhere().argument("--allow-demo-secrets").start();
    let client = allowed.client(DEMO_ACCESS_TOKEN);
    let refreshed = client.refresh(LOGIN).login();
    allowed.stop();
    let on_loopback = Launch::serve(home.path()).start();
    let client = on_loopback.client(DEMO_ACCESS_TOKEN);
    assert_eq!(client.read(LOGIN).login(), refreshed);
}

#[test]
fn a_database_without_demo_secrets_is_served_to_other_hosts() {
    let home = Home::new(fixture::seed());
    let serving = home.launch().argument("--listen=0.0.0.0:0").start();
    assert_eq!(serving.client(ADMIN).get("/health/ready").status, 200);
}

#[test]
fn the_first_start_prints_what_was_loaded_and_a_command_that_works() {
    let home = TempDir::new().expect("a temporary directory");
    let launch = || Launch::serve(home.path()).seed(DEMO_SEED);
    let mut first = launch().start();
    first.wait_for_output("seed loaded: 1 profile, 1 login, 1 tenant, 1 access token");
    let command = first.wait_for_output("try: curl ");
    let (_, url) = command.split_once("\"http://").expect("a URL");
    let path = url.strip_prefix(&first.address.to_string());
    let path = path
        .and_then(|path| path.strip_suffix('"'))
        .expect("a path");
    let response = first.client("").get(path);
    assert_eq!(response.status, 200);
    assert!(response.body.contains(LOGIN), "{}", response.body);
    first.stop();
    let second = launch().start().stop();
    assert_eq!(second.stdout.lines().count(), 1, "{second:?}");
    assert!(
        second.stderr.contains("the seed file was not loaded"),
        "{second:?}"
    );
}

#[test]
fn a_large_seed_leaves_no_memory_behind() {
    const LOGINS: u64 = 12_000;
    let id = |number: u64| format!("b68c0013-d7b2-4004-8463-{number:012x}");
    let mut seed = fixture::seed();
    let logins = seed["persistentlogin"].as_array_mut().expect("a list");
    logins.extend(
        (0..LOGINS).map(|number| fixture::login(&id(number), TOKEN, PROFILE, "default", NOW)),
    );
    let home = Home::new(seed);
    let launch = || home.launch().argument("--persistent-login-max-age=90years");
    let mut first = launch().start();
    first.wait_for_output("seed loaded: 3 profiles, 12003 logins, 2 tenants, ");
    let read = first.client(ADMIN).read(&id(LOGINS - 1)).login();
    assert_eq!(read.token, TOKEN);
    let after_loading = first.resident_bytes();
    let log = first.stop().stderr;
    assert!(!log.contains("was not loaded"), "{log}");
    let second = launch().start();
    second.client(ADMIN).read(&id(LOGINS - 1)).login();
    let after_restart = second.resident_bytes();
    let log = second.stop().stderr;
    assert!(log.contains("was not loaded"), "{log}");
    let is_close = after_loading <= after_restart + after_restart / 5;
    assert!(
        is_close,
        "{after_loading} bytes after loading, {after_restart} after a restart"
    );
}
