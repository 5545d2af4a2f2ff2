//! The size of a file as the wire contract writes it for people.

use std::cmp::Ordering;

const UNITS: [&str; 5] = ["B", "KB", "MB", "GB", "TB"];

/// `bytes` in the largest unit of 1,024 that is not larger, with at most one decimal, rounded half to even: `1.5 KB`.
pub fn text(bytes: u64) -> String {
    if bytes == 0 {
        return "0".to_owned();
    }
    let unit = (bytes.ilog2() / 10).min(4);
    let divisor = 1_u128 << (10 * unit);
    let tenths = round_half_even(u128::from(bytes) * 10, divisor);
    let whole = with_commas(tenths / 10);
    let name = UNITS[unit as usize];
    match tenths % 10 {
        0 => format!("{whole} {name}"),
        tenth => format!("{whole}.{tenth} {name}"),
    }
}

fn round_half_even(number: u128, divisor: u128) -> u128 {
    let (quotient, rest) = (number / divisor, number % divisor);
    let is_up = match (rest * 2).cmp(&divisor) {
        Ordering::Less => false,
        Ordering::Equal => quotient % 2 == 1,
        Ordering::Greater => true,
    };
    quotient + u128::from(is_up)
}

fn with_commas(number: u128) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_written_as_the_contract_has_them() {
        for (bytes, expected) in [
            (0, "0"),
            (1, "1 B"),
            (7, "7 B"),
            (999, "999 B"),
            (1_023, "1,023 B"),
            (1_024, "1 KB"),
            (1_075, "1 KB"),
            (1_076, "1.1 KB"),
            (1_280, "1.2 KB"),
            (1_536, "1.5 KB"),
            (1_792, "1.8 KB"),
            (1_048_575, "1,024 KB"),
            (1_048_576, "1 MB"),
            (5 << 20, "5 MB"),
            (1 << 40, "1 TB"),
            (1 << 52, "4,096 TB"),
        ] {
            assert_eq!(text(bytes), expected, "{bytes}");
        }
    }
}
