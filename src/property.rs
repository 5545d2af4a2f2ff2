//! Support for property tests: cases that can be replayed, corpora of cases worth keeping, input that is almost valid,
//! and whether the time of some work grows faster than its input.

use std::env;
use std::fmt::Debug;
use std::fs;
use std::path::Path;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any};
use proptest::prop_oneof;
use proptest::sample::{Index, select};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use rustix::time::{ClockId, clock_gettime};

use crate::entropy::Entropy;

/// How many cases a property is checked on.
const CASES: u32 = 256;

/// How many in a long run.
const CASES_LONG: u32 = 50_000;

/// How many times as large the larger input is.
const GROWTH: u32 = 16;

/// How many times more than [`GROWTH`] the larger input may take, because caches and noise are not linear. Work
/// that grows with the square takes [`GROWTH`] times more.
const SLACK: u32 = 4;

/// What headers with media types are made of, for [`assert_linear`].
pub const HEADER_PIECES: [&str; 18] = [
    ",",
    ";",
    "=",
    "q=",
    ";q=0",
    ";q=1e",
    "1",
    "0",
    "*/*,",
    "*/*;",
    "a/b,",
    "application/json,",
    " ",
    "\"",
    "\\\"",
    "a=\"b\";",
    "a=b;",
    "-",
];

/// How often the times are measured before the test fails.
const TRIES: usize = 5;

/// Asserts `property` on values of `strategy`. `REMEMBERD_TEST_SEED` replays them, and
/// `REMEMBERD_TEST_LONG=1` takes many more.
#[track_caller]
pub fn assert_holds<S: Strategy<Value: Debug>>(strategy: S, property: impl Fn(S::Value)) {
    let seed = match env::var("REMEMBERD_TEST_SEED") {
        Ok(text) => text.parse().expect("REMEMBERD_TEST_SEED is a number"),
        Err(_) => u64::from_le_bytes(Entropy::Os.bytes()),
    };
    let cases = match env::var_os("REMEMBERD_TEST_LONG") {
        Some(_) => CASES_LONG,
        None => CASES,
    };
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    let random = TestRng::from_seed(RngAlgorithm::ChaCha, &Entropy::seeded(seed).bytes::<32>());
    let outcome = TestRunner::new_with_rng(config, random).run(&strategy, |value| {
        property(value);
        Ok(())
    });
    if let Err(failed) = outcome {
        panic!("REMEMBERD_TEST_SEED={seed}\n{failed}");
    }
}

/// The folder of the corpora: one folder for each kind of input, with a file for each case.
const CORPORA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus");

/// The longest input that no case of a corpus is behind.
const BYTES_MAX: usize = 256;

/// Asserts `property` on the cases of the corpus `target` as they are, damaged, and spliced with each other, and on
/// arbitrary bytes. A case that fails is to be added to the corpus.
#[track_caller]
pub fn assert_holds_on_corpus(target: &str, property: impl Fn(&[u8])) {
    let mut cases = Vec::new();
    for (name, case) in corpus(target) {
        // The last one that is printed is the one that fails.
        println!("tests/corpus/{target}/{name}");
        property(&case);
        cases.push(case);
    }
    println!("damaged, or arbitrary:");
    let case = || select(cases.clone());
    let spliced = (case(), any::<Index>(), case(), any::<Index>());
    let spliced = spliced.prop_map(|(start, kept, end, dropped)| {
        let kept = &start[..kept.index(start.len() + 1)];
        [kept, &end[dropped.index(end.len() + 1)..]].concat()
    });
    let arbitrary = vec(any::<u8>(), 0..BYTES_MAX);
    let input = prop_oneof![3 => damaged(case()), 2 => spliced, 1 => arbitrary];
    assert_holds(input, |input| property(&input));
}

/// The cases of the corpus `target`, each with the name of its file. The line feed that ends a file is not a part of
/// its case.
pub fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let directory = Path::new(CORPORA).join(target);
    let files = fs::read_dir(&directory).expect("each target has a corpus");
    let cases = files.map(|file| {
        let file = file.expect("a file is listed");
        let mut case = fs::read(file.path()).expect("a case is readable");
        if case.last() == Some(&b'\n') {
            case.pop();
        }
        (file.file_name().to_string_lossy().into_owned(), case)
    });
    let mut cases: Vec<_> = cases.collect();
    cases.sort();
    assert!(!cases.is_empty(), "{} is empty", directory.display());
    cases
}

/// Asserts that `work` on the input of [`GROWTH`] times `size` takes no more than [`GROWTH`] times
/// what it takes on that of `size`, with some slack.
#[track_caller]
pub fn assert_linear<I>(what: &str, size: usize, input: impl Fn(usize) -> I, work: impl Fn(&I)) {
    let (small, large) = (input(size), input(size * GROWTH as usize));
    let (mut small_best, mut large_best) = (Duration::MAX, Duration::MAX);
    for _ in 0..TRIES {
        small_best = small_best.min(time(|| work(&small)));
        large_best = large_best.min(time(|| work(&large)));
        if large_best <= small_best * GROWTH * SLACK {
            return;
        }
    }
    panic!("{what}: {small_best:?} for {size}, {large_best:?} for {GROWTH} times as much");
}

/// The processor time of `work` on this thread, however busy the host is.
fn time(work: impl FnOnce()) -> Duration {
    let began = processor_time();
    work();
    processor_time() - began
}

fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(time).expect("no thread has a negative time")
}

/// Bytes of `valid` with some damage.
pub fn damaged(valid: impl Strategy<Value = Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let damage = prop_oneof![
        any::<u8>().prop_map(Damage::Replace),
        any::<u8>().prop_map(Damage::Insert),
        Just(Damage::Remove),
        Just(Damage::Truncate),
        Just(Damage::Repeat),
        prop_oneof![Just(u32::MAX), 0..64_u32, any::<u32>()].prop_map(Damage::Length),
    ];
    let damages = vec((any::<Index>(), damage), 1..6);
    (valid, damages).prop_map(|(mut bytes, damages)| {
        for (position, damage) in damages {
            damage.apply(&mut bytes, position);
        }
        bytes
    })
}

#[derive(Clone, Debug)]
enum Damage {
    Replace(u8),
    Insert(u8),
    Remove,
    Truncate,
    /// Everything before is repeated.
    Repeat,
    /// A length overwrites the bytes.
    Length(u32),
}

impl Damage {
    fn apply(self, bytes: &mut Vec<u8>, position: Index) {
        if bytes.is_empty() {
            return;
        }
        let at = position.index(bytes.len());
        match self {
            Self::Replace(byte) => bytes[at] = byte,
            Self::Insert(byte) => bytes.insert(at, byte),
            Self::Remove => drop(bytes.remove(at)),
            Self::Truncate => bytes.truncate(at),
            Self::Repeat => bytes.extend_from_within(..at),
            Self::Length(length) => {
                for (byte, new) in bytes[at..].iter_mut().zip(length.to_le_bytes()) {
                    *byte = new;
                }
            }
        }
    }
}

#[test]
fn work_that_grows_with_the_square_is_found() {
    let squared = |list: &Vec<usize>| {
        let seen = list.iter().filter(|item| !list.contains(item));
        assert_eq!(seen.count(), 0);
    };
    let numbers = |count: usize| (0..count).collect();
    let found = std::panic::catch_unwind(|| assert_linear("squared", 100, numbers, squared));
    assert!(found.is_err());
}
