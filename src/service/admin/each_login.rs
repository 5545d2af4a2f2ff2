//! A walk over all logins, as the local operator has it done now and then.

use std::ops::ControlFlow;

use crate::app::App;
use crate::domain::login_state::LoginState;
use crate::error::Failure;
use crate::service::steps::pause;
use crate::tables::persistent_login;

/// How many logins are read before other work of the thread is done: each takes a microsecond or two.
const LOGINS_PER_STEP: usize = 256;

/// Calls `visit` with every login, expired ones and ended ones among them, in steps, until it breaks off.
///
/// # Errors
///
/// Failures of the storage.
pub(super) async fn each_login(
    app: &App,
    mut visit: impl FnMut(LoginState) -> ControlFlow<()> + Send,
) -> Result<(), Failure> {
    let mut after = None;
    loop {
        let mut flow = ControlFlow::Continue(());
        after = app.store.read(|txn| {
            persistent_login::walk(txn, after, LOGINS_PER_STEP, |login| {
                if flow.is_continue() {
                    flow = visit(login);
                }
            })
        })?;
        if flow.is_break() || after.is_none() {
            return Ok(());
        }
        pause().await;
    }
}
