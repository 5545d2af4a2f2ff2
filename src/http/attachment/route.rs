//! The routes of attachments.

use hyper::Method;

use crate::http::error::RouteError;
use crate::http::method::{get, post};

/// The routes under `/api/1/profile` that are of attachments. Ids and names are text of the client that has not been
/// parsed yet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AttachmentRoute {
    /// POST `{id}/uploadAttachment`
    Upload(String),
    /// GET `{id}/attachment/{name}`
    Download(String, String),
    /// GET `{id}/attachment/{name}/details`
    Details(String, String),
    /// GET `{id}/attachments`
    List(String),
}

/// The route of a request with this method and these path segments below the prefix. A name may have slashes.
///
/// # Errors
///
/// Why there is none.
pub fn parse(method: &Method, segments: &[&str]) -> Result<AttachmentRoute, RouteError> {
    match segments {
        [id, "uploadAttachment"] => post(method, || AttachmentRoute::Upload((*id).to_owned())),
        [id, "attachments"] => get(method, || AttachmentRoute::List((*id).to_owned())),
        [id, "attachment", name @ .., "details"] if !name.is_empty() => get(method, || {
            AttachmentRoute::Details((*id).to_owned(), name.join("/"))
        }),
        [id, "attachment", name @ ..] if !name.is_empty() => get(method, || {
            AttachmentRoute::Download((*id).to_owned(), name.join("/"))
        }),
        _ => Err(RouteError::NoSuchPath),
    }
}

/// The route's name in the log.
pub const fn name(route: &AttachmentRoute) -> &'static str {
    match route {
        AttachmentRoute::Upload(_) => "attachment/upload",
        AttachmentRoute::Download(..) => "attachment/download",
        AttachmentRoute::Details(..) => "attachment/details",
        AttachmentRoute::List(_) => "attachment/list",
    }
}
