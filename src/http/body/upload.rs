//! The body of an upload: a multipart form, of which a part is a file that is too large to be kept in memory.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use http_body_util::BodyDataStream;
use hyper::body::{Body, Bytes, Frame, Incoming};
use hyper::header::HeaderValue;
use multer::Multipart;

use crate::http::body::poll_piece;
use crate::http::connection::Connection;
use crate::http::error::ApiError;
use crate::http::turn::end_turn;

/// An upload whose body has not been received.
pub struct UploadBody<'c, C> {
    content_type: HeaderValue,
    body: Incoming,
    connection: &'c C,
    limits: UploadLimits,
    received: u64,
    /// Whether the last piece was given to the library that parses forms, which is to parse it before the next one.
    must_yield: bool,
}

/// How much the body of an upload may have, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct UploadLimits {
    /// The file.
    pub file: u64,
    /// Everything else.
    pub others: u64,
    /// What is received at once.
    pub piece: u64,
}

impl UploadLimits {
    fn whole(self) -> u64 {
        self.file + self.others
    }
}

/// How many bytes of the file were taken out of the form: what was received beyond them is in memory.
#[derive(Default, Debug)]
pub struct FileBytes(AtomicU64);

impl FileBytes {
    /// Adds bytes that were taken.
    pub fn add(&self, count: usize) {
        self.0.fetch_add(count as u64, Ordering::Relaxed);
    }
}

impl<'c, C: Connection> UploadBody<'c, C> {
    /// The body of this content type.
    pub fn new(
        content_type: HeaderValue,
        body: Incoming,
        connection: &'c C,
        limits: UploadLimits,
    ) -> Self {
        Self {
            content_type,
            body,
            connection,
            limits,
            received: 0,
            must_yield: false,
        }
    }

    /// Refuses a body that announces to be larger than the limits.
    ///
    /// # Errors
    ///
    /// [`ApiError::BodyTooLarge`].
    pub fn check_length(&self) -> Result<(), ApiError> {
        if self.body.size_hint().lower() > self.limits.whole() {
            return Err(ApiError::BodyTooLarge);
        }
        Ok(())
    }

    /// The form, which is read as it arrives. `file_bytes` are those that are taken out of it.
    ///
    /// # Errors
    ///
    /// [`ApiError::BodyMalformed`] if the content type has no boundary.
    pub fn form<'f>(&'f mut self, file_bytes: &'f FileBytes) -> Result<Multipart<'f>, ApiError> {
        let content_type = self.content_type.to_str().unwrap_or_default();
        let boundary = multer::parse_boundary(content_type).map_err(|_| ApiError::BodyMalformed)?;
        let pieces = FormPieces {
            upload: self,
            file_bytes,
        };
        Ok(Multipart::new(BodyDataStream::new(pieces), boundary))
    }

    /// Receives what is left of the body and forgets it, so that the client has sent everything once it receives the
    /// response.
    ///
    /// # Errors
    ///
    /// Why the connection has to be closed instead.
    pub async fn drain(&mut self) -> Result<(), ApiError> {
        while let Some(piece) = std::future::poll_fn(|context| self.poll_next(context)).await? {
            drop(piece);
        }
        Ok(())
    }

    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<Bytes>, ApiError>> {
        let whole = self.limits.whole();
        let polled = poll_piece(&mut self.body, context, self.connection, whole);
        if let Poll::Ready(Ok(Some(piece))) = &polled {
            self.received += piece.len() as u64;
            if self.received > whole {
                return Poll::Ready(Err(ApiError::BodyTooLarge));
            }
        }
        polled
    }
}

/// The body as the library that parses forms reads it: piece by piece, and not more than it has taken.
struct FormPieces<'f, 'c, C> {
    upload: &'f mut UploadBody<'c, C>,
    file_bytes: &'f FileBytes,
}

impl<C: Connection> Body for FormPieces<'_, '_, C> {
    type Data = Bytes;
    type Error = ReadError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, ReadError>>> {
        let Self { upload, file_bytes } = self.get_mut();
        // The library takes all pieces that are there before it parses any: they would all be in memory.
        if upload.must_yield {
            upload.must_yield = false;
            return end_turn(context);
        }
        let in_memory = upload.received - file_bytes.0.load(Ordering::Relaxed);
        if in_memory > upload.limits.others + upload.limits.piece {
            return Poll::Ready(Some(Err(ReadError(ApiError::BodyTooLarge))));
        }
        upload.poll_next(context).map(|piece| {
            upload.must_yield = true;
            let frame = |piece: Bytes| Frame::data(piece);
            piece
                .map_err(ReadError)
                .transpose()
                .map(|piece| piece.map(frame))
        })
    }
}

/// Why a body could not be read, for the library that parses it.
#[derive(Debug)]
struct ReadError(ApiError);

impl fmt::Display for ReadError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the body could not be read")
    }
}

impl Error for ReadError {}

/// The error that the form could not be read for.
pub fn form_error(error: multer::Error) -> ApiError {
    if let multer::Error::StreamReadFailed(cause) = error
        && let Ok(read) = cause.downcast::<ReadError>()
    {
        return read.0;
    }
    ApiError::BodyMalformed
}
