//! What very many logins of one profile cost all others: while they are listed and crowded out, and ended at once, and
//! while they expire at once.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::dataset::Dataset;
use crate::listing::Client;
use crate::load::{Load, Operation, Outcome};
use crate::plan::Plan;
use crate::rememberd::Server;
use crate::sample::Spread;
use crate::workspace::Workspace;

/// The logins whose refreshes are measured.
const OTHERS: u64 = 2_000;
/// Of how many connections the p99 is.
const CONNECTIONS: usize = 8;
/// How many connections list the profile's logins all the time, and how many create one after the other.
const LISTING: usize = 4;
const CREATING: usize = 2;
/// How old the many logins are, and how old a login gets where they expire.
const CROWD_AGE: Duration = Duration::from_secs(24 * 60 * 60);
const EXPIRING: [&str; 3] = [
    "--persistent-login-max-age=12h",
    "--expired-kept-for=0s",
    "--cleaner-interval=100ms",
];
/// So that the cleaner does not begin with the surplus before it is to.
const UNDISTURBED: [&str; 2] = ["--cleaner-walk-max=1", "--cleaner-interval=1h"];
const DISTURBED: [&str; 1] = ["--cleaner-interval=100ms"];
const MEMORY_INTERVAL: Duration = Duration::from_millis(20);
/// Apart from the streams of the rounds.
const STREAM: u64 = 3 << 32;
const BYTES_PER_MB: f64 = 1e6;

const PATH: &str = "/crafter-profile/api/1/authentication/persistent_login";

/// The figures of each round.
pub struct Bulk {
    /// How many logins the profile has.
    pub crowd: u64,
    /// The p99 of other logins' refreshes while the many are listed, crowded out and ended, in times of the
    /// undisturbed.
    pub crowded_p99: Result<Spread, String>,
    pub memory_growth_mb: Result<Spread, String>,
    /// The median of one client's refreshes while the many expire, in times of the undisturbed.
    pub expiring_p50: Result<Spread, String>,
}

/// The figures of one round.
struct Round {
    crowded_p99: f64,
    memory_growth_mb: f64,
    expiring_p50: Result<f64, String>,
}

struct Bench<'a> {
    plan: &'a Plan,
    others: Dataset,
    crowd: Dataset,
    /// The profile of all of the crowd.
    profile: String,
    data_dir: PathBuf,
    log_path: PathBuf,
    stream: AtomicU64,
}

pub fn measure(plan: &Plan, workspace: &Workspace) -> Bulk {
    let bench = Bench::prepare(plan, workspace);
    let rounds: Vec<_> = (0..plan.bulk_rounds)
        .map(|number| bench.round(workspace, number))
        .collect();
    let spread = |of: fn(&Round) -> f64| {
        Spread::of(rounds.iter().map(of)).ok_or_else(|| "not measured".to_owned())
    };
    let expiring: Result<Vec<f64>, String> = rounds
        .iter()
        .map(|round| round.expiring_p50.clone())
        .collect();
    Bulk {
        crowd: plan.bulk_logins,
        crowded_p99: spread(|round| round.crowded_p99),
        memory_growth_mb: spread(|round| round.memory_growth_mb),
        expiring_p50: expiring
            .and_then(|values| Spread::of(values).ok_or_else(|| "not measured".to_owned())),
    }
}

impl<'a> Bench<'a> {
    fn prepare(plan: &'a Plan, workspace: &Workspace) -> Self {
        let dataset = |seed, logins| Dataset { seed, logins };
        let (others, crowd) = (
            dataset(plan.seed, OTHERS),
            dataset(!plan.seed, plan.bulk_logins),
        );
        let bench = Self {
            plan,
            others,
            crowd,
            profile: crowd.profile_id(0),
            data_dir: workspace.create_dir("data-bulk"),
            log_path: workspace.path().join("rememberd-bulk.log"),
            stream: AtomicU64::new(STREAM),
        };
        let seed_path = workspace.path().join("seed-bulk.json");
        bench.write_seed_file(&seed_path);
        Server::start(&bench.data_dir, Some(&seed_path), &bench.log_path).stop();
        fs::remove_file(&seed_path).expect("the seed file is the benchmark's own");
        bench
    }

    fn write_seed_file(&self, path: &Path) {
        self.others
            .write_seed_file(path)
            .expect("the workspace has room for the seed file");
        let text = fs::read_to_string(path).expect("it was just written");
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .expect("the clock is set");
        let created = (since - CROWD_AGE).as_millis();
        let logins: Vec<String> = (0..self.crowd.logins)
            .map(|index| {
                format!(
                    r#"{{"_id":"{}","tenant":"default","profileId":"{}","token":"{}","timestamp":{created}}},"#,
                    self.crowd.login_id(index).as_str(),
                    self.profile,
                    self.crowd.first_token(index).as_str(),
                )
            })
            .collect();
        let profile = format!(
            concat!(
                r#"{{"_id":"{}","username":"crowd","password":null,"email":"crowd@example.com","verified":true,"#,
                r#""enabled":true,"tenant":"default","roles":[],"attributes":{{}}}},"#
            ),
            self.profile
        );
        let text = text
            .replacen(r#""profile":["#, &format!(r#""profile":[{profile}"#), 1)
            .replacen(
                r#""persistentlogin":["#,
                &format!(r#""persistentlogin":[{}"#, logins.concat()),
                1,
            );
        fs::write(path, text).expect("the workspace has room for the seed file");
    }

    fn round(&self, workspace: &Workspace, number: usize) -> Round {
        let copy = |name: &str| {
            let to = workspace.create_dir(&format!("data-bulk-{name}-{number}"));
            copy_dir(&self.data_dir, &to);
            to
        };
        let crowded_dir = copy("crowded");
        let server = Server::start_with(&crowded_dir, &UNDISTURBED, &self.log_path);
        let alone = self.refresh(&server, 1).outcome();
        let together = self.refresh(&server, CONNECTIONS).outcome();
        server.stop();
        let server = Server::start_with(&crowded_dir, &DISTURBED, &self.log_path);
        let (crowded, memory_growth) = self.crowded(&server);
        server.stop();
        let expiring_dir = copy("expiring");
        let server = Server::start_with(&expiring_dir, &EXPIRING, &self.log_path);
        let expiring = self.refresh(&server, 1).outcome();
        let expiring_p50 = self
            .assert_expiring()
            .map(|()| ratio(&expiring, &alone, |outcome| outcome.p50_us));
        server.stop();
        for dir in [crowded_dir, expiring_dir] {
            fs::remove_dir_all(dir).expect("it is the benchmark's own");
        }
        eprintln!(
            "rotation: µs p50 {} p99 {} alone, {} and {} together; {} and {} crowded; {} and {} expiring",
            alone.p50_us,
            alone.p99_us,
            together.p50_us,
            together.p99_us,
            crowded.p50_us,
            crowded.p99_us,
            expiring.p50_us,
            expiring.p99_us
        );
        Round {
            crowded_p99: ratio(&crowded, &together, |outcome| outcome.p99_us),
            memory_growth_mb: memory_growth as f64 / BYTES_PER_MB,
            expiring_p50,
        }
    }

    /// Refreshes of the other logins.
    fn refresh(&self, server: &Server, connections: usize) -> crate::load::RunningLoad {
        let load = Load {
            address: server.address,
            operation: Operation::Refresh,
            connections,
            warm_up: self.plan.warm_up,
            measure: self.plan.bulk_measure,
            dataset: self.others,
            stream: self.stream.fetch_add(1, Ordering::Relaxed),
        };
        load.spawn()
    }

    /// The refreshes of the other logins while the crowd is listed and crowded out, and ended in the middle of it; and
    /// by how much the memory of the server grows.
    fn crowded(&self, server: &Server) -> (Outcome, u64) {
        let access = format!("accessTokenId={}", self.others.access_token().as_str());
        let list = format!(
            "GET {PATH}/by_profile?{access}&profileId={}&count=1",
            self.profile
        );
        let form = format!("{access}&profileId={}", self.profile);
        let ok = |client: &mut Client, request: &str, form: &str| {
            let (status, body) = client.send(request, form);
            assert_eq!(status, "200", "{request}: {body}");
        };
        // So that the pages that a list reads are cached before the memory is measured.
        ok(&mut Client::connect(server.address), &list, "");
        let before = server.memory().now;
        let is_over = AtomicBool::new(false);
        let (is_over, ok, list, form) = (&is_over, &ok, &list, &form);
        thread::scope(|scope| {
            let again_and_again = |request: String, form: String| {
                move || {
                    let mut client = Client::connect(server.address);
                    while !is_over.load(Ordering::Relaxed) {
                        ok(&mut client, &request, &form);
                    }
                }
            };
            for _ in 0..LISTING {
                scope.spawn(again_and_again(list.clone(), String::new()));
            }
            for _ in 0..CREATING {
                scope.spawn(again_and_again(format!("POST {PATH}/create"), form.clone()));
            }
            let watched = scope.spawn(|| {
                let mut most = before;
                while !is_over.load(Ordering::Relaxed) {
                    most = most.max(server.memory().now);
                    thread::sleep(MEMORY_INTERVAL);
                }
                most
            });
            let began = Instant::now();
            let load = self.refresh(server, CONNECTIONS);
            let middle = self.plan.warm_up + self.plan.bulk_measure / 2;
            thread::sleep(middle.saturating_sub(began.elapsed()));
            let mut client = Client::connect(server.address);
            ok(&mut client, &format!("POST {PATH}/delete_by_profile"), form);
            let outcome = load.outcome();
            is_over.store(true, Ordering::Relaxed);
            let most = watched.join().expect("the memory is watched");
            (outcome, most - before)
        })
    }

    /// Whether the logins still expire: the refreshes were measured during that.
    fn assert_expiring(&self) -> Result<(), String> {
        let log = fs::read_to_string(&self.log_path).expect("the server logs");
        if !log.contains(r#"what="expiry""#) {
            return Err("the cleaner did not begin, not measured".to_owned());
        }
        if log.contains("removed expired logins") {
            return Err("the cleaner was done before the load, not measured".to_owned());
        }
        Ok(())
    }
}

fn ratio(disturbed: &Outcome, undisturbed: &Outcome, of: fn(&Outcome) -> u64) -> f64 {
    for outcome in [disturbed, undisturbed] {
        assert_eq!(outcome.errors, 0, "every refresh is answered");
        assert!(outcome.count > 0, "there are refreshes");
    }
    of(disturbed) as f64 / of(undisturbed) as f64
}

fn copy_dir(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).expect("the data directory is there") {
        let entry = entry.expect("the data directory can be read");
        fs::copy(entry.path(), to.join(entry.file_name())).expect("the workspace has room");
    }
}
