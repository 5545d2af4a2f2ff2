//! A full file system, under the real server.
//!
//! It is a small tmpfs. Without the permission to mount one, this test runs itself again in a namespace.

use std::env;
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::faults::client::wait_until;
use crate::faults::process::{Server, Tokens};

/// The size of the file system in KiB.
const SIZE_KIB: usize = 4_096;

/// The number of logins before the file system is filled.
const LOGINS: usize = 60;

/// The maximum number of requests that succeed with the free space within the database file.
const REQUESTS_MAX: usize = 20_000;

/// The maximum time until it serves again once space is freed. Usually it takes some milliseconds, but the
/// machine may be busy.
const RECOVERY_MAX: Duration = Duration::from_secs(5);

/// The environment variable that is set when this test runs in a namespace.
const INSIDE: &str = "REMEMBERD_TEST_INSIDE";

const NAME: &str = "faults::full_disk::a_server_whose_file_system_was_full_serves_again";

#[test]
fn a_server_whose_file_system_was_full_serves_again() {
    match FileSystem::mount() {
        Ok(file_system) => assert_serves_again(&file_system),
        Err(why) if env::var_os(INSIDE).is_some() => panic!("no tmpfs can be mounted: {why}"),
        Err(_) => run_in_a_namespace(),
    }
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
fn run_in_a_namespace() {
    let this = env::current_exe().expect("this is a program");
    let inside = Command::new("unshare")
        .args(["--map-root-user", "--mount"])
        .arg(this)
        .args(["--exact", NAME, "--nocapture"])
        .env(INSIDE, "1")
        .status();
    let inside = inside.expect("neither mount nor unshare can be used, so that nothing is tested");
    assert!(inside.success(), "see above: in a namespace, {inside}");
}
