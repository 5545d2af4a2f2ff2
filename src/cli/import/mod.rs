//! `rememberd import`: takes in what another server had.

mod batches;
mod documents;
mod report;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction, Command, ValueHint, value_parser};
use serde_json::Value;
use tokio::join;
use tokio::sync::{Mutex, mpsc};

use crate::cli::arguments::path_argument;
use crate::cli::command::{Arguments, CliCommand, NOT_DONE};
use crate::cli::error::CommandError;
use crate::cli::import::batches::{Batch, BatchRead};
use crate::cli::import::report::FileReport;
use crate::cli::line_file::LineFile;
use crate::cli::local::LocalServer;
use crate::cli::local::settings::LocalSettings;
use crate::cli::terminal::progress::Progress;
use crate::service::bootstrap::seed_file::List;
use crate::storage::key_file;
use crate::storage::regular_file;
use crate::tables::backup::target::refuse_own_files;

const NOTE: &str = "\
FILE is what mongoexport writes of a collection of Crafter Profile (accesstoken, tenant, profile,
persistentlogin, ticket, verificationtoken), as lines or with --jsonArray, relaxed or canonical, or what
\"rememberd export\" writes. The collection is the file's name, like profile.json, unless --collection
names it. Files are imported in an order in which what they refer to comes first. The database must
exist; \"rememberd init\" creates one. A server that uses it may run.

What is there already stays as it is: after a kill or an error, do the same import again. It does bring back what was
deleted here since, once a running server has removed it.
Exit code: 0 if all documents are there, 1 if some were skipped, 2 if the import could not be carried
out, 3 if no server answers and the database cannot be opened.

Examples:
  rememberd import tenant.json profile.json persistentlogin.json accesstoken.json --dry-run
  rememberd import dump/*.json --report skipped.jsonl";

/// How many bytes the documents of a request have at most: they are one transaction. The larger it is, the more of them
/// are written to the same pages of the database, and the more memory they take.
const BATCH_BYTES: usize = 7 << 20;

/// The same for a server that is used by others, who wait for each transaction.
const BATCH_BYTES_SHARED: usize = 2 << 20;

/// Imports documents.
pub const COMMAND: CliCommand = CliCommand {
    definition,
    run,
    error_code: NOT_DONE,
    has_log: false,
};

fn definition() -> Command {
    let files = Arg::new("file")
        .value_name("FILE")
        .required(true)
        .num_args(1..)
        .value_parser(value_parser!(PathBuf))
        .value_hint(ValueHint::FilePath)
        .help("Files of documents");
    let collection = Arg::new("collection")
        .long("collection")
        .value_name("NAME")
        .help("Collection that the documents are of; by default the name of each file");
    let dry_run = Arg::new("dry_run")
        .long("dry-run")
        .action(ArgAction::SetTrue)
        .help("Only report what would be skipped");
    let report = path_argument(
        "report",
        "FILE",
        "File for all that is skipped, as JSON lines",
    )
    .long("report");
    Command::new("import")
        .about("Take in what Crafter Profile or another server had")
        .args([files, collection, dry_run, report])
        .args(LocalSettings::arguments())
        .after_help(NOTE)
}

fn run(mut arguments: Arguments) -> Result<bool, CommandError> {
    let settings = LocalSettings::take(&mut arguments)?;
    let files: Option<_> = arguments.0.remove_many::<PathBuf>("file");
    let files = files.into_iter().flatten();
    let collection = arguments.text("collection");
    let mut sources = files
        .map(|path| Source::open(path, collection.as_deref()))
        .collect::<Result<Vec<_>, _>>()?;
    sources.sort_by_key(|source| source.collection.order());
    let report = arguments.path("report");
    if let Some(path) = &report {
        let (data_dir, key_file) = (&settings.data_dir, settings.key_file.as_deref());
        refuse_own_files(path, data_dir, &key_file::path(data_dir, key_file))?;
    }
    let report = report.map(|path| create_report(path, &sources));
    let mut report = report.transpose()?;
    let is_dry_run = arguments.switch("dry_run");
    let is_complete = LocalServer::with(settings, async |server| {
        let mut is_complete = true;
        for source in sources {
            let mut file_report =
                FileReport::new(source.path.display(), is_dry_run, report.as_mut());
            let imported = import(server, source, is_dry_run, &mut file_report).await;
            is_complete &= file_report.finish();
            imported?;
        }
        Ok(is_complete)
    })?;
    report.map_or(Ok(()), LineFile::close)?;
    Ok(is_complete)
}

/// Creates the file of the report, in place of what is there, unless that is to be imported.
fn create_report(path: PathBuf, sources: &[Source]) -> Result<LineFile, CommandError> {
    // One that cannot be looked at cannot be opened either, or is new.
    let mut sources = sources.iter();
    if sources.any(|source| regular_file::is_at(&source.file, &path)) {
        let what = format!("--report {}", path.display());
        return Err(CommandError::new(
            what,
            "the file is to be imported; name another one",
        ));
    }
    LineFile::replace(path)
}

/// What the documents of a file are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Collection {
    Of(List),
    /// Attachments: their content is not taken over.
    Attachments,
}

/// The names of the collections that attachments are in.
const ATTACHMENTS: [&str; 3] = ["fs.files", "fs.chunks", "attachment"];

impl Collection {
    fn of_name(name: &str) -> Option<Self> {
        match List::of_name(name) {
            Some(list) => Some(Self::Of(list)),
            None => ATTACHMENTS.contains(&name).then_some(Self::Attachments),
        }
    }

    /// The collection in the name of a file, like `profile.json` or `crafterprofile.profile.json`.
    fn of_file(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?;
        let name = name.split_once(".json").map_or(name, |(name, _)| name);
        let known = List::ALL.map(List::name).into_iter().chain(ATTACHMENTS);
        known
            .filter(|known| {
                let before = name.strip_suffix(known);
                before.is_some_and(|before| before.is_empty() || before.ends_with('.'))
            })
            .find_map(Self::of_name)
    }

    /// What others refer to comes first.
    fn order(self) -> usize {
        match self {
            Self::Of(list) => List::ALL
                .iter()
                .position(|other| *other == list)
                .unwrap_or(0),
            Self::Attachments => List::ALL.len(),
        }
    }
}

/// A file of documents.
struct Source {
    path: PathBuf,
    file: File,
    collection: Collection,
}

impl Source {
    fn open(path: PathBuf, collection: Option<&str>) -> Result<Self, CommandError> {
        let opened = regular_file::open(&path);
        let file = opened.map_err(|error| CommandError::io(path.display(), &error))?;
        let known = || {
            let names = List::ALL.map(List::name).join(", ");
            format!("the collections are {names}")
        };
        let collection = match collection {
            Some(name) => Collection::of_name(name)
                .ok_or_else(|| CommandError::new(format_args!("--collection {name}"), known()))?,
            None => Collection::of_file(&path).ok_or_else(|| {
                let cause = format!(
                    "its name is that of no collection: --collection names it; {}",
                    known()
                );
                CommandError::new(path.display(), cause)
            })?,
        };
        Ok(Self {
            path,
            file,
            collection,
        })
    }
}

/// Imports the documents of a file.
///
/// # Errors
///
/// If it cannot be read or is not JSON, and if the server does not answer. What comes before that is imported.
async fn import(
    server: &LocalServer,
    source: Source,
    is_dry_run: bool,
    report: &mut FileReport<'_>,
) -> Result<(), CommandError> {
    let name = source.path.display().to_string();
    let size = source.file.metadata().map_or(0, |metadata| metadata.len());
    let batch_bytes = if server.is_own() {
        BATCH_BYTES
    } else {
        BATCH_BYTES_SHARED
    };
    let (batches, reader) = batches::read(source.file, batch_bytes)?;
    let target = match source.collection {
        Collection::Of(list) => Some(format!(
            "/admin/1/import/{}?dryRun={is_dry_run}",
            list.name()
        )),
        Collection::Attachments => None,
    };
    let transfer = Transfer {
        server,
        target,
        batches: Mutex::new(batches),
        answered: RefCell::default(),
        report: RefCell::new(report),
        progress: RefCell::new(Progress::new("importing")),
        what: format!("{name}, MiB"),
        size,
    };
    // While the server writes the documents of one request, it receives those of another.
    let (one, other) = join!(transfer.send_all(), transfer.send_all());
    transfer.progress.borrow().clear();
    let reported = transfer.report(true);
    // The thread stops reading once nothing receives its batches.
    drop(transfer);
    one.and(other).and(reported)?;
    let read = reader.join();
    let read = read.map_err(|_| CommandError::new(&name, "reading it failed"))?;
    read.map_err(|error| CommandError::new(&name, error))
}

/// The documents of a file on their way to the server.
struct Transfer<'t, 'r> {
    server: &'t LocalServer,
    /// The path that they are sent to; `None` if they are skipped.
    target: Option<String>,
    batches: Mutex<mpsc::Receiver<Batch>>,
    /// What is not reported yet, because an earlier batch was not answered: by the number of documents before each.
    answered: RefCell<BTreeMap<u64, Answered>>,
    report: RefCell<&'t mut FileReport<'r>>,
    progress: RefCell<Progress>,
    /// What the progress is of, with its unit.
    what: String,
    /// The size of the file, in bytes.
    size: u64,
}

/// A batch with the answer of the server, if it was sent.
type Answered = (BatchRead, Option<Value>);

impl Transfer<'_, '_> {
    /// Sends batches until there is none.
    async fn send_all(&self) -> Result<(), CommandError> {
        loop {
            let batch = self.batches.lock().await.recv().await;
            let Some(batch) = batch else { return Ok(()) };
            if let Err(error) = self.send(batch).await {
                self.batches.lock().await.close();
                return Err(error);
            }
        }
    }

    async fn send(&self, batch: Batch) -> Result<(), CommandError> {
        let mut pieces = batch.pieces;
        let answer = match &self.target {
            Some(target) => Some(self.server.post_pieces(target, pieces).await?),
            None => {
                while pieces.recv().await.is_some() {}
                None
            }
        };
        let read = batch.read.await.unwrap_or_default();
        let answered = (read, answer);
        self.answered.borrow_mut().insert(batch.first, answered);
        self.report(false)
    }

    /// Reports the batches that were answered, in their order, up to one that was not; or `all`.
    fn report(&self, all: bool) -> Result<(), CommandError> {
        let mut answered = self.answered.borrow_mut();
        let mut report = self.report.borrow_mut();
        while let Some(next) = answered.first_entry()
            && (all || *next.key() == report.read())
        {
            let (first, (read, answer)) = next.remove_entry();
            match answer {
                Some(answer) => report.add(first, read.count, &answer)?,
                None => report.skip_all(first, read.count)?,
            }
            let mut progress = self.progress.borrow_mut();
            progress.show(&self.what, read.position >> 20, self.size >> 20);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_collection_is_in_the_name_of_the_file() {
        for (path, expected) in [
            ("dump/profile.json", Some("profile")),
            (
                "crafterprofile.persistentlogin.jsonl",
                Some("persistentlogin"),
            ),
            ("tenant", Some("tenant")),
            ("fs.files.json", None),
        ] {
            let found = Collection::of_file(Path::new(path));
            let list = expected.and_then(List::of_name).map(Collection::Of);
            assert!(
                found == Some(list.unwrap_or(Collection::Attachments)),
                "{path}"
            );
        }
        for path in ["my-profile.json", "profiles.json", "x.json", ""] {
            assert!(Collection::of_file(Path::new(path)).is_none(), "{path}");
        }
    }
}
