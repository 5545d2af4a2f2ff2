//! The settings file, and `rememberd config`.

use std::fs::{self, File, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Stdio;

use tempfile::TempDir;

use crate::support::process::{DEMO_SEED, Launch};

/// A directory with a settings file.
struct Home(TempDir);

impl Home {
    fn with(settings: &str) -> Self {
        let home = Self(TempDir::new().expect("a temporary directory"));
        fs::write(home.file(), settings).expect("it is written");
        home
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("rememberd.toml")
    }

    /// The beginning of a message about this line of the file.
    fn line(&self, line: usize) -> String {
        format!("{}:{line}: ", self.file().display())
    }

    /// The command, with the file.
    fn launch(&self, arguments: &[&str]) -> Launch {
        let launch = Launch::new(arguments).argument("--config");
        launch.argument(self.file()).in_directory(self.0.path())
    }

    /// The settings that the command prints, without the line at their top.
    fn printed(&self, launch: Launch) -> Vec<String> {
        let ended = launch.run();
        assert!(ended.status.success(), "{ended:?}");
        ended.stdout.lines().skip(1).map(str::to_owned).collect()
    }
}

const SETTINGS: &str = "\
# A comment.
data-dir = 'db'
listen = [
  \"127.0.0.1:0\",
  \"127.0.0.1:0\",
]
context-path = \"/from/file\"
no-create = false
connections-max = 64
cleaner-batch-max = \"7\"
";

#[test]
fn a_flag_precedes_a_variable_and_that_the_file_and_that_the_default() {
    let home = Home::with(SETTINGS);
    let serving = home.launch(&["serve"]).start();
    assert_eq!(serving.context, "/from/file");
    let listens = serving.stop().stdout;
    let listens = listens.lines().filter(|line| line.contains("listens on"));
    assert_eq!(listens.count(), 2);
    assert!(home.0.path().join("db/rememberd.redb").exists());
    let variable = ("REMEMBERD_CONTEXT_PATH", "/from/variable");
    let launch = || home.launch(&["serve"]).variable(variable.0, variable.1);
    let serving = launch().start();
    assert_eq!(serving.context, variable.1);
    serving.stop();
    let serving = launch().argument("--context-path=/from/flag").start();
    assert_eq!(serving.context, "/from/flag");
    serving.stop();
    // The file may be named by a variable, and an empty variable counts as absent.
    let serving = Launch::new(&["serve"])
        .variable("REMEMBERD_CONFIG", home.file())
        .variable("REMEMBERD_CONTEXT_PATH", "")
        .in_directory(home.0.path());
    let serving = serving.start();
    assert_eq!(serving.context, "/from/file");
    let log = serving.stop().stderr;
    assert!(log.contains("the settings file was read"), "{log}");
}

#[test]
fn every_command_with_settings_takes_the_file() {
    let home = Home::with("data-dir = \"made\"\nkey-file = \"keys\"\n");
    for (arguments, output) in [
        (&["init"][..], "created "),
        (&["key", "rotate"], "key 2 was added to "),
        (&["check"], "No damage was found"),
        (&["compact"], "was compacted"),
    ] {
        let ended = home.launch(arguments).run();
        assert!(ended.status.success(), "{ended:?}");
        assert!(ended.stdout.contains(output), "{ended:?}");
    }
    assert!(home.0.path().join("made/rememberd.redb").exists());
    assert!(home.0.path().join("keys").exists());
}

#[test]
fn what_is_not_valid_is_refused_with_the_line() {
    for (line, problem) in [
        (
            "cache-siz = \"64MiB\"",
            "there is no setting \"cache-siz\"; is cache-size meant?",
        ),
        (
            "cache_size = \"64MiB\"",
            "there is no setting \"cache_size\"; is cache-size meant?",
        ),
        (
            "smtp-password = \"hunter2\"",
            "there is no setting \"smtp-password\": a secret is in a file, which smtp-password-file names",
        ),
        (
            "favorite-color = 1",
            "there is no setting \"favorite-color\"; \"rememberd serve --help\" lists them",
        ),
        ("[mail]", "there is no section \"mail\": settings have none"),
        (
            "config = \"other.toml\"",
            "a settings file cannot name another one",
        ),
        (
            "no-create = \"true\"",
            "no-create: it must be true or false, without quotes",
        ),
        (
            "no-create = 1",
            "no-create: it must be true or false, without quotes",
        ),
        (
            "cache-size = true",
            "cache-size: it must be text in quotes, like \"30s\", or a whole number",
        ),
        (
            "cache-size = 1.5",
            "cache-size: it must be text in quotes, like \"30s\", or a whole number",
        ),
        (
            "cache-size = [\"64MiB\"]",
            "cache-size: it has one value, not a list",
        ),
        ("listen = []", "listen: the list is empty"),
        (
            "cache-size = \"1KiB\"",
            "invalid value '1KiB' for '--cache-size <SIZE>': it must be at least 1MiB",
        ),
        (
            "drain-timeout = 30",
            "invalid value '30' for '--drain-timeout <DURATION>': it must be a number with a unit",
        ),
        (
            "connections-max = 0xFFFFFFFF",
            "invalid value '4294967295' for '--connections-max <COUNT>': ",
        ),
        ("connections-max = 99999999999999999999", ""),
        (
            "listen = [\"127.0.0.1:0\", \"nowhere\"]",
            "invalid value 'nowhere' for '--listen <HOST:PORT>': ",
        ),
        (
            "log-format = \"xml\"",
            "invalid value 'xml' for '--log-format <text|json>'",
        ),
        ("cache-size = ", ""),
        ("seed = \"a\"\nseed = \"b\"", ""),
    ] {
        let home = Home::with(&format!("# A comment.\nkey-file = \"keys\"\n{line}\n"));
        // It is refused where a flag overrides it, too, and by a command that does not use it.
        for launch in [
            home.launch(&["serve", "--cache-size=64MiB"]),
            home.launch(&["check"]),
            home.launch(&["config"]),
        ] {
            let ended = launch.run();
            assert_eq!(ended.status.code(), Some(2), "{line}: {ended:?}");
            let message = ended.stderr;
            let repeated = usize::from(line.starts_with("seed"));
            let expected = format!("error: {}{problem}", home.line(3 + repeated));
            assert!(message.starts_with(&expected), "{expected}: {message}");
            assert!(
                message.ends_with('\n') && !message.contains("hunter2"),
                "{message}"
            );
        }
        assert_eq!(fs::read_dir(home.0.path()).expect("it is there").count(), 1);
    }
}

#[test]
fn a_file_that_cannot_be_read_is_refused_by_how_it_was_named() {
    let home = Home::with("");
    let missing = home.0.path().join("missing");
    let missing = missing.display();
    let message = Launch::new(&["serve", "--config"]).argument(missing.to_string());
    let expected = format!("error: --config {missing}: No such file or directory\n");
    assert_eq!(message.assert_fails(), expected);
    let message = Launch::new(&["serve"]).variable("REMEMBERD_CONFIG", missing.to_string());
    let expected = format!("error: REMEMBERD_CONFIG={missing}: No such file or directory\n");
    assert_eq!(message.assert_fails(), expected);
    fs::write(home.file(), [0xFF]).expect("it is written");
    let message = home.launch(&["serve"]).assert_fails();
    assert!(message.contains("it is not UTF-8"), "{message}");
    fs::write(home.file(), "#".repeat(2 << 20)).expect("it is written");
    let message = home.launch(&["serve"]).assert_fails();
    assert!(
        message.contains("it has more than 1048576 bytes"),
        "{message}"
    );
}

#[test]
fn an_error_about_a_setting_names_its_place_in_the_file() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("an address").to_string();
    let home = Home::with(&format!("\nlisten = \"{address}\"\n"));
    let message = home.launch(&["serve"]).assert_fails();
    let expected = format!(
        "rememberd: {}listen = {address}: Address already in use\n",
        home.line(2)
    );
    assert!(message.ends_with(&expected), "{message}");
}

#[test]
fn a_variable_that_names_a_file_of_a_value_that_is_no_secret_is_refused() {
    let home = Home::with("");
    let launch = home
        .launch(&["serve"])
        .variable("REMEMBERD_LISTEN_FILE", "/etc/listen");
    assert_eq!(
        launch.assert_fails(),
        "error: REMEMBERD_LISTEN_FILE: a file is for secrets, and this is none; set REMEMBERD_LISTEN to the value\n"
    );
    let empty = home
        .launch(&["config"])
        .variable("REMEMBERD_LISTEN_FILE", "");
    assert!(empty.run().status.success());
}

#[test]
fn what_checks_the_settings_is_no_setting() {
    let help = Home::with("").launch(&["config", "-h"]).run().stdout;
    let (options, _) = help.split_once("\n\nData:").expect("its settings");
    assert!(options.contains("--check"), "{help}");
    assert!(!help.contains("Tuning"), "{help}");
}

#[test]
fn settings_that_cannot_be_printed_are_an_error() {
    let full = File::options().write(true).open("/dev/full");
    let full = Stdio::from(full.expect("it is there"));
    let ended = Home::with("").launch(&["config"]).stdout(full).run();
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    let expected = "rememberd: cannot write standard output: ";
    assert!(ended.stderr.starts_with(expected), "{ended:?}");
}

#[test]
fn the_effective_settings_are_printed_with_their_origins_and_are_a_settings_file() {
    let home = Home::with(SETTINGS);
    let launch = home.launch(&["config", "--mail-from", "\"A\" <a@b.test>"]);
    let printed = home.printed(launch.variable("REMEMBERD_NEW_KEY", "yes"));
    let path = home.file();
    let path = path.display();
    for expected in [
        format!("data-dir = \"db\"  # {path}:2"),
        format!("listen = [\"127.0.0.1:0\", \"127.0.0.1:0\"]  # {path}:3"),
        format!("no-create = false  # {path}:8"),
        format!("cleaner-batch-max = 7  # {path}:10"),
        "new-key = true  # REMEMBERD_NEW_KEY".to_owned(),
        "mail-from = \"\\\"A\\\" <a@b.test>\"  # --mail-from".to_owned(),
        "cache-size = \"64MiB\"  # default".to_owned(),
        "# seed is not set".to_owned(),
    ] {
        assert!(printed.contains(&expected), "{expected} in {printed:#?}");
    }
    assert!(
        !printed.iter().any(|line| line.starts_with("config")),
        "{printed:#?}"
    );
    let again = Home::with(&printed.join("\n"));
    let values = |lines: Vec<String>| -> Vec<String> {
        let values = lines.iter().filter_map(|line| line.split("  # ").next());
        values.map(str::to_owned).collect()
    };
    assert_eq!(
        values(again.printed(again.launch(&["config"]))),
        values(printed)
    );
}

#[test]
fn the_settings_are_checked_without_a_start() {
    let home = Home::with("listen = [\"127.0.0.1:0\"]\nmanagement-token-file = \"token\"\n");
    let check = || home.launch(&["config", "--check"]).run();
    let missing = check();
    assert_eq!(missing.status.code(), Some(2), "{missing:?}");
    let expected = format!(
        "{}management-token-file = token: No such file or directory",
        home.line(2)
    );
    assert!(missing.stderr.contains(&expected), "{missing:?}");
    let token = home.0.path().join("token");
    fs::write(&token, "0123456789abcdef\n").expect("it is written");
    for (mode, is_warned) in [(0o644, true), (0o640, false), (0o600, false)] {
        fs::set_permissions(&token, Permissions::from_mode(mode)).expect("it is ours");
        let checked = check();
        assert!(
            checked.status.success() && checked.stdout.is_empty(),
            "{checked:?}"
        );
        let warning = "every user of this host may read a file with a secret";
        assert_eq!(
            checked.stderr.contains(warning),
            is_warned,
            "{mode:o} {checked:?}"
        );
    }
    assert_eq!(fs::read_dir(home.0.path()).expect("it is there").count(), 2);
}

#[test]
fn a_check_refuses_files_with_which_no_server_starts() {
    const NO_KEY_DIRECTORY: &str = "there is no such directory: is its disk mounted?";
    for (setting, expected) in [
        (
            "no-create = true",
            "there is no such directory, and --no-create is set",
        ),
        (
            "seed = \"seed.json\"",
            "seed.json: No such file or directory",
        ),
        ("seed = \"rememberd.toml\"", "rememberd.toml: "),
        ("key-file = \"keys/rememberd.keys\"", NO_KEY_DIRECTORY),
        ("key-file = \"rememberd.toml\"", "rememberd.toml: "),
        ("key-file = \"data/rememberd.keys\"", ""),
        ("no-create = false", ""),
    ] {
        let home = Home::with(&format!(
            "data-dir = \"data\"\nlisten = \"127.0.0.1:0\"\n{setting}\n"
        ));
        let checked = home.launch(&["config", "--check"]).run();
        if expected.is_empty() {
            assert!(checked.status.success(), "{setting}: {checked:?}");
            home.launch(&["serve"]).start().stop();
            continue;
        }
        assert_eq!(checked.status.code(), Some(2), "{setting}: {checked:?}");
        assert!(checked.stderr.contains(expected), "{setting}: {checked:?}");
        let count = fs::read_dir(home.0.path()).expect("it is there").count();
        assert_eq!(count, 1, "{setting}");
        home.launch(&["serve"]).assert_fails();
    }
}

#[test]
fn a_header_field_and_the_proxies_that_are_believed_are_set_together_wherever_each_is() {
    const HEADER: (&str, &str) = ("client-address-header", "X-Forwarded-For");
    const PROXY: (&str, &str) = ("trusted-proxy", "10.0.0.0/8");
    let check = |[by_flag, by_variable, in_file]: [&[(&str, &str)]; 3]| {
        let lines = in_file.iter();
        let lines = lines.map(|(name, value)| format!("{name} = \"{value}\"\n"));
        let home = Home::with(&lines.collect::<String>());
        let mut launch = home.launch(&["config", "--check"]);
        for (name, value) in by_flag {
            launch = launch.argument(format!("--{name}={value}"));
        }
        for (name, value) in by_variable {
            let name = name.to_uppercase().replace('-', "_");
            launch = launch.variable(&format!("REMEMBERD_{name}"), value);
        }
        (launch.run(), home.line(1))
    };
    for header in 0..3 {
        for proxy in 0..3 {
            let mut given: [Vec<_>; 3] = Default::default();
            given[header].push(HEADER);
            given[proxy].push(PROXY);
            let (checked, _) = check([&given[0], &given[1], &given[2]]);
            assert!(checked.status.success(), "{header} {proxy} {checked:?}");
        }
    }
    let no_proxy = ": no header field is believed without trusted-proxy; set that too";
    let no_header = ": nothing is believed of a proxy without client-address-header; set that too";
    for ((name, value), shown, problem) in [
        (HEADER, "x-forwarded-for", no_proxy),
        (PROXY, "10.0.0.0/8", no_header),
    ] {
        let variable = name.to_uppercase().replace('-', "_");
        for place in 0..3 {
            let mut given: [&[(&str, &str)]; 3] = [&[]; 3];
            let alone = [(name, value)];
            given[place] = &alone;
            let (refused, line) = check(given);
            assert_eq!(refused.status.code(), Some(2), "{refused:?}");
            let origin = [
                format!("--{name} {shown}"),
                format!("REMEMBERD_{variable}={shown}"),
                format!("{line}{name} = {shown}"),
            ];
            let expected = format!("{}{problem}", origin[place]);
            assert!(refused.stderr.contains(&expected), "{expected} {refused:?}");
        }
    }
    let home = Home::with("client-address-header = \"X-Forwarded-For\"\n");
    let refused = home
        .launch(&["serve", "--listen=127.0.0.1:0"])
        .assert_fails();
    assert!(refused.contains(no_proxy), "{refused}");
}

#[test]
fn the_example_has_every_setting_with_its_default() {
    let example = include_str!("../../../data/rememberd.toml");
    let is_setting = |line: &&str| line.starts_with('#') && !line.starts_with("# ") && *line != "#";
    let settings = example.lines().filter(is_setting);
    let (unset, set): (Vec<&str>, Vec<&str>) =
        settings.partition(|line| line.ends_with("# not set"));
    assert!(unset.len() >= 10 && set.len() >= 50);
    let set: Vec<&str> = set.iter().map(|line| &line[1..]).collect();
    let (home, none) = (Home::with(&set.join("\n")), Home::with(example));
    let values = |home: &Home, origin: &str| -> Vec<String> {
        let printed = home.printed(home.launch(&["config"]));
        let found = printed.iter().filter_map(|line| line.split_once("  # "));
        let found = found.filter(|(_, other)| other.starts_with(origin));
        found.map(|(value, _)| value.to_owned()).collect()
    };
    assert_eq!(values(&home, ""), values(&none, "default"));
    assert_eq!(values(&home, "default"), Vec::<String>::new());
    assert_eq!(values(&home, "").len(), set.len());
    let printed = none.printed(none.launch(&["config"]));
    for line in unset {
        let (name, _) = line[1..].split_once(" = ").expect("a setting");
        assert!(printed.contains(&format!("# {name} is not set")), "{name}");
    }
    assert!(example.contains("#seed = \"FILE\"") && fs::exists(DEMO_SEED).expect("it is there"));
}
