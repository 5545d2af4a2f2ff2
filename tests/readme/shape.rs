//! What is compared of an output: everything but values that differ each time.

/// `text` on one line, with a word instead of each UUID, id of a profile, number, truth value and absolute path.
pub fn shape(text: &str) -> String {
    let joined: String = text.lines().map(without_paths).collect();
    let joined = without_backup(&joined);
    let mut shape = String::new();
    let mut rest = joined.as_str();
    while let Some(letter) = rest.chars().next() {
        let word = rest
            .find(|letter: char| !letter.is_ascii_hexdigit() && letter != '-')
            .unwrap_or(rest.len());
        let (taken, kind) = match &rest[..word] {
            uuid if is_uuid(uuid) => (word, "UUID"),
            profile if is_profile_id(profile) => (word, "PROFILE"),
            number if is_number(number) && !shape.ends_with('"') => (word, "NUMBER"),
            "" => (letter.len_utf8(), &rest[..letter.len_utf8()]),
            other => (word, other),
        };
        shape += kind;
        rest = &rest[taken..];
    }
    shape.replace("true", "BOOL").replace("false", "BOOL")
}

/// The text without the time of the last backup, which readiness has once a page has made one.
fn without_backup(text: &str) -> String {
    let Some((before, rest)) = text.split_once(r#""backup":{"#) else {
        return text.to_owned();
    };
    let (_, after) = rest.split_once("},").expect("something follows it");
    format!("{before}{after}")
}

fn without_paths(line: &str) -> String {
    let words = line.trim_start().split(' ');
    let words = words.map(|word| if word.starts_with('/') { "PATH" } else { word });
    words.collect::<Vec<_>>().join(" ")
}

fn is_uuid(word: &str) -> bool {
    let lengths: Vec<usize> = word.split('-').map(str::len).collect();
    lengths == [8, 4, 4, 4, 12]
}

fn is_profile_id(word: &str) -> bool {
    word.len() == 24 && word.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn is_number(word: &str) -> bool {
    let digits = word.strip_prefix('-').unwrap_or(word);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

#[test]
fn a_shape_keeps_everything_but_ids_and_numbers() {
    let one = "{\"id\":\"b68c0013-d7b2-4004-8463-d7ba03e15d94\",\n  \"timestamp\":1495665332589}";
    let other = r#"{"id":"0d9f1c3e-7c52-4b8a-9c55-3c6f1b7a2e10","timestamp":7}"#;
    assert_eq!(shape(one), shape(other));
    assert_eq!(shape(one), r#"{"id":"UUID","timestamp":NUMBER}"#);
    assert_eq!(shape("to /tmp/a.b\n  7 of"), shape("to /data/c\n11 of"));
    for different in [
        r#"{"timestamp":7,"id":"0d9f1c3e-7c52-4b8a-9c55-3c6f1b7a2e10"}"#,
        r#"{"id":"0d9f1c3e-7c52-4b8a-9c55-3c6f1b7a2e1","timestamp":7}"#,
        r#"{"id":"0d9f1c3e-7c52-4b8a-9c55-3c6f1b7a2e10","timestamp":"7"}"#,
        r#"{"id":"0d9f1c3e-7c52-4b8a-9c55-3c6f1b7a2e10","timestamp":null}"#,
    ] {
        assert_ne!(shape(one), shape(different), "{different}");
    }
}
