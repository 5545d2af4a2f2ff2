//! Properties of dates that others write.

use proptest::collection::vec;
use proptest::prelude::{Strategy, any};
use proptest::prop_oneof;
use proptest::sample::select;
use time::OffsetDateTime;
use time::format_description::well_known::{Iso8601, Rfc2822};

use super::parse;
use crate::clock::Timestamp;
use crate::property::{assert_holds, assert_linear};

/// The milliseconds of the years from 1900 to 9999, which both formats can have.
const MILLIS: std::ops::Range<i64> = -2_208_988_800_000..253_402_300_800_000;

#[test]
fn a_date_is_what_was_formatted() {
    assert_holds(MILLIS, |millis| {
        let expected = Some(Timestamp::from_millis(millis));
        let nanos = i128::from(millis) * 1_000_000;
        let date = OffsetDateTime::from_unix_timestamp_nanos(nanos).expect("it is in range");
        let text = date.format(&Iso8601::DEFAULT).expect("it has a format");
        assert_eq!(parse(&text), expected, "{text}");
        assert_eq!(parse(&millis.to_string()), expected);
        let text = date.format(&Rfc2822).expect("it has a format");
        let second = Timestamp::from_millis(millis.div_euclid(1_000) * 1_000);
        assert_eq!(parse(&text), Some(second), "{text}");
    });
}

#[test]
fn arbitrary_texts_are_parsed_or_refused() {
    let piece = prop_oneof![
        select(vec![
            "2017", "-05", "-24", "T", "22", ":35", ".5", "Z", "+02", "Wed, "
        ])
        .prop_map(str::to_owned),
        any::<String>(),
    ];
    let text = vec(piece, 0..12).prop_map(|pieces| pieces.concat());
    assert_holds(text, |text| {
        let _ = parse(&text);
    });
}

#[test]
fn the_time_for_dates_is_linear() {
    for piece in ["1", "0", " ", "-", "(", "2017-", ":", "+02", "Wed, "] {
        for start in ["", "2017-05-24T22:35:32.", "Wed, 24 May 2017 22:35:32 "] {
            let text = |size: usize| format!("{start}{}", piece.repeat(size / piece.len()));
            assert_linear(piece, 4_096, text, |text| {
                let _ = parse(text);
            });
        }
    }
}
