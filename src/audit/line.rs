//! One line of the audit log.

use std::time::Duration;

use tracing::field;

use crate::audit::event::{Description, Event};
use crate::audit::subject::Origin;
use crate::clock::Timestamp;
use crate::logging::AUDIT;
use crate::request_id::RequestId;

/// What a line has; a field that is missing does not appear in it.
#[derive(Default)]
pub(super) struct Line<'a> {
    pub(super) at: Option<i64>,
    pub(super) tenant: Option<&'a str>,
    pub(super) profile: Option<&'a str>,
    pub(super) application: Option<&'a str>,
    pub(super) login: Option<&'a str>,
    pub(super) access_token: Option<&'a str>,
    pub(super) issued_to: Option<&'a str>,
    pub(super) collection: Option<&'a str>,
    pub(super) file: Option<&'a str>,
    pub(super) count: Option<u64>,
    pub(super) seconds: Option<u64>,
    pub(super) request_id: Option<RequestId>,
}

/// Logs a line at the level of its event. The macros of `tracing` take no level that is known only later.
macro_rules! log {
    ($is_warning:expr, $($field:tt)*) => {
        if $is_warning {
            tracing::warn!(target: AUDIT, $($field)*, "audit");
        } else {
            tracing::info!(target: AUDIT, $($field)*, "audit");
        }
    };
}

impl<'a> Line<'a> {
    /// A line about what happened at `now`.
    pub(super) fn at(now: Timestamp, origin: Origin<'a>) -> Self {
        Self {
            at: Some(now.as_millis()),
            application: origin.application,
            request_id: origin.request_id,
            ..Self::default()
        }
    }

    /// A line about what happened `count` times `within` a time.
    pub(super) fn counted(count: u64, within: Duration) -> Self {
        Self {
            count: Some(count),
            seconds: Some(within.as_secs()),
            ..Self::default()
        }
    }

    /// The same line about what this application asked for.
    pub(super) fn of(self, application: Option<&'a str>) -> Self {
        Self {
            application,
            ..self
        }
    }

    /// Logs the line for `event`.
    pub(super) fn log(self, event: Event) {
        let Description {
            name: what,
            reason,
            is_warning,
            is_repeatable: _,
        } = event.description();
        let Self {
            at,
            tenant,
            profile,
            application,
            login,
            access_token,
            issued_to,
            collection,
            file,
            count,
            seconds,
            request_id,
        } = self;
        let request_id = request_id.map(field::display);
        log!(
            is_warning,
            what,
            at,
            tenant,
            profile,
            application,
            login,
            access_token,
            issued_to,
            collection,
            file,
            count,
            seconds,
            reason,
            request_id
        );
    }
}
