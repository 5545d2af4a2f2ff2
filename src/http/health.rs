//! Whether the process lives, and whether it should be sent requests.

use hyper::StatusCode;

use crate::app::App;
use crate::http::{Answer, response};

/// 200 as long as the process answers at all.
pub fn live() -> Answer {
    response::with_status(StatusCode::OK, r#"{"status":"live"}"#)
}

/// 200 while requests are served; 503 while starting or draining, and after a storage failure.
pub fn ready(app: &App) -> Answer {
    if app.is_ready() {
        response::with_status(StatusCode::OK, r#"{"status":"ready"}"#)
    } else {
        response::with_status(StatusCode::SERVICE_UNAVAILABLE, r#"{"status":"not ready"}"#)
    }
}
