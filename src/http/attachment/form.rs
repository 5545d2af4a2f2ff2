//! The form of an upload, which is read as it arrives.

use std::pin::pin;
use std::time::Instant;

use multer::Field;

use crate::app::App;
use crate::http::attachment::place::{Place, Uploader};
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
pub struct FormFile<'a> {
    /// Its name, as the client has it.
    pub name: String,
    /// Its content.
    pub content: Upload,
    /// Its place among the uploads that go on.
    pub place: Place<'a>,
}

/// Reads the form; its parts that are no file are added to `params`. Whose upload it is `check` returns for those that
/// were received before the file.
///
/// # Errors
///
/// What `check` fails with; as many uploads as there may be; a form that is malformed, too large or too slow, or has
/// another file; failures of the storage.
pub async fn read<'a, C: Connection>(
    app: &'a App,
    params: &mut Params,
    body: &mut UploadBody<'_, C>,
    connection: &C,
    check: impl Fn(&Params) -> Result<Uploader, ApiError>,
) -> Result<Option<FormFile<'a>>, ApiError> {
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
            let part = quote(&name).into_owned();
            let expected = ATTACHMENT;
            let unsupported = UnsupportedBody::FileElsewhere { part, expected };
            return Err(ApiError::BodyUnsupported(unsupported));
        }
        if file.is_some() {
            return Err(ApiError::invalid(ATTACHMENT, "is given twice"));
        }
        let uploader = check(params)?;
        let place = Place::take(&app.uploads, uploader).await?;
        connection.on_upload_admitted(Instant::now());
        let name = file_name.to_owned();
        let content = receive(app, field, &file_bytes, connection).await?;
        file = Some(FormFile {
            name,
            content,
            place,
        });
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
