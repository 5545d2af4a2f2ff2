//! `rememberd export`: writes out what the server has.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::{self, DirBuilder};
use std::io::{self, ErrorKind};
use std::os::unix::fs::DirBuilderExt;
use std::path::{self, Path, PathBuf};

use clap::{Arg, ArgAction, Command};
use serde_json::Value;

use crate::cli::arguments::path_argument;
use crate::cli::command::{Arguments, CliCommand, NOT_DONE};
use crate::cli::error::CommandError;
use crate::cli::line_file::LineFile;
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
Exit code: 0 if it is done, 2 if not, 3 if no server answers and the database cannot be opened.

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
    let target =
        Target::create(directory).map_err(|error| CommandError::io(directory.display(), &error))?;
    let stats = server.get("/admin/1/stats", &[]).await?;
    let mut passwords = is_mongo.then(|| Passwords::new(&target));
    for list in LISTS {
        let total = stats[total_field(list)].as_u64().unwrap_or(0);
        export_list(server, &target, list, total, passwords.as_mut()).await?;
    }
    if let Some(passwords) = passwords {
        passwords.close()?;
    }
    target.keep();
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

/// The number of the documents of a collection in the statistics.
fn total_field(list: List) -> &'static str {
    match list {
        List::AccessToken => "accessTokens",
        List::Tenant => "tenants",
        List::Profile => "profiles",
        List::PersistentLogin => "persistentLogins",
        List::Ticket => "tickets",
        List::VerificationToken => "verificationTokens",
    }
}

/// Writes a collection, which had `total` documents. With `passwords` it is written for the original.
async fn export_list(
    server: &LocalServer,
    target: &Target,
    list: List,
    total: u64,
    mut passwords: Option<&mut Passwords<'_>>,
) -> Result<(), CommandError> {
    let name = list.name();
    let mut file = target.file(&format!("{name}.json"))?;
    let route = format!("/admin/1/export/{name}");
    let mongo = if passwords.is_some() { "true" } else { "false" };
    let mut progress = Progress::new("exporting");
    let mut from: Option<String> = None;
    let mut count = 0;
    let mut skipped = BTreeMap::<String, u64>::new();
    loop {
        let mut query = vec![("mongo", mongo)];
        query.extend(from.as_deref().map(|from| ("from", from)));
        let page = server.get(&route, &query).await?;
        for document in page["documents"].as_array().into_iter().flatten() {
            file.line(document.as_str().unwrap_or_default())?;
            count += 1;
        }
        for (why, number) in page["skipped"].as_object().into_iter().flatten() {
            *skipped.entry(why.clone()).or_default() += number.as_u64().unwrap_or(0);
        }
        if let Some(passwords) = &mut passwords {
            for profile in page["passwords"].as_array().into_iter().flatten() {
                passwords.add(profile)?;
            }
        }
        // What comes to it meanwhile is written too.
        progress.show(name, count, total.max(count));
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

/// The file of the profiles whose password the original cannot verify, which is there once there is one.
struct Passwords<'t> {
    target: &'t Target,
    file: Option<LineFile>,
    count: u64,
}

impl<'t> Passwords<'t> {
    fn new(target: &'t Target) -> Self {
        Self {
            target,
            file: None,
            count: 0,
        }
    }

    fn add(&mut self, profile: &Value) -> Result<(), CommandError> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(self.target.file(PASSWORDS)?),
        };
        self.count += 1;
        file.line(password_line(profile))
    }

    fn close(self) -> Result<(), CommandError> {
        let Some(file) = self.file else {
            return Ok(());
        };
        file.close()?;
        print_line(format_args!(
            "{} profiles have a password that Crafter Profile cannot verify (argon2id); {PASSWORDS} lists them: they \
             have to reset it there",
            self.count
        ));
        Ok(())
    }
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

/// The directory that is written to. What was created is removed again if the export fails, so that the command can be
/// repeated, and an incomplete export leaves no tokens behind.
struct Target {
    directory: PathBuf,
    /// The directories that were created, the innermost first.
    created: Vec<PathBuf>,
    files: RefCell<Vec<PathBuf>>,
    is_kept: bool,
}

impl Target {
    /// Creates the directory, which only its owner can read, or takes an empty one.
    fn create(directory: &Path) -> io::Result<Self> {
        let directory = path::absolute(directory)?;
        if directory.exists() && fs::read_dir(&directory)?.next().is_some() {
            return Err(io::Error::other(
                "it is not empty; name a directory that does not exist yet",
            ));
        }
        let missing = directory.ancestors().take_while(|path| !path.exists());
        let missing: Vec<_> = missing.map(Path::to_owned).collect();
        let mut target = Self {
            directory,
            created: Vec::new(),
            files: RefCell::default(),
            is_kept: false,
        };
        for path in missing.into_iter().rev() {
            match DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => target.created.insert(0, path),
                // It is another name of one that is there, like `new/..`.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Ok(target)
    }

    /// Creates a file in it.
    fn file(&self, name: &str) -> Result<LineFile, CommandError> {
        let path = self.directory.join(name);
        let file = LineFile::create_new(path.clone())?;
        self.files.borrow_mut().push(path);
        Ok(file)
    }

    /// Keeps what was written.
    fn keep(mut self) {
        self.is_kept = true;
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        if self.is_kept {
            return;
        }
        for path in self.files.get_mut() {
            let _ = fs::remove_file(path);
        }
        for path in &self.created {
            let _ = fs::remove_dir(path);
        }
    }
}
