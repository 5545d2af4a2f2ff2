//! The errors of sign-ins that are refused.

use std::time::Duration;

use hyper::StatusCode;

use crate::http::error::{Describe, Description};
use crate::service::authentication::refusal::AuthenticationRefusal;

impl Describe for AuthenticationRefusal {
    fn describe(&self) -> Description {
        match self {
            Self::Access(refusal) => refusal.describe(),
            Self::Profile(refusal) => refusal.describe(),
            Self::BadCredentials => Description {
                status: StatusCode::UNAUTHORIZED,
                code: "BAD_CREDENTIALS",
                message: "Invalid username and/or password".into(),
            },
            Self::Locked { left } => {
                let minutes = units(*left, Duration::from_secs(60));
                let unit = if minutes == 1 { "minute" } else { "minutes" };
                let message = format!(
                    "The profile is locked after too many failed sign-ins; try again in {minutes} {unit}"
                );
                Description {
                    status: StatusCode::FORBIDDEN,
                    code: "OTHER",
                    message: message.into(),
                }
            }
        }
    }

    fn retry_after_secs(&self) -> Option<u64> {
        match self {
            Self::Locked { left } => Some(units(*left, Duration::from_secs(1))),
            Self::Access(_) | Self::Profile(_) | Self::BadCredentials => None,
        }
    }
}

/// How many of these units a time takes, the last one begun.
fn units(time: Duration, unit: Duration) -> u64 {
    let units = time.as_millis().div_ceil(unit.as_millis());
    u64::try_from(units).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_tells_the_minutes_left_and_when_to_retry() {
        for (millis, minutes, secs) in [
            (1, "1 minute", 1),
            (60_000, "1 minute", 60),
            (60_001, "2 minutes", 61),
            (600_000, "10 minutes", 600),
        ] {
            let left = Duration::from_millis(millis);
            let locked = AuthenticationRefusal::Locked { left };
            let message = locked.describe().message;
            assert!(message.ends_with(&format!("in {minutes}")), "{message}");
            assert_eq!(locked.retry_after_secs(), Some(secs));
        }
    }
}
