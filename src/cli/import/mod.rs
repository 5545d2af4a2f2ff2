//! `rememberd import`: takes in what another server had.

mod batches;
mod documents;
mod report;

use std::fs::File;
use std::mem;
use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction, Command, value_parser};
use tokio::join;

use crate::cli::arguments::path_argument;
use crate::cli::command::{Arguments, CliCommand, NOT_DONE};
use crate::cli::error::CommandError;
use crate::cli::import::batches::Batch;
use crate::cli::import::report::FileReport;
use crate::cli::line_file::LineFile;
use crate::cli::local::LocalServer;
use crate::cli::local::settings::LocalSettings;
use crate::cli::terminal::progress::Progress;
use crate::service::bootstrap::seed_file::List;
use crate::storage::regular_file;

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
        let opened = regular_file::open(&path);
        let file = opened.map_err(|error| CommandError::io(path.display(), &error))?;
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
    let mut batches = batches::read(source.file)?;
    let mut progress = Progress::new("importing");
    let target = match source.collection {
        Collection::Of(list) => Some(format!(
            "/admin/1/import/{}?dryRun={is_dry_run}",
            list.name()
        )),
        Collection::Attachments => None,
    };
    let send = async |batch: Option<&mut Batch>| match (batch, &target) {
        (Some(batch), Some(target)) if batch.count > 0 => {
            let documents = mem::take(&mut batch.documents);
            Some(server.post_text(target, documents).await)
        }
        _ => None,
    };
    loop {
        // While the server writes the first one, it parses the second.
        let mut first = batches.recv().await;
        let is_last = first.as_ref().is_none_or(|batch| batch.end.is_some());
        let mut second = if is_last { None } else { batches.recv().await };
        let answers = join!(send(first.as_mut()), send(second.as_mut()));
        if second.is_none() && !is_last || first.is_none() {
            let cause = "the thread that reads it ended without a reason";
            return Err(CommandError::new(&name, cause));
        }
        let turn = first.into_iter().chain(second).zip([answers.0, answers.1]);
        let (mut failed, mut ended) = (None, None);
        for (batch, answer) in turn {
            match answer {
                Some(Ok(answer)) => report.add(batch.count, &answer)?,
                // What came of the other one is reported all the same.
                Some(Err(error)) => {
                    report.pass_over(batch.count);
                    failed = failed.or(Some(error));
                }
                None if target.is_none() => report.skip_all(batch.count)?,
                None => {}
            }
            let what = format!("{name}, MiB");
            progress.show(&what, batch.position >> 20, size >> 20);
            ended = batch.end;
        }
        if failed.is_some() || ended.is_some() {
            progress.clear();
        }
        if let Some(error) = failed {
            return Err(error.into());
        }
        if let Some(end) = ended {
            return end.map_err(|error| CommandError::new(&name, error));
        }
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
