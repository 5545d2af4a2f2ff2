//! Why a seed file is refused: the texts for the person who wrote it.

use std::fmt;
use std::io;

use serde_json::error::Category;

use crate::error::describe;
use crate::json_problem::of_schema;

/// Why a seed file is refused, with the path of the entry.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SeedError(String);

impl SeedError {
    /// The error that `what` is wrong at `path`, like `profile[3].tenant`.
    pub fn at(path: impl fmt::Display, what: impl fmt::Display) -> Self {
        Self(format!("{path}: {what}"))
    }
}

impl fmt::Display for SeedError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for SeedError {}

impl SeedError {
    /// The error that the file cannot be read.
    pub fn unreadable(error: &io::Error) -> Self {
        Self(describe(error))
    }

    /// The error that the JSON at `path` is not of the schema, or no JSON. What the file has there is not quoted,
    /// because it may be a secret.
    pub fn of_json(path: &str, error: &serde_json::Error) -> Self {
        if error.is_io() {
            return Self(error.to_string());
        }
        let text = error.to_string();
        let (line, column) = (error.line(), error.column());
        let problem = text
            .strip_suffix(&format!(" at line {line} column {column}"))
            .unwrap_or(&text);
        let problem = match error.classify() {
            Category::Data => of_schema(problem),
            Category::Eof => "the file ends within it".to_owned(),
            Category::Syntax | Category::Io => format!("it is not JSON: {problem}"),
        };
        let what = format!("{problem} (line {line}, column {column})");
        match path {
            // What is not JSON at all has no path.
            "." | "?" => Self(what),
            path => Self::at(path, what),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use crate::service::bootstrap::seed_reader::SeedFile;

    #[test]
    fn what_is_wrong_is_said_in_words_of_json_and_without_the_value() {
        for (json, expected) in [
            (
                r#"{"accesstoken": ["a secret"]}"#,
                "accesstoken[0]: it must be an object, and is text (line 1, column 27)",
            ),
            (
                r#"{"tenant": {}}"#,
                "tenant: it must be a list, and is an object (line 1, column 12)",
            ),
            (
                r#"{"tenant": [{"name": 7}]}"#,
                "tenant[0].name: it must be text, and is a number (line 1, column 23)",
            ),
            (
                r#"{"tenant": [{"name": null}]}"#,
                "tenant[0].name: it must be text, and is null (line 1, column 25)",
            ),
            (
                r#"{"profile": [{"enabled": "a secret"}]}"#,
                "profile[0].enabled: it must be true or false, and is text (line 1, column 35)",
            ),
            (
                r#"{"profile": [{"enable": true}]}"#,
                "profile[0].enable: there is no field \"enable\"; is \"enabled\" meant? (line 1, column 23)",
            ),
            (
                r#"{"users": []}"#,
                "users: there is no field \"users\"; the fields are accesstoken, tenant, profile, persistentlogin, \
                 ticket, verificationtoken (line 1, column 9)",
            ),
            (
                r#"{"tenant": [{}]}"#,
                "tenant[0]: the field `name` is missing (line 1, column 14)",
            ),
            (
                r#"{"tenant": [{"name": "a", "name": "b"}]}"#,
                "tenant[0]: the field `name` is there twice (line 1, column 33)",
            ),
            (
                r#"{"tenant": [}"#,
                "tenant[0]: it is not JSON: expected value (line 1, column 13)",
            ),
            (
                r#"{"tenant": ["#,
                "tenant: the file ends within it (line 1, column 12)",
            ),
            (
                "{} {}",
                "after the end: it is not JSON: trailing characters (line 1, column 4)",
            ),
        ] {
            let refused = SeedFile::check(Cursor::new(json), |_| {}).expect_err(json);
            assert_eq!(refused.to_string(), expected);
        }
    }
}
