//! `rememberd export`: writes out what the server has.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction, Command};
use serde_json::Value;

use crate::cli::arguments::path_argument;
use crate::cli::command::{Arguments, CliCommand, NOT_DONE};
use crate::cli::error::CommandError;
use crate::cli::local::LocalServer;
use crate::cli::local::settings::LocalSettings;
use crate::cli::terminal::output::print_line;
use crate::cli::terminal::progress::Progress;
use crate::service::bootstrap::seed_file::List;

/// The collections that are written, each to a file of its name.
const LISTS: [List; 4] = [
    List::Tenant,
    List::Profile,
    List::PersistentLogin,
    List::AccessToken,
];

/// Has the profiles whose password the original cannot verify.
const PASSWORDS: &str = "passwords-to-reset.txt";

const NOTE: &str = "\
DIR gets a file of JSON lines for each of the collections tenant, profile, persistentlogin and
accesstoken, which \"rememberd import\" takes and with --mongo mongoimport too. Ids, tokens and the
hashes of passwords are kept, so that nobody is logged out. THE FILES HAVE ACCESS TOKENS AND TOKENS OF
LOGINS IN CLEAR: they are readable by their owner alone (mode 0600); delete them when they are imported.

Not written are tickets and verification tokens, of which only digests are stored, attachments, and
queued mails. What is changed while the command runs may be written or not: for a move, stop the
applications first.

Examples:
  rememberd export /var/tmp/rememberd-export
  rememberd export --mongo /var/tmp/crafter-profile";

/// Exports documents.
pub const COMMAND: CliCommand = CliCommand {
    definition,
    run,
    error_code: NOT_DONE,
    has_log: false,
};

fn definition() -> Command {
    let directory = path_argument("dir", "DIR", "New directory; it must not exist or be empty");
    let mongo = Arg::new("mongo")
        .long("mongo")
        .action(ArgAction::SetTrue)
        .help("Write MongoDB's extended JSON, for Crafter Profile");
    Command::new("export")
        .about("Write out tenants, profiles, logins and access tokens")
        .args([directory.required(true), mongo])
        .args(LocalSettings::arguments())
        .after_help(NOTE)
}

fn run(mut arguments: Arguments) -> Result<bool, CommandError> {
    let settings = LocalSettings::take(&mut arguments)?;
    let directory = arguments.required_path("dir");
    let is_mongo = arguments.switch("mongo");
    LocalServer::with(settings, async |server| {
        export(server, &directory, is_mongo).await?;
        Ok(true)
    })
}

async fn export(
    server: &LocalServer,
    directory: &Path,
    is_mongo: bool,
) -> Result<(), CommandError> {
    create_directory(directory).map_err(|error| CommandError::io(directory.display(), &error))?;
    let mut passwords = Vec::new();
    for list in LISTS {
        export_list(server, directory, list, is_mongo, &mut passwords).await?;
    }
    if is_mongo && !passwords.is_empty() {
        let mut file = NewFile::create(directory.join(PASSWORDS))?;
        for profile in &passwords {
            file.line(profile)?;
        }
        file.close()?;
        print_line(format_args!(
            "{} profiles have a password that Crafter Profile cannot verify (argon2id); {PASSWORDS} lists them: they \
             have to reset it there",
            passwords.len()
        ));
    }
    let stats = server.get("/admin/1/stats", &[]).await?;
    for (field, what) in [
        ("tickets", "tickets"),
        ("verificationTokens", "verification tokens"),
    ] {
        let count = stats[field].as_u64().unwrap_or(0);
        if count > 0 {
            print_line(format_args!(
                "{count} {what} are not exported: only digests of them are stored"
            ));
        }
    }
    print_line(format_args!(
        "{} has tokens in clear; delete it when it is imported",
        directory.display()
    ));
    Ok(())
}

/// Writes a collection, and adds the profiles whose password the original cannot verify to `passwords`.
async fn export_list(
    server: &LocalServer,
    directory: &Path,
    list: List,
    is_mongo: bool,
    passwords: &mut Vec<String>,
) -> Result<(), CommandError> {
    let name = list.name();
    let mut file = NewFile::create(directory.join(format!("{name}.json")))?;
    let target = format!("/admin/1/export/{name}");
    let mongo = if is_mongo { "true" } else { "false" };
    let mut progress = Progress::new("exporting");
    let mut from: Option<String> = None;
    let mut count = 0;
    let mut skipped = BTreeMap::<String, u64>::new();
    loop {
        let mut query = vec![("mongo", mongo)];
        query.extend(from.as_deref().map(|from| ("from", from)));
        let page = server.get(&target, &query).await?;
        for document in page["documents"].as_array().into_iter().flatten() {
            file.line(document.as_str().unwrap_or_default())?;
            count += 1;
        }
        for (why, number) in page["skipped"].as_object().into_iter().flatten() {
            *skipped.entry(why.clone()).or_default() += number.as_u64().unwrap_or(0);
        }
        if is_mongo {
            let profiles = page["passwords"].as_array().into_iter().flatten();
            passwords.extend(profiles.map(password_line));
        }
        progress.show(name, count, count);
        from = page["next"].as_str().map(str::to_owned);
        if from.is_none() {
            break;
        }
    }
    file.close()?;
    progress.clear();
    print_line(format_args!("{name}: {count} exported"));
    for (why, count) in skipped {
        print_line(format_args!("  {count} not exported: {why}"));
    }
    Ok(())
}

/// A tab separates the parts; a name may have any character.
fn password_line(profile: &Value) -> String {
    let text = |name: &str| {
        profile[name]
            .as_str()
            .unwrap_or_default()
            .escape_default()
            .to_string()
    };
    [text("id"), text("tenant"), text("username")].join("\t")
}

/// Creates the directory, which only its owner can read, or takes an empty one.
fn create_directory(path: &Path) -> io::Result<()> {
    if path.exists() {
        let mut entries = fs::read_dir(path)?;
        return match entries.next() {
            None => Ok(()),
            Some(_) => Err(io::Error::other(
                "it is not empty; name a directory that does not exist yet",
            )),
        };
    }
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// A file of lines that only its owner can read.
struct NewFile {
    path: PathBuf,
    file: BufWriter<File>,
}

impl NewFile {
    fn create(path: PathBuf) -> Result<Self, CommandError> {
        let mut options = OpenOptions::new();
        let created = options.write(true).create_new(true).mode(0o600).open(&path);
        let file = created.map_err(|error| CommandError::io(path.display(), &error))?;
        let file = BufWriter::new(file);
        Ok(Self { path, file })
    }

    fn line(&mut self, line: &str) -> Result<(), CommandError> {
        let written = writeln!(self.file, "{line}");
        written.map_err(|error| CommandError::io(self.path.display(), &error))
    }

    /// Writes it durably.
    fn close(mut self) -> Result<(), CommandError> {
        let written = self
            .file
            .flush()
            .and_then(|()| self.file.get_ref().sync_all());
        written.map_err(|error| CommandError::io(self.path.display(), &error))
    }
}
