//! The routes of persistent logins.

use hyper::Method;

use crate::http::error::RouteError;
use crate::http::method::{get, get_or_post, post};

/// The routes under `/api/1/authentication/persistent_login`. Ids are text of the client that has not been
/// parsed yet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PersistentLoginRoute {
    /// POST `create`
    Create,
    /// GET `{id}`
    Read(String),
    /// POST `{id}/refresh_token`
    Refresh(String),
    /// POST `{id}/delete`
    Delete(String),
    /// GET or POST `by_profile`
    ListByProfile,
    /// POST `delete_by_profile`
    DeleteByProfile,
}

/// The route of a request with this method and these path segments below the prefix.
///
/// # Errors
///
/// Why there is none.
pub fn parse(method: &Method, segments: &[&str]) -> Result<PersistentLoginRoute, RouteError> {
    // With GET, every segment but `by_profile` is an id.
    let read = |id: &str| PersistentLoginRoute::Read(id.to_owned());
    match segments {
        ["by_profile"] => get_or_post(
            method,
            || PersistentLoginRoute::ListByProfile,
            || PersistentLoginRoute::ListByProfile,
        ),
        ["create"] => get_or_post(method, || read("create"), || PersistentLoginRoute::Create),
        ["delete_by_profile"] => get_or_post(
            method,
            || read("delete_by_profile"),
            || PersistentLoginRoute::DeleteByProfile,
        ),
        [id] => get(method, || read(id)),
        [id, "refresh_token"] => post(method, || PersistentLoginRoute::Refresh((*id).to_owned())),
        [id, "delete"] => post(method, || PersistentLoginRoute::Delete((*id).to_owned())),
        _ => Err(RouteError::NoSuchPath),
    }
}

/// The route's name in the log.
pub const fn name(route: &PersistentLoginRoute) -> &'static str {
    match route {
        PersistentLoginRoute::Create => "persistent_login/create",
        PersistentLoginRoute::Read(_) => "persistent_login/read",
        PersistentLoginRoute::Refresh(_) => "persistent_login/refresh_token",
        PersistentLoginRoute::Delete(_) => "persistent_login/delete",
        PersistentLoginRoute::ListByProfile => "persistent_login/by_profile",
        PersistentLoginRoute::DeleteByProfile => "persistent_login/delete_by_profile",
    }
}

#[cfg(test)]
mod tests {
    use crate::http::allow::Allow;

    use super::*;

    #[test]
    fn routes() {
        let create = || Ok(PersistentLoginRoute::Create);
        let list = || Ok(PersistentLoginRoute::ListByProfile);
        let delete_all = || Ok(PersistentLoginRoute::DeleteByProfile);
        let read = |id: &str| Ok(PersistentLoginRoute::Read(id.to_owned()));
        let refresh = |id: &str| Ok(PersistentLoginRoute::Refresh(id.to_owned()));
        let delete = |id: &str| Ok(PersistentLoginRoute::Delete(id.to_owned()));
        let allow = |allow| Err(RouteError::NoSuchMethod { allow });
        let table: [(&str, &[&str], _); 23] = [
            ("POST", &["create"], create()),
            ("GET", &["create"], read("create")),
            ("HEAD", &["create"], read("create")),
            ("PUT", &["create"], allow(Allow::GetAndPost)),
            ("GET", &["by_profile"], list()),
            ("HEAD", &["by_profile"], list()),
            ("POST", &["by_profile"], list()),
            ("PUT", &["by_profile"], allow(Allow::GetAndPost)),
            ("POST", &["delete_by_profile"], delete_all()),
            ("GET", &["delete_by_profile"], read("delete_by_profile")),
            ("DELETE", &["delete_by_profile"], allow(Allow::GetAndPost)),
            ("GET", &["x"], read("x")),
            ("HEAD", &["x"], read("x")),
            ("POST", &["x"], allow(Allow::Get)),
            ("OPTIONS", &["x"], allow(Allow::Get)),
            ("POST", &["x", "refresh_token"], refresh("x")),
            ("GET", &["x", "refresh_token"], allow(Allow::Post)),
            ("get", &["x", "refresh_token"], allow(Allow::Post)),
            ("POST", &["x", "delete"], delete("x")),
            ("DELETE", &["x", "delete"], allow(Allow::Post)),
            ("POST", &["create", "delete"], delete("create")),
            ("POST", &["x", "Delete"], Err(RouteError::NoSuchPath)),
            ("POST", &["x", "delete", "now"], Err(RouteError::NoSuchPath)),
        ];
        for (method, segments, expected) in table {
            let method = Method::from_bytes(method.as_bytes()).expect("a method");
            assert_eq!(parse(&method, segments), expected, "{method} {segments:?}");
        }
    }
}
