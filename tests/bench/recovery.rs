//! How long after a full disk has room again the server serves again, by itself.
//!
//! The disk is a small file system in memory, which takes the right to mount one; without it this is not measured.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::dataset::Dataset;
use crate::listing::Client;
use crate::plan::Plan;
use crate::rememberd::Server;
use crate::sample::Spread;
use crate::workspace::Workspace;

const FILLER_CHUNK_BYTES: usize = 64 * 1024;
/// More creates than any file has room for inside.
const CREATES_MAX: usize = 1_000_000;
const RECOVERY_SECS_MAX: u64 = 30;

const PATH: &str = "/crafter-profile/api/1/authentication/persistent_login";

/// The recovery after each of some full disks, in milliseconds.
pub fn measure(
    plan: &Plan,
    workspace: &Workspace,
    data_dir: &Path,
    dataset: &Dataset,
) -> Result<Spread, String> {
    let database_bytes: u64 = fs::read_dir(data_dir)
        .expect("the data directory is there")
        .filter_map(|entry| entry.ok()?.metadata().ok())
        .map(|metadata| metadata.len())
        .sum();
    let disk = SmallDisk::mount(workspace, database_bytes + database_bytes / 2)?;
    for entry in fs::read_dir(data_dir).expect("the data directory is there") {
        let entry = entry.expect("the data directory can be read");
        fs::copy(entry.path(), disk.path.join(entry.file_name())).expect("the disk has room");
    }
    let log_path = workspace.path().join("rememberd-recovery.log");
    let server = Server::start(&disk.path, None, &log_path);
    let times: Vec<_> = (0..plan.opens)
        .map(|_| recover(&server, &disk, dataset))
        .collect();
    server.stop();
    Spread::of(times).ok_or_else(|| "not measured".to_owned())
}

fn recover(server: &Server, disk: &SmallDisk, dataset: &Dataset) -> f64 {
    let mut client = Client::connect(server.address);
    let access = format!("accessTokenId={}", dataset.access_token().as_str());
    let filler = disk.fill();
    let create = format!(
        "{access}&profileId={}",
        dataset.profile_id(dataset.logins - 1)
    );
    let failed = (0..CREATES_MAX).any(|_| {
        let (status, _) = client.send(&format!("POST {PATH}/create"), &create);
        status == "503"
    });
    assert!(failed, "a full disk is noticed");
    fs::remove_file(filler).expect("the filler is the benchmark's own");
    let refresh = format!("POST {PATH}/{}/refresh_token", dataset.login_id(0).as_str());
    let began = Instant::now();
    while client.send(&refresh, &access).0 != "200" {
        assert!(
            began.elapsed() < Duration::from_secs(RECOVERY_SECS_MAX),
            "the server serves again"
        );
    }
    began.elapsed().as_secs_f64() * 1e3
}

/// A file system of a given size, gone when dropped.
struct SmallDisk {
    path: PathBuf,
}

impl SmallDisk {
    fn mount(workspace: &Workspace, bytes: u64) -> Result<Self, String> {
        let path = workspace.create_dir("small-disk");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={bytes}"), "tmpfs"])
            .arg(&path)
            .stderr(Stdio::null())
            .status();
        match mounted {
            Ok(status) if status.success() => Ok(Self { path }),
            Ok(_) | Err(_) => Err("no right to mount a small file system, not measured".to_owned()),
        }
    }

    /// Leaves no room on the disk; returns the file that takes it.
    fn fill(&self) -> PathBuf {
        let path = self.path.join("filler");
        let mut file = File::create(&path).expect("the disk takes a name");
        let chunk = [0; FILLER_CHUNK_BYTES];
        let full = loop {
            if let Err(error) = file.write_all(&chunk) {
                break error;
            }
        };
        assert_eq!(full.kind(), io::ErrorKind::StorageFull, "{full}");
        path
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Nothing better is left to do if it fails.
        let _ = Command::new("umount").arg(&self.path).status();
    }
}
