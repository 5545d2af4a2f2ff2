//! Panics of the database's library over a damaged file.
//!
//! Opening, reading, writing and closing a database catch them, and what comes of them is reported: text about a panic
//! beside it would only hide that.

use std::cell::Cell;
use std::panic;
use std::sync::Once;

/// Where the code of this crate is, as panics name it.
const OWN_CODE: &str = "src/";

thread_local! {
    /// Whether this thread is in a call of the library whose panics are handled.
    static IS_HANDLED: Cell<bool> = const { Cell::new(false) };
}

/// While it exists, panics of the library on this thread are not reported.
struct Handled {
    was_handled: bool,
}

/// Runs `work`, which calls the library; whoever calls this handles its panics. They are not reported; those of this
/// crate are.
pub fn unreported<T>(work: impl FnOnce() -> T) -> T {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let hook = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let is_own = info
                .location()
                .is_none_or(|location| location.file().starts_with(OWN_CODE));
            if is_own || !IS_HANDLED.get() {
                hook(info);
            }
        }));
    });
    let handled = Handled {
        was_handled: IS_HANDLED.replace(true),
    };
    let done = work();
    drop(handled);
    done
}

impl Drop for Handled {
    fn drop(&mut self) {
        IS_HANDLED.set(self.was_handled);
    }
}
