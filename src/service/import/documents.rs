//! Importing documents of a collection, into a database with content too.
//!
//! What is there already is left as it is, so that the same import can be done again, after a kill above all: what
//! came of it is then what would have come of the first one.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use serde_json::value::RawValue;

use crate::app::App;
use crate::audit::event::Event;
use crate::audit::subject::Subject;
use crate::error::Failure;
use crate::service::bootstrap::demo;
use crate::service::bootstrap::seed_file::List;
use crate::service::context::OpContext;
use crate::service::import::batch::Batch;
use crate::service::import::document::{self, LeftOut};
use crate::service::import::known_secret::KnownSecrets;
use crate::service::import::prepare::{Fault, Preparer, Record};
use crate::service::import::put::{Content, Obstacle, PutRules, obstacle, put_all};
use crate::storage::transaction::write_txn::WriteTxn;

const RULES: PutRules = PutRules {
    replaces_plain_tenant: true,
};

/// What came of the documents of a request.
#[derive(Default, Debug)]
pub struct Imported {
    /// How many were written.
    pub created: u64,
    /// How many are there already, the same.
    pub same: u64,
    /// How many are there already, and were changed here since: the one here stays.
    pub newer: u64,
    /// Those that are not written, by their places, with the reasons.
    pub skipped: BTreeMap<usize, String>,
    /// Those among them that only need something else to be there, which a dry run does not write.
    pub dependent: u64,
    /// What is to be said of others, by their places.
    pub warnings: Vec<(usize, String)>,
    /// Fields that have no place here.
    pub left_out: LeftOut,
}

/// Imports documents of a collection in one transaction. In a dry run nothing is written, so that what needs another
/// document is skipped.
///
/// # Errors
///
/// Failures of the storage.
pub async fn import(
    app: &App,
    list: List,
    documents: Vec<&RawValue>,
    is_dry_run: bool,
) -> Result<Imported, Failure> {
    let mut imported = Imported::default();
    let mut preparer = Preparer::new(app)?;
    let mut secrets = KnownSecrets::default();
    let mut batch = Batch::default();
    let refuses_demo = demo::is_refused(&app.config);
    let mut has_demo_token = false;
    for (place, document) in documents.into_iter().enumerate() {
        // One by one, since a document takes many times as much memory as its text.
        let parsed = serde_json::from_str::<Value>(document.get());
        let parsed = parsed.map_err(|error| format!("it is not JSON: {error}"));
        let entry =
            parsed.and_then(|document| document::entry(list, document, &mut imported.left_out));
        let entry = match entry {
            Ok(entry) => entry,
            Err(why) => {
                imported.skipped.insert(place, why);
                continue;
            }
        };
        let record = match preparer.prepare(entry) {
            Ok(record) => record,
            Err(fault) => {
                imported.skipped.insert(place, reason(fault));
                continue;
            }
        };
        if let Some((field, what)) = secrets.find(&record) {
            let is_token = matches!(record, Record::AccessToken(_));
            if is_token && refuses_demo {
                let why = format!("{field}: {what}: other hosts can reach this server");
                imported.skipped.insert(place, why);
                continue;
            }
            has_demo_token |= is_token;
            imported.warnings.push((place, format!("{field}: {what}")));
        }
        batch.records.push((place, record));
    }
    let batch = Arc::new(batch);
    let found = if is_dry_run {
        look(app, &batch)?
    } else {
        write(app, list, &batch).await?
    };
    imported.created = (batch.records.len() - found.len()) as u64;
    for (at, obstacle) in found {
        let (place, _) = batch.records[at];
        imported.warnings.retain(|(warned, _)| *warned != place);
        match obstacle {
            Obstacle::Exists(Content::Same) => imported.same += 1,
            Obstacle::Exists(Content::Newer) => imported.newer += 1,
            other => {
                let is_dependent = matches!(other, Obstacle::NoTenant | Obstacle::NoProfile);
                imported.dependent += u64::from(is_dependent);
                imported.skipped.insert(place, text(other).to_owned());
            }
        }
    }
    if !is_dry_run {
        for (_, warning) in &imported.warnings {
            tracing::warn!("imported {}: {warning}", list.name());
        }
    }
    if has_demo_token && !is_dry_run && !app.config.data.allow_demo_secrets {
        app.restrict_to_loopback();
    }
    Ok(imported)
}

/// Writes the documents of a collection in one transaction, with pauses between several of these. Returns what was in
/// the way of those that were not written.
async fn write(
    app: &App,
    list: List,
    batch: &Arc<Batch>,
) -> Result<Vec<(usize, Obstacle)>, Failure> {
    let context = OpContext::as_local_operator(app);
    let (batch, keys) = (Arc::clone(batch), Arc::clone(app.keys.get()?));
    let work = move |txn: &WriteTxn| {
        let found = put_all(txn, RULES, &keys, &batch.records)?;
        let created = batch.records.len() - found.len();
        if created > 0 {
            let documents = Subject::Documents {
                collection: list.name(),
                count: Some(created as u64),
            };
            context.record_subject(txn, Event::Import, documents);
        }
        Ok(found)
    };
    app.store.write_in_background(work).await
}

/// What would be in the way of each.
fn look(app: &App, batch: &Batch) -> Result<Vec<(usize, Obstacle)>, Failure> {
    let keys = app.keys.get()?;
    app.store.read(|txn| {
        let mut found = Vec::new();
        for (at, (_, record)) in batch.records.iter().enumerate() {
            let obstacle = obstacle(txn, RULES, keys, record)?;
            found.extend(obstacle.map(|obstacle| (at, obstacle)));
        }
        Ok(found)
    })
}

fn reason(fault: Fault) -> String {
    match fault {
        Fault::Invalid { field, what } => format!("{field}: {what}"),
        Fault::NoTenant => text(Obstacle::NoTenant).to_owned(),
    }
}

fn text(obstacle: Obstacle) -> &'static str {
    match obstacle {
        Obstacle::Exists(_) => "_id: it is there already, with other content, which stays",
        Obstacle::NameTaken => {
            "name: there is such a tenant already, with another _id, which stays"
        }
        Obstacle::UsernameTaken => "username: another profile of the tenant has it",
        Obstacle::NoTenant => "tenant: there is no such tenant",
        Obstacle::NoProfile => "profileId: there is no such profile",
        Obstacle::OtherTenant => "tenant: the profile belongs to another tenant",
        Obstacle::ProfileDisabled => "profileId: its profile is disabled",
        Obstacle::Ended => {
            "_id: it was deleted here, which a running server has not completed yet; import it again in a moment"
        }
    }
}
