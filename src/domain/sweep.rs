//! Changes of all profiles of a tenant that follow from a change of the tenant.
//!
//! However many profiles there are, the change is one small record: it counts from its commit on, since every read of
//! a profile applies those that the profile's record does not have yet. Afterwards the records are rewritten, and then
//! it is dropped.

use crate::domain::attributes::Attributes;
use crate::domain::profile::Profile;

/// A change of every profile that a tenant has at a moment. What is removed comes before the defaults.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Sweep {
    /// The roles that they lose.
    pub removed_roles: Vec<String>,
    /// The names of the attributes that they lose.
    pub removed_attributes: Vec<String>,
    /// The values of attributes that they lack.
    pub defaults: Attributes,
}

impl Sweep {
    /// Applies it to a profile.
    pub fn apply(&self, profile: &mut Profile) {
        if let Some(roles) = &mut profile.roles {
            roles.retain(|role| !self.removed_roles.contains(role));
        }
        if let Some(attributes) = &mut profile.attributes {
            for name in &self.removed_attributes {
                attributes.remove(name);
            }
        }
        for (name, value) in self.defaults.iter() {
            let attributes = profile.attributes.get_or_insert_default();
            if attributes.get(name).is_none() {
                attributes.push_json(name, value);
            }
        }
    }
}

/// The sweeps of a tenant's profiles.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Sweeps {
    /// How many there were ever. A profile has all up to the number in its record.
    pub revision: u64,
    /// Those that some profile may not have yet, each with its number, in the order of these.
    pub pending: Vec<(u64, Sweep)>,
}

impl Sweeps {
    /// Applies those that a profile does not have yet whose record has all up to `revision`.
    pub fn apply_since(&self, revision: u64, profile: &mut Profile) {
        if revision >= self.revision {
            return;
        }
        let missing = self.pending.iter().filter(|(number, _)| *number > revision);
        for (_, sweep) in missing {
            sweep.apply(profile);
        }
    }
}
