//! Entries on their way from the thread that reads them to the transactions that write them.
//!
//! A batch is one transaction. Two are in memory at once: while one is written, the next one is read.

use std::sync::Arc;

use tokio::sync::mpsc;

use crate::app::App;
use crate::error::Failure;
use crate::service::bootstrap::token_file::GeneratedToken;
use crate::service::import::prepare::Record;
use crate::service::import::put::{Obstacle, PutRules, put_all};
use crate::storage::transaction::write_txn::WriteTxn;

/// How many bytes of JSON the entries of a batch have together, as soon as it is full. What they take in memory is a
/// small multiple of that.
const BATCH_BYTES: u64 = 8 << 20;

/// How many entries a batch has at most.
const BATCH_ENTRIES_MAX: usize = 50_000;

/// Entries of one kind, each with its number in its list or file, in the order of these.
#[derive(Default, Debug)]
pub struct Batch {
    /// The entries.
    pub records: Vec<(usize, Record)>,
    /// The access tokens among them whose ids were generated.
    pub generated: Vec<GeneratedToken>,
    /// The numbers of entries without a tenant, which are not written.
    pub without_tenant: Vec<usize>,
    /// What is to be said about entries of them: the number, the field, and the text.
    pub warnings: Vec<(usize, &'static str, String)>,
}

/// Gathers entries into batches, and sends these.
pub struct BatchSender<T> {
    sender: mpsc::Sender<(T, Batch)>,
    batch: Batch,
    /// How far the reader was when the batch began, in bytes.
    began: u64,
}

/// Nobody waits for further batches: reading may end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Abandoned;

impl<T> BatchSender<T> {
    /// Returns the two ends, of batches that are marked by a `T` each.
    pub fn new() -> (Self, mpsc::Receiver<(T, Batch)>) {
        let (sender, receiver) = mpsc::channel(1);
        let sender = Self {
            sender,
            batch: Batch::default(),
            began: 0,
        };
        (sender, receiver)
    }

    /// The batch that is gathered.
    pub fn batch(&mut self) -> &mut Batch {
        &mut self.batch
    }

    /// Sends the batch if it is full, where the reader is at the byte `at`.
    ///
    /// # Errors
    ///
    /// If nobody receives it.
    pub fn send_if_full(&mut self, of: T, at: u64) -> Result<(), Abandoned> {
        let bytes = at.saturating_sub(self.began);
        if bytes < BATCH_BYTES && self.batch.records.len() < BATCH_ENTRIES_MAX {
            return Ok(());
        }
        self.began = at;
        self.send(of)
    }

    /// Sends what is gathered, if that is anything. Blocks until it is received.
    ///
    /// # Errors
    ///
    /// If nobody receives it.
    pub fn send(&mut self, of: T) -> Result<(), Abandoned> {
        let batch = std::mem::take(&mut self.batch);
        if batch.records.is_empty() && batch.without_tenant.is_empty() {
            return Ok(());
        }
        let sent = self.sender.blocking_send((of, batch));
        sent.map_err(|_| Abandoned)
    }
}

/// Writes the entries of a batch in one transaction. Returns those that were not written, each by its place in the
/// batch.
///
/// # Errors
///
/// Failures of the storage.
pub async fn write(
    app: &App,
    rules: PutRules,
    batch: &Arc<Batch>,
) -> Result<Vec<(usize, Obstacle)>, Failure> {
    let (batch, keys) = (Arc::clone(batch), Arc::clone(app.keys.get()?));
    let work = move |txn: &WriteTxn| put_all(txn, rules, &keys, &batch.records);
    app.store.write(work).await
}
