//! The list of resources, and from a method and a path to a [`Route`].

use hyper::Method;

use crate::app::App;
use crate::http::access_token::route::AccessTokenRoute;
use crate::http::admin::backup::BackupRoute;
use crate::http::admin::clock::ClockRoute;
use crate::http::admin::export::ExportRoute;
use crate::http::admin::import::ImportRoute;
use crate::http::admin::key::KeyRoute;
use crate::http::admin::login::AdminLoginRoute;
use crate::http::admin::profile::AdminProfileRoute;
use crate::http::admin::stats::StatsRoute;
use crate::http::attachment::route::AttachmentRoute;
use crate::http::authentication::route::AuthenticationRoute;
use crate::http::description::docs::DocsRoute;
use crate::http::description::openapi::OpenApiRoute;
use crate::http::error::{ApiError, RouteError};
use crate::http::health::HealthRoute;
use crate::http::metrics::MetricsRoute;
use crate::http::monitoring::route::MonitoringRoute;
use crate::http::options::OptionsRoute;
use crate::http::params::Params;
use crate::http::path;
use crate::http::persistent_login::route::PersistentLoginRoute;
use crate::http::profile::route::ProfileRoute;
use crate::http::resource::ResourceRoute;
use crate::http::response::Response;
use crate::http::tenant::route::TenantRoute;
use crate::http::ticket::route::TicketRoute;
use crate::http::verification_token::route::VerificationTokenRoute;

/// Generates [`Route`] from the list of resources.
macro_rules! resources {
    ($([$($prefix:literal),+] => $resource:ident($route:ty),)+) => {
        /// The route of a request. Ids in it are text of the client that has not been parsed yet.
        #[derive(Clone, PartialEq, Eq, Debug)]
        pub enum Route {
            $(
                #[doc = concat!("Under `", $("/", $prefix,)+ "`.")]
                $resource($route),
            )+
            /// The methods of a path.
            Options(OptionsRoute),
        }

        impl Route {
            /// The route of a request with this method and path, which has no context path and no query.
            ///
            /// # Errors
            ///
            /// Why there is none.
            pub fn parse(method: &Method, path: &str) -> Result<Self, RouteError> {
                Self::parse_from(false, method, path)
            }

            /// As [`Route::parse`], for a request over the local socket.
            ///
            /// # Errors
            ///
            /// As there.
            pub fn parse_local(method: &Method, path: &str) -> Result<Self, RouteError> {
                Self::parse_from(true, method, path)
            }

            fn parse_from(is_local: bool, method: &Method, path: &str) -> Result<Self, RouteError> {
                path::with_segments(path, |segments| {
                    let mut other_methods: Option<OptionsRoute> = None;
                    $(if (is_local || !<$route>::IS_LOCAL)
                        && let [$($prefix),+, rest @ ..] = segments
                    {
                        match <$route>::parse(method, rest) {
                            Ok(route) => return Ok(Self::$resource(route)),
                            Err(RouteError::NoSuchPath) => {}
                            Err(RouteError::NoSuchMethod { allow }) => {
                                let is_public = <$route>::IS_PUBLIC;
                                let found = OptionsRoute { allow, is_public };
                                other_methods = Some(found.merged(other_methods));
                            }
                            Err(error @ RouteError::BadSegment(_)) => return Err(error),
                        }
                    })+
                    match other_methods {
                        Some(route) if method == Method::OPTIONS => Ok(Self::Options(route)),
                        Some(OptionsRoute { allow, .. }) => Err(RouteError::NoSuchMethod { allow }),
                        None => Err(RouteError::NoSuchPath),
                    }
                })
            }

            /// The route's name in the log.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$resource(route) => route.name(),)+
                    Self::Options(_) => "options",
                }
            }

            /// As [`ResourceRoute::IS_PUBLIC`].
            pub fn is_public(&self) -> bool {
                match self {
                    $(Self::$resource(_) => <$route>::IS_PUBLIC,)+
                    Self::Options(route) => route.is_public,
                }
            }

            /// As [`ResourceRoute::IS_LOCAL`].
            pub fn is_local(&self) -> bool {
                match self {
                    $(Self::$resource(_) => <$route>::IS_LOCAL,)+
                    Self::Options(_) => false,
                }
            }

            /// As [`ResourceRoute::IGNORES_ACCEPT`].
            pub fn ignores_accept(&self) -> bool {
                match self {
                    $(Self::$resource(_) => <$route>::IGNORES_ACCEPT,)+
                    Self::Options(route) => route.is_public,
                }
            }

            /// As [`ResourceRoute::is_answer_json`].
            pub fn is_answer_json(&self) -> bool {
                match self {
                    $(Self::$resource(route) => route.is_answer_json(),)+
                    Self::Options(_) => false,
                }
            }

            /// As [`ResourceRoute::takes_document`].
            pub fn takes_document(&self) -> bool {
                match self {
                    $(Self::$resource(route) => route.takes_document(),)+
                    Self::Options(_) => false,
                }
            }

            /// As [`ResourceRoute::handle`].
            pub async fn handle(self, app: &App, params: &Params) -> Result<Response, ApiError> {
                match self {
                    $(Self::$resource(route) => route.handle(app, params).await,)+
                    Self::Options(route) => route.handle(app, params),
                }
            }
        }
    };
}

// The one list of resources: the path prefix, the name, and the type of the routes below the prefix. They are tried in
// this order, and several may have one prefix: what one of them has no route for, the next one may have. Refreshing a
// login is what most requests are for, so that logins come first.
resources! {
    ["api", "1", "authentication", "persistent_login"] => PersistentLogin(PersistentLoginRoute),
    ["api", "1", "profile"] => Attachment(AttachmentRoute),
    ["api", "1", "profile"] => VerificationToken(VerificationTokenRoute),
    ["api", "1", "profile"] => Profile(ProfileRoute),
    ["api", "1", "authentication", "ticket"] => Ticket(TicketRoute),
    ["api", "1", "authentication", "authenticate"] => Authentication(AuthenticationRoute),
    ["api", "1", "access_token"] => AccessToken(AccessTokenRoute),
    ["api", "1", "tenant"] => Tenant(TenantRoute),
    ["health"] => Health(HealthRoute),
    ["api", "1", "monitoring"] => Monitoring(MonitoringRoute),
    ["metrics"] => Metrics(MetricsRoute),
    ["docs"] => Docs(DocsRoute),
    ["openapi"] => OpenApi(OpenApiRoute),
    ["admin", "1", "login"] => AdminLogin(AdminLoginRoute),
    ["admin", "1", "profile"] => AdminProfile(AdminProfileRoute),
    ["admin", "1", "key"] => Key(KeyRoute),
    ["admin", "1", "clock"] => Clock(ClockRoute),
    ["admin", "1", "backup"] => AdminBackup(BackupRoute),
    ["admin", "1", "stats"] => Stats(StatsRoute),
    ["admin", "1", "import"] => Import(ImportRoute),
    ["admin", "1", "export"] => Export(ExportRoute),
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use crate::http::allow::Allow;
    use crate::metrics::routes::ROUTES;

    use super::*;

    const LOGINS: &str = "/api/1/authentication/persistent_login";

    fn read(id: &str) -> Result<Route, RouteError> {
        Ok(Route::PersistentLogin(PersistentLoginRoute::Read(
            id.to_owned(),
        )))
    }

    #[test]
    fn paths_of_logins() {
        let route = |route| Ok(Route::PersistentLogin(route));
        let delete = |id: &str| route(PersistentLoginRoute::Delete(id.to_owned()));
        let options = |allow| {
            let is_public = false;
            Ok(Route::Options(OptionsRoute { allow, is_public }))
        };
        let refresh = |id: &str| route(PersistentLoginRoute::Refresh(id.to_owned()));
        let bad = |what| Err(RouteError::BadSegment(what));
        let table = [
            ("GET", "/x", read("x")),
            ("POST", "/x/delete", delete("x")),
            ("POST", "/x/refresh_token", refresh("x")),
            (
                "DELETE",
                "/x/delete",
                Err(RouteError::NoSuchMethod { allow: Allow::Post }),
            ),
            ("GET", "", Err(RouteError::NoSuchPath)),
            ("OPTIONS", "/x", options(Allow::Get)),
            ("OPTIONS", "/x/delete", options(Allow::Post)),
            ("OPTIONS", "/create", options(Allow::GetAndPost)),
            ("OPTIONS", "/x/y", Err(RouteError::NoSuchPath)),
            // Suffix: only a final `.json`, and only one.
            ("GET", "/x.json", read("x")),
            ("GET", "/x.json.json", read("x.json")),
            ("GET", "/acme.com", read("acme.com")),
            ("POST", "/create.json", route(PersistentLoginRoute::Create)),
            ("HEAD", "/create.json", read("create")),
            (
                "HEAD",
                "/by_profile.json",
                route(PersistentLoginRoute::ListByProfile),
            ),
            (
                "POST",
                "/delete_by_profile.json",
                route(PersistentLoginRoute::DeleteByProfile),
            ),
            ("POST", "/x/refresh_token.json", refresh("x")),
            ("POST", "/x.json/delete", delete("x.json")),
            ("GET", "/x.JSON", read("x.JSON")),
            // Slashes.
            ("GET", "//x/", read("x")),
            ("POST", "/x//delete.json/", delete("x")),
            // Matrix parameters.
            ("GET", "/x;jsessionid=1", read("x")),
            ("GET", "/x.json;a=b;c=d", read("x")),
            ("POST", "/x;a=b/delete;c", delete("x")),
            // Percent-encoding.
            ("GET", "/%C3%A9", read("é")),
            ("GET", "/%FF", read("\u{FFFD}")),
            ("GET", "/a%3Bb", read("a;b")),
            ("GET", "/%63reate", read("create")),
            ("GET", "/a%2Fb", bad("an encoded slash")),
            ("POST", "/a%2fb/delete", bad("an encoded slash")),
            ("GET", "/a%5Cb", bad("an encoded backslash")),
            ("GET", "/a%00", bad("an encoded NUL")),
            ("GET", "/a%", bad("an invalid percent-encoding")),
            ("GET", "/a%2", bad("an invalid percent-encoding")),
            ("GET", "/%zz", bad("an invalid percent-encoding")),
            ("GET", "/%%41", bad("an invalid percent-encoding")),
            ("GET", "/%+1", bad("an invalid percent-encoding")),
        ];
        for (method, path, expected) in table {
            let method = Method::from_bytes(method.as_bytes()).expect("a method");
            let found = Route::parse(&method, &format!("{LOGINS}{path}"));
            assert_eq!(found, expected, "{method} {path}");
        }
    }

    #[test]
    fn requests_of_each_route_are_counted_under_its_name() {
        let description = include_str!("description/openapi.json");
        let description: serde_json::Value = serde_json::from_str(description).expect("JSON");
        let paths = description["paths"].as_object().expect("an object");
        let mut names = BTreeSet::from(["admin", "none", "options"]);
        for (path, methods) in paths {
            for method in methods.as_object().expect("an object").keys() {
                let method = Method::from_bytes(method.to_uppercase().as_bytes());
                let route = Route::parse(&method.expect("a method"), path);
                let route = route.unwrap_or_else(|_| panic!("{path} has a route"));
                names.insert(route.name());
            }
        }
        assert_eq!(BTreeSet::from(ROUTES), names);
    }

    #[test]
    fn other_paths() {
        let table = [
            ("GET", "/health/live", Ok(Route::Health(HealthRoute::Live))),
            (
                "HEAD",
                "/health/ready/",
                Ok(Route::Health(HealthRoute::Ready)),
            ),
            (
                "POST",
                "/health/ready",
                Err(RouteError::NoSuchMethod { allow: Allow::Get }),
            ),
            ("GET", "", Err(RouteError::NoSuchPath)),
            ("GET", "/", Err(RouteError::NoSuchPath)),
            ("GET", "*", Err(RouteError::NoSuchPath)),
            ("GET", "/.json", Err(RouteError::NoSuchPath)),
            (
                "GET",
                "/API/1/authentication/persistent_login/x",
                Err(RouteError::NoSuchPath),
            ),
            (
                "GET",
                "/api/2/authentication/persistent_login/x",
                Err(RouteError::NoSuchPath),
            ),
        ];
        for (method, path, expected) in table {
            let method = Method::from_bytes(method.as_bytes()).expect("a method");
            assert_eq!(Route::parse(&method, path), expected, "{method} {path}");
        }
    }
}
