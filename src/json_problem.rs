//! What is wrong with JSON that is not of a schema, in words of JSON. A value may be a secret, and is not quoted.

use crate::similar::most_similar;

/// How many characters of an unknown field are quoted.
const QUOTED_CHARS_MAX: usize = 40;

/// The library's text about a value that is not of the schema, in words of JSON and without the value.
pub fn of_schema(text: &str) -> String {
    let found_and_expected = ["invalid type: ", "invalid value: "]
        .iter()
        .find_map(|prefix| text.strip_prefix(prefix)?.rsplit_once(", expected "));
    if let Some((found, expected)) = found_and_expected {
        return format!("it must be {}, and is {}", kind(expected), kind(found));
    }
    if let Some((field, known)) = text
        .strip_prefix("unknown field `")
        .and_then(|rest| rest.rsplit_once("`, expected "))
    {
        let quoted: String = field.chars().take(QUOTED_CHARS_MAX).collect();
        let known = known.split('`').skip(1).step_by(2);
        return match most_similar(field, known.clone()) {
            Some(meant) => format!("there is no field {quoted:?}; is {meant:?} meant?"),
            None => {
                let known: Vec<_> = known.collect();
                let known = known.join(", ");
                format!("there is no field {quoted:?}; the fields are {known}")
            }
        };
    }
    if let Some(field) = text.strip_prefix("missing field ") {
        return format!("the field {field} is missing");
    }
    if let Some(field) = text.strip_prefix("duplicate field ") {
        return format!("the field {field} is there twice");
    }
    text.to_owned()
}

/// What the library calls a kind of value, in words of JSON and without the value.
fn kind(text: &str) -> &str {
    let kinds = [
        ("a string", "text"),
        ("string", "text"),
        ("a sequence", "a list"),
        ("sequence", "a list"),
        ("a map", "an object"),
        ("map", "an object"),
        ("struct", "an object"),
        ("a boolean", "true or false"),
        ("boolean", "true or false"),
        ("integer", "a number"),
        ("floating point", "a number"),
        ("unit", "null"),
        ("null", "null"),
    ];
    kinds
        .iter()
        .find(|(prefix, _)| text.starts_with(prefix))
        .map_or("something else", |(_, name)| name)
}
