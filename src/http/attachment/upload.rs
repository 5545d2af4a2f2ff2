//! The endpoint that takes an attachment.
//!
//! Its body is received while its file is written, so that it takes little memory however large it is. The access token
//! may be in a part behind the file: as soon as it is known it is checked, and once more with the whole form, as are
//! the profile and the permissions. What is before the file is received as other bodies are, and takes no place of an
//! upload.

use std::pin::pin;
use std::time::Instant;

use crate::app::App;
use crate::http::attachment::form::{self, FormFile};
use crate::http::attachment::json;
use crate::http::attachment::place::Uploader;
use crate::http::body::PendingRequest;
use crate::http::body::upload::{UploadBody, UploadLimits};
use crate::http::caller::caller;
use crate::http::connection::{Connection, in_time};
use crate::http::error::ApiError;
use crate::http::params::Params;
use crate::http::response::Response;
use crate::service::attachment::upload::authorize;
use crate::service::caller::Caller;

/// Refuses an upload whose body is no multipart form.
///
/// # Errors
///
/// What an upload is refused with before its form is looked at; else that it has no file.
pub fn refuse_without_form(
    app: &App,
    caller: Caller,
    profile_id: String,
) -> Result<Response, ApiError> {
    authorize(app, caller, profile_id)?;
    let problem = "is no file: it must be a part of a multipart form, with a file name";
    Err(ApiError::invalid("attachment", problem))
}

/// Receives an upload of an attachment of the profile with this id, and returns the response to it.
///
/// # Errors
///
/// What the service refuses or fails with; a body that is malformed, too large or too slow.
pub async fn receive<C: Connection>(
    app: &App,
    profile_id: String,
    request: PendingRequest,
    connection: &C,
) -> Result<Response, ApiError> {
    let limits = UploadLimits {
        file: app.config.attachments.attachment_size_max as u64,
        others: app.config.requests.body_size_max as u64,
        piece: app.config.requests.header_size_max as u64,
    };
    let (mut params, content_type, body) = match request.into_multipart() {
        Ok(parts) => parts,
        Err(request) => {
            let params = request.receive(&app.config, connection).await?;
            connection.on_request_received(Instant::now());
            let caller = caller(&app.config.requests, &params)?;
            return refuse_without_form(app, caller, profile_id);
        }
    };
    let mut body = UploadBody::new(content_type, body, connection, limits);
    body.check_length()?;
    // What is refused anyway need not be written.
    let check = |params: &Params| {
        let caller = caller(&app.config.requests, params)?;
        if !caller.is_given() {
            return Ok(Uploader::Unknown);
        }
        authorize(app, caller, profile_id.clone())?;
        Ok(Uploader::Authorized)
    };
    let read = match check(&params) {
        Ok(_) => form::read(app, &mut params, &mut body, connection, check).await,
        Err(refused) => Err(refused),
    };
    let drained = match &read {
        // Where it ends is not known.
        Err(ApiError::BodyTooLarge | ApiError::BodyTooSlow | ApiError::BodyMalformed) => Ok(()),
        // Behind the form, it may have anything.
        _ => body.drain().await,
    };
    if drained.is_err() {
        connection.close_after_response();
    }
    let file = read?;
    drained?;
    connection.on_request_received(Instant::now());
    in_time(pin!(publish(app, &params, profile_id, file)), connection).await
}

async fn publish(
    app: &App,
    params: &Params,
    profile_id: String,
    file: Option<FormFile<'_>>,
) -> Result<Response, ApiError> {
    let caller = caller(&app.config.requests, params)?;
    let Some(FormFile {
        name,
        content,
        place: _place,
    }) = file
    else {
        return refuse_without_form(app, caller, profile_id);
    };
    let given = params.text("filename");
    let name = given
        .as_deref()
        .filter(|given| !given.trim().is_empty())
        .unwrap_or(&name);
    let published = content.publish(app, caller, profile_id, name).await?;
    Ok(json::attachment(&published)?)
}
