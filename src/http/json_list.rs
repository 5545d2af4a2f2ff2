//! A JSON list as a response, which is sent in pieces if it is long.

use std::mem;
use std::vec;

use hyper::StatusCode;
use hyper::body::Bytes;

use crate::error::Failure;
use crate::http::response::{self, Response};
use crate::http::response_body::Pieces;
use crate::service::lazy_list::{LazyList, Rest};

/// From how many bytes on a piece is sent.
const PIECE_BYTES_MIN: usize = 4 << 10;

/// What the elements of a list are taken from, some at a time.
pub trait ListSource: Send {
    /// An element.
    type Item;

    /// Whether all of them were taken.
    fn is_complete(&self) -> bool;

    /// Takes the next few of them.
    ///
    /// # Errors
    ///
    /// Failures of the storage.
    fn take_some(&mut self) -> Result<Vec<Self::Item>, Failure>;
}

impl<R: Rest> ListSource for LazyList<R> {
    type Item = R::Item;

    fn is_complete(&self) -> bool {
        self.is_complete()
    }

    fn take_some(&mut self) -> Result<Vec<R::Item>, Failure> {
        self.take_some()
    }
}

/// What is in memory anyway.
impl<T: Send> ListSource for vec::IntoIter<T> {
    type Item = T;

    fn is_complete(&self) -> bool {
        self.len() == 0
    }

    fn take_some(&mut self) -> Result<Vec<T>, Failure> {
        Ok(self.next().into_iter().collect())
    }
}

/// A response with the list of what `source` has; `write` appends the JSON of one element.
///
/// # Errors
///
/// Those of `source` and `write`, as far as is needed before the first piece is sent.
pub fn response<S, W>(source: S, write: W) -> Result<Response, Failure>
where
    S: ListSource + 'static,
    W: Fn(&mut Vec<u8>, &S::Item) -> Result<(), Failure> + Send + 'static,
{
    let mut pieces = ListPieces {
        source,
        write,
        first: None,
        has_begun: false,
    };
    let first = pieces.encode_some()?;
    if pieces.source.is_complete() {
        return Ok(response::with_status(StatusCode::OK, first));
    }
    pieces.first = Some(first.into());
    Ok(response::in_pieces(pieces))
}

struct ListPieces<S, W> {
    source: S,
    write: W,
    /// What was encoded before the response was made.
    first: Option<Bytes>,
    has_begun: bool,
}

impl<S, W> ListPieces<S, W>
where
    S: ListSource,
    W: Fn(&mut Vec<u8>, &S::Item) -> Result<(), Failure>,
{
    /// The JSON of the next few elements, with the brackets that belong to it; it is not empty.
    fn encode_some(&mut self) -> Result<Vec<u8>, Failure> {
        let mut json = Vec::new();
        loop {
            for item in self.source.take_some()? {
                self.begin(&mut json, b',');
                (self.write)(&mut json, &item)?;
            }
            if self.source.is_complete() {
                if !self.has_begun {
                    self.begin(&mut json, b'[');
                }
                json.push(b']');
                return Ok(json);
            }
            if json.len() >= PIECE_BYTES_MIN {
                return Ok(json);
            }
        }
    }

    /// Appends what comes before an element: `separator`, but for the first one.
    fn begin(&mut self, json: &mut Vec<u8>, separator: u8) {
        let has_begun = mem::replace(&mut self.has_begun, true);
        json.push(if has_begun { separator } else { b'[' });
    }
}

impl<S, W> Pieces for ListPieces<S, W>
where
    S: ListSource,
    W: Fn(&mut Vec<u8>, &S::Item) -> Result<(), Failure> + Send,
{
    fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        if let Some(first) = self.first.take() {
            return Ok(Some(first));
        }
        if self.source.is_complete() {
            return Ok(None);
        }
        Ok(Some(self.encode_some()?.into()))
    }
}
