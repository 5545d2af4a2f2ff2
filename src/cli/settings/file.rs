//! The settings file: TOML, with the names of the flags.
//!
//! Its values become the defaults of the settings, so that a flag and a variable take precedence over them. All of it
//! is checked before that, also what is not the command's, or is overridden.

use std::io::Read;
use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction, Command};
use toml::de::{DeTable, DeValue};

use crate::config::Config;
use crate::error::describe;
use crate::similar::most_similar;
use crate::storage::regular_file;

/// The field name of the setting that names the file.
pub const SETTING: &str = "config";

/// The most bytes of the file: a longer one is another file.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// What a value may be that is no switch.
const VALUES: &str = "it must be text in quotes, like \"30s\", or a whole number";

/// What a settings file says.
#[derive(Clone, Debug)]
pub struct SettingsFile {
    path: PathBuf,
    given: Vec<Given>,
}

/// A setting that the file has.
#[derive(Clone, Debug)]
struct Given {
    /// Its field name.
    id: String,
    line: usize,
    values: Vec<String>,
}

impl SettingsFile {
    /// Reads and checks the file at `path`, which messages call `name`.
    ///
    /// # Errors
    ///
    /// What is wrong with it, with the line if it is one.
    pub fn read(path: &Path, name: &str) -> Result<Self, String> {
        let text = read_text(path).map_err(|cause| format!("{name}: {cause}"))?;
        let settings = Config::definitions();
        let line_at = |offset: usize| {
            1 + text.as_bytes()[..offset]
                .iter()
                .filter(|byte| **byte == b'\n')
                .count()
        };
        let at = |line: usize| format!("{}:{line}", path.display());
        let table = DeTable::parse(&text).map_err(|error| {
            let line = line_at(error.span().map_or(0, |span| span.start.min(text.len())));
            format!("{}: {}", at(line), error.message().replace('\n', "; "))
        })?;
        let mut entries: Vec<_> = table.get_ref().iter().collect();
        // The first mistake in the file is the one that is reported.
        entries.sort_by_key(|(name, _)| name.span().start);
        let mut given = Vec::new();
        for (name, value) in entries {
            let line = line_at(name.span().start);
            let name: &str = name.get_ref();
            let setting = find(&settings, name, value.get_ref())
                .map_err(|cause| format!("{}: {cause}", at(line)))?;
            let values = values_of(setting, value.get_ref())
                .map_err(|cause| format!("{}: {name}: {cause}", at(line)))?;
            check(setting, &values).map_err(|cause| format!("{}: {cause}", at(line)))?;
            let id = setting.get_id().to_string();
            given.push(Given { id, line, values });
        }
        Ok(Self {
            path: path.to_owned(),
            given,
        })
    }

    /// The setting, with the value in the file as its default if there is one.
    pub fn apply(&self, setting: Arg) -> Arg {
        match self.given(setting.get_id().as_str()) {
            Some(given) => setting.default_values(given.values.clone()),
            None => setting,
        }
    }

    /// Where the setting with the field name `id` is in the file, like `rememberd.toml:3`; `None` if it is not.
    pub fn place(&self, id: &str) -> Option<String> {
        let given = self.given(id)?;
        Some(format!("{}:{}", self.path.display(), given.line))
    }

    fn given(&self, id: &str) -> Option<&Given> {
        self.given.iter().find(|given| given.id == id)
    }
}

fn read_text(path: &Path) -> Result<String, String> {
    let file = regular_file::open(path).map_err(|error| describe(&error))?;
    let mut bytes = Vec::new();
    let read = file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes);
    read.map_err(|error| describe(&error))?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(format!("it has more than {FILE_BYTES_MAX} bytes"));
    }
    String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())
}

/// The setting called `name`, whose value is `value`.
///
/// # Errors
///
/// That there is none, and which one may be meant.
fn find<'s>(settings: &'s Command, name: &str, value: &DeValue<'_>) -> Result<&'s Arg, String> {
    if name == SETTING {
        return Err("a settings file cannot name another one".to_owned());
    }
    let mut all = settings.get_arguments();
    if let Some(setting) = all.find(|setting| setting.get_long() == Some(name)) {
        return Ok(setting);
    }
    if matches!(value, DeValue::Table(_)) {
        return Err(format!("there is no section {name:?}: settings have none"));
    }
    let known = settings.get_arguments().filter_map(Arg::get_long);
    let known: Vec<&str> = known.filter(|known| *known != SETTING).collect();
    let file = format!("{name}-file");
    if known.contains(&&*file) {
        return Err(format!(
            "there is no setting {name:?}: a secret is in a file, which {file} names"
        ));
    }
    let meant = most_similar(name, known);
    Err(match meant {
        Some(meant) => format!("there is no setting {name:?}; is {meant} meant?"),
        None => format!("there is no setting {name:?}; \"rememberd serve --help\" lists them"),
    })
}

/// The values of a setting, as they would be written for its flag.
fn values_of(setting: &Arg, value: &DeValue<'_>) -> Result<Vec<String>, String> {
    if is_switch(setting) {
        return match value {
            DeValue::Boolean(is_on) => Ok(vec![is_on.to_string()]),
            _ => Err("it must be true or false, without quotes".to_owned()),
        };
    }
    match value {
        DeValue::Array(_) if !is_list(setting) => Err("it has one value, not a list".to_owned()),
        DeValue::Array(items) if items.is_empty() => Err("the list is empty".to_owned()),
        DeValue::Array(items) => items.iter().map(|item| text_of(item.get_ref())).collect(),
        value => text_of(value).map(|text| vec![text]),
    }
}

fn text_of(value: &DeValue<'_>) -> Result<String, String> {
    match value {
        DeValue::String(text) => Ok(text.to_string()),
        DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => Ok(number.to_string()),
            Err(_) => Err("the number is too large".to_owned()),
        },
        DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Datetime(_)
        | DeValue::Array(_)
        | DeValue::Table(_) => Err(VALUES.to_owned()),
    }
}

/// Refuses what the flag of the setting would not take.
fn check(setting: &Arg, values: &[String]) -> Result<(), String> {
    if is_switch(setting) {
        return Ok(());
    }
    let flag = setting.get_long().expect("every setting has a flag");
    for value in values {
        let command = Command::new("settings").arg(setting.clone().env(None));
        let given = ["settings".to_owned(), format!("--{flag}={value}")];
        command.try_get_matches_from(given).map_err(|error| {
            let text = error.to_string();
            text.strip_prefix("error: ").unwrap_or(&text).to_owned()
        })?;
    }
    Ok(())
}

/// Whether the setting is on or off.
pub fn is_switch(setting: &Arg) -> bool {
    !setting.get_action().takes_values()
}

/// Whether the setting may have several values.
pub fn is_list(setting: &Arg) -> bool {
    matches!(setting.get_action(), ArgAction::Append)
}
