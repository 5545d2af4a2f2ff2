//! PostgreSQL as it comes, durable, rotating the same number of rows through its own load generator, pgbench.
//!
//! The primary key is a uuid, as in the server under test. For pgbench to compute it, the key of row n is the MD5 of n
//! as text: as scattered as a random one, at the price of one MD5 per statement.

use std::env;
use std::fs;
use std::io;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Signal, getuid};

use crate::process::{Process, free_port};
use crate::sample::Round;
use crate::workspace::Workspace;

pub const DESCRIPTION: &str = "PostgreSQL, default settings (fsync and synchronous_commit on), TCP; UPDATE … \
                               RETURNING * by a uuid primary key (md5 of the row number), from pgbench \
                               -M prepared, one thread";

const PROGRAMS: [&str; 4] = ["postgres", "initdb", "psql", "pgbench"];
/// Where Debian keeps what it does not put into PATH, one directory per version.
const DEBIAN_ROOT: &str = "/usr/lib/postgresql";
/// PostgreSQL refuses to run as root; one of these runs it then.
const USERS: [&str; 2] = ["postgres", "nobody"];

const START_TIMEOUT_SECS: u64 = 30;
const POLL_INTERVAL_MILLISECONDS: u64 = 100;
const CONNECTIONS_MAX: &str = "300";
/// What PostgreSQL manages at least, a process for each.
const CONNECTS_PER_SEC: u64 = 128;

pub struct Postgres {
    programs: PathBuf,
    dir: PathBuf,
    port: String,
    _process: Process,
}

impl Postgres {
    /// Starts and fills one; the error says why there is none, for the table.
    pub fn start(workspace: &Workspace, rows: u64) -> Result<Self, String> {
        let programs = find_programs().ok_or("PostgreSQL: not installed, not measured")?;
        Self::try_start(programs, workspace, rows)
            .map_err(|error| format!("PostgreSQL: {error}, not measured"))
    }

    /// One round of pgbench. Its time runs while it connects, though its rate leaves that out, so that it gets more
    /// time the more connections it makes.
    pub fn measure(&self, connections: usize, time: Duration, seed: u64) -> Result<Round, String> {
        let connect_secs = 1 + connections as u64 / CONNECTS_PER_SEC;
        let seconds = time.as_secs().max(1) + connect_secs;
        let log_prefix = self.dir.join("pgbench");
        let mut command = self.client("pgbench");
        command
            .args(["-n", "-M", "prepared", "-j", "1", "-f"])
            .arg(self.dir.join("rotate.sql"))
            .args(["-c", &connections.to_string()])
            .args(["-T", &seconds.to_string()])
            .args(["--random-seed", &seed.to_string(), "-l", "--log-prefix"])
            .arg(&log_prefix)
            .arg("postgres");
        let summary = output(&mut command).map_err(|error| format!("PostgreSQL: {error}"))?;
        let latencies =
            take_latencies(&self.dir).map_err(|error| format!("PostgreSQL: {error}"))?;
        let per_second = number_after(&summary, "tps = ").ok_or("PostgreSQL: no rate")?;
        let failed = number_after(&summary, "number of failed transactions: ").unwrap_or(0.0);
        Ok(Round {
            per_second,
            errors: failed as u64,
            ..Round::from_latencies(latencies, time)
        })
    }

    fn try_start(programs: PathBuf, workspace: &Workspace, rows: u64) -> io::Result<Self> {
        let dir = workspace.create_dir("postgres");
        let cluster = dir.join("cluster");
        fs::create_dir(&cluster)?;
        let user = unprivileged_user()?;
        if let Some((uid, gid)) = user {
            chown(&cluster, Some(uid), Some(gid))?;
        }
        let as_user = |program: &str| {
            let mut command = Command::new(programs.join(program));
            command.current_dir("/").arg("-D").arg(&cluster);
            if let Some((uid, gid)) = user {
                command.uid(uid).gid(gid);
            }
            command
        };
        let mut initdb = as_user("initdb");
        output(initdb.args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C"]))?;
        let port = free_port()?.to_string();
        let mut command = as_user("postgres");
        command
            .args(["-p", &port, "-c", "listen_addresses=127.0.0.1"])
            // The path of a socket may be 107 bytes long, which that of a target directory may exceed.
            .args(["-c", "unix_socket_directories="])
            .args(["-c", &format!("max_connections={CONNECTIONS_MAX}")])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let postgres = Self {
            programs: programs.clone(),
            dir,
            port,
            // The fast shutdown, which does not wait for clients.
            _process: Process::spawn(&mut command, Signal::INT)?,
        };
        postgres.wait_until_ready()?;
        postgres.fill(rows)?;
        Ok(postgres)
    }

    fn wait_until_ready(&self) -> io::Result<()> {
        let until = Instant::now() + Duration::from_secs(START_TIMEOUT_SECS);
        loop {
            match self.sql(&["SELECT 1"]) {
                Ok(_) => return Ok(()),
                Err(error) if Instant::now() > until => return Err(error),
                Err(_) => thread::sleep(Duration::from_millis(POLL_INTERVAL_MILLISECONDS)),
            }
        }
    }

    fn fill(&self, rows: u64) -> io::Result<()> {
        self.sql(&[
            "CREATE TABLE persistent_login (id uuid PRIMARY KEY, tenant text NOT NULL, \
             profile_id text NOT NULL, token uuid NOT NULL, created bigint NOT NULL)",
            &format!(
                "INSERT INTO persistent_login SELECT md5(n::text)::uuid, 'default', \
                 substr(md5('profile' || n), 1, 24), gen_random_uuid(), 1495665332589 + n \
                 FROM generate_series(1, {rows}) AS n"
            ),
            "VACUUM ANALYZE persistent_login",
            "CHECKPOINT",
        ])?;
        let durable = self.sql(&["SHOW fsync", "SHOW synchronous_commit"])?;
        if durable.split_whitespace().any(|setting| setting != "on") {
            return Err(io::Error::other("fsync or synchronous_commit is off"));
        }
        let script = format!(
            "\\set n random(1, {rows})\nUPDATE persistent_login SET token = gen_random_uuid() \
             WHERE id = md5((:n)::text)::uuid RETURNING *;\n"
        );
        fs::write(self.dir.join("rotate.sql"), script)
    }

    fn sql(&self, statements: &[&str]) -> io::Result<String> {
        let mut command = self.client("psql");
        command.args([
            "-X",
            "-A",
            "-t",
            "-q",
            "-v",
            "ON_ERROR_STOP=1",
            "-d",
            "postgres",
        ]);
        for statement in statements {
            command.args(["-c", statement]);
        }
        output(&mut command)
    }

    fn client(&self, program: &str) -> Command {
        let mut command = Command::new(self.programs.join(program));
        command.args(["-h", "127.0.0.1", "-p", &self.port, "-U", "postgres"]);
        command
    }
}

/// Runs a program to its end; if it fails, the error is its last line of output.
fn output(command: &mut Command) -> io::Result<String> {
    let output = command.stdin(Stdio::null()).output()?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(io::Error::other(
        said.trim().lines().last().unwrap_or("failed").to_owned(),
    ))
}

/// The latencies of the last round in microseconds, from pgbench's log, which is removed.
fn take_latencies(dir: &Path) -> io::Result<Vec<f64>> {
    let mut latencies = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        if name.is_some_and(|name| name.starts_with("pgbench.")) {
            // Each line: client, transaction, microseconds, script, time.
            let log = fs::read_to_string(&path)?;
            let third = log
                .lines()
                .filter_map(|line| line.split(' ').nth(2)?.parse::<f64>().ok());
            latencies.extend(third);
            fs::remove_file(&path)?;
        }
    }
    Ok(latencies)
}

fn number_after(text: &str, label: &str) -> Option<f64> {
    let rest = &text[text.find(label)? + label.len()..];
    rest.split_whitespace().next()?.parse().ok()
}

/// The directory with all programs: in PATH, or the newest that Debian's packages installed.
fn find_programs() -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut debian: Vec<PathBuf> = fs::read_dir(DEBIAN_ROOT)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path().join("bin"))
        .collect();
    debian.sort();
    env::split_paths(&path)
        .chain(debian.into_iter().rev())
        .find(|dir| PROGRAMS.iter().all(|program| dir.join(program).is_file()))
}

/// The user and group to run PostgreSQL as; `None` if the caller is not root and may run it itself.
fn unprivileged_user() -> io::Result<Option<(u32, u32)>> {
    if !getuid().is_root() {
        return Ok(None);
    }
    let users = fs::read_to_string("/etc/passwd")?;
    USERS
        .iter()
        .find_map(|name| {
            let line = users
                .lines()
                .find(|line| line.split(':').next() == Some(name))?;
            let mut ids = line.split(':').skip(2);
            Some((ids.next()?.parse().ok()?, ids.next()?.parse().ok()?))
        })
        .map(Some)
        .ok_or_else(|| io::Error::other("no user but root to run it as"))
}
