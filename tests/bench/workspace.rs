//! The directory of a run: on a real disk, in the target directory, gone afterwards.

use std::fs;
use std::path::{Path, PathBuf};
use std::process;

const PREFIX: &str = "rotation-bench-";

pub struct Workspace {
    root: PathBuf,
}

impl Workspace {
    pub fn create(parent: &str) -> Self {
        sweep(Path::new(parent));
        let root = Path::new(parent).join(format!("{PREFIX}{}", process::id()));
        fs::create_dir_all(&root).expect("the target directory is writable");
        Self { root }
    }

    pub fn path(&self) -> &Path {
        &self.root
    }

    pub fn create_dir(&self, name: &str) -> PathBuf {
        let path = self.root.join(name);
        fs::create_dir_all(&path).expect("the workspace is writable");
        path
    }
}

impl Drop for Workspace {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.root) {
            eprintln!("{} could not be removed: {error}", self.root.display());
        }
    }
}

/// Removes what killed runs left behind: a million logins are not to pile up.
fn sweep(parent: &Path) {
    let Ok(entries) = fs::read_dir(parent) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let owner = name.to_str().and_then(|name| name.strip_prefix(PREFIX));
        if owner.is_some_and(|id| !Path::new("/proc").join(id).exists()) {
            // What cannot be removed now is tried again by the next run.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}
