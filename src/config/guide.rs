//! `src/guide/settings.md`, generated from the definition of the settings.

use std::env;
use std::fmt::Write as _;
use std::fs;

use clap::{Arg, Args, Command};

use super::heading::TUNING;
use super::{Config, HELP_NOTE};

/// The generated file.
const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/guide/settings.md");

/// Writes the file anew instead of comparing it.
const UPDATE: &str = "REMEMBERD_TEST_UPDATE";

#[test]
fn the_guide_to_the_settings_is_up_to_date() {
    let generated = generate();
    if env::var_os(UPDATE).is_some() {
        fs::write(PATH, generated).expect("the guide is writable");
        return;
    }
    let written = fs::read_to_string(PATH).expect("the guide is readable");
    assert!(
        written == generated,
        "src/guide/settings.md is not what the definition of the settings generates; write it anew by:\n\
         {UPDATE}=1 cargo test --lib config::guide",
    );
}

fn generate() -> String {
    let mut command = Config::augment_args(Command::new("rememberd").disable_help_flag(true));
    command.build();
    let mut text = format!(
        "# Settings\n\n\
         <!-- Generated from src/config by `cargo guide` -->\n\n\
         The settings of `rememberd serve`, as its `--help` lists them. {HELP_NOTE}\n\
         A flag takes precedence over its variable. In a variable, a switch is `true` or `false`. An empty \
         variable counts as absent, and one that begins with `REMEMBERD_` and is no setting is logged as a warning.\n"
    );
    let mut sections: Vec<(&str, Vec<String>)> = Vec::new();
    for setting in command.get_arguments() {
        let heading = setting
            .get_help_heading()
            .expect("every setting has a heading");
        match sections.iter_mut().find(|(other, _)| *other == heading) {
            Some((_, rows)) => rows.push(row(setting)),
            None => sections.push((heading, vec![row(setting)])),
        }
    }
    // What few need comes last.
    sections.sort_by_key(|(heading, _)| *heading == TUNING);
    for (heading, rows) in sections {
        let columns = "| Flag | Environment variable | Default | Meaning |\n|---|---|---|---|";
        let rows = rows.join("\n");
        write!(text, "\n## {heading}\n\n{columns}\n{rows}\n").expect("text grows");
    }
    text
}

fn row(setting: &Arg) -> String {
    let help = setting.get_long_help().or(setting.get_help());
    let help = help.expect("every setting has a text").to_string();
    let takes_value = setting.get_action().takes_values();
    let default = match setting
        .get_default_values()
        .first()
        .and_then(|value| value.to_str())
    {
        Some(value) if takes_value => format!("`{value}`"),
        None if takes_value => "unset".to_owned(),
        Some(_) | None => "off".to_owned(),
    };
    let variable = setting.get_env().and_then(|name| name.to_str());
    let variable = variable.expect("every setting has a variable");
    let flag = setting.to_string().replace('|', "\\|");
    let help = help.replace("\n\n", ". ");
    format!("| `{flag}` | `{variable}` | {default} | {help} |")
}
