//! Random numbers that can be replayed: each test that uses them prints its seed, and
//! `REMEMBERD_TEST_SEED` sets it.

use std::env;

use rememberd::testing::Entropy;

/// The variable that a seed is taken from.
const SEED: &str = "REMEMBERD_TEST_SEED";

/// The seed to use, which is printed if the test fails.
pub fn seed() -> u64 {
    let seed = match env::var(SEED) {
        Ok(text) => text.parse().expect("REMEMBERD_TEST_SEED is a number"),
        Err(_) => u64::from_le_bytes(Entropy::Os.bytes()),
    };
    println!("{SEED}={seed}");
    seed
}

/// Random numbers from a seed.
pub struct Random(Entropy);

impl Random {
    /// The numbers of this `seed`.
    pub fn new(seed: u64) -> Self {
        Self(Entropy::seeded(seed))
    }

    /// A number below `end`.
    pub fn below(&self, end: u64) -> u64 {
        u64::from_le_bytes(self.0.bytes()) % end
    }
}
