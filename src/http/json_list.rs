//! A JSON list as a response, which is sent in pieces if it is long.

use std::mem;

use hyper::StatusCode;
use hyper::body::Bytes;

use crate::error::Failure;
use crate::http::response::{self, Response};
use crate::http::response_body::Pieces;

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

    /// Appends the JSON of one.
    ///
    /// # Errors
    ///
    /// As [`response::write_json`].
    fn encode(json: &mut Vec<u8>, item: &Self::Item) -> Result<(), Failure>;
}

/// A response with the list of what `source` has.
///
/// # Errors
///
/// Those of `source`, as far as it is read before the first piece is sent.
pub fn response(source: impl ListSource + 'static) -> Result<Response, Failure> {
    let mut pieces = ListPieces {
        source,
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

struct ListPieces<S> {
    source: S,
    /// What was encoded before the response was made.
    first: Option<Bytes>,
    has_begun: bool,
}

impl<S: ListSource> ListPieces<S> {
    /// The JSON of the next few elements, with the brackets that belong to it; it is not empty.
    fn encode_some(&mut self) -> Result<Vec<u8>, Failure> {
        let mut json = Vec::new();
        loop {
            for item in self.source.take_some()? {
                self.begin(&mut json, b',');
                S::encode(&mut json, &item)?;
            }
            if self.source.is_complete() {
                if !self.has_begun {
                    self.begin(&mut json, b'[');
                }
                json.push(b']');
                return Ok(json);
            }
            if !json.is_empty() {
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

impl<S: ListSource> Pieces for ListPieces<S> {
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
