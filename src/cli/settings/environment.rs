//! The environment variables that are settings.

use std::env;

use clap::Arg;

use crate::cli::process::restart;
use crate::config::Config;
use crate::similar::most_similar;

/// What the name of each begins with.
const PREFIX: &str = "REMEMBERD_";

/// The setting, without its variable if that is empty: it counts as absent, as that is how one is unset in the files of
/// service managers.
pub fn ignore_if_empty(setting: Arg) -> Arg {
    let value = setting.get_env().and_then(env::var_os);
    if value.is_some_and(|value| value.is_empty()) {
        setting.env(None)
    } else {
        setting
    }
}

/// What the name of a variable ends with that has the name of a file with a secret.
const FILE_SUFFIX: &str = "_FILE";

/// Refuses variables that would be the file of a setting's value, if it were a secret: those of secrets are settings
/// themselves, and other values belong in the variable.
///
/// # Errors
///
/// Which variable it is, and what to do.
pub fn refuse_files_of_values() -> Result<(), String> {
    let settings = Config::definitions();
    let known: Vec<&str> = settings
        .get_arguments()
        .filter_map(|setting| setting.get_env()?.to_str())
        .collect();
    for variable in &known {
        let name = format!("{variable}{FILE_SUFFIX}");
        let is_set = env::var_os(&name).is_some_and(|value| !value.is_empty());
        if is_set && !known.contains(&&*name) {
            return Err(format!(
                "{name}: a file is for secrets, and this is none; set {variable} to the value"
            ));
        }
    }
    Ok(())
}

/// Logs a warning for each variable that looks like a setting and is none.
pub fn warn_of_unknown() {
    let settings = Config::definitions();
    let known: Vec<&str> = settings
        .get_arguments()
        .filter_map(|setting| setting.get_env()?.to_str())
        .chain([restart::VARIABLE])
        .collect();
    let mut unknown: Vec<String> = env::vars_os()
        .filter_map(|(name, _)| name.into_string().ok())
        .filter(|name| name.starts_with(PREFIX) && !known.contains(&name.as_str()))
        .collect();
    unknown.sort();
    for name in unknown {
        let file = format!("{name}{FILE_SUFFIX}");
        if known.contains(&&*file) {
            tracing::warn!(
                name,
                "an environment variable is no setting: a secret is in a file, which {file} names"
            );
            continue;
        }
        let known = known.iter().copied();
        match most_similar(
            &name[PREFIX.len()..],
            known.map(|name| &name[PREFIX.len()..]),
        ) {
            Some(meant) => tracing::warn!(
                name,
                "an environment variable is no setting; is {PREFIX}{meant} meant?"
            ),
            None => tracing::warn!(
                name,
                "an environment variable is no setting; \"rememberd serve --help\" lists them"
            ),
        }
    }
}
