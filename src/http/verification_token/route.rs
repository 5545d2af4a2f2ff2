//! The routes of verification tokens.

use hyper::Method;

use crate::http::error::RouteError;
use crate::http::method::{get, post};

/// The routes under `/api/1/profile`. Ids are text of the client that has not been parsed yet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum VerificationTokenRoute {
    /// POST `{id}/verification_token/create`
    Create(String),
    /// GET `verification_token/{id}`
    Read(String),
    /// POST `verification_token/{id}/delete`
    Delete(String),
}

/// The route of a request with this method and these path segments below the prefix.
///
/// # Errors
///
/// Why there is none.
pub fn parse(method: &Method, segments: &[&str]) -> Result<VerificationTokenRoute, RouteError> {
    match segments {
        ["verification_token", id] => {
            get(method, || VerificationTokenRoute::Read((*id).to_owned()))
        }
        ["verification_token", id, "delete"] => {
            post(method, || VerificationTokenRoute::Delete((*id).to_owned()))
        }
        [id, "verification_token", "create"] => {
            post(method, || VerificationTokenRoute::Create((*id).to_owned()))
        }
        _ => Err(RouteError::NoSuchPath),
    }
}

/// The route's name in the log.
pub const fn name(route: &VerificationTokenRoute) -> &'static str {
    match route {
        VerificationTokenRoute::Create(_) => "verification_token/create",
        VerificationTokenRoute::Read(_) => "verification_token/read",
        VerificationTokenRoute::Delete(_) => "verification_token/delete",
    }
}

#[cfg(test)]
mod tests {
    use crate::http::allow::Allow;
    use crate::http::options::OptionsRoute;
    use crate::http::profile::route::ProfileRoute;
    use crate::http::router::Route;

    use super::*;

    #[test]
    fn what_is_no_verification_token_is_a_profile() {
        use VerificationTokenRoute::{Create, Delete, Read};
        let token = |route: fn(String) -> VerificationTokenRoute, id: &str| {
            Ok(Route::VerificationToken(route(id.to_owned())))
        };
        let profile =
            |route: fn(String) -> ProfileRoute, id: &str| Ok(Route::Profile(route(id.to_owned())));
        let allow = |allow| Err(RouteError::NoSuchMethod { allow });
        let options = |allow| {
            let is_public = false;
            Ok(Route::Options(OptionsRoute { allow, is_public }))
        };
        let table = [
            ("GET", "verification_token/x", token(Read, "x")),
            ("HEAD", "verification_token/x.json", token(Read, "x")),
            ("GET", "verification_token/update", token(Read, "update")),
            ("POST", "verification_token/x/delete", token(Delete, "x")),
            ("POST", "x/verification_token/create", token(Create, "x")),
            ("GET", "x/verification_token/create", allow(Allow::Post)),
            ("POST", "verification_token/x", allow(Allow::Get)),
            ("PUT", "verification_token/update", allow(Allow::GetAndPost)),
            (
                "OPTIONS",
                "verification_token/update",
                options(Allow::GetAndPost),
            ),
            ("OPTIONS", "verification_token/x", options(Allow::Get)),
            (
                "POST",
                "verification_token/update",
                profile(ProfileRoute::Update, "verification_token"),
            ),
            (
                "GET",
                "verification_token",
                profile(ProfileRoute::Read, "verification_token"),
            ),
            ("GET", "x/verification_token", Err(RouteError::NoSuchPath)),
        ];
        for (method, path, expected) in table {
            let method = Method::from_bytes(method.as_bytes()).expect("a method");
            let found = Route::parse(&method, &format!("/api/1/profile/{path}"));
            assert_eq!(found, expected, "{method} {path}");
        }
    }
}
