//! How long a million logins take to be imported, and five million to be loaded from a seed file, and in how much
//! memory.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::dataset::Dataset;
use crate::plan::Plan;
use crate::process::Process;
use crate::rememberd::EXECUTABLE;
use crate::sample::Spread;
use crate::targets::{Bound, Comparison};
use crate::workspace::Workspace;

const IMPORTED: u64 = 1_000_000;
const SEEDED: u64 = 5_000_000;

const IMPORT_SECS_MAX: f64 = 60.0;
const IMPORT_MB_MAX: f64 = 100.0;
const SEED_MB_MAX: f64 = 200.0;
const BYTES_PER_MB: f64 = 1e6;

const MEMORY_INTERVAL: Duration = Duration::from_millis(20);

/// How long each took, and the most memory.
pub struct Moving {
    import: Measured,
    seed: Measured,
}

struct Measured {
    seconds: f64,
    peak_mb: f64,
}

pub fn measure(plan: &Plan, workspace: &Workspace) -> Moving {
    let dir = workspace.create_dir("moving");
    let seed_path = dir.join("seed.json");
    let dataset = |logins| Dataset {
        seed: plan.seed,
        logins,
    };
    let written = dataset(SEEDED).write_seed_file(&seed_path);
    written.expect("the workspace has room for the seed file");
    let seeded = dir.join("seeded");
    let seed = run(Command::new(EXECUTABLE)
        .args(["init", "--log-level", "error", "--seed"])
        .arg(&seed_path)
        .arg("--data-dir")
        .arg(&seeded));
    for path in [&seed_path, &seeded.join("rememberd.redb")] {
        fs::remove_file(path).expect("it is the benchmark's own");
    }
    let imported = dir.join("imported");
    run(Command::new(EXECUTABLE)
        .args(["init", "--log-level", "error", "--data-dir"])
        .arg(&imported));
    write_collections(&dataset(IMPORTED), &dir).expect("the workspace has room");
    let import = run(Command::new(EXECUTABLE)
        .arg("import")
        .args([dir.join("profile.json"), dir.join("persistentlogin.json")])
        .arg("--data-dir")
        .arg(&imported));
    Moving { import, seed }
}

/// Writes what mongoexport writes of the profiles and the logins.
fn write_collections(dataset: &Dataset, dir: &Path) -> io::Result<()> {
    let file = |name: &str| File::create(dir.join(name)).map(BufWriter::new);
    let (mut profiles, mut logins) = (file("profile.json")?, file("persistentlogin.json")?);
    let mut last = String::new();
    for index in 0..dataset.logins {
        let profile = dataset.profile_id(index);
        if profile != last {
            writeln!(
                profiles,
                concat!(
                    r#"{{"_id":{{"$oid":"{}"}},"username":"u{index}","email":"u{index}@example.com","#,
                    r#""verified":true,"enabled":true,"tenant":"default","roles":[],"attributes":{{}}}}"#
                ),
                profile,
                index = index
            )?;
        }
        writeln!(
            logins,
            concat!(
                r#"{{"_id":"{}","tenant":"default","profileId":"{}","token":"{}","#,
                r#""timestamp":{{"$date":"2026-11-20T10:00:00.000Z"}}}}"#
            ),
            dataset.login_id(index).as_str(),
            profile,
            dataset.first_token(index).as_str()
        )?;
        last = profile;
    }
    profiles.flush()?;
    logins.flush()
}

/// Runs a command to its end.
fn run(command: &mut Command) -> Measured {
    let began = Instant::now();
    let mut process =
        Process::spawn(command.stdout(Stdio::null()), Signal::TERM).expect("rememberd starts");
    let mut peak = 0;
    while !process.has_exited() {
        peak = process.peak_memory().unwrap_or(0).max(peak);
        thread::sleep(MEMORY_INTERVAL);
    }
    Measured {
        seconds: began.elapsed().as_secs_f64(),
        peak_mb: peak as f64 / BYTES_PER_MB,
    }
}

impl Moving {
    pub fn comparisons(&self) -> Vec<Comparison> {
        let row = |name: &str, unit, bound, value: f64| Comparison {
            name: name.to_owned(),
            unit,
            bound,
            value: Spread::of([value]).ok_or_else(|| "not measured".to_owned()),
        };
        let most = |value| Some(Bound::AtMost(value));
        vec![
            row(
                "import of 1,000,000 logins",
                "s",
                most(IMPORT_SECS_MAX),
                self.import.seconds,
            ),
            row(
                "the most memory meanwhile",
                "MB",
                most(IMPORT_MB_MAX),
                self.import.peak_mb,
            ),
            row(
                "seed file of 5,000,000 logins",
                "s",
                None,
                self.seed.seconds,
            ),
            row(
                "the most memory meanwhile",
                "MB",
                most(SEED_MB_MAX),
                self.seed.peak_mb,
            ),
        ]
    }
}
