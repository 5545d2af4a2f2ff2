//! What random operations alone hardly ever come to: restored files, lost keys, and logins that two clients share.

use std::fs;
use std::time::Duration;

use rand::RngExt;
use rand::seq::IteratorRandom;
use rememberd::testing::Token;
use rememberd::testing::service::persistent_login::{self as service, RefreshOptions};

use crate::model::Trial;
use crate::support;
use crate::support::operation::Operation;
use crate::support::test_caller::TestCaller;

impl Trial {
    pub(super) async fn back_up(&mut self) {
        self.close().await;
        let file = fs::read(self.directory.database_path()).expect("it is readable");
        self.backup = Some((file, self.model.clone()));
        self.open().await;
    }

    pub(super) async fn restore(&mut self, context: &str) {
        let (file, model) = self.backup.take().expect("there is one");
        self.close().await;
        fs::write(self.directory.database_path(), file).expect("it is written");
        self.model.restore(&model);
        self.open().await;
        let ids: Vec<_> = self.model.logins.keys().cloned().collect();
        for id in ids {
            self.present_some(context, &id).await;
        }
    }

    pub(super) async fn lose_syncs(&mut self, context: &str) {
        let Some(id) = self.model.logins.keys().choose(&mut self.random).cloned() else {
            return;
        };
        self.present_some(context, &id).await;
        self.back_up().await;
        for _ in 0..self.random.random_range(1..4) {
            self.present_some(context, &id).await;
        }
        self.restore(context).await;
        for _ in 0..8 {
            self.present_some(context, &id).await;
        }
    }

    /// Presents the newest token that the login has had, and another one, a moment apart.
    async fn present_some(&mut self, context: &str, id: &str) {
        let tokens = self.model.tokens[id].clone();
        let other = tokens
            .iter()
            .rev()
            .take(6)
            .choose(&mut self.random)
            .copied();
        for token in [tokens.last().copied(), other] {
            let secs = self.random.random_range(0..20);
            self.advance(Duration::from_secs(secs));
            let refresh = Operation::Refresh(TestCaller::Master, id.to_owned(), options(token));
            self.apply_operation(context, refresh).await;
        }
    }

    pub(super) async fn lose_key(&mut self, context: &str) {
        self.close().await;
        self.backup = None;
        let keys = support::key_source(self.directory.database_path()).path;
        fs::remove_file(keys).expect("it is removed");
        self.open().await;
        let ids: Vec<_> = self.model.logins.keys().cloned().collect();
        self.model.lose_key();
        for id in ids {
            let read = Operation::Read(TestCaller::Master, id);
            self.apply_operation(context, read).await;
        }
        let mut position = None;
        loop {
            let walked = service::delete_idle(&self.app, position).await;
            position = walked.expect("the store is open");
            if position.is_none() {
                break;
            }
        }
        self.cleaner_position = None;
    }

    /// For about as many generations as make a login count as shared, now and then without a late visit.
    pub(super) async fn share(&mut self, context: &str) {
        let Some(id) = self.model.logins.keys().choose(&mut self.random).cloned() else {
            return;
        };
        for _ in 0..self.random.random_range(6..14) {
            let is_late = self.random.random_bool(0.9);
            for wait in [1, 11].into_iter().take(1 + usize::from(is_late)) {
                let Some(login) = self.model.logins.get(&id) else {
                    return;
                };
                let replaced = login.rotation.map(|rotation| rotation.replaced);
                let token = if wait == 1 {
                    Some(login.token)
                } else {
                    replaced
                };
                let refresh = Operation::Refresh(TestCaller::Master, id.clone(), options(token));
                self.advance(Duration::from_secs(wait));
                self.apply_operation(context, refresh).await;
            }
        }
    }
}

fn options(presented: Option<Token>) -> RefreshOptions {
    RefreshOptions {
        presented,
        ..RefreshOptions::default()
    }
}
