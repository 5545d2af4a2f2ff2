//! An application looks for a profile that matches a query.

use crate::app::App;
use crate::domain::profile::Profile;
use crate::domain::projection::Projection;
use crate::service::caller::Caller;
use crate::service::profile::list::list;
use crate::service::profile::list::wanted::{ListRequest, Listed, Page};
use crate::service::profile::refusal::ProfileRequestRefusal;
use crate::service::profile::request::Checked;

/// The first profile of the tenant that matches the query, in the order of the usernames, with the attributes that the
/// caller's application may read.
///
/// # Errors
///
/// As [`list`], and where no profile matches.
pub async fn one_by_query(
    app: &App,
    caller: Caller,
    tenant: String,
    query: String,
) -> Checked<Profile> {
    let listed = Listed::Matching {
        tenant: tenant.clone(),
        query: query.clone(),
    };
    let page = Page {
        start: 0,
        count: Some(1),
    };
    let wanted = ListRequest {
        listed,
        order: None,
        page,
        projection: Projection::All,
    };
    let mut profiles = list(app, caller, wanted).await?.take_some()?;
    let none = || ProfileRequestRefusal::NoProfileOfQuery { tenant, query };
    Ok(profiles.pop().ok_or_else(none)?)
}
