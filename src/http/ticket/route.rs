//! The routes of tickets.

use hyper::Method;

use crate::http::error::RouteError;
use crate::http::method::{get, get_or_post, post};

/// The routes under `/api/1/authentication/ticket`. Ids are text of the client that has not been parsed yet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TicketRoute {
    /// POST `create`
    Create,
    /// GET `{id}`
    Read(String),
    /// POST `{id}/invalidate`
    Invalidate(String),
}

/// The route of a request with this method and these path segments below the prefix.
///
/// # Errors
///
/// Why there is none.
pub fn parse(method: &Method, segments: &[&str]) -> Result<TicketRoute, RouteError> {
    let read = |id: &str| TicketRoute::Read(id.to_owned());
    match segments {
        // With GET, every segment is an id.
        ["create"] => get_or_post(method, || read("create"), || TicketRoute::Create),
        [id] => get(method, || read(id)),
        [id, "invalidate"] => post(method, || TicketRoute::Invalidate((*id).to_owned())),
        _ => Err(RouteError::NoSuchPath),
    }
}

/// The route's name in the log.
pub const fn name(route: &TicketRoute) -> &'static str {
    match route {
        TicketRoute::Create => "ticket/create",
        TicketRoute::Read(_) => "ticket/read",
        TicketRoute::Invalidate(_) => "ticket/invalidate",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::allow::Allow;

    #[test]
    fn routes() {
        let read = |id: &str| Ok(TicketRoute::Read(id.to_owned()));
        let invalidate = |id: &str| Ok(TicketRoute::Invalidate(id.to_owned()));
        let allow = |allow| Err(RouteError::NoSuchMethod { allow });
        let table: [(&str, &[&str], _); 11] = [
            ("POST", &["create"], Ok(TicketRoute::Create)),
            ("GET", &["create"], read("create")),
            ("HEAD", &["create"], read("create")),
            ("PUT", &["create"], allow(Allow::GetAndPost)),
            ("GET", &["x"], read("x")),
            ("HEAD", &["x"], read("x")),
            ("POST", &["x"], allow(Allow::Get)),
            ("POST", &["x", "invalidate"], invalidate("x")),
            ("GET", &["x", "invalidate"], allow(Allow::Post)),
            ("POST", &["x", "Invalidate"], Err(RouteError::NoSuchPath)),
            ("GET", &[], Err(RouteError::NoSuchPath)),
        ];
        for (method, segments, expected) in table {
            let method = Method::from_bytes(method.as_bytes()).expect("a method");
            assert_eq!(parse(&method, segments), expected, "{method} {segments:?}");
        }
    }
}
