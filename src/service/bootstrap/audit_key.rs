//! The key of the audit log's fingerprints, which is generated once for each database.

use crate::app::App;
use crate::error::Failure;
use crate::tables::meta;

/// Gives the audit log the database's key, which is generated if there is none.
///
/// # Errors
///
/// Failures of the storage.
pub async fn prepare(app: &App) -> Result<(), Failure> {
    let key = match app.store.read(meta::fingerprint_key)? {
        Some(key) => key,
        None => {
            let key = app.entropy.bytes();
            app.store
                .write(move |txn| meta::put_fingerprint_key(txn, &key))
                .await?;
            key
        }
    };
    app.audit.set_key(&key);
    Ok(())
}
