//! A file system without room, under the real server.
//!
//! It is a small tmpfs. Whoever may not mount one runs this test again in a namespace of its own.

use std::env;
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::faults::client::wait_until;
use crate::faults::process::{Server, Tokens};

/// How much room there is, in KiB.
const ROOM_KIB: usize = 4_096;

/// How many logins there are before the room runs out.
const LOGINS: usize = 60;

/// How many requests may be served out of the room that the database has left within its file.
const REQUESTS_MAX: usize = 20_000;

/// How soon it must serve again once there is room. It takes some milliseconds; machines may be busy.
const RECOVERY_MAX: Duration = Duration::from_secs(5);

/// Tells this test that it runs in a namespace of its own.
const INSIDE: &str = "REMEMBERD_TEST_INSIDE";

const NAME: &str =
    "faults::full_disk::a_server_whose_file_system_is_full_serves_again_when_there_is_room";

#[test]
fn a_server_whose_file_system_is_full_serves_again_when_there_is_room() {
    match Room::mount() {
        Ok(room) => assert_serves_again(&room),
        Err(why) if env::var_os(INSIDE).is_some() => panic!("no tmpfs can be mounted: {why}"),
        Err(_) => run_in_a_namespace(),
    }
}

fn assert_serves_again(room: &Room) {
    let data = room.path().join("data");
    let mut server = Server::start(&data);
    let mut tokens = Tokens::default();
    for _ in 0..LOGINS {
        assert!(tokens.create(&server));
    }
    assert_eq!(tokens.refresh_all(&server), LOGINS);

    room.fill();
    let mut requests = 0;
    while tokens.create(&server) {
        requests += 1;
        assert!(requests < REQUESTS_MAX, "the room never runs out");
    }
    let refused_after = tokens.count();
    wait_until("it is not ready", || {
        // A database that opens again fails again with the next write.
        tokens.create(&server);
        server.status("/health/ready") == 503
    });
    assert_eq!(server.status("/health/live"), 200);
    tokens.refresh_all(&server);
    assert!(server.runs());

    room.free();
    let freed = Instant::now();
    wait_until("it serves again", || tokens.create(&server));
    let recovery = freed.elapsed();
    eprintln!("refused at {refused_after} logins; served again after {recovery:?}");
    assert!(recovery < RECOVERY_MAX);
    assert_eq!(server.status("/health/ready"), 200);
    tokens.check(&server);
    assert_eq!(tokens.refresh_all(&server), tokens.count());
    assert!(server.runs());
    drop(server);

    tokens.check(&Server::start(&data));
}

/// A small file system.
struct Room(TempDir);

impl Room {
    fn mount() -> Result<Self, String> {
        let directory = TempDir::new().expect("a temporary directory");
        let options = format!("size={ROOM_KIB}k,mode=700");
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

    /// Writes until there is no room.
    fn fill(&self) {
        let mut file = File::create(self.filler()).expect("there is room for a name");
        for chunk in [4_096, 512, 1] {
            loop {
                match file.write_all(&vec![1; chunk]) {
                    Ok(()) => {}
                    Err(error) if error.kind() == ErrorKind::StorageFull => break,
                    Err(error) => panic!("the room is not filled: {error}"),
                }
            }
        }
    }

    fn free(&self) {
        fs::remove_file(self.filler()).expect("it was there");
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        // The server in it is gone by now; if not, the mount goes when it does.
        let _ = Command::new("umount").arg("-l").arg(self.path()).status();
    }
}

/// Runs this test again where it may mount.
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
