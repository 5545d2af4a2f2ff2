//! Documents of a collection are imported.

use std::collections::BTreeMap;

use hyper::Method;
use serde::Serialize;

use crate::app::App;
use crate::http::body::document::raw_list;
use crate::http::error::{ApiError, RouteError};
use crate::http::method::post;
use crate::http::params::Params;
use crate::http::resource::ResourceRoute;
use crate::http::response::{self, Response};
use crate::service::bootstrap::seed_file::List;
use crate::service::import::documents::import;

/// The routes under `/admin/1/import`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ImportRoute {
    /// POST `{collection}`
    Import(List),
}

impl ResourceRoute for ImportRoute {
    const IS_LOCAL: bool = true;

    fn parse(method: &Method, segments: &[&str]) -> Result<Self, RouteError> {
        match segments {
            [name] => match List::of_name(name) {
                Some(list) => post(method, || Self::Import(list)),
                None => Err(RouteError::NoSuchPath),
            },
            _ => Err(RouteError::NoSuchPath),
        }
    }

    fn name(&self) -> &'static str {
        "admin/import"
    }

    fn takes_document(&self) -> bool {
        true
    }

    async fn handle(self, app: &App, params: &Params) -> Result<Response, ApiError> {
        let Self::Import(list) = self;
        let is_dry_run = params.boolean("dryRun")?.unwrap_or(false);
        let documents = raw_list(params.document()?)?;
        let imported = import(app, list, documents, is_dry_run).await?;
        Ok(response::json(&ImportBody {
            created: imported.created,
            same: imported.same,
            newer: imported.newer,
            dependent: imported.dependent,
            skipped: imported.skipped,
            warnings: imported.warnings,
            left_out: imported.left_out,
        })?)
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ImportBody {
    created: u64,
    same: u64,
    newer: u64,
    dependent: u64,
    /// By the places of the documents.
    skipped: BTreeMap<usize, String>,
    warnings: Vec<(usize, String)>,
    left_out: BTreeMap<String, u64>,
}
