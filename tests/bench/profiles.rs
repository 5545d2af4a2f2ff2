//! What reads of profiles cost, compared with reads of logins: by id and by username, of few and of many profiles, and
//! lists of a tenant that has many; and what their creation costs, compared with refreshes of logins.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::str;
use std::time::Instant;

use crate::dataset::Dataset;
use crate::exchange::profile_id;
use crate::listing::Client;
use crate::load::{Load, Operation};
use crate::plan::{Plan, grouped};
use crate::rememberd::Server;
use crate::sample::Spread;
use crate::targets::{Bound, Comparison};
use crate::workspace::Workspace;

const CONNECTIONS: usize = 64;
/// Apart from the streams of the other benchmarks.
const STREAM: u64 = 5 << 32;
const BYTES_PER_MB: f64 = 1e6;
/// One profile of so many has the role that is looked for.
const RARE: u64 = 100_000;

const BY_ID_MIN: Bound = Bound::AtLeast(0.8);
const LARGE_MIN: Bound = Bound::AtLeast(0.8);
const CREATE_MIN: Bound = Bound::AtLeast(0.5);
const COUNT_MS_MAX: Bound = Bound::AtMost(5.0);

/// The figures of each round.
pub struct Profiles {
    small: u64,
    large: u64,
    by_id: Vec<f64>,
    by_username: Vec<f64>,
    large_by_id: Vec<f64>,
    large_by_username: Vec<f64>,
    create: Vec<f64>,
    count_ms: f64,
    page_ms: f64,
    deep_page_ms: f64,
    by_role_ms: f64,
    sorted_page_ms: f64,
    idle_mb: f64,
    bytes_per_profile: f64,
}

pub fn measure(plan: &Plan, workspace: &Workspace) -> Profiles {
    let small = Filled::start(plan, workspace, "small", plan.small_logins);
    let large = Filled::start(plan, workspace, "large", plan.large_logins);
    let idle_mb = large.server.memory().now as f64 / BYTES_PER_MB;
    let mut profiles = Profiles {
        small: plan.small_logins,
        large: plan.large_logins,
        by_id: Vec::new(),
        by_username: Vec::new(),
        large_by_id: Vec::new(),
        large_by_username: Vec::new(),
        create: Vec::new(),
        count_ms: 0.0,
        page_ms: 0.0,
        deep_page_ms: 0.0,
        by_role_ms: 0.0,
        sorted_page_ms: 0.0,
        idle_mb,
        bytes_per_profile: large.bytes_per_profile,
    };
    let rate = |filled: &Filled, operation, round| {
        let load = Load {
            address: filled.server.address,
            operation,
            connections: CONNECTIONS,
            warm_up: plan.warm_up,
            measure: plan.measure,
            dataset: filled.dataset,
            stream: STREAM + round,
        };
        let round = load.run();
        assert_eq!(round.errors, 0, "every answer is right");
        round.per_second
    };
    for round in 0..plan.rounds {
        let rate = |filled, operation| rate(filled, operation, round);
        let login = rate(&small, Operation::Get);
        let by_id = rate(&small, Operation::GetProfile);
        let by_username = rate(&small, Operation::GetProfileByUsername);
        let large_by_id = rate(&large, Operation::GetProfile);
        let large_by_username = rate(&large, Operation::GetProfileByUsername);
        eprintln!(
            "round {round}: login {login:.0}/s, by id {by_id:.0}/s, by username {by_username:.0}/s, of many by id \
             {large_by_id:.0}/s, of many by username {large_by_username:.0}/s"
        );
        profiles.by_id.push(by_id / login);
        profiles.by_username.push(by_username / login);
        profiles.large_by_id.push(large_by_id / by_id);
        profiles
            .large_by_username
            .push(large_by_username / by_username);
    }
    // Last, because it changes how many profiles there are.
    for round in 0..plan.rounds {
        let refresh = rate(&small, Operation::Refresh, round);
        let create = rate(&small, Operation::CreateProfile, round);
        eprintln!("round {round}: refresh {refresh:.0}/s, create profile {create:.0}/s");
        profiles.create.push(create / refresh);
    }
    profiles.measure_lists(large.server.address, &large.dataset);
    small.server.stop();
    large.server.stop();
    profiles
}

impl Profiles {
    fn measure_lists(&mut self, address: SocketAddr, dataset: &Dataset) {
        let mut client = Client::connect(address);
        let mut milliseconds = |path: &str, more: &str, expected: u64| {
            let access = dataset.access_token();
            let target = format!(
                "/crafter-profile/api/1/profile/{path}?accessTokenId={}&tenantName=default{more}",
                access.as_str()
            );
            let began = Instant::now();
            let body = client.get(&target);
            let took = began.elapsed().as_secs_f64() * 1e3;
            let found = match body.parse::<u64>() {
                Ok(count) => count,
                Err(_) => body.matches("\"username\":").count() as u64,
            };
            assert_eq!(found, expected, "{path} {more}");
            took
        };
        let all = dataset.logins;
        self.count_ms = milliseconds("count", "", all);
        self.page_ms = milliseconds("range", "&start=0&count=25", 25);
        let middle = format!("&start={}&count=25", all / 2);
        self.deep_page_ms = milliseconds("range", &middle, 25);
        self.by_role_ms = milliseconds("by_role", "&role=RARE", all.div_ceil(RARE));
        let sorted = "&start=0&count=25&sortBy=lastModified";
        self.sorted_page_ms = milliseconds("range", sorted, 25);
    }

    pub fn comparisons(&self) -> Vec<Comparison> {
        let (small, large) = (grouped(self.small), grouped(self.large));
        let measured = |name: String, unit, bound, values: &[f64]| Comparison {
            name,
            unit,
            bound,
            value: Spread::of(values.iter().copied()).ok_or_else(|| "not measured".to_owned()),
        };
        let ratio = |name: String, bound, values: &[f64]| measured(name, "x", Some(bound), values);
        let time = |name: &str, bound, value: f64| {
            measured(format!("{name}, {large} profiles"), "ms", bound, &[value])
        };
        vec![
            ratio(
                format!("profile by id / login, {small} of each"),
                BY_ID_MIN,
                &self.by_id,
            ),
            ratio(
                format!("profile by username / login, {small} of each"),
                BY_ID_MIN,
                &self.by_username,
            ),
            ratio(
                format!("profile by id, {large} / {small}"),
                LARGE_MIN,
                &self.large_by_id,
            ),
            ratio(
                format!("profile by username, {large} / {small}"),
                LARGE_MIN,
                &self.large_by_username,
            ),
            ratio(
                format!("profile created / refresh, {small} of each"),
                CREATE_MIN,
                &self.create,
            ),
            time("count", Some(COUNT_MS_MAX), self.count_ms),
            time("first page", None, self.page_ms),
            time("page in the middle", None, self.deep_page_ms),
            time("by_role of a rare role", None, self.by_role_ms),
            time("first page, sorted", None, self.sorted_page_ms),
            measured(
                format!("idle, {large} profiles"),
                "MB",
                None,
                &[self.idle_mb],
            ),
            measured(
                format!("file, {large} profiles"),
                "bytes a profile",
                None,
                &[self.bytes_per_profile],
            ),
        ]
    }
}

/// A server with profiles and as many logins.
pub struct Filled {
    pub server: Server,
    pub dataset: Dataset,
    bytes_per_profile: f64,
}

impl Filled {
    pub fn start(plan: &Plan, workspace: &Workspace, name: &str, count: u64) -> Self {
        let dataset = Dataset {
            seed: plan.seed,
            logins: count,
        };
        let data_dir = workspace.create_dir(&format!("data-profiles-{name}"));
        let seed_path = workspace.path().join(format!("seed-profiles-{name}.json"));
        let log_path = workspace
            .path()
            .join(format!("rememberd-profiles-{name}.log"));
        write_seed_file(&dataset, &seed_path).expect("the workspace has room for the seed file");
        Server::start(&data_dir, Some(&seed_path), &log_path).stop();
        fs::remove_file(&seed_path).expect("the seed file is the benchmark's own");
        let files = fs::read_dir(&data_dir).expect("the data directory is there");
        let bytes: u64 = files
            .map(|file| {
                file.and_then(|file| file.metadata())
                    .map_or(0, |data| data.len())
            })
            .sum();
        Self {
            server: Server::start(&data_dir, None, &log_path),
            dataset,
            bytes_per_profile: bytes as f64 / count as f64,
        }
    }
}

/// What the server takes: one tenant with ten attributes, profiles that have all of them, and a login of each.
fn write_seed_file(dataset: &Dataset, path: &Path) -> io::Result<()> {
    let mut out = BufWriter::new(File::create(path)?);
    write!(
        out,
        concat!(
            r#"{{"accesstoken":[{{"_id":"{}","application":"bench","master":true,"#,
            r#""tenantPermissions":[{{"tenant":"*","allowedActions":["*"]}}],"expiresOn":null}}],"#,
            r#""tenant":[{{"name":"default","attributeDefinitions":["#
        ),
        dataset.access_token().as_str()
    )?;
    for number in 0..ATTRIBUTES {
        write!(
            out,
            concat!(
                r#"{}{{"name":"attribute{}","permissions":"#,
                r#"[{{"application":"*","allowedActions":["*"]}}]}}"#
            ),
            separator(number),
            number
        )?;
    }
    write!(out, r#"]}}],"profile":["#)?;
    for index in 0..dataset.logins {
        let username = dataset.login_id(index);
        let id = profile_id(&username);
        let role = if index % RARE == 0 { "RARE" } else { "USER" };
        write!(
            out,
            concat!(
                r#"{}{{"_id":"{}","username":"{username}","email":"u{index}@example.com","verified":true,"#,
                r#""enabled":true,"tenant":"default","lastModified":{index},"roles":["{role}"],"attributes":{{"#
            ),
            separator(index),
            str::from_utf8(&id).expect("digits"),
            username = username.as_str(),
            index = index,
            role = role
        )?;
        for number in 0..ATTRIBUTES {
            write!(
                out,
                r#"{}"attribute{number}":"value {number} of {index}""#,
                separator(number)
            )?;
        }
        write!(out, "}}}}")?;
    }
    write!(out, r#"],"persistentlogin":["#)?;
    for index in 0..dataset.logins {
        let id = dataset.login_id(index);
        write!(
            out,
            r#"{}{{"_id":"{}","tenant":"default","profileId":"{}","token":"{}"}}"#,
            separator(index),
            id.as_str(),
            str::from_utf8(&profile_id(&id)).expect("digits"),
            dataset.first_token(index).as_str()
        )?;
    }
    writeln!(out, "]}}")?;
    out.flush()
}

/// How many attributes each profile has.
const ATTRIBUTES: u64 = 10;

fn separator(index: u64) -> &'static str {
    if index == 0 { "" } else { "," }
}
