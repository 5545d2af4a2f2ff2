//! The values of parameters, as the wire contract has them ("General").

/// The parts of a list that is one value; none if it is empty.
pub fn split(value: &str) -> Vec<String> {
    if value.is_empty() {
        return Vec::new();
    }
    let parts = value.split(',');
    parts.map(|part| part.trim().to_owned()).collect()
}

/// The boolean that `value` is; `None` if it is blank.
///
/// # Errors
///
/// What is wrong with it.
pub fn boolean(value: &str) -> Result<Option<bool>, &'static str> {
    let value = value.trim();
    let is_one_of = |names: [&str; 4]| names.iter().any(|name| value.eq_ignore_ascii_case(name));
    if value.is_empty() {
        Ok(None)
    } else if is_one_of(["true", "on", "yes", "1"]) {
        Ok(Some(true))
    } else if is_one_of(["false", "off", "no", "0"]) {
        Ok(Some(false))
    } else {
        Err("is neither true nor false")
    }
}

/// The integer that `value` is, decimal or hexadecimal; `None` if it is blank.
///
/// # Errors
///
/// What is wrong with it.
pub fn integer(value: &str) -> Result<Option<i32>, &'static str> {
    let value = value.trim();
    if value.is_empty() {
        return Ok(None);
    }
    let (sign, digits) = match value.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", value),
    };
    let hexadecimal = digits
        .strip_prefix("0x")
        .or_else(|| digits.strip_prefix("0X"));
    let parsed = match hexadecimal {
        // The library would take a sign here too.
        Some(digits) if digits.starts_with(['+', '-']) => None,
        Some(digits) => i32::from_str_radix(&format!("{sign}{digits}"), 16).ok(),
        None => value.parse().ok(),
    };
    parsed
        .map(Some)
        .ok_or("is no whole number from -2147483648 to 2147483647")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn booleans() {
        for (value, expected) in [
            ("true", Ok(Some(true))),
            (" On ", Ok(Some(true))),
            ("YES", Ok(Some(true))),
            ("1", Ok(Some(true))),
            ("false", Ok(Some(false))),
            ("oFF", Ok(Some(false))),
            ("no", Ok(Some(false))),
            ("\t0\n", Ok(Some(false))),
            ("", Ok(None)),
            ("  ", Ok(None)),
        ] {
            assert_eq!(boolean(value), expected, "{value:?}");
        }
        for value in ["2", "t", "truee", "yes,no", "null", "\u{FF11}"] {
            assert!(boolean(value).is_err(), "{value:?}");
        }
    }

    #[test]
    fn integers() {
        for (value, expected) in [
            ("7", 7),
            ("+2", 2),
            ("-2", -2),
            ("02", 2),
            (" 2\t", 2),
            ("0x2", 2),
            ("-0X1f", -31),
            ("2147483647", i32::MAX),
            ("-2147483648", i32::MIN),
            ("0x7fffffff", i32::MAX),
            ("-0x80000000", i32::MIN),
        ] {
            assert_eq!(integer(value), Ok(Some(expected)), "{value:?}");
        }
        for value in ["", " "] {
            assert_eq!(integer(value), Ok(None), "{value:?}");
        }
        for value in [
            "2147483648",
            "-2147483649",
            "0x80000000",
            "1.0",
            "1e3",
            "1 2",
            "1,2",
            "x",
            "0x",
            "-",
            "+",
            "+0x2",
            "0x+2",
            "0x-2",
            "-+2",
            "--2",
            "\u{0661}",
        ] {
            assert!(integer(value).is_err(), "{value:?}");
        }
    }
}
