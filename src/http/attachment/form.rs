//! The form of an upload, which is read as it arrives.

use std::pin::pin;

use multer::Field;

use crate::app::App;
use crate::http::body::kind::UnsupportedBody;
use crate::http::body::upload::{FileBytes, UploadBody, form_error};
use crate::http::connection::{Connection, in_time};
use crate::http::error::ApiError;
use crate::http::params::Params;
use crate::http::quote::quote;
use crate::service::attachment::upload::Upload;

/// The part with the file.
const ATTACHMENT: &str = "attachment";

/// The file in a form.
pub struct FormFile {
    /// Its name, as the client has it.
    pub name: String,
    /// Its content.
    pub content: Upload,
}

/// Reads the form; its parts that are no file are added to `params`. `before_file` is called with those that were
/// received before the file.
///
/// # Errors
///
/// What `before_file` fails with; a form that is malformed, too large or too slow, or has another file; failures of the
/// storage.
pub async fn read<C: Connection>(
    app: &App,
    params: &mut Params,
    body: &mut UploadBody<'_, C>,
    connection: &C,
    before_file: impl Fn(&Params) -> Result<(), ApiError>,
) -> Result<Option<FormFile>, ApiError> {
    let file_bytes = FileBytes::default();
    let mut form = body.form(&file_bytes)?;
    let mut file = None;
    while let Some(field) = form.next_field().await.map_err(form_error)? {
        let name = field.name().ok_or(ApiError::BodyMalformed)?.to_owned();
        let Some(file_name) = field.file_name() else {
            let value = field.bytes().await.map_err(form_error)?;
            params.add(&name, &String::from_utf8_lossy(&value))?;
            continue;
        };
        if name != ATTACHMENT {
            let file_type = field.content_type().map_or("", |kind| kind.as_ref());
            let file_type = quote(file_type).into_owned();
            return Err(ApiError::BodyUnsupported(UnsupportedBody::File(file_type)));
        }
        if file.is_some() {
            return Err(ApiError::invalid(ATTACHMENT, "is given twice"));
        }
        before_file(params)?;
        let name = file_name.to_owned();
        let content = receive(app, field, &file_bytes, connection).await?;
        file = Some(FormFile { name, content });
    }
    Ok(file)
}

/// Receives the content of a file.
async fn receive<C: Connection>(
    app: &App,
    mut field: Field<'_>,
    file_bytes: &FileBytes,
    connection: &C,
) -> Result<Upload, ApiError> {
    let size_max = app.config.attachments.attachment_size_max as u64;
    let mut content = Upload::new(app);
    while let Some(piece) = field.chunk().await.map_err(form_error)? {
        if piece.len() as u64 > size_max - content.size() {
            return Err(ApiError::BodyTooLarge);
        }
        in_time(
            pin!(async { Ok(content.push(app, &piece).await?) }),
            connection,
        )
        .await?;
        file_bytes.add(piece.len());
    }
    Ok(content)
}
