//! What the chunks of a body announce (RFC 9112, section 7.1): hyper shows of a chunk only what has arrived of it.

use std::sync::LazyLock;

use memchr::memchr;
use memchr::memmem::{Finder, find};

/// The end of a request's head.
const HEAD_END: &[u8] = b"\r\n\r\n";

/// A part of the name of the only transfer coding that has the same bytes in nearly every request that names it.
static CODING: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"hunked"));

/// The sizes that the chunks of one body announce, read as its bytes pass.
#[derive(Debug)]
pub struct ChunkSizes {
    next: Next,
    announced: u64,
}

/// What the next byte belongs to.
#[derive(Debug)]
enum Next {
    /// The size of a chunk, of which this much has been read.
    Size(u64),
    /// The rest of the line with this size.
    Extension(u64),
    /// This many bytes of a chunk and its end of line.
    Data(u64),
    /// What follows the chunks, or what is no chunk.
    Rest,
}

impl ChunkSizes {
    /// The sizes of the chunks behind the head that ends in `received`, if it ends there and its body may be chunked. A
    /// head that arrives in several pieces may not be recognized.
    pub fn begin(received: &[u8]) -> Option<Self> {
        // Absent from nearly all requests, so that their heads are read once.
        let coding = CODING.find(received)?;
        let end = find(received, HEAD_END).filter(|&end| coding < end)?;
        let mut sizes = Self {
            next: Next::Size(0),
            announced: 0,
        };
        sizes.pass(&received[end + HEAD_END.len()..]);
        Some(sizes)
    }

    /// Reads the next bytes of the body.
    pub fn pass(&mut self, mut bytes: &[u8]) {
        while let Some((&byte, others)) = bytes.split_first() {
            (self.next, bytes) = match self.next {
                Next::Size(size) => (self.after_digit(size, byte), others),
                Next::Extension(size) => match memchr(b'\n', bytes) {
                    Some(end) => (self.after_size(size), &bytes[end + 1..]),
                    None => return,
                },
                Next::Data(left) => {
                    let taken = bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX));
                    match left - taken as u64 {
                        0 => (Next::Size(0), &bytes[taken..]),
                        left => (Next::Data(left), &bytes[taken..]),
                    }
                }
                Next::Rest => return,
            };
        }
    }

    /// How many bytes all chunks so far have, whether these have arrived or not.
    pub fn announced(&self) -> u64 {
        self.announced
    }

    fn after_digit(&mut self, size: u64, byte: u8) -> Next {
        match char::from(byte).to_digit(16) {
            Some(digit) => Next::Size(size.saturating_mul(16).saturating_add(digit.into())),
            None if byte == b'\n' => self.after_size(size),
            None => Next::Extension(size),
        }
    }

    fn after_size(&mut self, size: u64) -> Next {
        self.announced = self.announced.saturating_add(size);
        match size {
            0 => Next::Rest,
            size => Next::Data(size.saturating_add(2)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";

    fn announced(pieces: &[&str]) -> u64 {
        let mut sizes = ChunkSizes::begin(HEAD.as_bytes()).expect("a chunked body");
        for piece in pieces {
            sizes.pass(piece.as_bytes());
        }
        sizes.announced()
    }

    #[test]
    fn sizes_are_read_wherever_the_bytes_are_divided() {
        let body = "5\r\nhello\r\nA;name=\"value\"\r\n0123456789\r\nfF\r\nhe";
        for first in 0..body.len() {
            for second in first..body.len() {
                let pieces = [&body[..first], &body[first..second], &body[second..]];
                assert_eq!(announced(&pieces), 5 + 10 + 255, "{pieces:?}");
            }
        }
        let whole = format!("{HEAD}{body}");
        let sizes = ChunkSizes::begin(whole.as_bytes()).expect("a chunked body");
        assert_eq!(sizes.announced(), 5 + 10 + 255);
    }

    #[test]
    fn a_size_counts_before_its_bytes_arrive_and_once_its_line_has_ended() {
        assert_eq!(announced(&["ffffff"]), 0);
        assert_eq!(announced(&["ffffff\r\n"]), 0xff_ffff);
        assert_eq!(announced(&["ffffffffffffffffffffffff\r\n"]), u64::MAX);
        assert_eq!(
            announced(&["3\r\nabc\r\n0\r\nTrailer: ff\r\n\r\nff\r\n"]),
            3
        );
    }

    #[test]
    fn other_bodies_have_no_chunks() {
        for received in [
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nx=chunked",
            "",
        ] {
            let sizes = ChunkSizes::begin(received.as_bytes());
            assert!(sizes.is_none(), "{received:?}");
        }
    }
}
