//! The documents of a file in batches. They are read on a thread of its own, so that some are imported meanwhile.

use std::fs::File;
use std::thread;

use serde_json::value::RawValue;
use tokio::sync::mpsc;

use crate::cli::error::CommandError;
use crate::cli::import::documents::{DocumentError, Documents};

/// How much the documents of a batch take at least, in bytes: they are one transaction.
const BATCH_BYTES: usize = 2 << 20;

/// Documents that follow each other in a file.
pub struct Batch {
    /// A JSON list of them.
    pub documents: String,
    /// How many there are.
    pub count: u64,
    /// How far the file is read, in bytes.
    pub position: u64,
    /// What ends the file: its end, or why it cannot be read further.
    pub end: Option<Result<(), DocumentError>>,
}

impl Batch {
    fn read(documents: &mut Documents<File>) -> Self {
        let mut text = String::from("[");
        let mut count = 0;
        let mut end = None;
        while text.len() < BATCH_BYTES && end.is_none() {
            match documents.next() {
                Some(Ok(document)) => {
                    push(&mut text, &document);
                    count += 1;
                }
                Some(Err(error)) => end = Some(Err(error)),
                None => end = Some(Ok(())),
            }
        }
        text.push(']');
        Self {
            documents: text,
            count,
            position: Documents::position(documents),
            end,
        }
    }
}

fn push(list: &mut String, document: &RawValue) {
    if list.len() > 1 {
        list.push(',');
    }
    list.push_str(document.get());
}

/// Reads the documents in `file`. The last batch is the one with an [`end`](Batch::end).
///
/// # Errors
///
/// If no thread can be started.
pub fn read(file: File) -> Result<mpsc::Receiver<Batch>, CommandError> {
    let (sender, batches) = mpsc::channel(1);
    let work = move || {
        let mut documents = Documents::new(file);
        loop {
            let batch = Batch::read(&mut documents);
            let is_last = batch.end.is_some();
            // Nobody waits for it if what came before could not be imported.
            if sender.blocking_send(batch).is_err() || is_last {
                return;
            }
        }
    };
    thread::Builder::new()
        .name("documents".to_owned())
        .spawn(work)
        .map_err(|error| CommandError::io("cannot start a thread", &error))?;
    Ok(batches)
}
