//! What a backup of many logins takes, and what those who refresh logins notice of it.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::plan::Plan;
use crate::refreshes::Refreshes;
use crate::rememberd::EXECUTABLE;
use crate::sample::Spread;
use crate::targets::{Bound, Comparison};
use crate::workspace::Workspace;

const MIB: f64 = 1_048_576.0;

const RATE_MIN: Bound = Bound::AtLeast(0.7);
const P99_MAX: Bound = Bound::AtMost(3.0);
const SECONDS_MAX: Bound = Bound::AtMost(20.0);

/// The figures of each round.
#[derive(Default)]
pub struct Backup {
    /// How long one takes while nothing else goes on.
    seconds: Vec<f64>,
    /// How much more memory the server takes then than before, at most.
    memory_mib: Vec<f64>,
    /// The size of the file, in times of the database.
    size: Vec<f64>,
    /// Refreshes while backups are made, in times of those while none is.
    rate: Vec<f64>,
    p99: Vec<f64>,
}

pub fn measure(plan: &Plan, workspace: &Workspace) -> Backup {
    let mut backup = Backup::default();
    let refreshes = Refreshes::prepare_many(plan, workspace, "backup", plan.large_logins);
    let file = workspace.create_dir("backups").join("backup.redb");
    for round in 0..plan.bulk_rounds {
        let server = refreshes.start(&[]);
        // So that its caches are full, as those of a server that has run for a while.
        refreshes.alone(&server);
        server.reset_peak_memory();
        let before = server.memory().now;
        let began = Instant::now();
        back_up(&file, refreshes.data_dir());
        let seconds = began.elapsed().as_secs_f64();
        let more = server.memory().peak.saturating_sub(before) as f64 / MIB;
        let length = |path: &Path| {
            let metadata = std::fs::metadata(path);
            metadata.expect("the file is there").len() as f64
        };
        let size = length(&file) / length(&refreshes.data_dir().join("rememberd.redb"));
        let alone = refreshes.alone(&server);
        let (during, made) = refreshes.during(&server, 1, |_| back_up(&file, refreshes.data_dir()));
        server.stop();
        let rate = during.count as f64 / alone.count as f64;
        let p99 = during.p99_us as f64 / alone.p99_us as f64;
        eprintln!(
            "round {round}: {seconds:.1} s, {more:.0} MiB, {} refreshes alone (µs p99 {}), {} during {made} backups (µs p99 \
             {} max {})",
            alone.count, alone.p99_us, during.count, during.p99_us, during.max_us
        );
        backup.seconds.push(seconds);
        backup.memory_mib.push(more);
        backup.size.push(size);
        backup.rate.push(rate);
        backup.p99.push(p99);
    }
    backup
}

impl Backup {
    pub fn comparisons(&self, plan: &Plan) -> Vec<Comparison> {
        let row = |name: String, unit, bound, values: &[f64]| Comparison {
            name,
            unit,
            bound,
            value: Spread::of(values.iter().copied()).ok_or_else(|| "not measured".to_owned()),
        };
        let logins = plan.large_logins;
        vec![
            row(
                format!("backup of {logins} logins, verified"),
                "s",
                Some(SECONDS_MAX),
                &self.seconds,
            ),
            row(
                "refreshes during backups / alone".to_owned(),
                "x",
                Some(RATE_MIN),
                &self.rate,
            ),
            row(
                "p99 of refreshes during backups / alone".to_owned(),
                "x",
                Some(P99_MAX),
                &self.p99,
            ),
            row(
                "more memory of the server at the peak".to_owned(),
                "MiB",
                None,
                &self.memory_mib,
            ),
            row(
                "size of the backup / of the database".to_owned(),
                "x",
                None,
                &self.size,
            ),
        ]
    }
}

fn back_up(file: &Path, data_dir: &Path) {
    let status = Command::new(EXECUTABLE)
        .arg("backup")
        .arg(file)
        .args(["--force", "--data-dir"])
        .arg(data_dir)
        .stdout(Stdio::null())
        .status();
    assert!(
        status.is_ok_and(|status| status.success()),
        "it is backed up"
    );
}
