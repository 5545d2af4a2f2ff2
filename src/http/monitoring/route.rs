//! The routes of monitoring.

use hyper::Method;

use crate::http::error::RouteError;
use crate::http::method::get;

/// The routes under `/api/1/monitoring`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MonitoringRoute {
    /// GET `status`
    Status,
    /// GET `memory`
    Memory,
    /// GET `version`
    Version,
}

/// The route of a request with this method and these path segments below the prefix.
///
/// # Errors
///
/// Why there is none.
pub fn parse(method: &Method, segments: &[&str]) -> Result<MonitoringRoute, RouteError> {
    match segments {
        ["status"] => get(method, || MonitoringRoute::Status),
        ["memory"] => get(method, || MonitoringRoute::Memory),
        ["version"] => get(method, || MonitoringRoute::Version),
        _ => Err(RouteError::NoSuchPath),
    }
}

/// The route's name in the log.
pub const fn name(route: MonitoringRoute) -> &'static str {
    match route {
        MonitoringRoute::Status => "monitoring/status",
        MonitoringRoute::Memory => "monitoring/memory",
        MonitoringRoute::Version => "monitoring/version",
    }
}
