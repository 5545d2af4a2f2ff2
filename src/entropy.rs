//! Randomness: the only module that uses `rand`.

use std::sync::{Mutex, PoisonError};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use uuid::{Builder, Uuid};

/// The source of random ids and tokens.
#[derive(Debug)]
pub enum Entropy {
    /// A cryptographic generator, seeded and reseeded by the operating system.
    Os,
    /// A reproducible generator for tests.
    Seeded(Box<Mutex<StdRng>>),
}

impl Entropy {
    /// A generator with the same sequence for the same `seed`. For tests only.
    pub fn seeded(seed: u64) -> Self {
        Self::Seeded(Box::new(Mutex::new(StdRng::seed_from_u64(seed))))
    }

    /// Another source of the same kind, for a thread of its own.
    pub fn fork(&self) -> Self {
        match self {
            Self::Os => Self::Os,
            Self::Seeded(_) => Self::seeded(u64::from_be_bytes(self.bytes())),
        }
    }

    /// A random (version 4) UUID: 122 random bits.
    pub fn uuid(&self) -> Uuid {
        Builder::from_random_bytes(self.bytes()).into_uuid()
    }

    /// `N` random bytes.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        match self {
            Self::Os => rand::rng().fill_bytes(&mut bytes),
            Self::Seeded(generator) => generator
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .fill_bytes(&mut bytes),
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_its_sequence_and_the_operating_system_does_not() {
        assert_eq!(Entropy::seeded(7).uuid(), Entropy::seeded(7).uuid());
        assert_ne!(Entropy::Os.uuid(), Entropy::Os.uuid());
        assert_eq!(Entropy::Os.uuid().get_version_num(), 4);
    }
}
