//! The records of the clock on a bad disk.

use proptest::collection::vec;
use proptest::prelude::{Strategy, any};

use super::{decode_saved, decode_timeline, encode_saved, encode_timeline};
use crate::clock::belief::SavedClock;
use crate::clock::timeline::{Moment, Segment, Timeline};
use crate::storage::codec::properties::check;
use crate::tables::properties::uuid;

fn moment() -> impl Strategy<Value = Moment> + Clone {
    any::<i64>().prop_map(Moment::from_millis)
}

#[test]
fn the_saved_clock_is_what_it_was() {
    let moments = (moment(), moment(), moment(), moment(), moment());
    let boots = proptest::option::of((uuid(), any::<u32>()));
    let saved = (moments, boots, proptest::option::of(any::<i64>())).prop_map(
        |((moment, end, run, before_run, steady_since), boot, provisional)| SavedClock {
            provisional,
            moment,
            end,
            run,
            before_run,
            steady_since,
            boot: boot.map(|(id, millis)| (id, std::time::Duration::from_millis(millis.into()))),
        },
    );
    check(saved, encode_saved, decode_saved);
}

#[test]
fn timelines_are_what_they_were() {
    let segments = vec((moment(), moment(), any::<i64>()), 0..4).prop_map(|mut segments| {
        segments.sort_by_key(|(start, ..)| *start);
        let segments = segments.into_iter();
        Timeline::new(
            segments
                .map(|(start, end, offset)| Segment { start, end, offset })
                .collect(),
        )
    });
    check(segments, encode_timeline, decode_timeline);
}
