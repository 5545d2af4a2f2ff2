//! Documents and filters as trees, which keep the order of fields and fields that are repeated, and how they are
//! written down.

use std::fmt::{self, Debug, Formatter};

use serde_json::json;

use crate::draw::Draw;
use crate::random::Random;

/// Some moments, in milliseconds and in ISO 8601.
pub const MOMENTS: [(i64, &str); 4] = [
    (0, "1970-01-01T00:00:00Z"),
    (1_495_665_332_589, "2017-05-24T22:35:32.589Z"),
    (1_495_665_332_590, "2017-05-24T22:35:32.590Z"),
    (4_102_444_800_000, "2100-01-01T00:00:00.000Z"),
];

/// A value of a document or of a filter.
#[derive(Clone, PartialEq)]
pub enum Node {
    Null,
    Bool(bool),
    Int(i64),
    Double(f64),
    Text(String),
    /// 24 hexadecimal digits.
    Id(&'static str),
    /// One of [`MOMENTS`].
    Date(usize),
    Regex {
        pattern: &'static str,
        options: &'static str,
    },
    Array(Vec<Node>),
    Document(Vec<(String, Node)>),
}

/// A document with these fields.
pub fn document<const N: usize>(fields: [(&str, Node); N]) -> Node {
    let fields = fields.map(|(name, value)| (name.to_owned(), value));
    Node::Document(fields.into())
}

/// A text.
pub fn text(text: &str) -> Node {
    Node::Text(text.to_owned())
}

/// As MongoDB's extended JSON.
impl Debug for Node {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.extended())
    }
}

impl Node {
    /// The fields of a document, none of another value.
    pub fn fields(&self) -> &[(String, Node)] {
        match self {
            Self::Document(fields) => fields,
            _ => &[],
        }
    }

    /// The items of an array, none of another value.
    pub fn items(&self) -> &[Node] {
        match self {
            Self::Array(items) => items,
            _ => &[],
        }
    }

    /// This value and all within it.
    pub fn all(&self) -> Vec<&Node> {
        let below = self.items().iter();
        let below = below.chain(self.fields().iter().map(|(_, value)| value));
        let below = below.flat_map(Node::all);
        std::iter::once(self).chain(below).collect()
    }

    /// Whether this value or one within it is such.
    pub fn any(&self, is_such: impl Fn(&Node) -> bool) -> bool {
        self.all().into_iter().any(is_such)
    }

    /// As MongoDB's extended JSON.
    pub fn extended(&self) -> String {
        self.written(&Plain)
    }

    /// In one of the forms that a query may have.
    pub fn relaxed(&self, random: &Random) -> String {
        self.written(&Relaxed(random))
    }

    fn written(&self, style: &impl Style) -> String {
        let list = |parts: Vec<String>, [start, end]: [char; 2]| {
            let comma = if parts.is_empty() {
                ""
            } else {
                style.last_comma()
            };
            format!("{start}{}{comma}{end}", parts.join(","))
        };
        match self {
            Self::Null => "null".to_owned(),
            Self::Bool(value) => value.to_string(),
            Self::Int(value) => style.int(*value),
            Self::Double(value) => json!(value).to_string(),
            Self::Text(value) => style.text(value),
            Self::Id(digits) => style.id(digits),
            Self::Date(moment) => style.date(*moment),
            Self::Regex { pattern, options } => style.regex(pattern, options),
            Self::Array(items) => {
                let items = items.iter().map(|item| item.written(style));
                list(items.collect(), ['[', ']'])
            }
            Self::Document(fields) => {
                let field = |(name, value): &(String, Node)| {
                    format!("{}:{}", style.name(name), value.written(style))
                };
                list(fields.iter().map(field).collect(), ['{', '}'])
            }
        }
    }
}

/// How values are written.
trait Style {
    fn last_comma(&self) -> &str;
    fn int(&self, value: i64) -> String;
    fn name(&self, name: &str) -> String;
    fn text(&self, text: &str) -> String;
    fn id(&self, digits: &str) -> String;
    fn date(&self, moment: usize) -> String;
    fn regex(&self, pattern: &str, options: &str) -> String;
}

struct Plain;

impl Style for Plain {
    fn last_comma(&self) -> &str {
        ""
    }

    fn int(&self, value: i64) -> String {
        value.to_string()
    }

    fn name(&self, name: &str) -> String {
        self.text(name)
    }

    fn text(&self, text: &str) -> String {
        json!(text).to_string()
    }

    fn id(&self, digits: &str) -> String {
        format!(r#"{{"$oid":"{digits}"}}"#)
    }

    fn date(&self, moment: usize) -> String {
        format!(r#"{{"$date":{}}}"#, MOMENTS[moment].0)
    }

    fn regex(&self, pattern: &str, options: &str) -> String {
        json!({ "$regularExpression": { "pattern": pattern, "options": options } }).to_string()
    }
}

struct Relaxed<'r>(&'r Random);

impl Style for Relaxed<'_> {
    fn last_comma(&self) -> &str {
        self.0.one_of(&["", "", "", ","])
    }

    fn int(&self, value: i64) -> String {
        match self.0.below(8) {
            0 => format!("NumberLong({value})"),
            1 => format!("NumberLong('{value}')"),
            _ => value.to_string(),
        }
    }

    fn name(&self, name: &str) -> String {
        let is_identifier = |name: &str| {
            let rest = name.trim_start_matches(|letter: char| {
                letter.is_ascii_alphabetic() || "_$".contains(letter)
            });
            rest.len() < name.len() && rest.chars().all(|letter| letter.is_ascii_alphanumeric())
        };
        if is_identifier(name) && self.0.below(2) == 0 {
            return name.to_owned();
        }
        self.text(name)
    }

    fn text(&self, text: &str) -> String {
        if text.contains(['\'', '\\', '\n']) || self.0.below(2) == 0 {
            return Plain.text(text);
        }
        format!("'{text}'")
    }

    fn id(&self, digits: &str) -> String {
        match self.0.below(2) {
            0 => format!("ObjectId('{digits}')"),
            _ => Plain.id(digits),
        }
    }

    fn date(&self, moment: usize) -> String {
        let (millis, iso) = MOMENTS[moment];
        match self.0.below(5) {
            0 => format!("ISODate('{iso}')"),
            1 => format!("new Date({millis})"),
            2 => format!(r#"{{"$date":"{iso}"}}"#),
            3 => format!(r#"{{$date:{{$numberLong:"{millis}"}}}}"#),
            _ => Plain.date(moment),
        }
    }

    fn regex(&self, pattern: &str, options: &str) -> String {
        format!("/{pattern}/{options}")
    }
}
