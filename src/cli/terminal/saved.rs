//! The settings of the terminal, which are restored whatever ends what has changed them.

use std::fs::File;

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};

/// The terminal that a person is asked on.
const TERMINAL: &str = "/dev/tty";

/// The terminal with the settings that it had. They are restored when this is dropped.
pub struct SavedTerminal {
    terminal: File,
    settings: Termios,
}

impl SavedTerminal {
    /// Saves the settings; `None` if there is no terminal.
    pub fn save() -> Option<Self> {
        let terminal = File::open(TERMINAL).ok()?;
        let settings = tcgetattr(&terminal).ok()?;
        Some(Self { terminal, settings })
    }
}

impl Drop for SavedTerminal {
    fn drop(&mut self) {
        // It may be gone.
        let _ = tcsetattr(&self.terminal, OptionalActions::Now, &self.settings);
    }
}
