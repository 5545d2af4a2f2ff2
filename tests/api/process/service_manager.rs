//! The protocol of systemd, with a socket of the test, and the unit.

use std::collections::BTreeSet;
use std::fs;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use crate::support::fixture::LOGIN;
use crate::support::process::{DEMO_ACCESS_TOKEN, DEMO_SEED, Launch};
use crate::support::server::PATIENCE;
use crate::support::tools::skip;

/// A service manager, as far as its socket goes.
pub struct Manager(UnixDatagram);

impl Manager {
    /// One whose socket is at this path.
    pub fn at(path: &Path) -> Self {
        Self::of(UnixDatagram::bind(path).expect("the path is free"))
    }

    fn with_abstract_name(name: &str) -> Self {
        let address = SocketAddr::from_abstract_name(name).expect("a short name");
        Self::of(UnixDatagram::bind_addr(&address).expect("the name is free"))
    }

    fn of(socket: UnixDatagram) -> Self {
        let manager = Self(socket);
        manager.set_patience(PATIENCE);
        manager
    }

    /// Sets how long to wait for a report.
    pub fn set_patience(&self, patience: Duration) {
        let set = self.0.set_read_timeout(Some(patience));
        set.expect("a time that is not zero");
    }

    /// The next report.
    #[track_caller]
    pub fn next(&self) -> String {
        self.next_if_any().expect("another report comes")
    }

    /// The next report, if one comes in time.
    pub fn next_if_any(&self) -> Option<String> {
        let mut bytes = [0; 4_096];
        let length = self.0.recv(&mut bytes).ok()?;
        Some(String::from_utf8_lossy(&bytes[..length]).into_owned())
    }
}

#[test]
fn a_start_and_a_stop_are_reported() {
    let home = TempDir::new().expect("a temporary directory");
    let path = home.path().join("notify");
    let name = format!("rememberd-{}", std::process::id());
    for (manager, socket) in [
        (Manager::at(&path), path.display().to_string()),
        (Manager::with_abstract_name(&name), format!("@{name}")),
    ] {
        let launch = Launch::serve(&home.path().join("data"));
        let serving = launch.variable("NOTIFY_SOCKET", socket).start();
        assert_eq!(manager.next(), "STATUS=opening the database\n");
        let address = serving.address;
        let expected = format!("READY=1\nSTATUS=serving on {address}\n");
        assert_eq!(manager.next(), expected);
        serving.stop();
        // Nothing between: it was not watched.
        assert_eq!(manager.next(), "STOPPING=1\nSTATUS=finishing requests\n");
    }
}

#[test]
fn a_manager_that_cannot_be_reached_is_a_warning() {
    let home = TempDir::new().expect("a temporary directory");
    let launch = Launch::serve(&home.path().join("data"));
    let nowhere = home.path().join("notify");
    let mut serving = launch.variable("NOTIFY_SOCKET", nowhere).start();
    serving.wait_for_log("the service manager cannot be reached");
    serving.stop();
}

#[test]
fn systemd_accepts_the_unit_and_counts_it_as_hardened() {
    let Some(analyze) = Path::new("/usr/bin/systemd-analyze")
        .exists()
        .then_some("systemd-analyze")
    else {
        skip("systemd");
        return;
    };
    let home = TempDir::new().expect("a temporary directory");
    let unit = home.path().join("rememberd.service");
    let text = include_str!("../../../data/rememberd.service");
    let program = env!("CARGO_BIN_EXE_rememberd");
    fs::write(&unit, text.replace("/usr/bin/rememberd", program)).expect("it is written");
    for arguments in [
        &["verify"][..],
        &["security", "--offline=true", "--threshold=20"],
    ] {
        let output = Command::new(analyze).args(arguments).arg(&unit).output();
        let output = output.expect("it can be run");
        let errors = String::from_utf8_lossy(&output.stderr);
        // Units of the host may have warnings of their own.
        let about_it = errors
            .lines()
            .filter(|line| line.contains("rememberd.service"));
        assert_eq!(about_it.collect::<Vec<_>>(), Vec::<&str>::new());
        assert!(output.status.success(), "{arguments:?}: {errors}");
    }
}

/// The system calls in a set of systemd, or the one of this name.
fn system_calls(set: &str, sets: &str) -> BTreeSet<String> {
    if !set.starts_with('@') {
        return BTreeSet::from([set.to_owned()]);
    }
    let mut lines = sets.lines().skip_while(|line| *line != set);
    let _ = lines.next();
    let members = lines
        .take_while(|line| line.starts_with(' '))
        .map(str::trim);
    let members = members.filter(|member| !member.starts_with('#') && !member.is_empty());
    members
        .flat_map(|member| system_calls(member, sets))
        .collect()
}

/// Those that the unit allows.
fn allowed_system_calls(sets: &str) -> BTreeSet<String> {
    let mut allowed = BTreeSet::new();
    for line in include_str!("../../../data/rememberd.service").lines() {
        let Some(filter) = line.strip_prefix("SystemCallFilter=") else {
            continue;
        };
        let (is_denied, filter) = match filter.strip_prefix('~') {
            Some(denied) => (true, denied),
            None => (false, filter),
        };
        for call in filter.split(' ').flat_map(|set| system_calls(set, sets)) {
            if is_denied {
                allowed.remove(&call);
            } else {
                allowed.insert(call);
            }
        }
    }
    allowed
}

#[test]
fn the_unit_allows_the_system_calls_of_the_server() {
    for tool in ["/usr/bin/systemd-analyze", "/usr/bin/strace"] {
        if !Path::new(tool).exists() {
            skip(tool);
            return;
        }
    }
    let home = TempDir::new().expect("a temporary directory");
    let trace = home.path().join("trace");
    let socket = home.path().join("notify");
    let _manager = Manager::at(&socket);
    let serving = Launch::serve(&home.path().join("data"))
        .seed(DEMO_SEED)
        .variable("NOTIFY_SOCKET", &socket)
        .variable("WATCHDOG_USEC", "30000")
        .traced(&trace)
        .start();
    let client = serving.client(DEMO_ACCESS_TOKEN);
    let token = client.refresh(LOGIN).login().token;
    client.refresh_with(LOGIN, &token).login();
    serving.stop();
    let sets = Command::new("systemd-analyze")
        .arg("syscall-filter")
        .output();
    let sets = String::from_utf8(sets.expect("it can be run").stdout).expect("it is text");
    let allowed = allowed_system_calls(&sets);
    assert!(allowed.len() > 200, "{allowed:?}");
    let traced = fs::read_to_string(trace).expect("it was written");
    let calls: BTreeSet<&str> = traced
        .lines()
        .filter_map(|line| {
            let call = line.split_once(' ')?.1.trim_start();
            let (name, _) = call.split_once('(')?;
            let is_name =
                |char: char| char.is_ascii_lowercase() || char.is_ascii_digit() || char == '_';
            name.chars().all(is_name).then_some(name)
        })
        .collect();
    assert!(
        calls.contains("clock_adjtime") && calls.contains("fdatasync"),
        "{calls:?}"
    );
    let refused: Vec<_> = calls
        .iter()
        .filter(|call| !allowed.contains(**call))
        .collect();
    assert!(refused.is_empty(), "{refused:?}");
}
