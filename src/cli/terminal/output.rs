//! Standard output, written by a thread of its own: nobody may read it, and serving and stopping do not wait for that.

use std::fmt;
use std::io::{self, Write};
use std::sync::LazyLock;
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::Duration;

/// How long the end of the process waits for what is still to be written.
const FINISH_MAX: Duration = Duration::from_secs(1);

enum Message {
    Line(String),
    /// Reports that everything before it is written.
    Finish(Sender<()>),
}

/// The thread that writes to standard output, if it could be started. Few lines are ever sent to it.
static OUTPUT: LazyLock<Option<Sender<Message>>> = LazyLock::new(|| {
    let (sender, messages) = channel();
    let write = move || {
        for message in messages {
            // Standard output, or the end of the process, may be gone.
            let _ = match message {
                Message::Line(line) => writeln!(io::stdout(), "{line}"),
                Message::Finish(written) => written.send(()).map_err(io::Error::other),
            };
        }
    };
    let started = thread::Builder::new()
        .name("output".to_owned())
        .spawn(write);
    started.ok().map(|_| sender)
});

/// Prints a line, without waiting for that. That standard output is closed or full is no reason to stop.
pub fn print_line(line: fmt::Arguments<'_>) {
    if let Some(output) = &*OUTPUT {
        // The thread ends with the process.
        let _ = output.send(Message::Line(line.to_string()));
    }
}

/// Waits a moment until what was printed is written.
pub fn finish() {
    let (written, is_written) = channel();
    if let Some(output) = &*OUTPUT
        && output.send(Message::Finish(written)).is_ok()
    {
        let _ = is_written.recv_timeout(FINISH_MAX);
    }
}
