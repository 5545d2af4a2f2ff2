//! What is reported to the service manager, if one started this process: that it serves, that it stops, and, if the
//! manager watches it, that it still works.
//!
//! A thread of its own sends it, so that a manager that does not read delays nobody.

use std::convert::Infallible;
use std::env;
use std::ffi::OsStr;
use std::future::pending;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::process;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use tokio::time::sleep;

use crate::app::App;
use crate::error::{Failure, describe};

/// Has the address of the socket that reports are sent to.
const SOCKET: &str = "NOTIFY_SOCKET";

/// Has the microseconds after which a process that does not report counts as hanging.
const LIMIT: &str = "WATCHDOG_USEC";

/// Has the id of the process that is watched, if it is one of several.
const WATCHED: &str = "WATCHDOG_PID";

/// How many reports may wait to be sent.
const REPORTS_MAX: usize = 8;

/// How often the process reports that it works within the time after which it counts as hanging.
const REPORTS_PER_LIMIT: u32 = 3;

/// The pause before the writer is asked again whose queue was full.
const QUEUE_PAUSE: Duration = Duration::from_millis(100);

/// A change of the process that the service manager knows of.
#[derive(Clone, Copy)]
pub enum Change {
    /// It still starts, or does something that takes long.
    None,
    /// It serves.
    Ready,
    /// It stops.
    Stopping,
}

enum Report {
    Status(Change, String),
    Works,
}

/// The service manager, if one started this process.
#[derive(Clone)]
pub struct ServiceManager(Option<SyncSender<Report>>);

impl ServiceManager {
    /// The one that the environment names.
    ///
    /// # Errors
    ///
    /// If there is one, and no thread for it.
    pub fn find() -> io::Result<Self> {
        let Some(socket) = env::var_os(SOCKET).filter(|socket| !socket.is_empty()) else {
            return Ok(Self(None));
        };
        let (sender, reports) = sync_channel(REPORTS_MAX);
        let send_all = move || {
            for report in reports {
                if let Err(error) = send(&report, &socket) {
                    // Without a manager that reads, no later report arrives either.
                    tracing::warn!(
                        error = describe(&error),
                        "the service manager cannot be reached"
                    );
                    return;
                }
            }
        };
        let name = "service manager".to_owned();
        thread::Builder::new().name(name).spawn(send_all)?;
        Ok(Self(Some(sender)))
    }

    /// Reports a change, and what the process does from now on.
    pub fn report(&self, change: Change, status: &str) {
        self.send(Report::Status(change, status.to_owned()));
    }

    /// Reports that the process works for as long as it does, if the manager watches it: the writer has to answer for
    /// each report.
    pub async fn report_while_working(&self, app: &App) -> Infallible {
        let Some(limit) = limit() else {
            return pending().await;
        };
        loop {
            writer_answers(app).await;
            self.send(Report::Works);
            sleep(limit / REPORTS_PER_LIMIT).await;
        }
    }

    fn send(&self, report: Report) {
        if let Some(sender) = &self.0 {
            // A manager that does not read misses some.
            let _ = sender.try_send(report);
        }
    }
}

/// After what time without a report the process counts as hanging, if it is watched.
fn limit() -> Option<Duration> {
    let watched = env::var(WATCHED).ok();
    let is_watched = watched.is_none_or(|watched| watched.parse() == Ok(process::id()));
    let micros: u64 = env::var(LIMIT).ok().filter(|_| is_watched)?.parse().ok()?;
    (micros > 0).then(|| Duration::from_micros(micros))
}

/// Sends the report to the socket at a path, or with an abstract name, which begins with `@`.
fn send(report: &Report, socket: &OsStr) -> io::Result<()> {
    let message = match report {
        Report::Works => "WATCHDOG=1\n".to_owned(),
        Report::Status(Change::None, status) => format!("STATUS={status}\n"),
        Report::Status(Change::Ready, status) => format!("READY=1\nSTATUS={status}\n"),
        Report::Status(Change::Stopping, status) => format!("STOPPING=1\nSTATUS={status}\n"),
    };
    let address = match socket.as_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(socket)?,
    };
    UnixDatagram::unbound()?.send_to_addr(message.as_bytes(), &address)?;
    Ok(())
}

/// Returns once the writer has done an empty job, or has failed: it opens the database again by itself then.
async fn writer_answers(app: &App) {
    // The queue of a writer that hangs is full at some time.
    while app.store.write(|_| Ok(())).await == Err(Failure::Overloaded) {
        sleep(QUEUE_PAUSE).await;
    }
}
