//! What the pages may name: flags, environment variables, paths, cargo's subcommands and targets, tests.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::page::root;

/// Cargo's own subcommands that the pages use.
const SUBCOMMANDS: [&str; 8] = [
    "bench", "build", "clippy", "doc", "fmt", "run", "test", "tree",
];

/// The flags of cargo and of its test programs that the pages use.
const CARGO_FLAGS: [&str; 10] = [
    "--check",
    "--edges",
    "--lib",
    "--locked",
    "--nocapture",
    "--no-deps",
    "--open",
    "--release",
    "--test",
    "--document-private-items",
];

/// Programs of the operating system that the pages use.
const SYSTEM: [&str; 14] = [
    "apt",
    "cat",
    "curl",
    "docker",
    "install",
    "journalctl",
    "ls",
    "mongoexport",
    "mongoimport",
    "mv",
    "openssl",
    "python3",
    "systemctl",
    "useradd",
];

/// What the example of `contributing.md` adds, which is not there.
const EXAMPLES: [&str; 3] = [
    "--list-count-max",
    "REMEMBERD_LIST_COUNT_MAX",
    "tests/look.rs",
];

/// The folders of the project whose files are named.
const FOLDERS: [&str; 5] = ["src/", "tests/", "data/", ".ci/", ".cargo/"];

/// Where a path may be that the project does not have until it is used.
const MADE: [&str; 1] = ["data/db"];

/// What exists.
pub struct Names {
    flags: BTreeSet<String>,
    variables: BTreeSet<String>,
    aliases: BTreeSet<String>,
    /// The names of functions and modules, among which a filter of tests must be found.
    items: BTreeSet<String>,
}

impl Names {
    pub fn collect() -> Self {
        // That of all commands, and of those below them.
        let help = help() + &completions();
        let sources = sources();
        let config = fs::read_to_string(root().join(".cargo/config.toml")).expect("it is readable");
        let aliases = config.lines().filter_map(|line| line.split_once(" = "));
        Self {
            flags: words(&help, "--"),
            variables: sources
                .iter()
                .flat_map(|(_, text)| words(text, "REMEMBERD_"))
                .collect(),
            aliases: aliases.map(|(name, _)| name.to_owned()).collect(),
            items: items(&sources),
        }
    }

    /// Checks what one command that is not run names.
    pub fn check_command(&self, command: &str) -> Result<(), String> {
        let mut words = command.split_whitespace().peekable();
        while let Some((name, _)) = words.peek().and_then(|word| word.split_once('=')) {
            self.check_variable(name)?;
            words.next();
        }
        match words.next() {
            Some("cargo") => self.check_cargo(&words.collect::<Vec<_>>()),
            Some("rememberd") => words
                .filter(|word| word.starts_with("--"))
                .try_for_each(|flag| self.check_flag(flag)),
            Some("sudo") => {
                words.next_if_eq(&"-u").and_then(|_| words.next());
                self.check_command(&words.collect::<Vec<_>>().join(" "))
            }
            Some(program) if SYSTEM.contains(&program) => Ok(()),
            Some(path) if root().join(path).exists() => Ok(()),
            _ => Err(format!("{command:?} runs nothing that is there")),
        }
    }

    /// Checks what stands between backticks in the text.
    pub fn check_code(&self, code: &str) -> Result<(), String> {
        if let Some(rest) = code.strip_prefix("cargo ") {
            return self.check_cargo(&rest.split_whitespace().collect::<Vec<_>>());
        }
        let word = code.split([' ', '=']).next().unwrap_or_default();
        if word.starts_with("--") {
            return self.check_flag(word);
        }
        if word.starts_with("REMEMBERD_") {
            return self.check_variable(word);
        }
        if FOLDERS.iter().any(|folder| word.starts_with(folder)) {
            return check_path(word);
        }
        Ok(())
    }

    fn check_cargo(&self, words: &[&str]) -> Result<(), String> {
        let (subcommand, arguments) = words.split_first().ok_or("cargo does nothing")?;
        let is_alias = self.aliases.contains(*subcommand);
        if !is_alias && !SUBCOMMANDS.contains(subcommand) {
            return Err(format!("there is no cargo {subcommand}"));
        }
        let runs_tests = *subcommand == "test" || is_alias;
        let is_run = *subcommand == "run";
        let mut arguments = arguments.iter().copied();
        while let Some(argument) = arguments.next() {
            match argument {
                "--test" => {
                    let target = arguments.next().ok_or("--test has no value")?;
                    check_target(target)?;
                }
                "--edges" => drop(arguments.next()),
                "--" if is_run => {
                    let rest = arguments.by_ref().skip_while(|word| *word == "serve");
                    for flag in rest.filter(|word| word.starts_with("--")) {
                        self.check_flag(flag)?;
                    }
                }
                "--" => {}
                flag if flag.starts_with('-') => self.check_flag(flag)?,
                filter if runs_tests => {
                    if !self.items.iter().any(|item| item.contains(filter)) {
                        return Err(format!("no test has {filter} in its name"));
                    }
                }
                other => return Err(format!("cargo {subcommand} has no argument {other}")),
            }
        }
        Ok(())
    }

    fn check_flag(&self, flag: &str) -> Result<(), String> {
        let is_known = self.flags.contains(flag) || CARGO_FLAGS.contains(&flag);
        if is_known || EXAMPLES.contains(&flag) {
            return Ok(());
        }
        Err(format!("there is no flag {flag}"))
    }

    fn check_variable(&self, name: &str) -> Result<(), String> {
        if self.variables.contains(name) || EXAMPLES.contains(&name) {
            return Ok(());
        }
        Err(format!("there is no variable {name}"))
    }
}

fn check_path(path: &str) -> Result<(), String> {
    let is_made = MADE.iter().any(|made| path.starts_with(made));
    if is_made || EXAMPLES.contains(&path) || root().join(path).exists() {
        return Ok(());
    }
    Err(format!("there is no {path}"))
}

/// Checks that there is a test program of this name.
fn check_target(target: &str) -> Result<(), String> {
    let tests = root().join("tests");
    let is_there = tests.join(target).join("main.rs").exists();
    if is_there || check_path(&format!("tests/{target}.rs")).is_ok() {
        return Ok(());
    }
    Err(format!("there is no test program {target}"))
}

/// What completes command lines in a shell: it has every flag.
fn completions() -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rememberd"));
    let output = command.args(["completions", "bash"]).output();
    String::from_utf8(output.expect("it runs").stdout).expect("it is UTF-8")
}

fn help() -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_rememberd"))
        .args(["serve", "--help"])
        .output()
        .expect("the binary runs");
    String::from_utf8(output.stdout).expect("help is UTF-8")
}

/// The words in `text` that begin with `begin`.
fn words(text: &str, begin: &str) -> BTreeSet<String> {
    let end = |rest: &str| {
        rest.find(|letter: char| !letter.is_ascii_alphanumeric() && !"-_".contains(letter))
            .unwrap_or(rest.len())
    };
    text.match_indices(begin)
        .map(|(at, _)| text[at..at + end(&text[at..])].to_owned())
        .collect()
}

/// The sources outside of these tests, with their paths below the folder of the project.
fn sources() -> Vec<(String, String)> {
    let mut sources = Vec::new();
    for folder in ["src", "tests"] {
        collect(&root().join(folder), &mut sources);
    }
    assert!(sources.len() > 50, "the sources were not found");
    sources
}

fn collect(folder: &Path, sources: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).expect("a folder is readable") {
        let path = entry.expect("an entry is readable").path();
        if path.ends_with("tests/readme") {
            continue;
        }
        if path.is_dir() {
            collect(&path, sources);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).expect("a source is readable");
            let path = path.strip_prefix(root()).expect("it is below the root");
            sources.push((path.display().to_string(), text));
        }
    }
}

/// The names of functions, and the paths of the files as modules.
fn items(sources: &[(String, String)]) -> BTreeSet<String> {
    let functions = sources.iter().flat_map(|(_, text)| {
        text.split("fn ").skip(1).filter_map(|rest| {
            let end = rest.find(|letter: char| !letter.is_alphanumeric() && letter != '_')?;
            Some(rest[..end].to_owned())
        })
    });
    let modules = sources.iter().map(|(path, _)| path.replace('/', "::"));
    functions.chain(modules).collect()
}
