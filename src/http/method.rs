//! Methods: which ones a path allows, and their names in the log.

use hyper::Method;

use crate::http::error::RouteError;

/// The route of a path that is read.
///
/// # Errors
///
/// [`RouteError::NoSuchMethod`] unless the method is GET or HEAD.
pub fn get<R>(method: &Method, route: impl FnOnce() -> R) -> Result<R, RouteError> {
    match *method {
        Method::GET | Method::HEAD => Ok(route()),
        _ => Err(RouteError::NoSuchMethod { allow: "GET, HEAD" }),
    }
}

/// The route of a path that is written.
///
/// # Errors
///
/// [`RouteError::NoSuchMethod`] unless the method is POST.
pub fn post<R>(method: &Method, route: impl FnOnce() -> R) -> Result<R, RouteError> {
    match *method {
        Method::POST => Ok(route()),
        _ => Err(RouteError::NoSuchMethod { allow: "POST" }),
    }
}

/// The method's name in the log, which has no text that a client chose.
pub fn log_name(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        "PATCH" => "PATCH",
        _ => "other",
    }
}
