//! The documents in a file, one after the other: lines, or a list.

use std::cell::Cell;
use std::fmt;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::rc::Rc;

use serde_json::de::IoRead;
use serde_json::value::RawValue;
use serde_json::{Deserializer, StreamDeserializer};

use crate::http::body::LOCAL_BODY_BYTES_MAX;

/// How many bytes a document may have, since a list of it alone is sent at once. In MongoDB it may have 16 MiB.
const DOCUMENT_BYTES_MAX: usize = LOCAL_BODY_BYTES_MAX - "[]".len();

/// How many bytes of the file are read at once.
const READER_BYTES: usize = 64 << 10;

/// The documents in a file. After an error there are none.
pub struct Documents<R: Read = File> {
    stream: StreamDeserializer<'static, IoRead<Separated<R>>, Box<RawValue>>,
    state: Rc<State>,
    has_ended: bool,
}

/// Why the next document cannot be read.
#[derive(Debug)]
pub enum DocumentError {
    /// It is not JSON, or cannot be read.
    Json(serde_json::Error),
    /// The list of documents has no end.
    Open,
    /// A document is longer than what a server takes.
    TooLong,
}

impl fmt::Display for DocumentError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // The library's text has the position, and nothing of the file.
            Self::Json(error) if error.is_io() => write!(formatter, "{error}"),
            Self::Json(error) => write!(formatter, "it is not JSON: {error}"),
            Self::Open => formatter.write_str("the file ends within its list"),
            Self::TooLong => {
                let size = LOCAL_BODY_BYTES_MAX >> 20;
                write!(formatter, "a document is longer than {size} MiB")
            }
        }
    }
}

impl<R: Read> Documents<R> {
    /// The documents in `file`.
    pub fn new(file: R) -> Self {
        let state = Rc::<State>::default();
        let reader = Separated {
            reader: BufReader::with_capacity(READER_BYTES, file),
            state: Rc::clone(&state),
            list: ListState::Unknown,
            depth: 0,
            is_in_text: false,
            is_escaped: false,
        };
        // One byte at a time: the library reads no further than it must.
        let stream = Deserializer::from_reader(reader).into_iter();
        Self {
            stream,
            state,
            has_ended: false,
        }
    }

    /// How many bytes were read.
    pub fn position(&self) -> u64 {
        self.state.position.get()
    }
}

impl<R: Read> Iterator for Documents<R> {
    type Item = Result<Box<RawValue>, DocumentError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.has_ended {
            return None;
        }
        let next = match self.stream.next() {
            None if self.state.is_open.get() => Some(Err(DocumentError::Open)),
            Some(Ok(document)) if document.get().len() > DOCUMENT_BYTES_MAX => {
                Some(Err(DocumentError::TooLong))
            }
            next => next.map(|next| next.map_err(DocumentError::Json)),
        };
        self.has_ended = !matches!(next, Some(Ok(_)));
        next
    }
}

#[derive(Default)]
struct State {
    position: Cell<u64>,
    /// Whether a list has begun and not ended.
    is_open: Cell<bool>,
}

/// Whether the file is a list.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ListState {
    Unknown,
    No,
    Yes,
}

/// A file of JSON. If it is a list, its brackets and the commas between its documents are read as spaces.
struct Separated<R> {
    reader: BufReader<R>,
    state: Rc<State>,
    list: ListState,
    /// How deep the reader is in a document.
    depth: usize,
    is_in_text: bool,
    is_escaped: bool,
}

impl<R: Read> Read for Separated<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        for byte in &mut buffer[..count] {
            self.look(byte);
        }
        self.state
            .position
            .set(self.state.position.get() + count as u64);
        Ok(count)
    }
}

impl<R> Separated<R> {
    fn look(&mut self, byte: &mut u8) {
        match self.list {
            ListState::No => return,
            ListState::Unknown if byte.is_ascii_whitespace() => return,
            // A byte order mark.
            ListState::Unknown if matches!(*byte, 0xEF | 0xBB | 0xBF) => {
                *byte = b' ';
                return;
            }
            ListState::Unknown if *byte == b'[' => {
                *byte = b' ';
                self.list = ListState::Yes;
                self.state.is_open.set(true);
                return;
            }
            ListState::Unknown => {
                self.list = ListState::No;
                return;
            }
            ListState::Yes => {}
        }
        if self.is_in_text {
            let is_escaped = std::mem::take(&mut self.is_escaped);
            match *byte {
                b'\\' if !is_escaped => self.is_escaped = true,
                b'"' if !is_escaped => self.is_in_text = false,
                _ => {}
            }
            return;
        }
        match *byte {
            b'"' => self.is_in_text = true,
            b'{' | b'[' => self.depth += 1,
            b']' if self.depth == 0 => {
                *byte = b' ';
                self.list = ListState::No;
                self.state.is_open.set(false);
            }
            b'}' | b']' => self.depth = self.depth.saturating_sub(1),
            b',' if self.depth == 0 => *byte = b' ',
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(file: &str) -> (Vec<String>, Option<String>) {
        let mut documents = Documents::new(file.as_bytes());
        let mut found = Vec::new();
        for next in &mut documents {
            match next {
                Ok(document) => found.push(document.get().to_owned()),
                Err(error) => return (found, Some(error.to_string())),
            }
        }
        (found, None)
    }

    #[test]
    fn lines_and_lists_have_the_same_documents() {
        let documents = [r#"{"a":"],[\"}\\"}"#, r#"{"b":[1,{"c":[]}]}"#, "{}"];
        for file in [
            documents.join("\n"),
            documents.join("\r\n") + "\n\n",
            documents.concat(),
            format!("[{}]\n", documents.join(",\n")),
            format!(" [ {} ] ", documents.join(" , ")),
            format!("\u{FEFF}[{}]", documents.join(",")),
            format!("\u{FEFF}{}", documents.join("\n")),
        ] {
            let (found, error) = read(&file);
            assert_eq!(
                (&*found, error),
                (&documents.map(str::to_owned)[..], None),
                "{file}"
            );
        }
        for empty in ["", "\n", "[]", " [ ] "] {
            assert_eq!(read(empty), (Vec::new(), None), "{empty}");
        }
    }

    #[test]
    fn what_is_cut_off_is_an_error() {
        for (file, count) in [
            ("[", 0),
            ("[{}", 1),
            ("[{},", 1),
            ("[{}, {\"a\":", 1),
            ("{}\n{\"a\": 1", 1),
            ("{}\nnonsense", 1),
            ("[{}] {\"a\"", 1),
        ] {
            let (found, error) = read(file);
            assert_eq!((found.len(), error.is_some()), (count, true), "{file}");
        }
    }
}
