//! The Debian package, in a root of its own: the host's files with an empty layer above them, in which dpkg installs.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::support::tools::skip;

const REPOSITORY: &str = env!("CARGO_MANIFEST_DIR");

/// Makes the root, and runs what the package goes through in it.
const SCRIPT: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/api/process/debian_package.sh"
);

fn run(command: &mut Command) -> Output {
    command.output().expect("it can be run")
}

#[test]
fn the_package_is_installed_started_upgraded_removed_and_purged() {
    let isolated = |program: &str| {
        let isolation = ["--mount", "--net", "--pid", "--fork", "--kill-child"];
        let mut command = Command::new("unshare");
        command.args(isolation).args(["sh", "-e", program]);
        command
    };
    // Only root may mount, and not in every container.
    let mounted = run(isolated("-c").arg("mount -t tmpfs none /mnt"));
    if !mounted.status.success() {
        println!("skipped: a root of its own cannot be made here");
        return;
    }
    for tool in ["/usr/bin/dpkg-deb", "/usr/bin/python3", "/usr/sbin/adduser"] {
        if !Path::new(tool).exists() {
            skip(tool);
            return;
        }
    }
    let home = TempDir::new().expect("a temporary directory");
    for directory in ["layer", "system", "packages"] {
        fs::create_dir(home.path().join(directory)).expect("it is created");
    }
    for version in ["1.0.0", "1.1.0"] {
        let built = run(
            Command::new(Path::new(REPOSITORY).join("data/debian/build"))
                .arg(env!("CARGO_BIN_EXE_rememberd"))
                .arg(home.path().join("packages"))
                // Compressing a program with its debug information takes long.
                .env("DPKG_DEB_COMPRESSOR_TYPE", "none")
                .env("VERSION", version),
        );
        assert!(built.status.success(), "{built:?}");
    }
    let lived = run(isolated(SCRIPT).arg(home.path()));
    let output = String::from_utf8_lossy(&lived.stdout);
    let errors = String::from_utf8_lossy(&lived.stderr);
    assert!(
        lived.status.success() && output.ends_with("lived\n"),
        "{output}\n{errors}"
    );
}
