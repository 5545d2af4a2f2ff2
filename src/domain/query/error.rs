//! Why a text is no query.

use std::borrow::Cow;
use std::fmt;

use crate::similar::most_similar;

/// How many characters of a name are quoted.
const QUOTED_CHARS_MAX: usize = 40;

/// Why a text is no query. Displayed, it is the message for who sent it: those of what is banned are the contract's
/// ("Errors").
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum QueryError {
    /// It is not written as queries are, or an operator has an operand that it cannot have.
    Malformed {
        /// The position in the text, in characters from 1.
        at: usize,
        /// What is wrong.
        reason: Cow<'static, str>,
    },
    /// There is no such operator.
    UnknownOperator {
        /// The position in the text, in characters from 1.
        at: usize,
        /// Its name.
        name: String,
        /// The operator that is most likely meant.
        meant: Option<&'static str>,
    },
    /// No query may name this field.
    FieldBanned(&'static str),
    /// No query may have this operator.
    OperatorBanned(&'static str),
    /// To match a profile takes too much work.
    TooMuchWork,
}

impl QueryError {
    /// A malformed part at the byte `at`.
    pub(super) fn malformed(at: usize, reason: impl Into<Cow<'static, str>>) -> Self {
        Self::Malformed {
            at,
            reason: reason.into(),
        }
    }

    /// An operator at the byte `at` that is none of `known`.
    pub(super) fn unknown_operator(at: usize, name: &str, known: &[&'static str]) -> Self {
        // A name may be as long as the text is.
        let name: String = name.chars().take(QUOTED_CHARS_MAX).collect();
        let meant = most_similar(&name, known.iter().copied());
        Self::UnknownOperator { at, name, meant }
    }

    /// The error with its position in characters, where it had one in bytes.
    pub(super) fn with_position_in(mut self, text: &str) -> Self {
        if let Self::Malformed { at, .. } | Self::UnknownOperator { at, .. } = &mut self {
            let is_before = |(start, _): &(usize, char)| *start < *at;
            *at = text.char_indices().take_while(is_before).count() + 1;
        }
        self
    }
}

impl fmt::Display for QueryError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed { at, reason } => {
                write!(
                    formatter,
                    "The query is malformed at character {at}: {reason}"
                )
            }
            Self::UnknownOperator { at, name, meant } => {
                write!(
                    formatter,
                    "The query has an unknown operator {name} at character {at}"
                )?;
                match meant {
                    Some(meant) => write!(formatter, "; is {meant} meant?"),
                    None => Ok(()),
                }
            }
            Self::FieldBanned(name) => {
                write!(formatter, "Field \"{name}\" is not allowed in query")
            }
            Self::OperatorBanned(name) => {
                write!(formatter, "{name} operator is not allowed in query")
            }
            Self::TooMuchWork => formatter.write_str(
                "The query is too much work for one profile: it has too many conditions for as many values, or \
                 too large regular expressions for as long texts",
            ),
        }
    }
}
