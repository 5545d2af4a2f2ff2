//! The signals that stop the process, handled on a thread of their own: any other thread may be blocked, by a disk, by
//! a pipe that nobody reads, or by a large seed file.

use std::fs;
use std::future::ready;
use std::io;
use std::process;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use rustix::process::Signal as Number;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::logging;

/// The exit code of a process that a second signal stopped at once.
const STOPPED_AT_ONCE: i32 = 130;

/// The exit code of a process whose stop took too long.
const STOPPED_LATE: i32 = 1;

/// Signals within so long of the first one are one with it: a service manager sends several together.
const TOGETHER: Duration = Duration::from_millis(10);

/// How long a stop during the start may take.
const STOP_STARTING_MAX: Duration = Duration::from_secs(2);

/// How long the log may take for its last lines: nobody may be reading it.
const LAST_LINES_MAX: Duration = Duration::from_millis(500);

/// The signals that request a stop: SIGTERM, Ctrl-C, and SIGHUP, unless it was ignored at the start of the process, as
/// by `nohup`.
pub struct Signals {
    requested: watch::Receiver<bool>,
    state: Arc<State>,
}

/// The state of the server that the thread uses.
#[derive(Default)]
struct State {
    is_serving: AtomicBool,
    before_exit: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

impl Signals {
    /// Catches them from now on. The first one requests a stop, and a second one ends the process. So does a stop that
    /// takes longer than `stop_max`.
    ///
    /// # Errors
    ///
    /// If the operating system refuses that.
    pub fn new(stop_max: Duration) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let caught = Caught::new(&runtime)?;
        let (request, requested) = watch::channel(false);
        let state = Arc::<State>::default();
        let shared = Arc::clone(&state);
        thread::Builder::new()
            .name("signals".to_owned())
            .spawn(move || runtime.block_on(caught.obey(&request, &shared, stop_max)))?;
        Ok(Self { requested, state })
    }

    /// Waits until a stop is requested.
    pub async fn next(&mut self) {
        // Without its thread, which never ends by itself, no signal would be obeyed any more.
        let _ = self.requested.wait_for(|requested| *requested).await;
    }

    /// Records that the server has started: from now on a stop finishes requests.
    pub fn start_serving(&self) {
        self.state.is_serving.store(true, Ordering::Relaxed);
    }

    /// Has `work`, which must not wait for anything, be done before a second signal or a stop that takes too long ends
    /// the process. The first one stays.
    pub fn before_exit(&self, work: impl Fn() + Send + Sync + 'static) {
        self.state.before_exit.get_or_init(|| Box::new(work));
    }
}

/// Has a write beyond the limit on the size of files fail, instead of ending the process.
///
/// # Errors
///
/// If the operating system refuses that.
pub fn ignore_file_size_signal() -> io::Result<()> {
    let runtime = Builder::new_current_thread().enable_io().build()?;
    let _entered = runtime.enter();
    // The handler, which does nothing else than to replace the default one, stays.
    signal(SignalKind::from_raw(Number::XFSZ.as_raw())).map(drop)
}

struct Caught {
    terminate: Signal,
    interrupt: Signal,
    hangup: Option<Signal>,
}

impl Caught {
    fn new(runtime: &Runtime) -> io::Result<Self> {
        let _entered = runtime.enter();
        let hangup = if is_ignored(Number::HUP) {
            None
        } else {
            Some(signal(SignalKind::hangup())?)
        };
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup,
        })
    }

    /// Requests a stop at the first signal, and ends the process at the second or when the stop takes too long.
    async fn obey(mut self, request: &watch::Sender<bool>, state: &State, stop_max: Duration) {
        self.next().await;
        request.send_replace(true);
        sleep(TOGETHER).await;
        self.forget_pending().await;
        let stop_max = if state.is_serving.load(Ordering::Relaxed) {
            stop_max
        } else {
            STOP_STARTING_MAX
        };
        let second = timeout(stop_max, self.next()).await;
        if let Some(work) = state.before_exit.get() {
            work();
        }
        let code = match second {
            Ok(()) => {
                tracing::error!(
                    "stopped at once by a second signal, without closing the database; the next start repairs it"
                );
                STOPPED_AT_ONCE
            }
            Err(_elapsed) => {
                tracing::error!(
                    ?stop_max,
                    "the stop took too long and was given up, without closing the database; requests without a \
                     response may have been carried out or not; the next start repairs the database"
                );
                STOPPED_LATE
            }
        };
        logging::end(LAST_LINES_MAX);
        process::exit(code);
    }

    async fn next(&mut self) {
        let hangup = async {
            match &mut self.hangup {
                Some(hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
            _ = hangup => {}
        }
    }

    async fn forget_pending(&mut self) {
        loop {
            tokio::select! {
                biased;
                () = self.next() => {}
                () = ready(()) => return,
            }
        }
    }
}

/// Whether the process was started with `signal` ignored, as far as the kernel tells.
fn is_ignored(signal: Number) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    ignored.is_some_and(|mask| mask >> (signal.as_raw() - 1) & 1 == 1)
}
