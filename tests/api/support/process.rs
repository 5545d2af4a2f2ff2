//! The real binary, as a child process.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Instant;

use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, prlimit};

use crate::support::client::Client;
use crate::support::server::PATIENCE;
use crate::support::wire::Wire;

/// The demo data.
pub const DEMO_SEED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/demo.json");
/// The access token in it, which allows everything.
pub const DEMO_ACCESS_TOKEN: &str = rememberd::testing::service::demo::ACCESS_TOKEN_ID;

/// The text before the path of a file with a generated access token id.
const TOKEN_FILE: &str = ": until its first use in ";

/// The beginning of the line that is printed once the server accepts requests.
const LISTENS: &str = "rememberd listens on http://";

/// A command line of the binary.
pub struct Launch(Command);

impl Launch {
    /// With these arguments, and without a setting from the environment.
    pub fn new(arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rememberd"));
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("REMEMBERD_") {
                command.env_remove(name);
            }
        }
        command
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Self(command)
    }

    /// `serve` on a free port, with its data in `home`. Both are variables, over which arguments take precedence.
    pub fn serve(home: &Path) -> Self {
        Self::new(&["serve"])
            .variable("REMEMBERD_LISTEN", "127.0.0.1:0")
            .variable("REMEMBERD_DATA_DIR", home)
    }

    /// With a seed file.
    pub fn seed(self, file: impl AsRef<OsStr>) -> Self {
        self.argument("--seed").argument(file)
    }

    /// With one more argument.
    pub fn argument(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.0.arg(argument);
        self
    }

    /// With a variable.
    pub fn variable(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.0.env(name, value);
        self
    }

    /// In this working directory.
    pub fn in_directory(mut self, path: &Path) -> Self {
        self.0.current_dir(path);
        self
    }

    /// With another standard input than none.
    pub fn stdin(mut self, stdin: impl Into<Stdio>) -> Self {
        self.0.stdin(stdin);
        self
    }

    /// With another standard output than the test.
    pub fn stdout(mut self, stdout: Stdio) -> Self {
        self.0.stdout(stdout);
        self
    }

    /// Under a limit that the shell sets, for example `ulimit -n 100`.
    pub fn limited(self, limit: &str) -> Self {
        let script = format!("{limit} && exec \"$0\" \"$@\"");
        self.under(Command::new("sh").arg("-c").arg(script))
    }

    /// With its system calls written to a file, by strace.
    pub fn traced(self, file: &Path) -> Self {
        // The tracer is not the parent, so that signals reach the process.
        let options = ["--daemonize", "--follow-forks", "--quiet=all", "-o"];
        self.under(Command::new("strace").args(options).arg(file))
    }

    /// In a session of its own, whose terminal is this one, below a shell that prints the settings of that in the end,
    /// because the end of the session resets them.
    pub fn at_terminal(self, terminal: impl Into<Stdio>) -> Self {
        let script = "trap : TERM; \"$0\" \"$@\"; stty -a";
        let options = ["--ctty", "sh", "-c", script];
        self.under(Command::new("setsid").args(options))
            .stdin(terminal)
    }

    /// As the arguments of another command, which runs it.
    fn under(self, other: &mut Command) -> Self {
        let mut command = std::mem::replace(other, Command::new("true"));
        command
            .arg(self.0.get_program())
            .args(self.0.get_args())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        for (name, value) in self.0.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        Self(command)
    }

    /// With another standard error than the test.
    pub fn stderr(mut self, stderr: impl Into<Stdio>) -> Self {
        self.0.stderr(stderr);
        self
    }

    /// Starts it.
    pub fn spawn(mut self) -> Process {
        let mut child = self.0.spawn().expect("the binary starts");
        let stdout = match child.stdout.take() {
            Some(stdout) => Lines::of(stdout),
            None => Lines::of(std::io::empty()),
        };
        let stderr = match child.stderr.take() {
            Some(stderr) => Lines::of(stderr),
            None => Lines::of(std::io::empty()),
        };
        Process {
            child,
            stdout,
            stderr,
        }
    }

    /// Starts it and waits until it listens.
    #[track_caller]
    pub fn start(self) -> Serving {
        self.spawn().into_serving()
    }

    /// Starts it and waits until it ends.
    #[track_caller]
    pub fn run(self) -> Ended {
        self.spawn().wait()
    }

    /// Asserts that it fails without having listened. Returns its standard error.
    #[track_caller]
    pub fn assert_fails(self) -> String {
        let ended = self.run();
        assert!(!ended.status.success(), "{ended:?}");
        assert!(!ended.stdout.contains(LISTENS), "{ended:?}");
        ended.stderr
    }
}

/// A running process, which is killed when dropped.
pub struct Process {
    child: Child,
    stdout: Lines,
    stderr: Lines,
}

/// A process that listens.
pub struct Serving {
    /// Where it listens.
    pub address: SocketAddr,
    /// The context path that it printed.
    pub context: String,
    process: Process,
}

/// The outcome of a process.
#[derive(Debug)]
pub struct Ended {
    /// The exit status.
    pub status: ExitStatus,
    /// Standard output.
    pub stdout: String,
    /// Standard error: its error message and its log.
    pub stderr: String,
}

impl Ended {
    /// The log without the warnings about the seed file: those of the example data are known.
    pub fn log(&self) -> String {
        let lines = self.stderr.split_inclusive('\n');
        lines.filter(|line| !line.contains("--seed ")).collect()
    }
}

impl Serving {
    /// A client of it, on the loopback interface.
    pub fn client(&self, access_token_id: &str) -> Client {
        Client::new(self.loopback()).with_token(access_token_id)
    }

    /// A raw connection to it, on the loopback interface.
    pub fn wire(&self) -> Wire {
        Wire::connect(self.loopback())
    }

    /// Its port on the loopback interface.
    pub fn loopback(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.address.port()))
    }

    /// Waits until it has printed where the access token is that it generated. Returns the file.
    #[track_caller]
    pub fn token_file(&mut self) -> PathBuf {
        let line = self.process.stdout.wait_for(TOKEN_FILE);
        token_files(&line).pop().expect("the line has a path")
    }

    /// The access token id in that file.
    #[track_caller]
    pub fn first_token(&mut self) -> String {
        secret(&self.token_file())
    }

    /// How much memory it has that is not swapped out, in bytes.
    pub fn resident_bytes(&self) -> u64 {
        let path = format!("/proc/{}/status", self.process.child.id());
        let text = fs::read_to_string(path).expect("it runs");
        let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let line = line.expect("the status has the resident memory");
        let kilobytes: u64 = line
            .trim()
            .trim_end_matches(" kB")
            .parse()
            .expect("a number");
        1_024 * kilobytes
    }

    /// Waits for a log line with this text. Returns it.
    #[track_caller]
    pub fn wait_for_log(&mut self, text: &str) -> String {
        self.process.stderr.wait_for(text)
    }

    /// Waits for so many lines of a request in the log. A later line is then written a moment after it was logged, by
    /// which time another signal is not one with the first.
    #[track_caller]
    pub fn wait_for_lines(&mut self, request_id: &str, lines: usize) {
        for _ in 0..lines {
            self.wait_for_log(request_id);
        }
    }

    /// The process' id.
    pub fn id(&self) -> Pid {
        self.process.id()
    }

    /// Waits until it has printed another line with `text`. Returns it.
    #[track_caller]
    pub fn wait_for_output(&mut self, text: &str) -> String {
        self.process.stdout.wait_for(text)
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        self.process.signal(signal);
    }

    /// Sets a limit of the running process.
    pub fn limit(&self, resource: Resource, limit: Rlimit) {
        let pid = Pid::from_child(&self.process.child);
        prlimit(Some(pid), resource, limit).expect("it runs, and the limit is below the highest");
    }

    /// Stops it by a signal, and waits until it has ended without a failure.
    #[track_caller]
    pub fn stop(self) -> Ended {
        self.signal(Signal::TERM);
        let ended = self.wait();
        assert!(ended.status.success(), "{ended:?}");
        ended
    }

    /// Waits until it ends.
    #[track_caller]
    pub fn wait(self) -> Ended {
        self.process.wait()
    }
}

impl Process {
    /// Waits until it listens.
    #[track_caller]
    pub fn into_serving(mut self) -> Serving {
        let line = self.stdout.wait_for(LISTENS);
        let (_, rest) = line.split_once("http://").expect("the line has an address");
        let (address, context) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        Serving {
            address: address.parse().expect("an address"),
            context: context.to_owned(),
            process: self,
        }
    }

    /// Waits for a log line with this text. Returns it.
    #[track_caller]
    pub fn wait_for_log(&mut self, text: &str) -> String {
        self.stderr.wait_for(text)
    }

    /// Its id.
    pub fn id(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        kill_process(self.id(), signal).expect("it runs");
    }

    /// Waits until it ends.
    #[track_caller]
    pub fn wait(mut self) -> Ended {
        self.stdout.wait_for_end();
        self.stderr.wait_for_end();
        Ended {
            status: self.child.wait().expect("the process has ended"),
            stdout: std::mem::take(&mut self.stdout.read),
            stderr: std::mem::take(&mut self.stderr.read),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The files of access tokens that a process named on its standard output.
pub fn token_files(stdout: &str) -> Vec<PathBuf> {
    let paths = stdout
        .lines()
        .filter_map(|line| Some(line.split_once(TOKEN_FILE)?.1));
    paths.map(PathBuf::from).collect()
}

/// The secret in a file.
#[track_caller]
pub fn secret(path: &Path) -> String {
    let text = fs::read_to_string(path).expect("the file is there");
    let secret = text.strip_suffix('\n').expect("it ends with a line break");
    secret.to_owned()
}

/// The lines that a process writes.
pub struct Lines {
    incoming: Receiver<String>,
    /// Those that were waited for, and those before them.
    pub read: String,
}

impl Lines {
    /// Those that come from `stream`.
    pub fn of(stream: impl Read + Send + 'static) -> Self {
        let (lines, incoming) = channel();
        thread::spawn(move || {
            for line in BufReader::new(stream).lines() {
                let line = line.expect("a line in UTF-8");
                if lines.send(line).is_err() {
                    return;
                }
            }
        });
        Self {
            incoming,
            read: String::new(),
        }
    }

    /// The next line with `text` in it.
    #[track_caller]
    pub fn wait_for(&mut self, text: &str) -> String {
        let began = Instant::now();
        loop {
            let left = PATIENCE.saturating_sub(began.elapsed());
            let line = self.incoming.recv_timeout(left);
            let line = line.unwrap_or_else(|_| panic!("no {text:?} after {:?}", self.read));
            self.read += &line;
            self.read.push('\n');
            if line.contains(text) {
                return line;
            }
        }
    }

    /// Waits until there are no more.
    #[track_caller]
    pub fn wait_for_end(&mut self) {
        let began = Instant::now();
        while let Ok(line) = self
            .incoming
            .recv_timeout(PATIENCE.saturating_sub(began.elapsed()))
        {
            self.read += &line;
            self.read.push('\n');
        }
        assert!(began.elapsed() < PATIENCE, "no end after {:?}", self.read);
    }
}
