//! What a client or the cleaner may do to logins: done by the services, and followed by the model.

use rememberd::testing::{
    App, Device, ListedLogin, LoginError, LoginKey, PersistentLogin, PersistentLoginId, Token,
    service::persistent_login,
};

use crate::support::contract::{As, Model};

/// One operation, with everything that it needs to be repeated.
#[derive(Clone, Debug)]
pub enum Operation {
    Create(As, String, Device),
    Read(As, String),
    Refresh(As, String, Option<Token>),
    Delete(As, String),
    List(As, String, usize, usize),
    DeleteByProfile(As, String, Option<PersistentLoginId>),
    DeleteExpired,
    DeleteIdle(Option<LoginKey>),
}

/// What the services said to it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answer {
    Login(Result<PersistentLogin, LoginError>),
    Done(Result<(), LoginError>),
    List(Result<Vec<ListedLogin>, LoginError>),
    Count(Result<usize, LoginError>),
    Walked(Result<Option<LoginKey>, LoginError>),
}

impl Operation {
    pub async fn perform(self, app: &App) -> Answer {
        match self {
            Self::Create(who, profile_id, device) => {
                let caller = who.caller();
                Answer::Login(persistent_login::create(app, caller, profile_id, device).await)
            }
            Self::Read(who, id) => Answer::Login(persistent_login::read(app, who.caller(), id)),
            Self::Refresh(who, id, presented) => {
                let caller = who.caller();
                Answer::Login(persistent_login::refresh(app, caller, id, presented).await)
            }
            Self::Delete(who, id) => {
                Answer::Done(persistent_login::delete(app, who.caller(), id).await)
            }
            Self::List(who, profile_id, start, count) => {
                let caller = who.caller();
                let list = persistent_login::list_by_profile(app, caller, profile_id, start, count);
                Answer::List(list)
            }
            Self::DeleteByProfile(who, profile_id, except) => {
                let caller = who.caller();
                let count =
                    persistent_login::delete_by_profile(app, caller, profile_id, except).await;
                Answer::Count(count)
            }
            Self::DeleteExpired => Answer::Count(
                persistent_login::delete_expired(app)
                    .await
                    .map_err(Into::into),
            ),
            Self::DeleteIdle(after) => Answer::Walked(
                persistent_login::delete_idle(app, after)
                    .await
                    .map_err(Into::into),
            ),
        }
    }
}

impl Model {
    /// Does the same, and asserts that the services' answer is the right one.
    pub fn follow(&mut self, shown: &str, operation: Operation, answer: Answer) {
        let expected = match (operation, answer.clone()) {
            (Operation::Create(who, profile_id, device), Answer::Login(answer)) => {
                let expected = self.authorize_create(who, &profile_id);
                return self.created(shown, expected, device, answer);
            }
            (Operation::Refresh(who, id, presented), Answer::Login(answer)) => {
                let expected = self.refresh(who, &id, presented);
                return self.refreshed(shown, expected, answer);
            }
            (Operation::Create(..) | Operation::Refresh(..), _) => {
                panic!("{shown}: {answer:?}");
            }
            (Operation::Read(who, id), _) => {
                Answer::Login(self.readable(who, &id).map(|(login, _)| login))
            }
            (Operation::Delete(who, id), _) => Answer::Done(self.delete(who, &id)),
            (Operation::List(who, profile_id, start, count), _) => {
                Answer::List(self.list_by_profile(who, &profile_id, start, count))
            }
            (Operation::DeleteByProfile(who, profile_id, except), _) => {
                Answer::Count(self.delete_by_profile(who, &profile_id, except))
            }
            (Operation::DeleteExpired, _) => Answer::Count(Ok(self.delete_expired())),
            (Operation::DeleteIdle(after), _) => Answer::Walked(Ok(self.delete_idle(after))),
        };
        assert_eq!(answer, expected, "{shown}");
    }
}
