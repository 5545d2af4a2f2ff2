//! What is generated from the definition of the settings: `src/guide/settings.md` and the examples of a settings file.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use clap::{Arg, ArgAction, Args, Command};

use super::heading::TUNING;
use super::{Config, HELP_NOTE, toml};

/// Writes the files anew instead of comparing them.
const UPDATE: &str = "REMEMBERD_TEST_UPDATE";

/// The most columns of a line in a settings file.
const COLUMNS: usize = 100;

#[test]
fn the_guide_to_the_settings_is_up_to_date() {
    assert_generated("src/guide/settings.md", &guide());
}

#[test]
fn the_examples_of_a_settings_file_are_up_to_date() {
    assert_generated("data/rememberd.toml", &example(None));
    let installed = example(Some("/var/lib/rememberd"));
    assert_generated("data/debian/rememberd.toml", &installed);
}

#[track_caller]
fn assert_generated(name: &str, generated: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    if env::var_os(UPDATE).is_some() {
        fs::write(path, generated).expect("the file is writable");
        return;
    }
    let written = fs::read_to_string(path).expect("the file is readable");
    assert!(
        written == generated,
        "{name} is not what the definition of the settings generates; write it anew by:\n\
         {UPDATE}=1 cargo test --lib config::guide",
    );
}

fn guide() -> String {
    let mut text = format!(
        "# Settings\n\n\
         <!-- Generated from src/config by `cargo guide` -->\n\n\
         The settings of `rememberd serve`, as its `--help` lists them. {HELP_NOTE}\n\
         A flag takes precedence over its variable. In a variable, a switch is `true` or `false`. An empty \
         variable counts as absent, and one that begins with `REMEMBERD_` and is no setting is logged as a warning.\n\n\
         `--config FILE` names a settings file, in TOML, with the names of the flags: `cache-size = \"64MiB\"`. \
         `data/rememberd.toml` is one with every setting. Flags and variables take precedence over it. A switch is \
         `true` or `false`, a count a number or text, a list has brackets, and anything else is text in quotes. A name \
         or a value that is not valid is refused, with the file and the line. Relative paths start at the working \
         directory, as those of flags do. `rememberd config` prints the effective settings as such a file, and \
         where each comes from; with `--check` it checks them.\n\n\
         A password or a token is in a file of its own, which a setting names, like `--smtp-password-file` or \
         `REMEMBERD_MANAGEMENT_TOKEN_FILE`. Its first line is the secret. A file that every user of the host may read \
         is logged as a warning.\n"
    );
    for (heading, settings) in sections() {
        let columns = "| Flag | Environment variable | Default | Meaning |\n|---|---|---|---|";
        let rows: Vec<String> = settings.iter().map(row).collect();
        let rows = rows.join("\n");
        write!(text, "\n## {heading}\n\n{columns}\n{rows}\n").expect("text grows");
    }
    text
}

/// A settings file in which every setting is a comment, but for the data directory if it is given.
fn example(data_dir: Option<&str>) -> String {
    let mut text = String::from(
        "# Settings of rememberd, for `rememberd serve --config FILE`. A line that begins with `#` and no\n\
         # space is a setting with its default. Flags and environment variables take precedence over this\n\
         # file. `rememberd config --config FILE` prints the effective settings.\n\
         # Generated from src/config by `cargo guide`.\n",
    );
    for (heading, settings) in sections() {
        write!(text, "\n# == {heading} ==\n").expect("text grows");
        for setting in settings
            .iter()
            .filter(|setting| setting.get_id() != "config")
        {
            text.push('\n');
            for paragraph in help(setting).split("\n\n") {
                comment(&mut text, paragraph);
            }
            let name = setting.get_long().expect("every setting has a flag");
            match data_dir.filter(|_| setting.get_id() == "data_dir") {
                Some(data_dir) => writeln!(text, "{name} = {}", toml::value(data_dir)),
                None => writeln!(text, "#{name} = {}", shown_value(setting)),
            }
            .expect("text grows");
        }
    }
    text
}

/// Adds the text in lines of comments.
fn comment(text: &mut String, paragraph: &str) {
    let mut line = String::from("#");
    for word in paragraph.split_whitespace() {
        if line.len() + 1 + word.len() > COLUMNS {
            writeln!(text, "{line}").expect("text grows");
            line.truncate(1);
        }
        line = format!("{line} {word}");
    }
    writeln!(text, "{line}").expect("text grows");
}

/// The default of the setting, or what its value is, if it has none.
fn shown_value(setting: &Arg) -> String {
    if !setting.get_action().takes_values() {
        return "false".to_owned();
    }
    let defaults = setting.get_default_values().iter();
    let defaults: Vec<String> = defaults
        .map(|value| toml::value(&value.to_string_lossy()))
        .collect();
    let names = setting.get_value_names().unwrap_or_default();
    match (&*defaults, setting.get_action()) {
        ([], _) => format!("\"{}\"  # not set", names.first().expect("it has a name")),
        (defaults, ArgAction::Append) => format!("[{}]", defaults.join(", ")),
        (defaults, _) => defaults.concat(),
    }
}

/// Every setting, by its heading. What few need comes last.
fn sections() -> Vec<(String, Vec<Arg>)> {
    let mut command = Config::augment_args(Command::new("rememberd").disable_help_flag(true));
    command.build();
    let mut sections: Vec<(String, Vec<Arg>)> = Vec::new();
    for setting in command.get_arguments() {
        let heading = setting
            .get_help_heading()
            .expect("every setting has a heading");
        match sections.iter_mut().find(|(other, _)| *other == heading) {
            Some((_, settings)) => settings.push(setting.clone()),
            None => sections.push((heading.to_owned(), vec![setting.clone()])),
        }
    }
    sections.sort_by_key(|(heading, _)| *heading == TUNING);
    sections
}

fn help(setting: &Arg) -> String {
    let help = setting.get_long_help().or(setting.get_help());
    help.expect("every setting has a text").to_string()
}

fn row(setting: &Arg) -> String {
    let help = help(setting);
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
