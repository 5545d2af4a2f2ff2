//! Every order in which two and three tabs of one browser can use a login through a client that compares tokens itself.
//!
//! Such a client takes the login and the token from its cookie, GETs the login, compares, and refreshes without a
//! token: the first client of the wire contract creates a ticket between the two and makes no further call on a
//! mismatch, the second one deletes the login then. The tabs share a jar, into which each response writes its token.

use std::collections::HashSet;
use std::time::Duration;

use rememberd::testing::{Generation, Now, Timestamp, TokenChain};

const GRACE: Duration = Duration::from_secs(60);

/// In seconds.
const WINDOW: i64 = 5;

/// Seconds before a step.
const PAUSES: [i64; 2] = [0, 3];

/// What a client does on a mismatch.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Client {
    /// It takes the cookie for stolen, and drops it.
    Drops,
    /// It deletes the login.
    Deletes,
}

/// How far a tab is. The second client makes no call at [`Tab::Compared`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Tab {
    /// It has not sent its request yet.
    Idle,
    /// Its request has this token.
    Sent(Generation),
    /// What it read was the same.
    Compared,
    /// It created a ticket.
    HasTicket,
    /// The response to its refresh is on its way.
    Refreshed(Generation),
    /// Its response arrived.
    Done(Generation),
    /// What it read was another token.
    Mismatch,
    /// The login was gone.
    NotFound,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Browser {
    tabs: Vec<Tab>,
    jar: Option<Generation>,
    now: i64,
    /// When each token was replaced, beginning with that which is in the jar at first.
    replaced_at: Vec<i64>,
    is_deleted: bool,
}

/// A browser beside the chain of its login.
#[derive(Clone)]
struct World {
    browser: Browser,
    chain: TokenChain,
}

fn at(second: i64) -> Now {
    Timestamp::from_millis(1_000 * second).into()
}

impl World {
    fn new(tabs: Vec<Tab>) -> Self {
        let chain = TokenChain::NEW.rotated(&at(0), GRACE).without_token();
        Self {
            browser: Browser {
                tabs,
                jar: Some(chain.current),
                now: 1_000,
                replaced_at: Vec::new(),
                is_deleted: false,
            },
            chain,
        }
    }

    /// The world after the next step of a tab; `None` if it is at its end.
    fn step(&self, tab: usize, client: Client, window: Duration) -> Option<Self> {
        let mut world = self.clone();
        let now = at(world.browser.now);
        let browser = &mut world.browser;
        browser.tabs[tab] = match browser.tabs[tab] {
            Tab::Idle => browser.jar.map_or(Tab::NotFound, Tab::Sent),
            Tab::Sent(_) if browser.is_deleted => Tab::NotFound,
            Tab::Sent(token) if world.chain.shown(window, &now) == token => match client {
                Client::Drops => Tab::Compared,
                Client::Deletes => Tab::HasTicket,
            },
            Tab::Sent(token) => {
                assert_may_differ(token, browser, world.chain.current, window);
                browser.jar = None;
                browser.is_deleted |= client == Client::Deletes;
                Tab::Mismatch
            }
            Tab::Compared => Tab::HasTicket,
            Tab::HasTicket if browser.is_deleted => Tab::NotFound,
            Tab::HasTicket => {
                if !world.chain.was_rotated_within(window, &now) {
                    world.chain = world.chain.rotated(&now, GRACE).without_token();
                    browser.replaced_at.push(browser.now);
                }
                Tab::Refreshed(world.chain.current)
            }
            Tab::Refreshed(token) => {
                browser.jar = Some(token);
                Tab::Done(token)
            }
            Tab::Done(_) | Tab::Mismatch | Tab::NotFound => return None,
        };
        Some(world)
    }
}

/// Asserts that a tab with this token need not find it: it is the current one, and the window of its rotation is not
/// over; or it was replaced longer ago than that.
fn assert_may_differ(token: Generation, browser: &Browser, current: Generation, window: Duration) {
    let replaced_at = browser.replaced_at.get(token as usize - 1);
    let was_long_ago = |at: &i64| at + (window.as_secs() as i64) < browser.now;
    let may_differ = token == current || window.is_zero() || replaced_at.is_some_and(was_long_ago);
    assert!(may_differ, "{token}: {browser:?}");
}

/// Takes every order of the steps of these tabs, with these pauses between them, and checks each world at its end.
fn search(
    tabs: &[Tab],
    client: Client,
    window: i64,
    pauses: &[i64],
    mut check: impl FnMut(&Browser),
) -> usize {
    let window = Duration::from_secs(window.unsigned_abs());
    let mut seen = HashSet::new();
    let mut worlds = vec![World::new(tabs.to_vec())];
    let mut ends = 0;
    while let Some(world) = worlds.pop() {
        let mut is_end = true;
        for tab in 0..tabs.len() {
            for pause in pauses {
                let mut later = world.clone();
                later.browser.now += pause;
                if let Some(next) = later.step(tab, client, window) {
                    is_end = false;
                    if seen.insert(next.browser.clone()) {
                        worlds.push(next);
                    }
                }
            }
        }
        if is_end {
            ends += 1;
            check(&world.browser);
        }
    }
    ends
}

/// Tabs whose requests were sent with the cookie from before: a browser that is opened with several pages.
fn sent_together(count: usize) -> Vec<Tab> {
    vec![Tab::Sent(1); count]
}

#[test]
fn tabs_that_came_with_one_cookie_within_the_window_all_go_on_with_one_successor() {
    for client in [Client::Drops, Client::Deletes] {
        for count in [2, 3] {
            // With pauses that are short enough, all of it is within the window.
            let ends = search(&sent_together(count), client, 60, &[0, 3], |browser| {
                assert_eq!(browser.tabs, vec![Tab::Done(2); count], "{browser:?}");
                assert_eq!((browser.jar, browser.replaced_at.len()), (Some(2), 1));
                assert!(!browser.is_deleted);
            });
            assert!(ends > 10, "{ends}");
        }
    }
}

#[test]
fn no_tab_is_refused_whose_token_was_replaced_within_the_window() {
    for client in [Client::Drops, Client::Deletes] {
        for tabs in [
            sent_together(2),
            sent_together(3),
            vec![Tab::Sent(1), Tab::Sent(1), Tab::Idle],
            vec![Tab::Idle; 2],
        ] {
            let mut refused = 0;
            search(&tabs, client, WINDOW, &PAUSES, |browser| {
                let has_mismatch = browser.tabs.contains(&Tab::Mismatch);
                refused += u32::from(has_mismatch);
                assert!(!browser.is_deleted || has_mismatch, "{browser:?}");
                let is_done = |tab: &Tab| matches!(tab, Tab::Done(_));
                assert!(
                    has_mismatch || browser.tabs.iter().all(is_done),
                    "{browser:?}"
                );
            });
            // Those that came too late, or with the new token too early.
            assert!(refused > 0);
        }
    }
}

#[test]
fn tabs_one_after_the_other_go_on_once_the_window_is_over() {
    let window = Duration::from_secs(WINDOW.unsigned_abs());
    for client in [Client::Drops, Client::Deletes] {
        let mut world = World::new(vec![Tab::Idle; 3]);
        for tab in 0..3 {
            world.browser.now += WINDOW + 1;
            while let Some(next) = world.step(tab, client, window) {
                world = next;
            }
            assert!(matches!(world.browser.tabs[tab], Tab::Done(_)));
        }
        assert_eq!(world.browser.replaced_at.len(), 3);
    }
}

/// What the guide warns of: within the window nobody may come who has the new cookie already.
#[test]
fn a_visitor_who_comes_again_within_the_window_is_refused_and_without_one_two_tabs_are() {
    let window = Duration::from_secs(WINDOW.unsigned_abs());
    for client in [Client::Drops, Client::Deletes] {
        let mut world = World::new(vec![Tab::Idle; 2]);
        for tab in 0..2 {
            while let Some(next) = world.step(tab, client, window) {
                world = next;
            }
        }
        assert_eq!(world.browser.tabs[1], Tab::Mismatch);
        assert_eq!(world.browser.is_deleted, client == Client::Deletes);
        for window in [0, WINDOW] {
            let mut is_refused = false;
            search(&sent_together(2), client, window, &[0], |browser| {
                is_refused |= browser.tabs.contains(&Tab::Mismatch);
            });
            assert_eq!(is_refused, window == 0);
        }
    }
}
