//! Whether a history of overlapping calls is linearizable: whether every call can be given one moment
//! between its start and its answer so that, in the order of these moments, all answers are right.
//!
//! The search is that of Wing and Gong ("Testing and verifying concurrent objects", 1993) with the
//! memory of Lowe ("Testing for linearizability", 2017): the same calls done and the same state
//! reached need not be tried from twice. It is exhaustive, so histories must be short.

use std::collections::HashSet;
use std::fmt;

use crate::linearizability::specification::{Answer, Call, Fresh, LoginId, Rules, State, step};

/// How many calls a history may have.
pub const CALLS_MAX: usize = 64;

/// A call as its client saw it. Times are nanoseconds since any moment.
#[derive(Clone, Debug)]
pub struct Event {
    pub start: u64,
    pub call: Call,
    /// When it was answered and what; `None` if the answer was lost, and the call perhaps too.
    pub end: Option<(u64, Answer)>,
}

/// An order in which the calls may have happened; those whose answers were lost may be missing.
pub type Order = Vec<usize>;

/// No order explains the history.
pub struct Unexplained {
    events: Vec<Event>,
    /// The longest beginning of an order that explains what it holds.
    longest: Order,
}

/// Finds an order that explains all answers.
pub fn linearize(rules: &Rules, events: &[Event]) -> Result<Order, Unexplained> {
    assert!(events.len() <= CALLS_MAX, "the history is too long");
    let mut search = Search {
        rules,
        events,
        tried: HashSet::new(),
        order: Vec::new(),
        longest: Vec::new(),
    };
    if search.go_on(0, State::default()) {
        Ok(search.order)
    } else {
        Err(Unexplained {
            events: events.to_vec(),
            longest: search.longest,
        })
    }
}

/// The history of each login by itself. Only for histories in which no call concerns several logins:
/// such a history is linearizable if and only if each of these is.
pub fn by_login(events: &[Event]) -> Vec<Vec<Event>> {
    let subject = |event: &Event| match (&event.call, &event.end) {
        (&(Call::Read(id) | Call::Refresh(id, _) | Call::Delete(id)), _) => id,
        (Call::Create, Some((_, Answer::Login(id, _)))) => *id,
        (Call::Create | Call::List | Call::DeleteAll { .. }, _) => {
            panic!("{event:?} concerns no one login")
        }
    };
    let mut ids: Vec<LoginId> = events.iter().map(subject).collect();
    ids.sort();
    ids.dedup();
    ids.into_iter()
        .map(|id| {
            let own = events.iter().filter(|event| subject(event) == id);
            own.cloned().collect()
        })
        .collect()
}

/// The state after `state` if `event`, the call of this `number`, happens to it; `None` if it cannot.
pub fn happen(rules: &Rules, state: State, number: usize, event: &Event) -> Option<State> {
    let number = u8::try_from(number).expect("histories are short");
    let told = event.end.as_ref().map(|(_, answer)| answer);
    let (next, expected) = step(rules, state, &event.call, Fresh::of(number, told))?;
    match told {
        Some(told) => next.reconcile(&expected, told),
        None => Some(next),
    }
}

struct Search<'a> {
    rules: &'a Rules,
    events: &'a [Event],
    /// The calls done, a bit for each, with the state reached.
    tried: HashSet<(u64, State)>,
    order: Order,
    longest: Order,
}

impl Search<'_> {
    fn go_on(&mut self, done: u64, state: State) -> bool {
        let waiting = self.waiting(done);
        // A call that was answered before another began comes before it.
        let ends = waiting.iter().filter_map(|&index| self.end(index));
        let Some(first_end) = ends.min() else {
            return true;
        };
        if !self.tried.insert((done, state.clone())) {
            return false;
        }
        for index in waiting {
            let event = &self.events[index];
            if event.start > first_end {
                continue;
            }
            let Some(next) = happen(self.rules, state.clone(), index, event) else {
                continue;
            };
            self.order.push(index);
            if self.order.len() > self.longest.len() {
                self.longest.clone_from(&self.order);
            }
            if self.go_on(done | 1 << index, next) {
                return true;
            }
            self.order.pop();
        }
        false
    }

    fn waiting(&self, done: u64) -> Vec<usize> {
        (0..self.events.len())
            .filter(|index| done & (1 << index) == 0)
            .collect()
    }

    fn end(&self, index: usize) -> Option<u64> {
        self.events[index].end.as_ref().map(|&(end, _)| end)
    }
}

impl fmt::Debug for Unexplained {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "no order explains these calls:")?;
        for (index, Event { start, call, end }) in self.events.iter().enumerate() {
            match end {
                Some((end, answer)) => {
                    writeln!(formatter, "{index:3} {start}..{end} {call:?} -> {answer:?}")?;
                }
                None => writeln!(formatter, "{index:3} {start}.. {call:?}, answer lost")?,
            }
        }
        write!(formatter, "longest that can be: {:?}", self.longest)
    }
}
