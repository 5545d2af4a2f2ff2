//! File descriptors: each connection takes one, and the operating system limits their number.

use std::fmt;
use std::thread;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::config::Config;
use crate::server::connections::beyond_max;

/// Those for the database and its files, standard input and output, and what runs beside connections.
const OTHERS: usize = 64;

/// Those for the event queue of a thread that serves connections.
const PER_THREAD: usize = 4;

/// The settings need more file descriptors than the process may have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TooFewDescriptors {
    /// The number that they need.
    pub needed: usize,
    /// The number that the process may have.
    pub limit: usize,
    /// The most connections for which that is enough, if any.
    pub connections_max: Option<usize>,
}

/// Raises the limit of file descriptors to what the settings need, if it is lower.
///
/// # Errors
///
/// If that is not permitted.
pub fn reserve(config: &Config) -> Result<(), TooFewDescriptors> {
    let connections_max = config.connections.connections_max.get();
    let others = others(config);
    let needed = others + connections_max + beyond_max(connections_max);
    reserve_number(needed).map_err(|limit| TooFewDescriptors {
        needed,
        limit,
        connections_max: connections_for(limit.saturating_sub(others)),
    })
}

/// Raises the limit of file descriptors to what every command needs, if it is lower.
///
/// # Errors
///
/// If that is not permitted.
pub fn reserve_least() -> Result<(), TooFewDescriptors> {
    reserve_number(OTHERS).map_err(|limit| TooFewDescriptors {
        needed: OTHERS,
        limit,
        connections_max: None,
    })
}

/// Raises the limit to `needed`, if it is lower. Returns the limit if that is not permitted.
fn reserve_number(needed: usize) -> Result<(), usize> {
    let limit = getrlimit(Resource::Nofile);
    let is_enough = |limit: Option<u64>| limit.is_none_or(|limit| limit >= needed as u64);
    if is_enough(limit.current) {
        return Ok(());
    }
    if is_enough(limit.maximum) {
        let raised = Rlimit {
            current: Some(needed as u64),
            ..limit
        };
        if setrlimit(Resource::Nofile, raised).is_ok() {
            return Ok(());
        }
    }
    let limit = limit.maximum.or(limit.current).unwrap_or(u64::MAX);
    Err(usize::try_from(limit).unwrap_or(usize::MAX))
}

fn others(config: &Config) -> usize {
    let listen = config.http.listen.iter();
    let listeners: usize = listen.map(|listen| listen.addresses().len()).sum();
    let threads = match config.requests.worker_threads {
        Some(threads) => threads.get(),
        None => thread::available_parallelism().map_or(1, usize::from),
    };
    OTHERS + listeners + PER_THREAD * (threads + 1)
}

/// The most connections of which all, with those that may be closing, need no more than `descriptors`.
fn connections_for(descriptors: usize) -> Option<usize> {
    let max = descriptors * 4 / 5;
    (max > 0).then_some(max)
}

impl fmt::Display for TooFewDescriptors {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { needed, limit, .. } = self;
        write!(
            formatter,
            "the process needs {needed} file descriptors, and the limit is {limit}: "
        )?;
        if let Some(fewer) = self.connections_max {
            write!(formatter, "use at most {fewer} connections, or ")?;
        }
        write!(
            formatter,
            "raise it, with \"ulimit -n {needed}\" or \"LimitNOFILE={needed}\" in a unit of systemd"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_connections_fit_and_one_more_does_not() {
        assert_eq!(connections_for(0), None);
        assert_eq!(connections_for(1), None);
        for descriptors in 2..1_000 {
            let max = connections_for(descriptors).expect("there is room");
            assert!(max + beyond_max(max) <= descriptors, "{descriptors}");
            let more = max + 1;
            assert!(more + beyond_max(more) > descriptors, "{descriptors}");
        }
    }
}
