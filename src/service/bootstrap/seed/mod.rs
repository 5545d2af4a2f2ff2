//! Loading a seed file into an empty database: all of it in one transaction, or nothing.

mod check;
pub mod findings;

use std::fmt;

use crate::app::App;
use crate::clock::Timestamp;
use crate::domain::access_token::AccessToken;
use crate::domain::device::Device;
use crate::domain::login_state::LoginState;
use crate::domain::persistent_login::PersistentLogin;
use crate::domain::profile::Profile;
use crate::domain::tenant::Tenant;
use crate::domain::ticket::{Ticket, TicketDigest, TicketState};
use crate::domain::verification_token::{VerificationToken, VerificationTokenDigest};
use crate::entropy::Entropy;
use crate::error::Failure;
use crate::service::bootstrap::seed::check::{Check, ImportedVerificationToken};
use crate::service::bootstrap::seed::findings::{EntryPath, Findings, SeedRules};
use crate::service::bootstrap::seed_error::SeedError;
use crate::service::bootstrap::seed_file::SeedFile;
use crate::service::bootstrap::token_file::GeneratedToken;
use crate::storage::transaction::Read;
use crate::storage::transaction::write_txn::WriteTxn;
use crate::tables::access_token::{self, DigestedId, SealedId};
use crate::tables::{persistent_login, profile, tenant, ticket, verification_token};

/// The consequence of a key that everybody knows.
const FORGEABLE: &str = "if the application that issued their cookies still uses the default key of its security \
                         library, anybody can read and forge such a cookie; give it a key of its own";

/// The checked entries of a seed file: ids are unique, and every tenant and profile that is referred to exists.
#[derive(Debug)]
pub struct Seed {
    access_tokens: Vec<(DigestedId, AccessToken)>,
    tenants: Vec<Tenant>,
    profiles: Vec<Profile>,
    logins: Vec<PersistentLogin>,
    tickets: Vec<Ticket>,
    verification_tokens: Vec<ImportedVerificationToken>,
    /// The access tokens whose ids were generated because the file has none.
    generated: Vec<GeneratedToken>,
    findings: Findings,
}

/// How many entries of each kind there are. Displayed as text for who loads them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SeedCounts {
    profiles: usize,
    logins: usize,
    tenants: usize,
    access_tokens: usize,
    tickets: usize,
    verification_tokens: usize,
    skipped: usize,
}

impl SeedCounts {
    /// How many entries there are, without those that are skipped.
    pub fn total(&self) -> usize {
        self.profiles
            + self.logins
            + self.tenants
            + self.access_tokens
            + self.tickets
            + self.verification_tokens
    }
}

impl fmt::Display for SeedCounts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = [
            (self.profiles, "profile"),
            (self.logins, "login"),
            (self.tenants, "tenant"),
            (self.access_tokens, "access token"),
        ];
        // Few files have them.
        let others = [
            (self.tickets, "ticket"),
            (self.verification_tokens, "verification token"),
        ];
        let others = others.into_iter().filter(|(count, _)| *count > 0);
        for (at, (count, name)) in counts.into_iter().chain(others).enumerate() {
            let comma = if at > 0 { ", " } else { "" };
            let plural = if count == 1 { "" } else { "s" };
            write!(formatter, "{comma}{count} {name}{plural}")?;
        }
        match self.skipped {
            0 => Ok(()),
            1 => formatter.write_str("; 1 entry skipped"),
            skipped => write!(formatter, "; {skipped} entries skipped"),
        }
    }
}

/// Loads `seed`, if the database is empty. A large one takes long, so there is no timeout. Returns whether the
/// database was empty.
///
/// # Errors
///
/// Failures of the storage.
pub async fn load(app: &App, seed: Seed) -> Result<bool, Failure> {
    let keys = app.keys.get()?;
    let seal_id = |(id, _): &(DigestedId, _)| SealedId::seal(keys, app.entropy.bytes(), id);
    let ids: Vec<_> = seed.access_tokens.iter().map(seal_id).collect();
    let timeline = app.clock.now().timeline;
    let import =
        |login: &PersistentLogin| LoginState::import(login, &timeline, keys, app.entropy.bytes());
    let logins: Vec<_> = seed.logins.iter().map(import).collect();
    let (_, key) = keys.newest();
    // In an empty database none of them can be of a tenant or a profile whose access has ended.
    let ticket = |ticket: &Ticket| TicketState {
        digest: TicketDigest::new(ticket.id, key),
        tenant: ticket.tenant.clone(),
        profile_id: ticket.profile_id,
        era: 0,
        last_request: timeline.moment(ticket.last_request),
    };
    let tickets: Vec<_> = seed.tickets.iter().map(ticket).collect();
    let verification_token = |token: &ImportedVerificationToken| VerificationToken {
        digest: VerificationTokenDigest::new(token.id, key),
        tenant: token.tenant.clone(),
        profile_id: token.profile_id,
        created: timeline.moment(token.created),
    };
    let verification_tokens = seed.verification_tokens.iter().map(verification_token);
    let verification_tokens: Vec<_> = verification_tokens.collect();
    app.store
        .write(move |txn| {
            let is_empty = is_empty(txn)?;
            if is_empty {
                seed.put(txn, &ids, &logins)?;
                for state in &tickets {
                    ticket::create(txn, state)?;
                }
                for token in &verification_tokens {
                    verification_token::create(txn, token)?;
                }
            }
            Ok(is_empty)
        })
        .await
}

/// Whether the database has no record of the kinds that a seed file has.
///
/// # Errors
///
/// Failures of the storage.
pub fn is_empty(txn: &impl Read) -> Result<bool, Failure> {
    Ok(access_token::is_empty(txn)?
        && tenant::is_empty(txn)?
        && profile::is_empty(txn)?
        && persistent_login::is_empty(txn)?
        && ticket::count(txn)? == 0
        && verification_token::is_empty(txn)?)
}

impl Seed {
    /// Checks a seed file's entries, also against each other. Ids that are missing are generated, and dates that
    /// are missing are `now`. An entry that belongs to a tenant or a profile that is not in the file is skipped, unless
    /// the rules are strict.
    ///
    /// # Errors
    ///
    /// For the first invalid entry, with its path in the file.
    pub fn check(
        file: SeedFile,
        rules: SeedRules,
        now: Timestamp,
        entropy: &Entropy,
    ) -> Result<Self, SeedError> {
        let mut check = Check::new(rules, now, entropy);
        let tenants = each("tenant", file.tenant, |at, entry| {
            check.tenant(at, entry).map(Some)
        })?;
        let profiles = each("profile", file.profile, |at, entry| {
            check.profile(at, entry)
        })?;
        let logins = each("persistentlogin", file.persistentlogin, |at, entry| {
            check.login(at, entry)
        })?;
        let tickets = each("ticket", file.ticket, |at, entry| check.ticket(at, entry))?;
        let verification_tokens =
            each("verificationtoken", file.verificationtoken, |at, entry| {
                check.verification_token(at, entry)
            })?;
        let access_tokens = each("accesstoken", file.accesstoken, |at, entry| {
            check.access_token(at, entry).map(Some)
        })?;
        Ok(Self {
            access_tokens,
            tenants,
            profiles,
            logins,
            tickets,
            verification_tokens,
            generated: check.generated,
            findings: check.findings,
        })
    }

    /// The access tokens whose ids were generated. Nothing else has these ids.
    pub fn generated(&self) -> &[GeneratedToken] {
        &self.generated
    }

    /// What is valid and does not do what it seems to or should not stay as it is: entries that are skipped,
    /// permissions for a tenant that is not there or for an action that there is not, and secrets that everybody knows.
    /// Only the first of a kind are here.
    pub fn warnings(&self) -> impl Iterator<Item = String> {
        let imported = (!self.logins.is_empty()).then(|| format!("persistentlogin: {FORGEABLE}"));
        self.findings.texts().chain(imported)
    }

    /// How many entries it has.
    pub fn counts(&self) -> SeedCounts {
        SeedCounts {
            profiles: self.profiles.len(),
            logins: self.logins.len(),
            tenants: self.tenants.len(),
            access_tokens: self.access_tokens.len(),
            tickets: self.tickets.len(),
            verification_tokens: self.verification_tokens.len(),
            skipped: self.findings.skipped(),
        }
    }

    /// Whether it has the access token with this id.
    pub fn has_access_token(&self, id: &str) -> bool {
        let mut tokens = self.access_tokens.iter();
        tokens.any(|(own, _)| own.id.reveal() == id)
    }

    fn put(&self, txn: &WriteTxn, ids: &[SealedId], logins: &[LoginState]) -> Result<(), Failure> {
        for ((id, token), sealed) in self.access_tokens.iter().zip(ids) {
            access_token::put(txn, id, sealed, token)?;
        }
        for entry in &self.tenants {
            tenant::put(txn, entry)?;
        }
        for entry in &self.profiles {
            profile::put(txn, entry)?;
        }
        for login in logins {
            persistent_login::create(txn, login, &Device::default())?;
        }
        Ok(())
    }
}

/// The entries of a list that `check` does not skip.
fn each<E, T>(
    list: &'static str,
    entries: Vec<E>,
    mut check: impl FnMut(EntryPath, E) -> Result<Option<T>, SeedError>,
) -> Result<Vec<T>, SeedError> {
    let entries = entries.into_iter().enumerate();
    entries
        .filter_map(|(index, entry)| check(EntryPath { list, index }, entry).transpose())
        .collect()
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::domain::password::{Password, PasswordHash};
    use crate::service::bootstrap::demo;

    use super::*;

    const PROFILE: &str = "5925a68def86951f895cf497";
    const LOGIN: &str = "b68c0013-d7b2-4004-8463-d7ba03e15d94";

    fn whole() -> Value {
        json!({
            "accesstoken": [{"_id": "a", "application": "shop"}],
            "tenant": [{"name": "default"}],
            "profile": [{"_id": PROFILE, "username": "jdoe", "enabled": true, "tenant": "default"}],
            "persistentlogin": [
                {"_id": LOGIN, "tenant": "default", "profileId": {"$oid": PROFILE}, "token": LOGIN}
            ],
            "ticket": [{"_id": LOGIN, "tenant": "default", "profileId": PROFILE}],
            "verificationtoken": [{"_id": LOGIN, "tenant": "default", "profileId": PROFILE}],
        })
    }

    fn check(file: &Value) -> Result<Seed, String> {
        let file =
            SeedFile::parse(file.to_string().as_bytes()).map_err(|error| error.to_string())?;
        let rules = SeedRules { is_strict: true };
        Seed::check(file, rules, Timestamp::from_millis(77), &Entropy::seeded(1))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn missing_ids_and_dates_are_generated() {
        let mut file = whole();
        file["accesstoken"] = json!([{"application": "shop"}]);
        let seed = check(&file).expect("a valid file");
        assert_eq!(seed.generated.len(), 1);
        assert_eq!(seed.logins[0].timestamp, Timestamp::from_millis(77));
        assert_eq!(seed.profiles[0].created_on, Timestamp::from_millis(77));
    }

    #[test]
    fn an_invalid_entry_is_refused_with_its_path() {
        let cases = [
            ("/accesstoken/0/_id", json!(""), "accesstoken[0]._id: "),
            ("/tenant/0/name", json!(""), "tenant[0].name: "),
            ("/profile/0/_id", json!("xyz"), "profile[0]._id: "),
            ("/profile/0/tenant", json!("other"), "profile[0].tenant: "),
            ("/profile/0/username", json!(""), "profile[0].username: "),
            (
                "/persistentlogin/0/_id",
                json!("7"),
                "persistentlogin[0]._id: ",
            ),
            (
                "/persistentlogin/0/token",
                json!("7"),
                "persistentlogin[0].token: ",
            ),
            (
                "/persistentlogin/0/tenant",
                json!("x"),
                "persistentlogin[0].tenant: ",
            ),
            (
                "/persistentlogin/0/profileId",
                json!("000000000000000000000000"),
                "persistentlogin[0].profileId: ",
            ),
            ("/ticket/0/_id", json!("7"), "ticket[0]._id: "),
            (
                "/ticket/0/profileId",
                json!("000000000000000000000000"),
                "ticket[0].profileId: ",
            ),
            ("/ticket/0/tenant", json!("x"), "ticket[0].tenant: "),
            (
                "/verificationtoken/0/_id",
                json!("7"),
                "verificationtoken[0]._id: ",
            ),
            (
                "/verificationtoken/0/profileId",
                json!("000000000000000000000000"),
                "verificationtoken[0].profileId: ",
            ),
        ];
        for (pointer, value, path) in cases {
            let mut file = whole();
            *file.pointer_mut(pointer).expect(pointer) = value;
            let refusal = check(&file).expect_err(pointer);
            assert!(refusal.starts_with(path), "{refusal}");
        }
    }

    #[test]
    fn a_clear_text_password_is_refused() {
        let mut file = whole();
        file["profile"][0]["password"] = json!("secret");
        let refusal = check(&file).expect_err("a password must be a hash");
        assert!(refusal.starts_with("profile[0].password: "), "{refusal}");
        assert!(!refusal.contains("secret"));
    }

    #[test]
    fn a_permission_for_what_is_not_there_is_a_warning() {
        let mut file = whole();
        file["accesstoken"][0]["tenantPermissions"] = json!([
            {"tenant": "*", "allowedActions": ["*"]},
            {"tenant": "default", "allowedActions": ["MANAGE_TICKETS", "READ_TENANT"]},
            {"tenant": "defualt", "allowedActions": ["manage_tickets"]},
        ]);
        file["persistentlogin"] = json!([]);
        let seed = check(&file).expect("a valid file");
        let expected = [
            "accesstoken[0].tenantPermissions[2].tenant: there is no tenant \"defualt\" in the file",
            "accesstoken[0].tenantPermissions[2].allowedActions: there is no action \"manage_tickets\"; the actions \
             are MANAGE_TICKETS, MANAGE_PROFILES, CREATE_TENANT, READ_TENANT, UPDATE_TENANT, DELETE_TENANT, \
             CREATE_TOKEN, READ_TOKEN, DELETE_TOKEN and *",
        ];
        assert_eq!(seed.warnings().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn what_belongs_to_nothing_is_skipped_and_counted_unless_the_rules_are_strict() {
        let mut file = whole();
        let other = |id: &str, tenant: &str| json!({"_id": id, "username": id, "enabled": true, "tenant": tenant});
        let profiles = file["profile"].as_array_mut().expect("a list");
        profiles.insert(0, other("5925a68def86951f895cf401", "gone"));
        profiles.push(other("5925a68def86951f895cf402", "gone"));
        let login = |profile: &str, tenant: &str| json!({"tenant": tenant, "profileId": profile, "token": LOGIN});
        let logins = file["persistentlogin"].as_array_mut().expect("a list");
        logins.push(login("5925a68def86951f895cf402", "default"));
        logins.push(login("5925a68def86951f895cf401", "gone"));
        for list in ["ticket", "verificationtoken"] {
            let unknown = json!({
                "_id": LOGIN.replace('b', "c"),
                "tenant": "default",
                "profileId": "5925a68def86951f895cf403",
            });
            file[list].as_array_mut().expect("a list").push(unknown);
        }
        let refused = check(&file).expect_err("the rules are strict");
        assert_eq!(
            refused,
            "profile[0].tenant: there is no such tenant in the file"
        );
        let parsed = SeedFile::parse(file.to_string().as_bytes()).expect("a valid file");
        let (rules, now) = (SeedRules::default(), Timestamp::from_millis(77));
        let seed = Seed::check(parsed, rules, now, &Entropy::seeded(1)).expect("it is loaded");
        assert_eq!(
            seed.counts().to_string(),
            "1 profile, 1 login, 1 tenant, 1 access token, 1 ticket, 1 verification token; 6 entries skipped"
        );
        assert_eq!(seed.counts().total(), 6);
        let warnings: Vec<_> = seed.warnings().collect();
        let expected = [
            "profile: 2 entries are skipped: there is no such tenant in the file; the first is profile[0]",
            "persistentlogin: 1 entry is skipped: there is no such profile in the file; the first is persistentlogin[1]",
            "persistentlogin: 1 entry is skipped: there is no such tenant in the file; the first is persistentlogin[2]",
        ];
        assert_eq!(warnings[..3], expected);
        assert!(
            warnings[5].starts_with("persistentlogin: if "),
            "{warnings:?}"
        );
    }

    #[test]
    fn a_user_with_a_password_that_everybody_knows_is_a_warning() {
        let mut file = whole();
        file["persistentlogin"] = json!([]);
        file["profile"][0]["username"] = json!("admin");
        let hash = |text: &str| {
            let password = Password::new(text).expect("it is short");
            json!(PasswordHash::contract(&password, [7; 16]).to_text())
        };
        file["profile"][0]["password"] = hash("Admin");
        let seed = check(&file).expect("a valid file");
        assert_eq!(seed.warnings().count(), 0);
        file["profile"][0]["password"] = hash("admin");
        let seed = check(&file).expect("a valid file");
        let expected = "profile[0].password: everybody knows the password of the user \"admin\" of the tenant \
                        \"default\"; change it";
        assert_eq!(seed.warnings().collect::<Vec<_>>(), [expected]);
    }

    #[test]
    fn an_access_token_that_everybody_knows_is_a_warning() {
        let mut file = whole();
        file["accesstoken"][0]["_id"] = json!(demo::ACCESS_TOKEN_ID);
        file["persistentlogin"] = json!([]);
        let seed = check(&file).expect("a valid file");
        let expected = "accesstoken[0]._id: everybody knows this access token, of the application \"shop\"; give it \
                        another _id";
        assert_eq!(seed.warnings().collect::<Vec<_>>(), [expected]);
    }

    #[test]
    fn duplicates_are_refused() {
        for list in [
            "accesstoken",
            "tenant",
            "profile",
            "persistentlogin",
            "ticket",
            "verificationtoken",
        ] {
            let mut file = whole();
            let entries = file[list].as_array_mut().expect("a list");
            entries.push(entries[0].clone());
            let refusal = check(&file).expect_err(list);
            assert!(refusal.starts_with(&format!("{list}[1].")), "{refusal}");
        }
    }
}
