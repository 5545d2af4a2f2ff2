//! Values that are computed from a whole table, for tables that are small and asked for all the time.
//!
//! A value belongs to one state of its table. All states of the database in which the table is the same
//! share it; a commit that wrote to the table begins without it.

use std::any::Any;
use std::fmt;
use std::sync::{Arc, OnceLock};

use crate::error::Failure;

/// How many values are kept; more are computed each time.
const VALUES_MAX: usize = 8;

/// The tables that a value is computed from. The first one names it.
pub type Tables = &'static [&'static str];

type Value = (Tables, Arc<dyn Any + Send + Sync>);

/// The values computed so far for one state of the database.
#[derive(Default)]
pub struct DerivedValues {
    /// With the names of their tables.
    values: [OnceLock<Value>; VALUES_MAX],
}

impl DerivedValues {
    /// The value of these tables and this type, which `derive` computes if it is not there.
    ///
    /// # Errors
    ///
    /// What `derive` fails with.
    pub fn get<T: Send + Sync + 'static>(
        &self,
        tables: Tables,
        derive: impl FnOnce() -> Result<T, Failure>,
    ) -> Result<Arc<T>, Failure> {
        let found = self.values.iter().filter_map(OnceLock::get);
        let value = found
            .filter(|(names, _)| names.first() == tables.first())
            .find_map(|(_, value)| Arc::clone(value).downcast().ok());
        if let Some(value) = value {
            return Ok(value);
        }
        let value = Arc::new(derive()?);
        // Another thread may have been faster, with this value or with another.
        let mut entry: Value = (tables, Arc::clone(&value) as Arc<dyn Any + Send + Sync>);
        for slot in &self.values {
            match slot.set(entry) {
                Ok(()) => break,
                Err(rejected) => entry = rejected,
            }
        }
        Ok(value)
    }

    /// Whether one of the values was computed from the table with this name.
    pub fn depend_on(&self, table: &str) -> bool {
        let mut values = self.values.iter().filter_map(OnceLock::get);
        values.any(|(tables, _)| tables.contains(&table))
    }

    /// The values that are left once the tables with the names `written` were written. They are values of their
    /// own: whoever still computes one from the state before must not put it here.
    #[must_use]
    pub fn without(&self, written: &[&'static str]) -> Self {
        let left = Self::default();
        let values = self.values.iter().filter_map(OnceLock::get);
        let is_kept = |(tables, _): &&Value| !tables.iter().any(|table| written.contains(table));
        let kept = values.filter(is_kept);
        for (slot, value) in left.values.iter().zip(kept) {
            slot.get_or_init(|| value.clone());
        }
        left
    }
}

impl fmt::Debug for DerivedValues {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let values = self.values.iter().filter_map(OnceLock::get);
        formatter
            .debug_list()
            .entries(values.map(|(tables, _)| tables))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(values: &DerivedValues, tables: Tables, computed: u8) -> u8 {
        let value = values.get(tables, || Ok(computed)).expect("it is computed");
        *value
    }

    #[test]
    fn a_value_is_computed_once_for_each_state_of_its_table() {
        let values = DerivedValues::default();
        assert_eq!(get(&values, &["a"], 1), 1);
        assert_eq!(get(&values, &["b"], 2), 2);
        assert_eq!(get(&values, &["a"], 3), 1);
        let values = values.without(&["a", "c"]);
        assert_eq!(get(&values, &["b"], 4), 2);
        assert_eq!(get(&values, &["a"], 5), 5);
    }

    #[test]
    fn a_value_of_two_tables_is_computed_for_each_state_of_both() {
        let values = DerivedValues::default();
        assert_eq!(get(&values, &["a", "b"], 1), 1);
        assert_eq!(get(&values.without(&["c"]), &["a", "b"], 2), 1);
        assert_eq!(get(&values.without(&["b"]), &["a", "b"], 3), 3);
        assert_eq!(get(&values.without(&["a"]), &["a", "b"], 4), 4);
    }

    #[test]
    fn a_value_that_is_computed_late_stays_with_the_state_that_it_was_computed_from() {
        let before = DerivedValues::default();
        let after = before.without(&["a"]);
        assert_eq!(get(&before, &["a"], 1), 1);
        assert_eq!(get(&after, &["a"], 2), 2);
    }

    #[test]
    fn a_failure_is_no_value() {
        let values = DerivedValues::default();
        let failure = Failure::Corrupt("unreadable".to_owned());
        let failed = values.get::<u8>(&["a"], || Err(failure.clone()));
        assert_eq!(failed, Err(failure));
        assert_eq!(get(&values, &["a"], 1), 1);
    }

    #[test]
    fn more_tables_than_there_is_room_for_are_served_too() {
        const TABLES: [Tables; VALUES_MAX + 1] = [
            &["a"],
            &["b"],
            &["c"],
            &["d"],
            &["e"],
            &["f"],
            &["g"],
            &["h"],
            &["i"],
        ];
        let values = DerivedValues::default();
        for (number, table) in (0..).zip(TABLES) {
            assert_eq!(get(&values, table, number), number);
        }
        assert_eq!(get(&values, TABLES[0], 99), 0);
        assert_eq!(get(&values, TABLES[VALUES_MAX], 99), 99);
    }
}
