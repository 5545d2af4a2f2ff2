//! Where a walk over a table goes on behind a page that cannot be read.

use std::ops::{Bound, ControlFlow};

use crate::error::Failure;
use crate::storage::table::{Fixed, Table};
use crate::storage::transaction::Read;

/// The highest key from which on a scan fails, if one behind `after` does: what comes after it can be read. `None` if
/// nothing behind it can.
///
/// # Errors
///
/// [`Failure::Storage`].
pub fn end_of_damage<const N: usize>(
    txn: &impl Read,
    table: &Table<Fixed<N>>,
    after: &[u8; N],
) -> Result<Option<[u8; N]>, Failure> {
    let is_readable = |key: &[u8; N]| {
        let found = txn.scan(table, Bound::Excluded(key), |_, _| {
            Ok(ControlFlow::Break(()))
        });
        match found {
            Ok(()) => Ok(true),
            Err(Failure::Unreadable(_)) => Ok(false),
            Err(failure) => Err(failure),
        }
    };
    let (mut unreadable, mut readable) = (*after, [0xFF; N]);
    if !is_readable(&readable)? {
        return Ok(None);
    }
    // Keys are numbers of many digits, and the pages that cannot be read a range of them.
    loop {
        let middle = middle(&unreadable, &readable);
        if middle == unreadable {
            return Ok(Some(readable));
        }
        if is_readable(&middle)? {
            readable = middle;
        } else {
            unreadable = middle;
        }
    }
}

/// The number in the middle between two, rounded down.
fn middle<const N: usize>(low: &[u8; N], high: &[u8; N]) -> [u8; N] {
    let mut sum = [0; N];
    let mut carry = 0;
    for digit in (0..N).rev() {
        let digits = u16::from(low[digit]) + u16::from(high[digit]) + carry;
        [carry, sum[digit]] = [digits >> 8, digits & 0xFF];
    }
    let mut half = [0; N];
    for digit in 0..N {
        let digits = carry << 8 | sum[digit];
        half[digit] = (digits >> 1).to_le_bytes()[0];
        carry = digits & 1;
    }
    half
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_is_that_of_the_numbers() {
        for (low, high) in [
            (0, 0),
            (0, 1),
            (255, 256),
            (65_535, 65_534),
            (9, 60_000),
            (65_535, 65_535),
        ] {
            let [low, high]: [u32; 2] = [low, high];
            let bytes = |number: u32| {
                let [_, _, first, second] = number.to_be_bytes();
                [first, second]
            };
            let expected = bytes(u32::midpoint(low, high));
            assert_eq!(middle(&bytes(low), &bytes(high)), expected);
        }
    }
}
