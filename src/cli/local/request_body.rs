//! The body of a request: whole, or piece by piece as it is generated.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use http_body_util::Full;
use hyper::body::{Body, Bytes, Frame, SizeHint};
use tokio::sync::{mpsc, watch};

/// The body of a request.
pub struct RequestBody {
    content: Content,
    /// Changes with each piece that goes out.
    progress: watch::Sender<()>,
}

enum Content {
    Whole(Full<Bytes>),
    /// In order, until the sender is dropped.
    Pieces(mpsc::Receiver<Vec<u8>>),
}

impl RequestBody {
    /// What changes with each piece that goes out, until all of it has.
    pub fn progress(&self) -> watch::Receiver<()> {
        self.progress.subscribe()
    }
}

impl From<Content> for RequestBody {
    fn from(content: Content) -> Self {
        let (progress, _) = watch::channel(());
        Self { content, progress }
    }
}

impl From<String> for RequestBody {
    fn from(text: String) -> Self {
        Content::Whole(Full::new(Bytes::from(text))).into()
    }
}

impl From<mpsc::Receiver<Vec<u8>>> for RequestBody {
    fn from(pieces: mpsc::Receiver<Vec<u8>>) -> Self {
        Content::Pieces(pieces).into()
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let Self { content, progress } = self.get_mut();
        let frame = match content {
            Content::Whole(body) => Pin::new(body).poll_frame(context),
            Content::Pieces(pieces) => {
                let piece = pieces.poll_recv(context);
                piece.map(|piece| piece.map(|piece| Ok(Frame::data(piece.into()))))
            }
        };
        if frame.is_ready() {
            progress.send_replace(());
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        match &self.content {
            Content::Whole(body) => body.is_end_stream(),
            Content::Pieces(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Whole(body) => body.size_hint(),
            Content::Pieces(_) => SizeHint::default(),
        }
    }
}
