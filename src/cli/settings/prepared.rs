//! What serving takes of its settings beyond their values, and what is checked of them before anything is opened.

use std::fs;
use std::io::ErrorKind;

use crate::cli::error::CommandError;
use crate::cli::settings::origins::Origins;
use crate::config::Config;
use crate::config::throttle::Unpaired;
use crate::domain::management_token::ManagementToken;
use crate::error::describe;
use crate::smtp::Mailer;
use crate::storage::secret_text;

/// What the files hold that settings name.
pub struct Prepared {
    /// The management token, if there is one.
    pub management_token: Option<ManagementToken>,
    /// What sends mails, if there is a server for them.
    pub mailer: Option<Mailer>,
}

impl Prepared {
    /// Reads the files of secrets, certificates and mails, and checks that the settings fit together.
    ///
    /// # Errors
    ///
    /// The setting that cannot be used.
    pub fn load(config: &Config, origins: &Origins) -> Result<Self, CommandError> {
        if let Some(repeated) = config.http.repeated_listen() {
            let cause = "the address is given twice; leave out one of them";
            return Err(CommandError::new(
                origins.describe("listen", repeated),
                cause,
            ));
        }
        check_client_address(config, origins)?;
        let management_token = management_token(config, origins)?;
        let mailer = Mailer::load(&config.mail).map_err(|error| {
            let what = origins.describe(error.setting, error.value);
            CommandError::new(what, error.cause)
        })?;
        Ok(Self {
            management_token,
            mailer,
        })
    }
}

/// Refuses a header field that is believed of nobody, and a proxy of which none is: clients would not be told apart.
///
/// They are not marked as requiring each other, since that would not see those in the settings file.
fn check_client_address(config: &Config, origins: &Origins) -> Result<(), CommandError> {
    match config.throttle.unpaired() {
        None => Ok(()),
        Some(Unpaired::Header(header)) => Err(CommandError::new(
            origins.describe("client_address_header", header),
            "no header field is believed without trusted-proxy; set that too",
        )),
        Some(Unpaired::Proxy(proxy)) => Err(CommandError::new(
            origins.describe("trusted_proxy", proxy),
            "nothing is believed of a proxy without client-address-header; set that too",
        )),
    }
}

/// Refuses a directory of backups that is not there. A server starts all the same: that a disk for backups is missing
/// must not sign anybody out.
///
/// # Errors
///
/// The setting, and what is wrong with the directory.
pub fn check_backup_dir(config: &Config, origins: &Origins) -> Result<(), CommandError> {
    let Some(directory) = &config.backup.backup_dir else {
        return Ok(());
    };
    let refused = |cause: &str| {
        let what = origins.describe("backup_dir", directory.display());
        Err(CommandError::new(what, cause))
    };
    match fs::metadata(directory) {
        Ok(metadata) if metadata.is_dir() => Ok(()),
        Ok(_) => refused("it is not a directory"),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            refused("there is no such directory: is its disk mounted?")
        }
        Err(error) => refused(&describe(&error)),
    }
}

fn management_token(
    config: &Config,
    origins: &Origins,
) -> Result<Option<ManagementToken>, CommandError> {
    let Some(file) = &config.monitoring.management_token_file else {
        return Ok(None);
    };
    let token = secret_text::read(file).and_then(|text| ManagementToken::new(&text));
    token.map(Some).map_err(|problem| {
        let what = origins.describe("management_token_file", file.display());
        CommandError::new(what, problem)
    })
}
