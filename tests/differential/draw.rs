//! What is drawn from random numbers beside numbers.

use crate::random::Random;

pub trait Draw {
    /// An index of a list of this `length`.
    fn index(&self, length: usize) -> usize;

    /// One of `items`.
    fn one_of<I: Copy>(&self, items: &[I]) -> I {
        items[self.index(items.len())]
    }
}

impl Draw for Random {
    fn index(&self, length: usize) -> usize {
        let index = self.below(u64::try_from(length).expect("it fits"));
        usize::try_from(index).expect("it is below the length")
    }
}
