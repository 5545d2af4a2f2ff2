//! Backups by schedule: when the next one is due, and which are no longer kept.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::clock::{Timestamp, date};
use crate::error::Failure;
use crate::storage::{new_file, regular_file};

/// What the name of each file begins and ends with; between them is its time.
const PREFIX: &str = "rememberd-";
const SUFFIX: &str = ".redb";

/// How many servers may begin a backup in the same directory at the same time.
const OTHERS_MAX: u64 = 60;

/// Whether the file at a path is a backup of the database of this server. Another one may have the same directory for
/// its backups.
pub type IsOwn<'o> = dyn Fn(&Path) -> bool + 'o;

/// A file that is named like a backup that was made by schedule.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Scheduled {
    /// When it was begun, to the second.
    time: Timestamp,
    /// Where it is.
    path: PathBuf,
}

/// A path for a backup in `directory` that is begun at `time`. Where another server has begun one in the same second,
/// it is that of a second before.
pub fn free_path_at(directory: &Path, time: Timestamp) -> PathBuf {
    let before = |seconds| path_at(directory, time.minus(Duration::from_secs(seconds)));
    let mut paths = (0..OTHERS_MAX).map(before);
    let free = paths.find(|path| new_file::is_free(path));
    // Why it cannot be created is then the failure of the backup.
    free.unwrap_or_else(|| path_at(directory, time))
}

fn path_at(directory: &Path, time: Timestamp) -> PathBuf {
    directory.join(format!("{PREFIX}{}{SUFFIX}", date::file_name(time)))
}

/// When the newest backup in `directory` was begun that is this server's own and was made by schedule.
///
/// # Errors
///
/// As of an access to the directory.
pub fn newest(
    directory: &Path,
    now: Timestamp,
    is_own: &IsOwn<'_>,
) -> Result<Option<Timestamp>, Failure> {
    let named = list(directory, now)?;
    let newest = named.iter().rev().find(|backup| is_own(&backup.path));
    Ok(newest.map(|backup| backup.time))
}

/// The files in `directory` that are named like backups by schedule, the oldest first. Those that are later than `now`
/// are left out: the clock was wrong, and in the place of others they would be taken for the newest. So is what is no
/// regular file: no backup is a directory or a symbolic link.
///
/// # Errors
///
/// As of an access to the directory.
fn list(directory: &Path, now: Timestamp) -> Result<Vec<Scheduled>, Failure> {
    let names = new_file::names_in(directory)?;
    let mut found: Vec<_> = names
        .iter()
        .filter_map(|name| {
            Some(Scheduled {
                time: time_of(name)?,
                path: directory.join(name),
            })
        })
        .filter(|backup| backup.time <= now && regular_file::is_file(&backup.path))
        .collect();
    found.sort();
    Ok(found)
}

/// Removes the oldest backups in `directory`, so that `keep` of those are left that are this server's own and were made
/// by schedule. Returns the number of those that were removed. One that cannot be removed stays, and a warning is
/// logged of the first of them.
///
/// # Errors
///
/// As of an access to the directory.
pub fn remove_old(
    directory: &Path,
    keep: usize,
    now: Timestamp,
    is_own: &IsOwn<'_>,
) -> Result<usize, Failure> {
    let mut found = list(directory, now)?;
    found.retain(|backup| is_own(&backup.path));
    let surplus = found.len().saturating_sub(keep);
    let mut failures = Vec::new();
    for backup in &found[..surplus] {
        failures.extend(new_file::remove(&backup.path).err());
    }
    if let Some(failure) = failures.first() {
        let count = failures.len();
        tracing::warn!(%failure, count, "old backups cannot be removed; remove them by hand");
    }
    Ok(surplus - failures.len())
}

/// Removes what backups left in `directory` that were made by schedule and killed: each has a name of its own, so that
/// no later one takes its place. Those that are being written stay.
///
/// # Errors
///
/// As of an access to the directory, or to one of the files.
pub fn remove_left(directory: &Path) -> Result<(), Failure> {
    for name in new_file::names_in(directory)? {
        let is_ours = new_file::finished_name(&name).and_then(time_of).is_some();
        if is_ours && new_file::remove_left(&directory.join(&name))? {
            tracing::info!(name, "what a backup left that was killed was removed");
        }
    }
    Ok(())
}

/// When the backup with this name was made; `None` if it was not made by schedule.
fn time_of(name: &str) -> Option<Timestamp> {
    let time = name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?;
    date::parse_file_name(time)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::storage::new_file::NewFile;

    fn touch(path: &Path) {
        let file = NewFile::create(path, false).expect("it is created");
        file.publish().expect("it is renamed");
    }

    #[test]
    fn the_oldest_are_removed_and_nothing_else() {
        let home = tempfile::tempdir().expect("a temporary directory");
        let at = |hours: i64| path_at(home.path(), Timestamp::from_millis(hours * 3_600_000));
        for hours in [500_000, 499_000, 501_000] {
            touch(&at(hours));
        }
        let others = [
            "rememberd-20990101T000000Z.redb",
            "other.redb",
            "rememberd-.redb",
            "rememberd-20260230T000000Z.redb",
        ];
        for name in others {
            touch(&home.path().join(name));
        }
        let now = Timestamp::from_millis(501_000 * 3_600_000);
        let found = list(home.path(), now).expect("it is readable");
        let paths: Vec<_> = found.iter().map(|backup| backup.path.clone()).collect();
        assert_eq!(paths, [499_000, 500_000, 501_000].map(at));
        assert_eq!(remove_old(home.path(), 3, now, &|_| true), Ok(0));
        assert_eq!(remove_old(home.path(), 1, now, &|_| true), Ok(2));
        assert!(at(501_000).exists() && !at(500_000).exists());
        assert!(others.iter().all(|name| home.path().join(name).exists()));
    }

    #[test]
    fn a_backup_takes_the_name_of_no_other_server() {
        let home = tempfile::tempdir().expect("a temporary directory");
        let at = |seconds: i64| path_at(home.path(), Timestamp::from_millis(seconds * 1_000));
        let now = Timestamp::from_millis(1_800_000_000_999);
        touch(&at(1_800_000_000));
        let written = NewFile::create(&at(1_799_999_999), false).expect("it is created");
        assert_eq!(free_path_at(home.path(), now), at(1_799_999_998));
        drop(written);
        assert_eq!(free_path_at(home.path(), now), at(1_799_999_999));
    }

    #[test]
    fn what_is_no_regular_file_is_no_backup_and_stays() {
        let home = tempfile::tempdir().expect("a temporary directory");
        let at = |hours: i64| path_at(home.path(), Timestamp::from_millis(hours * 3_600_000));
        let make_directory = |path: PathBuf| {
            let name = path.file_name().expect("it has a name");
            let mut builder = tempfile::Builder::new();
            let made = builder.prefix(name).rand_bytes(0).tempdir_in(home.path());
            made.expect("it is created")
        };
        let _directories = [499_000, 499_004].map(|hours| make_directory(at(hours)));
        let target = home.path().join("other");
        touch(&target);
        symlink(&target, at(499_001)).expect("it is linked");
        for hours in [499_002, 499_003] {
            touch(&at(hours));
        }
        let now = Timestamp::from_millis(500_000 * 3_600_000);
        assert_eq!(remove_old(home.path(), 1, now, &|_| true), Ok(1));
        assert!(!at(499_002).exists());
        let found = newest(home.path(), now, &|_| true).expect("it is readable");
        assert_eq!(found, Some(Timestamp::from_millis(499_003 * 3_600_000)));
        let is_kept = |hours| at(hours).exists();
        assert!(
            [499_000, 499_001, 499_003, 499_004]
                .into_iter()
                .all(is_kept)
        );
        assert!(target.exists());
    }
}
