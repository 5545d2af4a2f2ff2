//! What people read says what the field says.

use std::path::{Path, PathBuf};

use crate::source::{Source, collect, read, report};

/// Words that this project used for things that have a name in the field, and what to say instead.
const OLD_WORDS: [(&str, &str); 33] = [
    ("Scene", "OpContext"),
    ("Trail", "AuditLog"),
    ("Told", "OpContext"),
    ("OfProfile", "ProfileRequest"),
    ("OfLogin", "LoginRequest"),
    ("creatable", "authorize_create"),
    ("rotatable", "authorize_rotate"),
    ("Standing", "ProfileStatus"),
    ("Edition", "CommitState"),
    ("Lingering", "SnapshotTracker"),
    ("Overlay", "RowCache"),
    ("overlay", "cache"),
    ("settle", "apply"),
    ("settles", "applies"),
    ("settled", "applied"),
    ("settling", "applying"),
    ("is_at_rest", "is_drained"),
    ("abandon", "close_after_failure"),
    ("Inbox", "CompletionQueue"),
    ("inbox", "queue"),
    ("Unread", "PendingRequest"),
    ("Misrouted", "RouteError"),
    ("Stopped", "CommandError"),
    ("first_start", "bootstrap"),
    ("upkeep", "jobs"),
    ("senseless", "invalid"),
    ("made up", "generated"),
    ("trying on", "retrying"),
    ("as good as none", "obsolete"),
    ("the house", "the crate"),
    ("ceiling", "baseline"),
    ("contest", "comparison"),
    ("SickDisk", "FaultyDisk"),
];

#[test]
fn the_words_are_those_of_the_field() {
    let mut faults = Vec::new();
    for text in texts()
        .iter()
        .filter(|text| text.path != "tests/tidy/words.rs")
    {
        for (number, line) in text.text.lines().enumerate() {
            for (word, instead) in OLD_WORDS {
                let is_whole = |(at, _): (usize, &str)| {
                    let is_letter = |letter: char| letter.is_alphanumeric() || letter == '_';
                    !line[..at].ends_with(is_letter)
                        && !line[at + word.len()..].starts_with(is_letter)
                };
                if line.match_indices(word).any(is_whole) {
                    let at = format!("{}:{}", text.path, number + 1);
                    faults.push(format!("{at} says {word}: say {instead}"));
                }
            }
        }
    }
    report(&faults);
}

/// Everything that people read: the sources, the tests, the README and the guide.
fn texts() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = vec![root.join("README.md")];
    collect(&root.join("src"), &["rs", "md"], &mut paths);
    collect(&root.join("tests"), &["rs"], &mut paths);
    let read = |path: PathBuf| read(root, path);
    let texts: Vec<_> = paths.into_iter().map(read).collect();
    assert!(texts.len() > 200, "the texts were not found");
    texts
}

/// How many characters a line of prose has at most.
const LINE_MAX: usize = 120;

#[test]
fn prose_is_wrapped() {
    let mut faults = Vec::new();
    // The guide to the settings is generated.
    for text in texts()
        .iter()
        .filter(|text| text.path != "src/guide/settings.md")
    {
        let is_markdown = text.path.ends_with(".md");
        let mut is_verbatim = false;
        for (number, line) in text.text.lines().enumerate() {
            let start = line.trim_start();
            is_verbatim ^= is_markdown && start.starts_with("```");
            let is_prose = if is_markdown {
                !is_verbatim && !start.starts_with('|')
            } else {
                start.starts_with("//") && !start.trim_start_matches(['/', '!']).starts_with(" |")
            };
            if is_prose && line.chars().count() > LINE_MAX {
                faults.push(format!("{}:{} is too long", text.path, number + 1));
            }
        }
    }
    report(&faults);
}
