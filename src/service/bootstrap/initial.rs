//! What an empty database begins with beside the entries of a seed file.

use crate::app::App;
use crate::domain::access_token::{AccessToken, AccessTokenId, TenantPermission};
use crate::domain::object_id::ObjectId;
use crate::domain::tenant::{Tenant, TenantName};
use crate::error::Failure;
use crate::service::bootstrap::seed;
use crate::service::bootstrap::token_file::GeneratedToken;
use crate::tables::access_token::{self, DigestedId, SealedId};
use crate::tables::tenant;

/// The name of the first tenant.
const TENANT: &str = "default";

/// The application that the first access token is issued to.
const APPLICATION: &str = "admin";

/// Creates a master access token with a random id if there is no access token, and the tenant `default` if there is
/// nothing at all. Before the token is in the database, `keep` gets it, as nothing else has its id.
///
/// A database that is not empty and has no access token is one that was salvaged, or that was filled from a seed file
/// without any: nobody could use it.
///
/// # Errors
///
/// Failures of the storage, and those of `keep`.
pub async fn create(
    app: &App,
    keep: impl FnOnce(&GeneratedToken) -> Result<(), Failure>,
) -> Result<(), Failure> {
    if !app.store.read(access_token::is_empty)? {
        return Ok(());
    }
    let generated = GeneratedToken {
        application: APPLICATION.to_owned(),
        id: AccessTokenId::random(app.entropy.bytes()),
    };
    keep(&generated)?;
    let id = DigestedId::new(generated.id);
    let sealed = SealedId::seal(app.keys.get()?, app.entropy.bytes(), &id);
    let token = master_token(generated.application);
    let tenant = default_tenant(ObjectId::new(app.clock.now().time(), app.entropy.bytes()));
    app.store
        .write(move |txn| {
            if seed::is_empty(txn)? {
                tenant::put(txn, &tenant)?;
            }
            access_token::put(txn, &id, &sealed, &token)
        })
        .await
}

fn master_token(application: String) -> AccessToken {
    AccessToken {
        application,
        master: true,
        tenant_permissions: vec![TenantPermission {
            allowed_actions: vec!["*".to_owned()],
            tenant: "*".to_owned(),
        }],
        expires_on: None,
        has_all_attributes: false,
    }
}

fn default_tenant(id: ObjectId) -> Tenant {
    Tenant {
        id,
        name: TenantName::new(TENANT).expect("the name is not empty"),
        verify_new_profiles: false,
        available_roles: Vec::new(),
        sso_enabled: false,
        attribute_definitions: Vec::new(),
        cleanse_attributes: true,
    }
}
