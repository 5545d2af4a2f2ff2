//! The documents of a file in batches. They are read on a thread of its own, and sent as they are read.

use std::fs::File;
use std::mem;
use std::thread::{self, JoinHandle};

use tokio::sync::{mpsc, oneshot};

use crate::cli::error::CommandError;
use crate::cli::import::documents::{DocumentError, Documents};

/// How many bytes are sent at once, if a document is not longer.
const PIECE_BYTES: usize = 64 << 10;

/// Documents that follow each other in a file.
pub struct Batch {
    /// How many documents are before them.
    pub first: u64,
    /// The pieces of a JSON list of them.
    pub pieces: mpsc::Receiver<Vec<u8>>,
    /// Their extent, once they are read; the sender is dropped without it if not all pieces are received.
    pub read: oneshot::Receiver<BatchRead>,
}

/// The extent of a batch, which is known once all of it is read.
#[derive(Clone, Copy, Default, Debug)]
pub struct BatchRead {
    /// How many documents it has.
    pub count: u64,
    /// How far the file is read, in bytes.
    pub position: u64,
}

/// The thread that reads a file. It returns why the file could not be read to its end.
pub type Reader = JoinHandle<Result<(), DocumentError>>;

/// Reads the documents in `file`, in batches of at most so many bytes, or a longer document.
///
/// # Errors
///
/// If no thread can be started.
pub fn read(
    file: File,
    batch_bytes: usize,
) -> Result<(mpsc::Receiver<Batch>, Reader), CommandError> {
    let (sender, batches) = mpsc::channel(1);
    let reader = thread::Builder::new()
        .name("documents".to_owned())
        .spawn(move || send_all(Documents::new(file), batch_bytes, &sender))
        .map_err(|error| CommandError::io("cannot start a thread", &error))?;
    Ok((batches, reader))
}

/// Sends all batches, unless nobody waits for them because one of them could not be imported.
fn send_all(
    mut documents: Documents<File>,
    batch_bytes: usize,
    batches: &mpsc::Sender<Batch>,
) -> Result<(), DocumentError> {
    let mut first = 0;
    let mut next = documents.next();
    while let Some(mut document) = next.transpose()? {
        let (pieces, received) = mpsc::channel(1);
        let (read, when_read) = oneshot::channel();
        let batch = Batch {
            first,
            pieces: received,
            read: when_read,
        };
        if batches.blocking_send(batch).is_err() {
            return Ok(());
        }
        let (mut piece, mut bytes, mut count) = (vec![b'['], 0, 0);
        next = loop {
            piece.extend_from_slice(document.get().as_bytes());
            bytes += document.get().len() + 1;
            count += 1;
            if piece.len() >= PIECE_BYTES && pieces.blocking_send(mem::take(&mut piece)).is_err() {
                return Ok(());
            }
            match documents.next() {
                Some(Ok(next)) if bytes + next.get().len() < batch_bytes => {
                    piece.push(b',');
                    document = next;
                }
                next => break next,
            }
        };
        piece.push(b']');
        if pieces.blocking_send(piece).is_err() {
            return Ok(());
        }
        let position = documents.position();
        // Its request may have failed meanwhile.
        let _ = read.send(BatchRead { count, position });
        first += count;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::{Seek, Write};

    use super::*;

    /// How many documents are before a batch, its list, and how many it has.
    type Found = (u64, String, u64);

    /// The batches of the documents in `text`, and how reading ended.
    fn batches_of(text: &str) -> (Vec<Found>, Result<(), DocumentError>) {
        let mut file = tempfile::tempfile().expect("a temporary file");
        file.write_all(text.as_bytes()).expect("it is written");
        file.rewind().expect("it is at its beginning");
        let (mut batches, reader) = read(file, 16).expect("a thread starts");
        let mut found = Vec::new();
        while let Some(mut batch) = batches.blocking_recv() {
            let mut list = Vec::new();
            while let Some(piece) = batch.pieces.blocking_recv() {
                list.extend_from_slice(&piece);
            }
            let read = batch.read.blocking_recv().expect("all is received");
            let list = String::from_utf8(list).expect("JSON is UTF-8");
            found.push((batch.first, list, read.count));
        }
        (found, reader.join().expect("it does not panic"))
    }

    #[test]
    fn a_file_is_divided_into_batches_of_whole_documents() {
        let (found, end) =
            batches_of("{\"a\":1}\n{\"b\":2}\n{\"c\":3}\n{\"d\":\"longer than a batch\"}\n");
        let expected = [
            (0, r#"[{"a":1},{"b":2}]"#, 2),
            (2, r#"[{"c":3}]"#, 1),
            (3, r#"[{"d":"longer than a batch"}]"#, 1),
        ];
        assert_eq!(
            found,
            expected.map(|(first, list, count)| (first, list.to_owned(), count))
        );
        assert!(end.is_ok(), "{end:?}");
    }

    #[test]
    fn what_is_before_the_end_of_a_file_that_is_cut_off_is_sent() {
        let (found, end) = batches_of("{\"a\":1}\n{\"b\":");
        assert_eq!(found, [(0, r#"[{"a":1}]"#.to_owned(), 1)]);
        assert!(matches!(end, Err(DocumentError::Json(_))), "{end:?}");
    }

    #[test]
    fn reading_ends_once_nothing_receives_the_batches() {
        let file = tempfile::tempfile().expect("a temporary file");
        (&file).write_all(b"{}\n").expect("it is written");
        (&file).rewind().expect("it is at its beginning");
        let (batches, reader) = read(file, 16).expect("a thread starts");
        drop(batches);
        assert!(reader.join().expect("it does not panic").is_ok());
    }
}
