//! A page of a collection is written out.

use std::collections::BTreeMap;

use hyper::Method;
use serde::Serialize;

use crate::app::App;
use crate::http::error::{ApiError, RouteError};
use crate::http::method::get;
use crate::http::params::Params;
use crate::http::resource::ResourceRoute;
use crate::http::response::{self, Response};
use crate::service::bootstrap::seed_file::List;
use crate::service::export::{Format, page};

/// The routes under `/admin/1/export`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ExportRoute {
    /// GET `{collection}`
    Page(List),
}

impl ResourceRoute for ExportRoute {
    const IS_LOCAL: bool = true;

    fn parse(method: &Method, segments: &[&str]) -> Result<Self, RouteError> {
        match segments {
            [name] => match List::of_name(name) {
                Some(list) => get(method, || Self::Page(list)),
                None => Err(RouteError::NoSuchPath),
            },
            _ => Err(RouteError::NoSuchPath),
        }
    }

    fn name(&self) -> &'static str {
        "admin/export"
    }

    async fn handle(self, app: &App, params: &Params) -> Result<Response, ApiError> {
        let Self::Page(list) = self;
        let format = match params.boolean("mongo")? {
            Some(true) => Format::Mongo,
            Some(false) | None => Format::Own,
        };
        let found = page(app, list, format, params.first("from"))?;
        let page =
            found.ok_or_else(|| ApiError::invalid("from", "is no page of the collection"))?;
        let passwords = page.passwords.into_iter().map(|profile| PasswordBody {
            id: profile.id,
            tenant: profile.tenant,
            username: profile.username,
        });
        Ok(response::json(&PageBody {
            documents: page.documents,
            skipped: page.skipped,
            passwords: passwords.collect(),
            next: page.next,
        })?)
    }
}

#[derive(Serialize)]
struct PageBody {
    /// Each as text, which is written to a file as it is.
    documents: Vec<String>,
    skipped: BTreeMap<&'static str, u64>,
    passwords: Vec<PasswordBody>,
    next: Option<String>,
}

#[derive(Serialize)]
struct PasswordBody {
    id: String,
    tenant: String,
    username: String,
}
