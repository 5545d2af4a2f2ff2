//! The body of a response: whole, or in pieces that are made when the ones before have been sent.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame, SizeHint};

use crate::error::Failure;
use crate::http::turn::end_turn;
use crate::request_id::RequestId;

/// The body of a response.
pub enum ResponseBody {
    /// `None` once it was sent.
    Whole(Option<Bytes>),
    /// What is too long to be kept in memory for a client that reads slowly.
    Pieces(Box<InPieces>),
}

/// Pieces of a body, one after the other.
pub trait Pieces: Send {
    /// The next piece; `None` at the end.
    ///
    /// # Errors
    ///
    /// Why there is no next piece. The client notices that the body is incomplete.
    fn next(&mut self) -> Result<Option<Bytes>, Failure>;
}

/// A body in pieces.
pub struct InPieces {
    pieces: Box<dyn Pieces>,
    request_id: Option<RequestId>,
    /// Whether others are to be served before the next piece.
    yields: bool,
}

impl ResponseBody {
    /// A body that is known.
    pub fn whole(bytes: impl Into<Bytes>) -> Self {
        Self::Whole(Some(bytes.into()))
    }

    /// A body of `pieces`.
    pub fn pieces(pieces: impl Pieces + 'static) -> Self {
        Self::Pieces(Box::new(InPieces {
            pieces: Box::new(pieces),
            request_id: None,
            yields: false,
        }))
    }

    /// Sets the id under which it is logged that the body could not be completed.
    pub fn set_request_id(&mut self, id: RequestId) {
        match self {
            Self::Whole(_) => {}
            Self::Pieces(body) => body.request_id = Some(id),
        }
    }
}

impl fmt::Debug for ResponseBody {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // It may have a token.
        formatter
            .debug_struct("ResponseBody")
            .finish_non_exhaustive()
    }
}

impl InPieces {
    fn poll_piece(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Failure>>> {
        // A client that reads fast would otherwise keep the thread until the end.
        if self.yields {
            self.yields = false;
            return end_turn(context);
        }
        self.yields = true;
        let piece = self.pieces.next();
        if let (Err(failure), Some(request_id)) = (&piece, self.request_id) {
            tracing::error!(%request_id, cause = %failure, "a response could not be completed");
        }
        Poll::Ready(piece.transpose())
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = Failure;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        match self.get_mut() {
            Self::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Pieces(body) => body
                .poll_piece(context)
                .map(|piece| piece.map(|piece| piece.map(Frame::data))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(bytes) => bytes.as_ref().is_none_or(Bytes::is_empty),
            Self::Pieces(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, Bytes::len) as u64),
            Self::Pieces(_) => SizeHint::default(),
        }
    }
}
