//! A journal beside a plain map of what it should hold.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Bound, ControlFlow};
use std::time::Duration;

use proptest::prelude::{Just, Strategy};
use proptest::prop_oneof;
use uuid::Uuid;

use crate::clock::Timestamp;
use crate::domain::device::Device;
use crate::domain::object_id::ObjectId;
use crate::domain::persistent_login::{PersistentLogin, PersistentLoginId, Token};
use crate::domain::tenant::TenantName;
use crate::storage::engine::read_txn::ReadTxn;
use crate::storage::engine::write_txn::WriteTxn;
use crate::storage::engine::{Engine, EngineOptions, Read};
use crate::storage::journal::entry::decode_turn;
use crate::storage::journal::{JOURNAL, Journal, JournalLimits};
use crate::storage::rotated::Rotated;
use crate::tables::persistent_login;
use crate::tables::persistent_login::key::Place;

const OPTIONS: EngineOptions = EngineOptions {
    cache_bytes: 1 << 20,
    two_phase_commit: false,
};

/// So small that few rotations go through it.
pub const LIMITS: JournalLimits = JournalLimits {
    target: Some(6),
    settle_min: 2,
    idle_after: Duration::from_secs(1),
    known_max: 8,
};

/// A journal over logins that are told by a number, with a plain map of what they should be.
pub struct Fixture {
    pub journal: Journal,
    pub expected: BTreeMap<Place, PersistentLogin>,
    /// Ids are never used again.
    deleted: BTreeSet<Place>,
    /// Counts rotations, so that no two tokens are the same.
    rotations: u128,
}

impl Fixture {
    pub fn new(limits: JournalLimits, logins: u8) -> Self {
        let engine = Engine::in_memory(&OPTIONS);
        let mut fixture = Self {
            journal: Journal::open(engine, &limits, 0).expect("it opens"),
            expected: BTreeMap::new(),
            deleted: BTreeSet::new(),
            rotations: 0,
        };
        let creations: Vec<_> = (0..logins).map(Step::Create).collect();
        fixture.batch(&creations);
        fixture
    }

    /// Does the steps in one transaction.
    pub fn batch(&mut self, steps: &[Step]) {
        let txn = self.journal.begin_write().expect("it begins");
        for step in steps {
            self.step(&txn, *step);
        }
        self.journal.commit(txn).expect("it commits");
    }

    pub fn step(&mut self, txn: &WriteTxn, step: Step) {
        let place = match step {
            Step::Create(number) | Step::Rotate(number) | Step::Delete(number) => place(number),
        };
        let found = persistent_login::get_at(txn, place).expect("it is readable");
        assert_eq!(found.as_ref(), self.expected.get(&place), "{step:?}");
        match (step, found) {
            (Step::Create(_), None) if !self.deleted.contains(&place) => {
                let login = login(place);
                persistent_login::create(txn, &login, &Device::default()).expect("it is put");
                self.expected.insert(place, login);
            }
            (Step::Rotate(_), Some(login)) => {
                self.rotations += 1;
                let fresh = Token::new(Uuid::from_u128(self.rotations));
                let rotated = login.rotated(fresh, Timestamp::from_millis(7));
                persistent_login::rotate(txn, &rotated);
                self.expected.insert(place, rotated);
            }
            (Step::Delete(_), Some(login)) => {
                persistent_login::delete(txn, &login).expect("it is removed");
                self.expected.remove(&place);
                self.deleted.insert(place);
            }
            (Step::Create(_), _) | (Step::Rotate(_) | Step::Delete(_), None) => {}
        }
    }

    /// Overlay and records together are what they should be, and stay that when the journal is opened
    /// again, with everything else that it keeps in memory.
    pub fn reopen(mut self) -> Self {
        self.check();
        let before = self.waiting();
        let Journal {
            engine,
            limits,
            turn,
            entries,
            earned,
            ..
        } = self.journal;
        self.journal = Journal::open(engine, &limits, 0).expect("it opens");
        assert_eq!(self.waiting(), before);
        assert_eq!(self.journal.entries, entries);
        // It may begin anew with every start, but not with every step of a test.
        self.journal.earned = earned;
        if entries > 0 {
            assert_eq!(self.journal.turn, turn);
        }
        self.check();
        self
    }

    /// Each login is looked for twice: the second time it may be known.
    pub fn check(&mut self) {
        let snapshot = self.journal.begin_read().expect("it is readable");
        assert_eq!(self.seen_by(&snapshot), self.expected);
        for place in self.expected.keys().chain(&self.deleted) {
            for _ in 0..2 {
                let found = persistent_login::get(&snapshot, place.id).expect("it is readable");
                assert_eq!(found.as_ref(), self.expected.get(place), "{place:?}");
            }
        }
    }

    /// What is in the overlay and waits to be settled.
    fn waiting(&self) -> BTreeMap<Place, Rotated> {
        let Journal {
            waiting, edition, ..
        } = &self.journal;
        for (place, rotated) in waiting {
            assert_eq!(edition.overlay.rotated(place.id), Some(*rotated));
        }
        waiting.clone()
    }

    /// What the records and the overlay of `snapshot` tell together.
    pub fn seen_by(&self, snapshot: &ReadTxn) -> BTreeMap<Place, PersistentLogin> {
        let mut seen = BTreeMap::new();
        persistent_login::walk(snapshot, None, usize::MAX, |login| {
            seen.insert(Place::of(&login), login);
        })
        .expect("it is readable");
        seen
    }

    /// How many rotations the journal's entries have together.
    pub fn rows(&mut self) -> usize {
        let snapshot = self.journal.begin_read().expect("it is readable");
        let mut rows = 0;
        snapshot
            .scan(&JOURNAL, Bound::Unbounded, |_, entry| {
                rows += decode_turn(entry)?.1.peek_length()?;
                Ok(ControlFlow::Continue(()))
            })
            .expect("it is readable");
        rows
    }

    pub fn rest(&mut self) {
        while !self.journal.is_at_rest() {
            self.journal.settle_some().expect("it settles");
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub enum Step {
    Create(u8),
    Rotate(u8),
    Delete(u8),
}

/// The lowest and the highest place that there can be are among them.
pub fn place(number: u8) -> Place {
    let id = match number {
        0 => Uuid::nil(),
        u8::MAX => Uuid::max(),
        _ => Uuid::from_u128(u128::from(number)),
    };
    Place {
        profile_id: ObjectId::from_bytes([if number < 252 { number & !3 } else { u8::MAX }; 12]),
        id: PersistentLoginId::new(id),
    }
}

fn login(place: Place) -> PersistentLogin {
    PersistentLogin {
        id: place.id,
        tenant: TenantName::new("default").expect("not empty"),
        profile_id: place.profile_id,
        token: Token::new(Uuid::nil()),
        timestamp: Timestamp::from_millis(5),
        rotation: None,
    }
}

/// Few logins, so that they meet often; both ends of the order among them.
pub fn steps() -> impl Strategy<Value = Step> + Clone {
    let numbers = || prop_oneof![Just(0), Just(u8::MAX), 0..12_u8, 244..=u8::MAX];
    prop_oneof![
        2 => numbers().prop_map(Step::Create),
        8 => numbers().prop_map(Step::Rotate),
        1 => numbers().prop_map(Step::Delete),
    ]
}
