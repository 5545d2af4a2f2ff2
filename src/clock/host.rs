//! What the clocks of the host show.

use std::fs;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use rtime_clock::adjtime::{Timex, adjtimex};
use rustix::time::{ClockId, clock_gettime};
use uuid::Uuid;

use crate::clock::Timestamp;
use crate::clock::belief::Reading;

/// Where Linux shows the id of the host's boot.
const BOOT_ID_FILE: &str = "/proc/sys/kernel/random/boot_id";

/// The status bit of `adjtimex(2)` for a clock that is not synchronized.
const STA_UNSYNC: i32 = 0x40;

/// The clocks of the host.
#[derive(Debug)]
pub enum HostClock {
    /// Those of the system.
    System {
        /// The boot of the host, if it is known.
        boot: Option<Uuid>,
        /// Whether its clock is synchronized; `None` for what the kernel reports.
        is_synchronized: Option<bool>,
    },
    /// Clocks that stand still until a test moves them.
    Manual(ManualClock),
}

impl HostClock {
    /// The clocks of the system; `is_synchronized` overrides what the kernel reports.
    pub fn system(is_synchronized: Option<bool>) -> Self {
        let boot = fs::read_to_string(BOOT_ID_FILE);
        let boot = boot.ok().and_then(|id| Uuid::parse_str(id.trim()).ok());
        Self::System {
            boot,
            is_synchronized,
        }
    }

    /// The time since the host was booted, with sleep.
    pub fn uptime(&self) -> Duration {
        match self {
            Self::System { .. } => uptime(),
            Self::Manual(clock) => clock.reading().uptime,
        }
    }

    /// What all of them show.
    pub fn read(&self) -> Reading {
        match self {
            Self::System {
                boot,
                is_synchronized,
            } => Reading {
                boot: *boot,
                uptime: uptime(),
                wall: Timestamp::of(SystemTime::now()),
                // After the clock: one that is set by hand is reported as not synchronized from then on.
                is_synchronized: is_synchronized.unwrap_or_else(kernel_is_synchronized),
            },
            Self::Manual(clock) => *clock.reading(),
        }
    }
}

fn kernel_is_synchronized() -> bool {
    let mut kernel = Timex::new();
    adjtimex(&mut kernel).is_ok() && kernel.0.status & STA_UNSYNC == 0
}

fn uptime() -> Duration {
    #[cfg(target_os = "linux")]
    let clock = ClockId::Boottime;
    #[cfg(not(target_os = "linux"))]
    let clock = ClockId::Monotonic;
    let uptime = clock_gettime(clock);
    let seconds = u64::try_from(uptime.tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(uptime.tv_nsec).unwrap_or(0))
}

/// See [`HostClock::Manual`].
#[derive(Debug)]
pub struct ManualClock(Mutex<Reading>);

impl ManualClock {
    /// The clocks of a host that was just booted, which shows `wall`.
    pub fn new(wall: Timestamp) -> Self {
        Self(Mutex::new(Reading {
            boot: None,
            uptime: Duration::ZERO,
            wall,
            is_synchronized: false,
        }))
    }

    /// Moves all clocks forward by `step`.
    pub fn advance(&self, step: Duration) {
        let mut reading = self.reading();
        reading.uptime += step;
        reading.wall = reading.wall.plus(step);
    }

    /// Sets the time that the host's clock shows, and whether it is synchronized.
    pub fn set(&self, wall: Timestamp, is_synchronized: bool) {
        let mut reading = self.reading();
        reading.wall = wall;
        reading.is_synchronized = is_synchronized;
    }

    fn reading(&self) -> MutexGuard<'_, Reading> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
