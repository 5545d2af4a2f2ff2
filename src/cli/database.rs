//! The database of a command: it is locked, opened, and created and filled if there is none. A database comes into
//! being complete: if its creation is refused, fails or is killed, there is none.

use std::fs::File;
use std::path::{self, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::timeout;

use crate::app::{App, Keys};
use crate::cli::error::CommandError;
use crate::cli::process::restart::{self, Loaded};
use crate::cli::process::watched_files::WatchedFiles;
use crate::cli::settings::origins::{Origin, Origins};
use crate::config::Config;
use crate::entropy::Entropy;
use crate::error::Failure;
use crate::jobs;
use crate::service::bootstrap::demo::{self, ACCESS_TOKEN_ID};
use crate::service::bootstrap::seed::findings::SeedRules;
use crate::service::bootstrap::seed::{self, LoadError};
use crate::service::bootstrap::seed_file::{Entry, Id};
use crate::service::bootstrap::seed_reader::SeedFile;
use crate::service::bootstrap::token_file::{self, UnusedToken};
use crate::service::bootstrap::{audit_key, initial};
use crate::storage::data_dir::{DataDirectory, holds_database, refuse_if_others_write};
use crate::storage::engine::EngineOptions;
use crate::storage::engine::opening::Opening;
use crate::storage::key_file::{self, KeyFile};
use crate::storage::opening::Opener;
use crate::storage::regular_file;
use crate::tables::secret_key::KeySource;
use crate::tables::upgrade;

/// How long a signal during the start waits for the database to be closed.
const STOP_STARTING_MAX: Duration = Duration::from_millis(500);

/// The database in a data directory that is locked.
pub struct Database {
    directory: Arc<DataDirectory>,
    files: Arc<WatchedFiles>,
    key_file: PathBuf,
    creation: Arc<Mutex<Creation>>,
    /// The seed file, and its name for messages.
    seed_file: Option<(PathBuf, String)>,
    /// The name of the listen addresses for messages.
    listen: String,
    /// The seed file, if it was checked before the database was created.
    checked: Arc<Mutex<Option<SeedFile<File>>>>,
}

/// What is known of creating a database.
#[derive(Default)]
struct Creation {
    /// Whether the key file is to be removed with a database that is not finished: there was none.
    has_new_key_file: bool,
    /// Whether nothing may be created any more, because it would not be removed.
    is_discarded: bool,
}

impl Database {
    /// Locks the data directory in the settings, and creates it if it is missing.
    ///
    /// # Errors
    ///
    /// If that is not possible, or a database is missing that is not to be created.
    pub fn lock(config: &Config, origins: &Origins) -> Result<Self, CommandError> {
        let locked = Self::try_lock(config, origins)?;
        locked.ok_or_else(|| {
            let data_dir = absolute(&config.data.data_dir);
            let cause = "it is in use by a server";
            CommandError::new(origins.describe("data_dir", data_dir.display()), cause)
        })
    }

    /// The same; `None` if another process uses it.
    ///
    /// # Errors
    ///
    /// As [`Database::lock`] otherwise.
    pub fn try_lock(config: &Config, origins: &Origins) -> Result<Option<Self>, CommandError> {
        let data_dir = &config.data.data_dir;
        // The failure begins with the directory's absolute path.
        let named = |failure| CommandError::from(origins.describe("data_dir", failure));
        if config.data.no_create && !holds_database(data_dir).map_err(named)? {
            return Err(no_database(data_dir, origins));
        }
        let seed_file = config.data.seed.as_deref().map(|file| {
            let file = absolute(file);
            let name = origins.describe("seed", file.display());
            (file, name)
        });
        let Some(directory) = DataDirectory::try_lock(data_dir).map_err(named)? else {
            return Ok(None);
        };
        let directory = Arc::new(directory);
        let key_file = absolute(&key_file::path(data_dir, config.data.key_file.as_deref()));
        let files = WatchedFiles::new(Arc::clone(&directory), key_file.clone());
        Ok(Some(Self {
            directory,
            files: Arc::new(files),
            key_file,
            creation: Arc::default(),
            seed_file,
            listen: origins.describe("listen", config.http.listen_text()),
            checked: Arc::default(),
        }))
    }

    /// The data directory's absolute path.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Whether there is a database.
    ///
    /// # Errors
    ///
    /// If there was one and it is gone, or that cannot be found out.
    pub fn exists(&self) -> Result<bool, CommandError> {
        Ok(self.directory.has_database()?)
    }

    /// Opens the database, or creates one that is still to be [filled](Database::fill). The schema of a seed file is
    /// checked before anything is created.
    pub fn opener(&self, config: &Config, keys: Keys) -> Opener {
        let options = EngineOptions {
            cache_bytes: config.storage.cache_size,
            two_phase_commit: config.writer.two_phase_commit,
        };
        let source = KeySource {
            path: self.key_file.clone(),
            replaces_missing: config.data.new_key,
            entropy: Entropy::Os,
        };
        let (directory, files) = (Arc::clone(&self.directory), Arc::clone(&self.files));
        let checked = Arc::clone(&self.checked);
        let creation = Arc::clone(&self.creation);
        let (seed_file, listen) = (self.seed_file.clone(), self.listen.clone());
        let refuses_demo = demo::is_refused(config);
        Box::new(move |opening| {
            files.check_again()?;
            let is_new = opening == Opening::Start && !directory.has_database()?;
            let (engine, ring) = if is_new {
                if let Some((file, name)) = &seed_file {
                    let seed = check_seed(file, name)
                        .and_then(|(seed, has_demo_token)| {
                            if refuses_demo && has_demo_token {
                                return Err(demo_exposed(&listen));
                            }
                            Ok(seed)
                        })
                        .map_err(|error| Failure::Unusable(error.to_string()))?;
                    *checked.lock().unwrap_or_else(PoisonError::into_inner) = Some(seed);
                }
                // A stop that discards what was created waits for this.
                let mut creation = creation.lock().unwrap_or_else(PoisonError::into_inner);
                if creation.is_discarded {
                    return Err(Failure::Unavailable);
                }
                creation.has_new_key_file |= matches!(source.path.try_exists(), Ok(false));
                token_file::remove_all(&directory)?;
                upgrade::create_database(&directory, &options, &source)?
            } else {
                upgrade::open_database(&directory, &options, opening, &source)?
            };
            keys.set(ring);
            Ok(engine)
        })
    }

    /// Why the database could not be opened or created.
    pub fn opening_failed(&self, failure: Failure) -> CommandError {
        if self.directory.is_unfinished() {
            return CommandError::creating(failure);
        }
        CommandError::opening(failure, self.directory.path())
    }

    /// Restores what the open database keeps for the process.
    ///
    /// # Errors
    ///
    /// Of the storage.
    pub async fn resume(&self, app: &App) -> Result<(), CommandError> {
        let unusable = |failure| self.unusable(failure);
        jobs::clock::start(app).await.map_err(unusable)?;
        audit_key::prepare(app).await.map_err(unusable)
    }

    fn unusable(&self, failure: Failure) -> CommandError {
        if self.directory.is_unfinished() {
            return CommandError::creating(failure);
        }
        CommandError::using(failure, self.directory.path())
    }

    /// Restores what the open database keeps for the process, and fills an empty one, which is then still to be
    /// [finished](Database::finish). Returns what was loaded of a seed file.
    ///
    /// # Errors
    ///
    /// Of the seed file and of the storage, and if the demo data would be served to other hosts.
    pub async fn fill(&self, app: &App) -> Result<Option<Loaded>, CommandError> {
        let unusable = |failure| self.unusable(failure);
        self.resume(app).await?;
        let loaded = match &self.seed_file {
            Some((file, name)) => self.load_seed(app, file, name).await?,
            None => None,
        };
        let keep = |token: &_| token_file::write(&self.directory, std::slice::from_ref(token), 0);
        initial::create(app, keep).await.map_err(unusable)?;
        if !app.config.data.allow_demo_secrets && demo::is_known(app).map_err(unusable)? {
            if demo::is_refused(&app.config) {
                return Err(demo_exposed(&self.listen));
            }
            // A page of any site could use the token otherwise, with a name of its own that it lets point to a
            // loopback address (DNS rebinding).
            app.restrict_to_loopback();
        }
        Ok(loaded)
    }

    /// Finishes a database that was created: from now on it is there.
    ///
    /// # Errors
    ///
    /// Of the storage.
    pub fn finish(&self) -> Result<(), CommandError> {
        if self.directory.is_unfinished() {
            self.directory.finish().map_err(CommandError::creating)?;
        }
        Ok(())
    }

    /// Stops while it is opened, created or filled. Opening, repairing and upgrading the database may end at any
    /// point; it is only waited for as long as it takes to close a database that is open, or to break off retrying.
    ///
    /// # Errors
    ///
    /// Of the storage.
    pub async fn stop_starting(&self, app: &App) -> Result<(), CommandError> {
        tracing::info!("stopping during the start");
        match timeout(STOP_STARTING_MAX, app.store.close()).await {
            Ok(Ok(()) | Err(Failure::Unavailable)) | Err(_) => Ok(()),
            Ok(Err(failure)) => Err(failure.into()),
        }
    }

    /// Loads the seed file `file` into a database that is new, and so not finished: if this is cut off, there is none.
    async fn load_seed(
        &self,
        app: &App,
        file: &Path,
        name: &str,
    ) -> Result<Option<Loaded>, CommandError> {
        if !self.directory.is_unfinished() {
            if let Some(loaded) = restart::loaded_before() {
                return Ok(Some(loaded));
            }
            tracing::warn!(
                "the seed file was not loaded, because the database is not new: leave out --seed, or load it into \
                 another --data-dir"
            );
            return Ok(None);
        }
        let checked = self
            .checked
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let seed = match checked {
            Some(seed) => seed,
            None => check_seed(file, name)?.0,
        };
        let rules = SeedRules {
            is_strict: app.config.seed.seed_strict,
        };
        let keep = |tokens: &[_], kept| token_file::write(&self.directory, tokens, kept);
        let loaded = match seed::load(app, seed, rules, keep).await {
            Ok(loaded) => loaded.unwrap_or_default(),
            Err(LoadError::Refused(error)) => return Err(CommandError::new(name, error)),
            Err(LoadError::Failed(failure)) => return Err(CommandError::creating(failure)),
        };
        for warning in loaded.warnings() {
            tracing::warn!("{name}: {warning}");
        }
        let counts = loaded.counts();
        Ok(Some(Loaded {
            text: counts.to_string(),
            entries: counts.total(),
        }))
    }

    /// Has the file of each access token that was not used yet removed at its first use. Returns these tokens.
    ///
    /// # Errors
    ///
    /// Of the storage.
    pub fn watch_tokens(&self, app: &App) -> Result<Vec<UnusedToken>, CommandError> {
        Ok(token_file::watch(app, &self.directory)?)
    }

    /// The files that are to stay where they are while a server runs.
    pub fn files(&self) -> &Arc<WatchedFiles> {
        &self.files
    }

    /// Removes what was created for a database that is not there.
    pub fn discard(&self) {
        let mut creation = self.creation.lock().unwrap_or_else(PoisonError::into_inner);
        creation.is_discarded = true;
        if self.directory.is_unfinished() {
            // What cannot be listed cannot be removed.
            let _ = token_file::remove_all(&self.directory);
        }
        let key_file = creation.has_new_key_file.then(|| self.key_file.clone());
        self.directory.discard(key_file.as_slice());
    }
}

/// Refuses files in the settings with which a server does not start, as far as that can be seen from outside of the
/// database. Nothing is locked, created or changed.
///
/// # Errors
///
/// The setting, and what is wrong with the file.
pub fn check_files(config: &Config, origins: &Origins) -> Result<(), CommandError> {
    let data_dir = &config.data.data_dir;
    let of_directory = |failure| CommandError::from(origins.describe("data_dir", failure));
    let has_database = holds_database(data_dir).map_err(of_directory)?;
    if config.data.no_create && !has_database {
        return Err(no_database(data_dir, origins));
    }
    if data_dir.exists() {
        refuse_if_others_write(data_dir).map_err(of_directory)?;
    }
    // A database that is there already is started without it.
    if let Some(file) = config.data.seed.as_deref().filter(|_| !has_database) {
        let file = absolute(file);
        let (_, has_demo_token) = check_seed(&file, &origins.describe("seed", file.display()))?;
        if has_demo_token && demo::is_refused(config) {
            let listen = origins.describe("listen", config.http.listen_text());
            return Err(demo_exposed(&listen));
        }
    }
    check_key_file(config, origins)
}

/// Refuses a key file that cannot be read, or created if there is none.
fn check_key_file(config: &Config, origins: &Origins) -> Result<(), CommandError> {
    let data_dir = absolute(&config.data.data_dir);
    let path = key_file::path(&data_dir, config.data.key_file.as_deref());
    let file = KeyFile::look_at(&path)
        .map_err(|failure| CommandError::from(origins.describe("key_file", failure)))?;
    let target = file.target();
    match target.parent() {
        // The start creates the data directory.
        Some(directory) if !directory.is_dir() && directory != data_dir => Err(CommandError::new(
            origins.describe("key_file", path.display()),
            "there is no such directory: is its disk mounted?",
        )),
        Some(_) | None => Ok(()),
    }
}

/// Checks the schema of the seed file `file`, which messages call `name`. Returns whether it has the demo data's access
/// token, too.
fn check_seed(file: &Path, name: &str) -> Result<(SeedFile<File>, bool), CommandError> {
    let opened = regular_file::open(file).map_err(|error| CommandError::io(name, &error))?;
    let mut has_demo_token = false;
    let seed = SeedFile::check(opened, |entry| {
        if let Entry::AccessToken(token) = entry
            && let Some(Id(id)) = &token.id
        {
            has_demo_token |= id == ACCESS_TOKEN_ID;
        }
    });
    let seed = seed.map_err(|error| CommandError::new(name, error))?;
    Ok((seed, has_demo_token))
}

fn no_database(data_dir: &Path, origins: &Origins) -> CommandError {
    let data_dir = absolute(data_dir);
    let shown = data_dir.display();
    let state = if data_dir.is_dir() {
        "the directory has no database"
    } else {
        "there is no such directory"
    };
    // The commands of an operator never create one, without the setting.
    let setting = match origins.of("no_create") {
        Origin::Default => "",
        Origin::Flag | Origin::Variable | Origin::File(_) => ", and --no-create is set",
    };
    CommandError::new(
        origins.describe("data_dir", data_dir.display()),
        format_args!(
            "{state}{setting}: is its disk mounted? \"rememberd init --data-dir {shown}\" creates a database"
        ),
    )
}

fn demo_exposed(listen: &str) -> CommandError {
    CommandError::new(
        listen,
        "other hosts can reach this address, and the database holds the public access token of the demo data; use \
         another database, or set --allow-demo-secrets",
    )
}

fn absolute(path: &Path) -> PathBuf {
    path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
