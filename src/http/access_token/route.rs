//! The routes of access tokens.

use hyper::Method;

use crate::http::error::RouteError;
use crate::http::method::{get, get_or_post, post};

/// The routes under `/api/1/access_token`. Ids are text of the client that has not been parsed yet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AccessTokenRoute {
    /// POST `create`
    Create,
    /// GET `{id}`
    Read(String),
    /// GET `all`
    List,
    /// POST `{id}/delete`
    Delete(String),
}

/// The route of a request with this method and these path segments below the prefix.
///
/// # Errors
///
/// Why there is none.
pub fn parse(method: &Method, segments: &[&str]) -> Result<AccessTokenRoute, RouteError> {
    // With GET, every segment but `all` is an id.
    let read = |id: &str| AccessTokenRoute::Read(id.to_owned());
    match segments {
        ["create"] => get_or_post(method, || read("create"), || AccessTokenRoute::Create),
        ["all"] => get(method, || AccessTokenRoute::List),
        [id] => get(method, || read(id)),
        [id, "delete"] => post(method, || AccessTokenRoute::Delete((*id).to_owned())),
        _ => Err(RouteError::NoSuchPath),
    }
}

/// The route's name in the log.
pub const fn name(route: &AccessTokenRoute) -> &'static str {
    match route {
        AccessTokenRoute::Create => "access_token/create",
        AccessTokenRoute::Read(_) => "access_token/read",
        AccessTokenRoute::List => "access_token/all",
        AccessTokenRoute::Delete(_) => "access_token/delete",
    }
}

#[cfg(test)]
mod tests {
    use crate::http::allow::Allow;

    use super::*;

    #[test]
    fn routes() {
        let read = |id: &str| Ok(AccessTokenRoute::Read(id.to_owned()));
        let delete = |id: &str| Ok(AccessTokenRoute::Delete(id.to_owned()));
        let allow = |allow| Err(RouteError::NoSuchMethod { allow });
        let table: [(&str, &[&str], _); 11] = [
            ("POST", &["create"], Ok(AccessTokenRoute::Create)),
            ("GET", &["create"], read("create")),
            ("PUT", &["create"], allow(Allow::GetAndPost)),
            ("GET", &["all"], Ok(AccessTokenRoute::List)),
            ("HEAD", &["all"], Ok(AccessTokenRoute::List)),
            ("POST", &["all"], allow(Allow::Get)),
            ("GET", &["x"], read("x")),
            ("POST", &["x"], allow(Allow::Get)),
            ("POST", &["all", "delete"], delete("all")),
            ("GET", &["x", "delete"], allow(Allow::Post)),
            ("POST", &["x", "update"], Err(RouteError::NoSuchPath)),
        ];
        for (method, segments, expected) in table {
            let method = Method::from_bytes(method.as_bytes()).expect("a method");
            assert_eq!(parse(&method, segments), expected, "{method} {segments:?}");
        }
    }
}
