//! A command that is killed at each of its steps: at each system call with which it changes something on the disk.
//!
//! What another process finds after SIGKILL is what those calls left. strace counts them, and kills the command at the
//! one that is wanted.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use rand::seq::IteratorRandom;
use tempfile::TempDir;

use crate::support;

const STRACE: &str = "/usr/bin/strace";

/// The system calls that change what is on a disk.
const CALLS: &str = "write,pwrite64,writev,ftruncate,fallocate,fsync,fdatasync,rename,renameat,renameat2,unlink,\
                     unlinkat,link,linkat,mkdir,mkdirat,chmod,fchmod,fchmodat,copy_file_range";

/// SIGKILL.
const KILLED: i32 = 9;

/// The program with these arguments, and nothing in its environment.
pub fn command<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rememberd"));
    command.args(arguments);
    without_environment(command)
}

/// Runs a command that succeeds. Returns what it printed.
#[track_caller]
pub fn run(mut command: Command) -> String {
    let ended = command.output().expect("the executable is there");
    assert!(ended.status.success(), "{command:?}: {ended:?}");
    String::from_utf8(ended.stdout).expect("it is text")
}

/// How many entries of the table there are in what `rememberd check` printed. It names no empty ones.
pub fn entries(checked: &str, table: &str) -> usize {
    let mut lines = checked.lines().map(str::split_whitespace);
    let count = lines.find_map(|mut words| {
        let is_found = words.next() == Some(table);
        is_found.then(|| words.next())
    });
    let count = count.flatten();
    count.map_or(0, |count| count.parse().expect("it is a number"))
}

/// Copies the files in a directory into a new one.
pub fn copy_directory(from: &Path, to: &Path) {
    fs::create_dir(to).expect("it is created");
    for entry in fs::read_dir(from).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_file() {
            let name = path.file_name().expect("it has a name");
            fs::copy(&path, to.join(name)).expect("it is copied");
        }
    }
}

/// Runs the command again and again, killed at another step each time, and at last to its end. Before each time
/// `prepare` is called, and after it `assert`. Unless the run is long, `of_a_kind_max` of the calls of the same kind
/// are chosen at random. Without strace, outside of continuous integration, nothing is done.
pub fn kill_at_each_step(
    of_a_kind_max: usize,
    command: impl Fn() -> Command,
    prepare: impl Fn(),
    assert: impl Fn(),
) {
    if !Path::new(STRACE).exists() {
        assert!(std::env::var_os("CI").is_none(), "{STRACE} is missing");
        println!("skipped: {STRACE} is not installed; `.ci/run` does that");
        return;
    }
    let mut random = support::random(support::test_seed());
    prepare();
    let steps = steps(&command());
    assert();
    let mut killed = 0;
    let mut tried = 0;
    for (call, count) in steps {
        let amount = if support::is_long() {
            count
        } else {
            of_a_kind_max
        };
        for number in (1..=count).sample(&mut random, amount) {
            prepare();
            let inject = format!("inject={call}:signal=SIGKILL:when={number}");
            let ended = trace(&command(), ["-e", &format!("trace={call}"), "-e", &inject]);
            let status = ended.status;
            let is_killed = status.signal() == Some(KILLED);
            assert!(is_killed || status.success(), "{inject}: {ended:?}");
            killed += usize::from(is_killed);
            tried += 1;
            eprintln!("{inject}: {status}");
            assert();
        }
    }
    // What the killed ones left does not matter.
    prepare();
    run(command());
    assert();
    // Threads share the calls one way today and another way tomorrow, and those on sockets depend on the time.
    assert!(killed * 2 > tried, "{killed} of {tried} were killed");
}

/// How often the thread that does it most often does each of the calls, when the command runs to its end.
#[track_caller]
fn steps(command: &Command) -> BTreeMap<String, usize> {
    let home = TempDir::new().expect("a temporary directory");
    let file = home.path().join("trace");
    let output = file.to_str().expect("it is text");
    let ended = trace(command, ["-e", &format!("trace={CALLS}"), "-o", output]);
    assert!(ended.status.success(), "{command:?}: {ended:?}");
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let lines = fs::read_to_string(&file).expect("strace writes it");
    for line in lines.lines() {
        // The number of the thread, then the call.
        let mut parts = line.splitn(2, ' ');
        if let (Some(thread), Some(rest)) = (parts.next(), parts.next())
            && let Some((call, _)) = rest.trim_start().split_once('(')
            // The rest of a call that was begun on an earlier line.
            && !call.starts_with('<')
        {
            *counts.entry((thread, call)).or_default() += 1;
        }
    }
    let mut steps = BTreeMap::new();
    for ((_, call), count) in counts {
        let most: &mut usize = steps.entry(call.to_owned()).or_default();
        *most = count.max(*most);
    }
    assert!(!steps.is_empty(), "{lines}");
    steps
}

fn trace(command: &Command, options: [&str; 4]) -> Output {
    let mut strace = Command::new(STRACE);
    strace.args(["--follow-forks", "--quiet=all"]);
    strace.args(options);
    if !options.contains(&"-o") {
        strace.args(["-o", "/dev/null"]);
    }
    strace.arg(command.get_program()).args(command.get_args());
    let mut strace = without_environment(strace);
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            strace.env(name, value);
        }
    }
    strace.output().expect("strace is there")
}

fn without_environment(mut command: Command) -> Command {
    command
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}
