//! Commands that would write into a data directory of another user: the server of that one could not read what they
//! write.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};

use rustix::process::geteuid;
use tempfile::TempDir;

use crate::support::process::{DEMO_SEED, Launch};

/// Another user than root.
const OTHER: u32 = 65_534;

fn give_away(path: &Path) {
    chown(path, Some(OTHER), Some(OTHER)).expect("root may");
}

/// The paths in a directory, and their owners.
fn owners(directory: &Path) -> Vec<(PathBuf, u32)> {
    let entries = fs::read_dir(directory).expect("a directory").flatten();
    let owner = |path: &PathBuf| fs::metadata(path).expect("it is there").uid();
    let mut owners: Vec<_> = entries
        .map(|entry| entry.path())
        .map(|path| (path.clone(), owner(&path)))
        .collect();
    owners.sort();
    owners
}

#[test]
fn root_writes_nothing_into_a_directory_of_another_user() {
    if !geteuid().is_root() {
        eprintln!("skipped: only root can give a file away");
        return;
    }
    let home = TempDir::new().expect("a temporary directory");
    let (data, empty) = (home.path().join("data"), home.path().join("empty"));
    let backup = home.path().join("backup.redb");
    let created = Launch::new(&["init", "--seed", DEMO_SEED, "--data-dir"])
        .argument(&data)
        .run();
    assert!(created.status.success(), "{created:?}");
    let assert_backed_up = || {
        let backed_up = Launch::new(&["backup", "--force", "--data-dir"])
            .argument(&data)
            .argument(&backup)
            .run();
        assert!(backed_up.status.success(), "{backed_up:?}");
    };
    assert_backed_up();
    for (path, _) in owners(&data) {
        give_away(&path);
    }
    give_away(&data);
    fs::create_dir(&empty).expect("a directory");
    give_away(&empty);
    let before = owners(&data);

    let of = |command: &[&str]| Launch::new(command).argument("--data-dir");
    let keys = data.join("rememberd.keys");
    for (command, refused, kind) in [
        (
            of(&["restore"]).argument(&data).argument(&backup),
            &data,
            "directory",
        ),
        (of(&["compact"]).argument(&data), &data, "directory"),
        (of(&["key", "rotate"]).argument(&data), &keys, "file"),
        (of(&["init"]).argument(&empty), &empty, "directory"),
        (
            Launch::new(&["salvage"]).argument(&data).argument(&empty),
            &empty,
            "directory",
        ),
    ] {
        let message = command.assert_fails();
        let expected = format!(
            "{}: the {kind} is of another user: run the command as that one, like \"sudo -u '#{OTHER}' rememberd …\"",
            refused.display()
        );
        assert!(message.contains(&expected), "{message}");
        assert_eq!(owners(&data), before);
        assert_eq!(owners(&empty), []);
    }
    assert_backed_up();
    assert_eq!(owners(&data), before);
}
