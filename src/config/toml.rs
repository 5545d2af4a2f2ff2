//! How values are written in a settings file.

/// The value that is written `text` for a flag.
pub fn value(text: &str) -> String {
    let is_number = text
        .parse()
        .is_ok_and(|number: u64| number.to_string() == text);
    // A longer one may not fit in the 64 bits that a number of TOML has.
    if is_number && text.len() < 19 {
        return text.to_owned();
    }
    let mut quoted = String::from("\"");
    for char in text.chars() {
        match char {
            '"' | '\\' => quoted.extend(['\\', char]),
            char if char.is_control() => quoted += &format!("\\u{:04X}", u32::from(char)),
            char => quoted.push(char),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::value;

    #[test]
    fn text_is_quoted_and_a_number_is_not() {
        for (text, expected) in [
            ("100", "100"),
            ("0", "0"),
            ("007", "\"007\""),
            ("-1", "\"-1\""),
            ("9223372036854775807", "\"9223372036854775807\""),
            ("64MiB", "\"64MiB\""),
            ("", "\"\""),
            (
                "a \"b\" \\ \n\u{7f}é",
                "\"a \\\"b\\\" \\\\ \\u000A\\u007Fé\"",
            ),
        ] {
            assert_eq!(value(text), expected);
        }
    }
}
