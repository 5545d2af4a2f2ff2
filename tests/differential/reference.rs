//! The other implementations, each a process that answers batches of cases.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;

use crate::Case;
use crate::filters::without_repeats;
use crate::tools::tool;

/// An implementation in another language.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Kind {
    Mongomock,
    Mingo,
}

/// A running one.
pub struct Reference {
    pub kind: Kind,
    process: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Reference {
    /// Starts it, if it is installed.
    pub fn start(kind: Kind) -> Option<Self> {
        let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/differential");
        let mut command = match kind {
            Kind::Mongomock => {
                let mut command = Command::new(tool("python/bin/python")?);
                command.arg(here.join("mongomock_runner.py"));
                command
            }
            Kind::Mingo => {
                let mut command = Command::new("node");
                command
                    .arg(here.join("mingo_runner.mjs"))
                    .arg(tool("node_modules/mingo")?);
                command
            }
        };
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().expect("it starts");
        let output = process.stdout.take().expect("it is piped");
        Some(Self {
            kind,
            input: process.stdin.take(),
            process,
            output: BufReader::new(output),
        })
    }

    /// Whether each case matches, or the error.
    pub fn answers(&mut self, cases: &[Case]) -> Vec<Result<bool, String>> {
        let texts = cases.iter().map(|case| {
            let filter = without_repeats(&case.filter);
            format!("[{},{}]", filter.extended(), case.document.extended())
        });
        let line = format!("[{}]\n", texts.collect::<Vec<_>>().join(","));
        let input = self.input.as_mut().expect("it is open");
        input.write_all(line.as_bytes()).expect("it reads");
        let mut line = String::new();
        self.output.read_line(&mut line).expect("it answers");
        let answers: Vec<Value> = serde_json::from_str(&line).expect("it answers in JSON");
        assert_eq!(answers.len(), cases.len());
        let answers = answers.into_iter().map(|answer| match answer {
            Value::Bool(matches) => Ok(matches),
            error => Err(error.to_string()),
        });
        answers.collect()
    }
}

impl Drop for Reference {
    fn drop(&mut self) {
        // It ends with its input.
        drop(self.input.take());
        let _ = self.process.wait();
    }
}
