//! What a request for a list of profiles wants.

use crate::domain::profile_filter::ProfileFilter;
use crate::domain::profile_order::ProfileOrder;
use crate::domain::projection::Projection;

/// Which profiles a list has, and what of them.
#[derive(Clone, Debug)]
pub struct ListRequest {
    /// Where they are looked for.
    pub listed: Listed,
    /// How they are sorted; else by username, or those with given ids by id.
    pub order: Option<ProfileOrder>,
    /// Which part of the list is wanted.
    pub page: Page,
    /// What is sent of their attributes.
    pub projection: Projection,
}

/// Where the profiles of a list are looked for.
#[derive(Clone, Debug)]
pub enum Listed {
    /// Those of the tenant with this name, if there is one.
    OfTenant(String, ProfileFilter),
    /// Those of the tenant with this name, if there is one, whose usernames come after one that may be missing.
    After {
        /// The name of the tenant.
        tenant: String,
        /// The username.
        username: String,
    },
    /// Those with these ids.
    WithIds(Vec<String>),
    /// Those of the tenant with this name that match a query.
    Matching {
        /// The name of the tenant.
        tenant: String,
        /// The text of the query.
        query: String,
    },
}

/// A part of a list.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Page {
    /// How many are left out at its beginning.
    pub start: usize,
    /// The number of profiles; `None` for all.
    pub count: Option<usize>,
}

impl Page {
    /// The whole list.
    pub const WHOLE: Self = Self {
        start: 0,
        count: None,
    };
}
