//! The settings as a whole.

use std::time::Duration;

use clap::{Arg, Args, Command};

use super::Config;
use super::heading::{BACKUPS, MAIL, TUNING};

/// Every setting.
fn settings() -> Vec<Arg> {
    let mut command = Config::augment_args(Command::new("rememberd").disable_help_flag(true));
    command.build();
    command.get_arguments().cloned().collect()
}

#[test]
fn defaults_are_valid() {
    let config = Config::from_flags(&[]).expect("defaults pass their own checks");
    let max_age = config.logins.persistent_login_max_age;
    assert_eq!(max_age, Duration::from_secs(1_296_000));
    assert_eq!(config.storage.cache_size, 64 << 20);
    assert_eq!(config.storage.login_cache_size, 128 << 20);
    assert_eq!(config.http.context_path.as_str(), "/crafter-profile");
}

#[test]
fn an_invalid_value_is_refused_by_the_name_of_its_flag() {
    for (flag, value) in [
        ("--listen", "nowhere"),
        ("--context-path", "profile"),
        ("--context-path", "/a b"),
        ("--persistent-login-max-age", "0s"),
        ("--persistent-login-max-age", "200years"),
        ("--cleaner-interval", "soon"),
        ("--backup-interval", "1ms"),
        ("--clock-save-interval", "999ms"),
        ("--cleaner-batch-max", "0"),
        ("--cache-size", "1KiB"),
        ("--cache-size", "-5"),
        ("--queue-jobs-max", "0"),
        ("--journal-target", "0"),
        ("--journal-apply-min", "some"),
        ("--journal-idle-after", "0s"),
        ("--batch-jobs-max", "0"),
        ("--batch-jobs-max", "18446744073709551615"),
        ("--header-count-max", "1048577"),
        ("--queue-jobs-max", "1048577"),
        ("--worker-threads", "0"),
        ("--worker-threads", "1025"),
        ("--connections-max", "0"),
        ("--header-size-max", "100B"),
        ("--header-count-max", "0"),
        ("--body-size-max", "0"),
        ("--reuse-grace", "11m"),
        ("--reuse-grace", "-1s"),
        ("--reuse-revokes", "all"),
        ("--coalesce-refreshes", "1h"),
        ("--persistent-login-idle-max", "0s"),
        ("--logins-per-profile-max", "0"),
        ("--log-format", "xml"),
    ] {
        let error = Config::from_flags(&[&format!("{flag}={value}")])
            .expect_err(&format!("{flag}={value}"));
        assert!(error.to_string().contains(flag), "{error}");
    }
}

#[test]
fn settings_for_mails_backups_and_tuning_are_hidden_from_the_short_help_and_no_other_is() {
    for setting in settings() {
        let heading = setting.get_help_heading();
        let is_hidden = [MAIL, BACKUPS, TUNING].map(Some).contains(&heading);
        assert_eq!(setting.is_hide_short_help_set(), is_hidden, "{setting}");
    }
}

#[test]
fn every_switch_takes_the_same_values() {
    let switches: Vec<_> = settings()
        .into_iter()
        .filter(|setting| !setting.get_action().takes_values())
        .collect();
    assert!(switches.len() >= 6);
    for setting in switches {
        let parser = format!("{:?}", setting.get_value_parser());
        let other = format!("{:?}", clap::value_parser!(bool));
        assert_ne!(parser, other, "{setting} lacks value_parser = switch");
    }
}

#[test]
fn an_environment_variable_is_named_after_its_flag() {
    for setting in settings() {
        let flag = setting.get_long().expect("every setting has a flag");
        let variable = setting.get_env().and_then(|name| name.to_str());
        let expected = format!("REMEMBERD_{}", flag.to_uppercase().replace('-', "_"));
        assert_eq!(variable, Some(&*expected));
    }
}
