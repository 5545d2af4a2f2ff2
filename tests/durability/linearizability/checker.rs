//! Decides whether a history of overlapping calls is linearizable: whether each call can be assigned a
//! moment between its start and its response so that the order of these moments explains all responses.
//!
//! The search is that of Wing and Gong ("Testing and verifying concurrent objects", 1993) with the cache
//! of Lowe ("Testing for linearizability", 2017): a set of applied calls with the state that they led to
//! is not visited twice. It is exhaustive, so histories must be short.

use std::collections::HashSet;
use std::fmt;

use crate::linearizability::specification::{Call, Fresh, LoginId, Response, Rules, State, step};

/// The maximum number of calls in a history.
pub const CALLS_MAX: usize = 64;

/// A call as its client observed it. Times are nanoseconds since a common epoch.
#[derive(Clone, Debug)]
pub struct Event {
    pub start: u64,
    pub call: Call,
    /// The time and value of the response; `None` if it was lost. Then the call may not have happened.
    pub end: Option<(u64, Response)>,
}

/// A sequential order of the calls, by their indexes. Calls whose responses were lost may be missing.
pub type Order = Vec<usize>;

/// A history that no order explains.
pub struct Violation {
    events: Vec<Event>,
    /// The longest valid prefix of an order.
    longest: Order,
}

/// Finds an order that explains all responses.
pub fn linearize(rules: &Rules, events: &[Event]) -> Result<Order, Violation> {
    assert!(events.len() <= CALLS_MAX, "the history is too long");
    let mut search = Search {
        rules,
        events,
        visited: HashSet::new(),
        order: Vec::new(),
        longest: Vec::new(),
    };
    if search.extend(0, State::default()) {
        Ok(search.order)
    } else {
        Err(Violation {
            events: events.to_vec(),
            longest: search.longest,
        })
    }
}

/// Splits a history by login. No call of it may concern several logins: such a history is linearizable
/// if and only if each part is.
pub fn by_login(events: &[Event]) -> Vec<Vec<Event>> {
    let subject = |event: &Event| match (&event.call, &event.end) {
        (&(Call::Read(id) | Call::Refresh(id, _) | Call::Delete(id)), _) => id,
        (Call::Create, Some((_, Response::Login(id, _)))) => *id,
        (Call::Create | Call::List | Call::DeleteAll { .. } | Call::BackUp, _) => {
            panic!("{event:?} does not concern exactly one login")
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

/// Applies `event`, the call with this `number`, to `state`. `None` if its response contradicts the state.
pub fn apply(rules: &Rules, state: State, number: usize, event: &Event) -> Option<State> {
    let number = u8::try_from(number).expect("histories are short");
    let received = event.end.as_ref().map(|(_, response)| response);
    let (next, expected) = step(rules, state, &event.call, Fresh::of(number, received))?;
    match received {
        Some(received) => next.reconcile(&expected, received),
        None => Some(next),
    }
}

struct Search<'a> {
    rules: &'a Rules,
    events: &'a [Event],
    /// The sets of applied calls, a bit for each, with the state that they led to.
    visited: HashSet<(u64, State)>,
    order: Order,
    longest: Order,
}

impl Search<'_> {
    fn extend(&mut self, applied: u64, state: State) -> bool {
        let remaining = self.remaining(applied);
        // A call whose response came before the start of another call is ordered before it.
        let ends = remaining.iter().filter_map(|&index| self.end(index));
        let Some(first_end) = ends.min() else {
            return true;
        };
        if !self.visited.insert((applied, state.clone())) {
            return false;
        }
        for index in remaining {
            let event = &self.events[index];
            if event.start > first_end {
                continue;
            }
            let Some(next) = apply(self.rules, state.clone(), index, event) else {
                continue;
            };
            self.order.push(index);
            if self.order.len() > self.longest.len() {
                self.longest.clone_from(&self.order);
            }
            if self.extend(applied | 1 << index, next) {
                return true;
            }
            self.order.pop();
        }
        false
    }

    fn remaining(&self, applied: u64) -> Vec<usize> {
        (0..self.events.len())
            .filter(|index| applied & (1 << index) == 0)
            .collect()
    }

    fn end(&self, index: usize) -> Option<u64> {
        self.events[index].end.as_ref().map(|&(end, _)| end)
    }
}

impl fmt::Debug for Violation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "no order explains these calls:")?;
        for (index, Event { start, call, end }) in self.events.iter().enumerate() {
            match end {
                Some((end, response)) => {
                    writeln!(
                        formatter,
                        "{index:3} {start}..{end} {call:?} -> {response:?}"
                    )?;
                }
                None => writeln!(formatter, "{index:3} {start}.. {call:?}, response lost")?,
            }
        }
        write!(formatter, "longest valid prefix: {:?}", self.longest)
    }
}
