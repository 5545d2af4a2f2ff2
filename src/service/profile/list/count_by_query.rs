//! An application counts the profiles that match a query.

use crate::app::App;
use crate::service::access::require_profiles;
use crate::service::caller::Caller;
use crate::service::profile::list::query::ProfileQuery;
use crate::service::profile::list::source::Step;
use crate::service::profile::request::Checked;
use crate::service::transaction;
use crate::tables::profile::count;

/// The number of the tenant's profiles that match the query.
///
/// # Errors
///
/// What [`ProfileQuery::new`] refuses; more profiles to be looked at than a list may take. [`Failure::ListsFull`] if
/// they are looked at for too long.
///
/// [`Failure::ListsFull`]: crate::error::Failure::ListsFull
pub async fn count_by_query(
    app: &App,
    caller: Caller,
    tenant: String,
    query: String,
) -> Checked<u64> {
    caller.note_use(app);
    let now = app.clock.now().time();
    let query = ProfileQuery::new(app, &caller, &tenant, &query)?;
    let mut source = query.source(app);
    let mut matching = 0;
    loop {
        let step = transaction::read(app, |txn| {
            let token = caller.identify(txn, now)?;
            require_profiles(&token, query.tenant.as_str())?;
            if query.matches_all() {
                matching = count::count(txn, &query.tenant)?;
                return Ok(Step::End);
            }
            source.step(txn, |candidate| {
                matching += u64::from(query.is_match(txn, &candidate)?);
                Ok(Step::GoOn)
            })
        })?;
        if step == Step::End {
            return Ok(matching);
        }
        source.pause().await?;
    }
}
