//! What the tests and benchmarks reach: the one public path to the inside, item by item, so that the
//! compiler finds what neither the program nor a test uses. No promise is made to anybody else.

use crate::tables::upgrade as tables_upgrade;

pub use crate::app::{App, Keys, Phase};
pub use crate::audit::event::{Event, Reason, SignInFailure};
pub use crate::clock::Timestamp;
pub use crate::clock::source::Clock;
pub use crate::clock::timeline::{Moment, Now, Timeline};
pub use crate::config::Config;
pub use crate::config::logins::ReuseRevokes;
pub use crate::domain::access_token::{AccessToken, AccessTokenId, TenantPermission};
pub use crate::domain::attributes::Attributes;
pub use crate::domain::device::{Device, DeviceUpdate};
pub use crate::domain::given_attributes::GivenAttributes;
pub use crate::domain::key_ring::{KeyRing, SecretKey};
pub use crate::domain::login_state::{ImportedLogin, LoginState};
pub use crate::domain::management_token::ManagementToken;
pub use crate::domain::object_id::ObjectId;
pub use crate::domain::password::{Password, PasswordHash};
pub use crate::domain::persistent_login::{PersistentLogin, PersistentLoginId, Token};
pub use crate::domain::profile::{Profile, ProfileStatus, Username};
pub use crate::domain::query::error::QueryError;
pub use crate::domain::query::ranges::{IdRange, UsernameRange};
pub use crate::domain::query::value::{Fields, Value};
pub use crate::domain::query::{Query, parse_value};
pub use crate::domain::tenant::change::{TenantChange, TenantInput};
pub use crate::domain::tenant::{AttributeDefinition, AttributePermission, Tenant, TenantName};
pub use crate::domain::ticket::{TicketDigest, TicketId};
pub use crate::domain::token_chain::{Generation, GraceRules, Presented, TokenChain};
pub use crate::entropy::Entropy;
pub use crate::error::Failure;
pub use crate::http::error::ApiError;
pub use crate::service::bootstrap::seed::findings::SeedRules;
pub use crate::service::bootstrap::seed_reader::SeedFile;
pub use crate::service::caller::{AccessRefusal, Caller};
pub use crate::service::error::Error as ServiceError;
pub use crate::service::persistent_login::list::ListedLogin;
pub use crate::service::persistent_login::refresh::{Outcome, Refreshed};
pub use crate::service::persistent_login::refusal::{PersistentLoginRefusal, Revoked};
pub use crate::service::profile::create::NewProfile;
pub use crate::service::profile::update::ProfileUpdate;
pub use crate::service::profile::{ExpectedOwner, ProfileRefusal, ProfileSelector};
pub use crate::storage::Store;
pub use crate::storage::data_dir::DataDirectory;
pub use crate::storage::engine::opening::Opening;
pub use crate::storage::engine::{Engine, EngineOptions};
pub use crate::storage::journal::Journal;
pub use crate::storage::journal::limits::JournalLimits;
pub use crate::storage::opening::Opener;
pub use crate::storage::table::{Fixed, Table};
pub use crate::storage::transaction::Read;
pub use crate::storage::transaction::write_txn::WriteTxn;
pub use crate::storage::writer::WriterLimits;
pub use crate::tables::JOURNALED;
pub use crate::tables::meta::put_schema_version;
pub use crate::tables::persistent_login::key::LoginKey;
pub use crate::tables::secret_key::KeySource;
pub use crate::tables::upgrade::{SCHEMA_VERSION, run as upgrade, upgrade_copy};

/// Why a use case of persistent logins did not return its value.
pub type LoginError = crate::service::error::Error<PersistentLoginRefusal>;

/// Why a user did not sign in.
pub type SignInError =
    crate::service::error::Error<crate::service::authentication::refusal::AuthenticationRefusal>;

/// Whether a stored document matches a query. In its JSON, ids are `{"$oid": …}` and dates are `{"$date": …}`.
///
/// # Errors
///
/// What is wrong with the query, as a message for its sender, or with the document.
pub fn query_matches(query: &str, document: &serde_json::Value) -> Result<bool, String> {
    let query = Query::parse(query).map_err(|error| error.to_string())?;
    let document = document.to_string();
    let document = parse_value(&document).map_err(|error| error.to_string())?;
    Ok(query.matches_document(&document))
}

/// Opens the database in `directory`, or creates an empty one if there is none.
///
/// # Errors
///
/// As those of the program.
pub fn open_database(
    directory: &DataDirectory,
    options: &EngineOptions,
    opening: Opening,
    keys: &KeySource,
) -> Result<(Engine, KeyRing), Failure> {
    if opening == Opening::Start && !directory.has_database()? {
        tables_upgrade::create_database(directory, options, keys)?
            .0
            .close()?;
        directory.finish()?;
    }
    tables_upgrade::open_database(directory, options, opening, keys)
}

/// Opens a store and waits until its database is open.
///
/// # Errors
///
/// What `opener` fails with.
pub async fn open_store(opener: Opener, limits: &WriterLimits) -> Result<Store, Failure> {
    let (store, opened) = Store::start(opener, JOURNALED, limits)?;
    opened.await.map_err(|_| Failure::Unavailable)??;
    Ok(store)
}

/// The sockets.
pub mod server {
    pub use crate::server::listener::Listeners;
    pub use crate::server::run;
}

/// Background work.
pub mod jobs {
    pub use crate::jobs::clock::{check as check_clock, start};
    pub use crate::jobs::mail::run as run_mail;
    pub use crate::jobs::{run, stop};
}

/// The use cases.
pub mod service {
    /// Those of the example data.
    pub mod demo {
        pub use crate::service::bootstrap::demo::ACCESS_TOKEN_ID;
    }

    /// Those of access tokens.
    pub mod access_token {
        pub use crate::service::access_token::create::create;
        pub use crate::service::access_token::delete::delete;
    }

    /// Those of attachments.
    pub mod attachment {
        pub use crate::service::attachment::clean_up::{remove_of_deleted, remove_orphans};
    }

    /// Those of persistent logins.
    pub mod persistent_login {
        use super::super::{
            App, Caller, Device, ListedLogin, LoginError, PersistentLogin, PersistentLoginId,
            ProfileSelector, Refreshed, Token,
        };
        use crate::service::persistent_login::{create, delete as deletion, list, read, refresh};

        pub use crate::service::persistent_login::create::{NewLogin, create as create_new};
        pub use crate::service::persistent_login::delete::delete as delete_of;
        pub use crate::service::persistent_login::end::{ended_profiles, remove_ended};
        pub use crate::service::persistent_login::expire::{delete_expired, delete_idle};
        pub use crate::service::persistent_login::refresh::{
            RefreshOptions, refresh as refresh_with,
        };

        // Most tests name a profile by its id and use nothing that is optional.

        /// Creates a login of the profile with this id.
        ///
        /// # Errors
        ///
        /// As there.
        pub async fn create(
            app: &App,
            caller: Caller,
            profile_id: String,
            device: Device,
        ) -> Result<PersistentLogin, LoginError> {
            let new = NewLogin {
                profile: ProfileSelector::Id(profile_id),
                creates_profile: false,
                device,
                is_extended: false,
            };
            let created = create::create(app, caller, new).await?;
            Ok(created.login)
        }

        /// Reads the login with this id.
        ///
        /// # Errors
        ///
        /// As there.
        pub fn read(app: &App, caller: Caller, id: String) -> Result<PersistentLogin, LoginError> {
            Ok(read::read(app, caller, id, false)?.login)
        }

        /// Refreshes the login with this id.
        ///
        /// # Errors
        ///
        /// As there.
        pub async fn refresh(
            app: &App,
            caller: Caller,
            id: String,
            presented: Option<Token>,
        ) -> Result<Refreshed, LoginError> {
            let options = RefreshOptions {
                presented,
                ..RefreshOptions::default()
            };
            refresh::refresh(app, caller, id, options).await
        }

        /// Deletes the login with this id.
        ///
        /// # Errors
        ///
        /// As there.
        pub async fn delete(app: &App, caller: Caller, id: String) -> Result<(), LoginError> {
            deletion::delete(app, caller, id, None).await
        }

        /// Lists logins of the profile with this id.
        ///
        /// # Errors
        ///
        /// As there.
        pub async fn list_by_profile(
            app: &App,
            caller: Caller,
            profile_id: String,
            start: usize,
            count: usize,
        ) -> Result<Vec<ListedLogin>, LoginError> {
            let profile = ProfileSelector::Id(profile_id);
            let mut list = list::list_by_profile(app, caller, profile, start, count).await?;
            let mut logins = Vec::new();
            while !list.is_complete() {
                logins.append(&mut list.take_some()?);
                tokio::task::yield_now().await;
            }
            Ok(logins)
        }

        /// Ends the logins of the profile with this id.
        ///
        /// # Errors
        ///
        /// As there.
        pub async fn delete_by_profile(
            app: &App,
            caller: Caller,
            profile_id: String,
            except: Option<PersistentLoginId>,
        ) -> Result<usize, LoginError> {
            let profile = ProfileSelector::Id(profile_id);
            deletion::delete_by_profile(app, caller, profile, except).await
        }
    }

    /// That of signing in.
    pub mod authentication {
        pub use crate::service::authentication::authenticate::{Credentials, authenticate};
        pub use crate::service::authentication::refusal::AuthenticationRefusal;
    }

    /// Those of mails.
    pub mod mail {
        pub use crate::domain::mail::{LinkUrl, MailKind};
        pub use crate::service::mail::enqueue::NewMail;
        pub use crate::smtp::Mailer;
    }

    /// Those of passwords.
    pub mod password {
        pub use crate::service::password::{Comparison, compare, hash};
    }

    /// Those of profiles.
    pub mod profile {
        pub use crate::service::profile::attributes::{remove_attributes, update_attributes};
        pub use crate::service::profile::change_password::change_password;
        pub use crate::service::profile::count::count;
        pub use crate::service::profile::create::create;
        pub use crate::service::profile::delete::delete;
        pub use crate::service::profile::enable::set_enabled;
        pub use crate::service::profile::read::{read, read_by_ticket, read_by_username};
        pub use crate::service::profile::roles::{add_roles, remove_roles};
        pub use crate::service::profile::update::update;
        pub use crate::service::profile::verify::verify;
    }

    /// Those of tickets.
    pub mod ticket {
        pub use crate::service::ticket::create::create;
        pub use crate::service::ticket::end::{ended_profiles, remove_ended};
        pub use crate::service::ticket::expire::delete_expired;
        pub use crate::service::ticket::invalidate::invalidate;
        pub use crate::service::ticket::read::read;
        pub use crate::service::ticket::save::save_requests;
    }

    /// Those of verification tokens.
    pub mod verification_token {
        pub use crate::service::verification_token::create::create;
        pub use crate::service::verification_token::expire::delete_expired;
        pub use crate::service::verification_token::read::read;
    }

    /// Those of a seed file.
    pub mod seed {
        pub use crate::service::bootstrap::seed::{LoadError, Loaded, load};
    }

    /// Those of tenants.
    pub mod tenant {
        pub use crate::service::tenant::create::create;
        pub use crate::service::tenant::delete::delete;
        pub use crate::service::tenant::follow::{carry_out_sweeps, remove_ended};
        pub use crate::service::tenant::read::all;
        pub use crate::service::tenant::update::update;
    }

    /// Those of an empty database.
    pub mod audit_key {
        pub use crate::service::bootstrap::audit_key::prepare;
    }
}

/// Records of each resource.
pub mod tables {
    /// Of access tokens.
    pub mod access_token {
        pub use crate::tables::access_token::{DigestedId, SealedId, get, put};
    }

    /// Of mails that are to be sent.
    pub mod mail_outbox {
        pub use crate::tables::mail_outbox::{count, next, remove};
    }

    /// Of persistent logins.
    pub mod persistent_login {
        pub use crate::tables::persistent_login::{
            BY_CREATION, count, create, delete, device, get, is_empty, of_profile, remove_expired,
            walk,
        };
    }

    /// Of profiles.
    pub mod profile {
        pub use crate::tables::profile::record::{BY_USERNAME, PROFILES, username_key};
        pub use crate::tables::profile::{delete, get, id_by_username, put, status};
    }

    /// Of failed sign-ins.
    pub mod sign_in {
        pub use crate::tables::sign_in::get;
    }

    /// Of tenants.
    pub mod tenant {
        pub use crate::tables::tenant::{get, put};
    }

    /// Of verification tokens.
    pub mod verification_token {
        pub use crate::domain::verification_token::{
            VerificationToken, VerificationTokenDigest, VerificationTokenId,
        };
        pub use crate::tables::verification_token::{count, create, get};
    }

    /// Of tickets.
    pub mod ticket {
        pub use crate::tables::ticket::{BY_DIGEST, count, get};
    }
}
