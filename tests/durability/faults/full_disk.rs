//! A full file system, under the real server.
//!
//! It is a small tmpfs. Without the permission to mount one, this test runs itself again in a namespace.

use std::env;
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::faults::client::wait_until;
use crate::faults::process::{Server, Tokens};
use crate::support::{DEMO_FILE, attachment};

/// The size of the file system in KiB.
const SIZE_KIB: usize = 4_096;

/// The number of logins before the file system is filled.
const LOGINS: usize = 60;

/// The maximum number of requests that succeed with the free space within the database file.
const REQUESTS_MAX: usize = 20_000;

/// The maximum number of tenants that an admin command creates in what is left of the file system.
const TENANTS_MAX: usize = 8;

/// The maximum time until it serves again once space is freed. Usually it takes some milliseconds, but the
/// machine may be busy.
const RECOVERY_MAX: Duration = Duration::from_secs(5);

/// The environment variable that is set when this test runs in a namespace.
const INSIDE: &str = "REMEMBERD_TEST_INSIDE";

#[test]
fn a_server_whose_file_system_was_full_serves_again() {
    let name = "a_server_whose_file_system_was_full_serves_again";
    on_a_small_file_system(name, assert_serves_again);
}

#[test]
fn an_attachment_for_which_there_is_no_space_does_not_replace_the_old_one() {
    let name = "an_attachment_for_which_there_is_no_space_does_not_replace_the_old_one";
    on_a_small_file_system(name, assert_attachment_stays);
}

#[test]
fn an_admin_command_says_what_it_has_done_although_the_database_cannot_be_closed() {
    let name = "an_admin_command_says_what_it_has_done_although_the_database_cannot_be_closed";
    on_a_small_file_system(name, assert_done_is_said);
}

fn on_a_small_file_system(name: &str, test: impl FnOnce(&FileSystem)) {
    match FileSystem::mount() {
        Ok(file_system) => test(&file_system),
        Err(why) if env::var_os(INSIDE).is_some() => panic!("no tmpfs can be mounted: {why}"),
        Err(_) => run_in_a_namespace(name),
    }
}

fn assert_attachment_stays(file_system: &FileSystem) {
    let data = file_system.path().join("data");
    let mut server = Server::start(&data);
    let content = |byte: u8, size: usize| {
        let mut content = attachment::PNG.to_vec();
        content.resize(size, byte);
        content
    };
    let mut stored = content(0, 200_000);
    assert_eq!(server.upload("picture", &stored).0, 200);

    file_system.fill();
    // Free space within the database file may take some.
    let mut byte = 0;
    wait_until("there is no space", || {
        byte += 1;
        let next = content(byte, 3_000_000);
        match server.upload("picture", &next) {
            (200, _) => {
                stored = next;
                false
            }
            (status, body) => {
                assert_eq!(status, 503, "{body}");
                true
            }
        }
    });
    wait_until("it serves what was stored", || {
        server.status("/health/ready") == 200
    });
    assert!(server.download("picture").as_ref() == Some(&stored));
    assert!(server.runs());

    file_system.free();
    let next = content(0xFF, 250_000);
    wait_until("it serves again", || {
        server.upload("picture", &next).0 == 200
    });
    assert!(server.download("picture").as_ref() == Some(&next));
    drop(server);
    let server = Server::start(&data);
    assert!(server.download("picture").as_ref() == Some(&next));
}

fn assert_done_is_said(file_system: &FileSystem) {
    let made = file_system.path().join("made");
    let data = file_system.path().join("data");
    let init = run(&["init", "--seed", DEMO_FILE], &made);
    assert!(init.status.success(), "{init:?}");
    let mut unclean = 0;
    for free in (0..64).step_by(4) {
        fs::create_dir(&data).expect("it was removed");
        for name in ["rememberd.redb", "rememberd.keys", "rememberd.marker"] {
            fs::copy(made.join(name), data.join(name)).expect("there is space");
        }
        file_system.fill_but(free << 10);
        let mut created = Vec::new();
        loop {
            let name = format!("t{}", created.len());
            let ended = run(&["admin", "tenant", "create", &name], &data);
            let log = String::from_utf8_lossy(&ended.stderr);
            unclean += usize::from(log.contains("the database was not closed cleanly"));
            if !ended.status.success() {
                assert_eq!(ended.status.code(), Some(3), "{ended:?}");
                break;
            }
            created.push(name);
            if created.len() == TENANTS_MAX {
                break;
            }
        }
        file_system.free();
        let listed = run(&["admin", "tenant", "list"], &data);
        let listed = String::from_utf8_lossy(&listed.stdout);
        let names = listed.lines().filter_map(|line| line.split(' ').next());
        let names: Vec<_> = names.filter(|name| name.starts_with('t')).collect();
        assert_eq!(names, created, "{free} KiB");
        fs::remove_dir_all(&data).expect("it is there");
    }
    assert!(unclean > 0, "each database was closed cleanly");
}

/// Runs a command on this data directory.
fn run(arguments: &[&str], data: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rememberd"));
    command.args(arguments).arg("--data-dir").arg(data);
    command.env_clear().env("REMEMBERD_START_RETRY", "0s");
    let output = command.stdin(Stdio::null()).output();
    output.expect("it can be run")
}

fn assert_serves_again(file_system: &FileSystem) {
    let data = file_system.path().join("data");
    let mut server = Server::start(&data);
    let mut tokens = Tokens::default();
    for _ in 0..LOGINS {
        assert!(tokens.create(&server));
    }
    assert_eq!(tokens.refresh_all(&server), LOGINS);

    file_system.fill();
    let mut requests = 0;
    while tokens.create(&server) {
        requests += 1;
        assert!(requests < REQUESTS_MAX, "the file system is never full");
    }
    let refused_after = tokens.count();
    wait_until("it is not ready", || {
        // A database that was reopened fails again at the next write.
        tokens.create(&server);
        server.status("/health/ready") == 503
    });
    assert_eq!(server.status("/health/live"), 200);
    tokens.refresh_all(&server);
    assert!(server.runs());

    file_system.free();
    let freed = Instant::now();
    wait_until("it serves again", || tokens.create(&server));
    let recovery = freed.elapsed();
    eprintln!("refused at {refused_after} logins; served again after {recovery:?}");
    assert!(recovery < RECOVERY_MAX);
    assert_eq!(server.status("/health/ready"), 200);
    tokens.assert_current(&server);
    assert_eq!(tokens.refresh_all(&server), tokens.count());
    assert!(server.runs());
    drop(server);

    tokens.assert_current(&Server::start(&data));
}

/// A small file system.
struct FileSystem(TempDir);

impl FileSystem {
    fn mount() -> Result<Self, String> {
        let directory = TempDir::new().expect("a temporary directory");
        let options = format!("size={SIZE_KIB}k,mode=700");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &options, "tmpfs"])
            .arg(directory.path())
            .output();
        match mounted {
            Ok(output) if output.status.success() => Ok(Self(directory)),
            Ok(output) => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
            Err(error) => Err(format!("mount: {error}")),
        }
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn filler(&self) -> PathBuf {
        self.path().join("filler")
    }

    /// Writes until the file system is full.
    fn fill(&self) {
        let mut file = File::create(self.filler()).expect("an empty file needs no space");
        for chunk in [4_096, 512, 1] {
            loop {
                match file.write_all(&vec![1; chunk]) {
                    Ok(()) => {}
                    Err(error) if error.kind() == ErrorKind::StorageFull => break,
                    Err(error) => panic!("it cannot be filled: {error}"),
                }
            }
        }
    }

    /// Writes until the file system has so many bytes left.
    fn fill_but(&self, bytes: u64) {
        self.fill();
        let filler = File::options().write(true).open(self.filler());
        let filler = filler.expect("it was written");
        let length = filler.metadata().expect("it is there").len();
        filler.set_len(length - bytes).expect("it is longer");
    }

    fn free(&self) {
        fs::remove_file(self.filler()).expect("it was there");
    }
}

impl Drop for FileSystem {
    fn drop(&mut self) {
        // Detaches the mount, which is removed when no process uses it any more.
        let _ = Command::new("umount").arg("-l").arg(self.path()).status();
    }
}

/// Runs this test again in a namespace in which it may mount.
fn run_in_a_namespace(name: &str) {
    let name = format!("faults::full_disk::{name}");
    let this = env::current_exe().expect("this is a program");
    let inside = Command::new("unshare")
        .args(["--map-root-user", "--mount"])
        .arg(this)
        .args(["--exact", &name, "--nocapture"])
        .env(INSIDE, "1")
        .status();
    let inside = inside.expect("neither mount nor unshare can be used, so that nothing is tested");
    assert!(inside.success(), "see above: in a namespace, {inside}");
}
