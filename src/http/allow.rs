//! The methods of a path.

use hyper::header::HeaderValue;

/// Which methods a path has, beside OPTIONS, which each has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Allow {
    /// It is read.
    Get,
    /// It is written.
    Post,
    /// It is read and written.
    GetAndPost,
}

impl Allow {
    /// The methods of a path that has those of both.
    pub fn merged(self, other: Self) -> Self {
        if self == other {
            self
        } else {
            Self::GetAndPost
        }
    }

    /// The value of the `Allow` header, as the wire contract writes it ("General").
    pub const fn header(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Get => "GET,HEAD,OPTIONS",
            Self::Post => "POST,OPTIONS",
            Self::GetAndPost => "GET,HEAD,POST,OPTIONS",
        })
    }
}
