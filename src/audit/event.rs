//! What may happen, its name in the log, and how much attention it deserves.

/// Why a login was revoked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reason {
    /// A token was presented that had been used before.
    TokenReuse,
    /// Its profile has as many logins as it may have, and a new one was created.
    Cap,
    /// The key of its tokens is missing, and the server goes on without it.
    KeyMissing,
}

/// Why a sign-in failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SignInFailure {
    /// The tenant has no profile with this username, or there is no such tenant.
    UnknownUser,
    /// The password is not that of the profile, or the profile has none.
    WrongPassword,
    /// The profile is disabled.
    Disabled,
    /// The profile is locked after too many failures.
    Locked,
}

/// What may happen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event {
    /// A login was created.
    Create,
    /// A login's token was replaced.
    Rotation,
    /// The token just replaced was presented, and answered with the current one.
    Grace,
    /// A refresh without a token came soon after a rotation, and was answered with its result.
    Coalesced,
    /// A login's token was replaced again, because the response with it was lost.
    LateRetry,
    /// A login's token was replaced, after one was presented that is newer than the database.
    NewerToken,
    /// A token was presented that was never one of the login.
    UnknownToken,
    /// Tokens were presented again late for many generations in a row: the login may be used by two clients.
    Shared,
    /// A token was presented that had been used before.
    Reuse,
    /// A login was ended for its protection.
    Revocation(Reason),
    /// A login had expired and was removed.
    Expiry,
    /// A login was ended by the application.
    Delete,
    /// A ticket was created without a password.
    CreateTicket,
    /// A ticket was ended by the application.
    InvalidateTicket,
    /// A user signed in with a password, and got a ticket.
    SignIn,
    /// A sign-in failed.
    FailedSignIn(SignInFailure),
    /// A profile was locked, because sign-ins failed too often.
    Lockout,
    /// The operator ended the lock of a profile, and the failed sign-ins count no more.
    UnlockProfile,
    /// A profile was created.
    CreateProfile,
    /// A profile was changed otherwise than by the events below.
    UpdateProfile,
    /// A profile was enabled.
    EnableProfile,
    /// A profile was disabled, which ended its logins and tickets.
    DisableProfile,
    /// A profile was deleted, which ended its logins and tickets.
    DeleteProfile,
    /// A profile got another password, which ended its logins and tickets.
    ChangePassword,
    /// An attachment of a profile was uploaded.
    UploadAttachment,
    /// A profile was verified and enabled, by a verification token.
    VerifyProfile,
    /// A mail was queued with which a user can set another password.
    ResetPassword,
    /// A verification token was created for the application.
    CreateVerificationToken,
    /// A verification token was deleted by the application, unused.
    DeleteVerificationToken,
    /// A tenant was created.
    CreateTenant,
    /// A tenant was changed.
    UpdateTenant,
    /// A tenant was deleted, which ended its profiles with their logins and tickets.
    DeleteTenant,
    /// All logins of a tenant were ended by the operator.
    EndTenantLogins,
    /// All logins of all tenants were ended by the operator.
    EndAllLogins,
    /// The operator added a secret key.
    RotateKey,
    /// The operator dropped a secret key, which ended the logins that needed it.
    DropKey,
    /// An access token was created.
    CreateAccessToken,
    /// An access token was deleted.
    DeleteAccessToken,
    /// The operator imported documents of a collection.
    Import,
    /// The operator began to export a collection, with its secrets in clear.
    Export,
    /// A backup of the database was begun, by the operator or by schedule.
    Backup,
}

/// What the log says of an event beside its subject.
pub(super) struct Description {
    /// Its name.
    pub(super) name: &'static str,
    /// Why it happened, if it may happen for several reasons.
    pub(super) reason: Option<&'static str>,
    /// Whether it deserves attention: it may be an attack, or it ended a login against the will of its owner.
    pub(super) is_warning: bool,
    /// Whether somebody can repeat it without an end, for the same login or profile.
    pub(super) is_repeatable: bool,
}

impl Event {
    /// Every event, for whoever reads all counters.
    pub const ALL: [Self; 46] = [
        Self::Create,
        Self::Rotation,
        Self::Grace,
        Self::Coalesced,
        Self::LateRetry,
        Self::NewerToken,
        Self::UnknownToken,
        Self::Shared,
        Self::Reuse,
        Self::Revocation(Reason::TokenReuse),
        Self::Revocation(Reason::Cap),
        Self::Revocation(Reason::KeyMissing),
        Self::Expiry,
        Self::Delete,
        Self::CreateTicket,
        Self::InvalidateTicket,
        Self::SignIn,
        Self::FailedSignIn(SignInFailure::UnknownUser),
        Self::FailedSignIn(SignInFailure::WrongPassword),
        Self::FailedSignIn(SignInFailure::Disabled),
        Self::FailedSignIn(SignInFailure::Locked),
        Self::Lockout,
        Self::UnlockProfile,
        Self::CreateProfile,
        Self::UpdateProfile,
        Self::EnableProfile,
        Self::DisableProfile,
        Self::DeleteProfile,
        Self::ChangePassword,
        Self::UploadAttachment,
        Self::VerifyProfile,
        Self::ResetPassword,
        Self::CreateVerificationToken,
        Self::DeleteVerificationToken,
        Self::CreateTenant,
        Self::UpdateTenant,
        Self::DeleteTenant,
        Self::EndTenantLogins,
        Self::EndAllLogins,
        Self::RotateKey,
        Self::DropKey,
        Self::CreateAccessToken,
        Self::DeleteAccessToken,
        Self::Import,
        Self::Export,
        Self::Backup,
    ];

    /// Its name in the log, and why it happened, if it may happen for several reasons.
    pub const fn names(self) -> (&'static str, Option<&'static str>) {
        let description = self.description();
        (description.name, description.reason)
    }

    /// The place of the event in [`Event::ALL`].
    pub(super) fn index(self) -> usize {
        let mut all = Self::ALL.iter();
        all.position(|event| *event == self)
            .expect("every event is in the list")
    }

    pub(super) const fn description(self) -> Description {
        match self {
            Self::Create => event("create"),
            Self::Rotation => event("rotation"),
            Self::Grace => event("grace"),
            Self::Coalesced => event("coalesced"),
            Self::LateRetry => repeatable("late_retry"),
            Self::NewerToken => warning("newer_token"),
            Self::UnknownToken => repeatable("unknown_token"),
            Self::Shared => warning("shared"),
            // It repeats if a reuse revokes nothing.
            Self::Reuse => repeatable("reuse"),
            Self::Revocation(Reason::TokenReuse) => warning("revocation").because("token_reuse"),
            Self::Revocation(Reason::Cap) => event("revocation").because("cap"),
            Self::Revocation(Reason::KeyMissing) => warning("revocation").because("key_missing"),
            Self::Expiry => event("expiry"),
            Self::Delete => event("delete"),
            Self::CreateTicket => event("create_ticket"),
            Self::InvalidateTicket => event("invalidate_ticket"),
            Self::SignIn => event("sign_in"),
            Self::FailedSignIn(failure) => repeatable("failed_sign_in").because(match failure {
                SignInFailure::UnknownUser => "unknown_user",
                SignInFailure::WrongPassword => "wrong_password",
                SignInFailure::Disabled => "disabled",
                SignInFailure::Locked => "locked",
            }),
            Self::Lockout => warning("lockout"),
            Self::UnlockProfile => event("unlock_profile"),
            Self::CreateProfile => event("create_profile"),
            Self::UpdateProfile => event("update_profile"),
            Self::EnableProfile => event("enable_profile"),
            Self::DisableProfile => event("disable_profile"),
            Self::DeleteProfile => event("delete_profile"),
            Self::ChangePassword => event("change_password"),
            Self::UploadAttachment => event("upload_attachment"),
            Self::VerifyProfile => event("verify_profile"),
            Self::ResetPassword => event("reset_password"),
            Self::CreateVerificationToken => event("create_verification_token"),
            Self::DeleteVerificationToken => event("delete_verification_token"),
            Self::CreateTenant => event("create_tenant"),
            Self::UpdateTenant => event("update_tenant"),
            Self::DeleteTenant => event("delete_tenant"),
            Self::EndTenantLogins => event("end_tenant_logins"),
            Self::EndAllLogins => event("end_all_logins"),
            Self::RotateKey => event("rotate_key"),
            Self::DropKey => event("drop_key"),
            Self::CreateAccessToken => event("create_access_token"),
            Self::DeleteAccessToken => event("delete_access_token"),
            Self::Import => event("import"),
            Self::Export => event("export"),
            Self::Backup => event("backup"),
        }
    }
}

const fn event(name: &'static str) -> Description {
    Description {
        name,
        reason: None,
        is_warning: false,
        is_repeatable: false,
    }
}

const fn warning(name: &'static str) -> Description {
    Description {
        is_warning: true,
        ..event(name)
    }
}

const fn repeatable(name: &'static str) -> Description {
    Description {
        is_repeatable: true,
        ..warning(name)
    }
}

impl Description {
    const fn because(self, reason: &'static str) -> Self {
        Self {
            reason: Some(reason),
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_is_counted_by_itself() {
        let mut indexes = Event::ALL.map(Event::index);
        indexes.sort_unstable();
        let mut places = indexes.iter().enumerate();
        assert!(places.all(|(place, index)| place == *index));
    }

    #[test]
    fn no_two_events_are_logged_alike() {
        let mut logged = Event::ALL.map(|event| {
            let description = event.description();
            (description.name, description.reason)
        });
        logged.sort_unstable();
        assert!(logged.windows(2).all(|pair| pair[0] != pair[1]));
    }
}
