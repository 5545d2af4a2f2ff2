//! The rules of tickets.

use std::time::Duration;

use clap::Args;

use crate::config::heading::TUNING;
use crate::config::value::duration;

/// The rules of tickets.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = TUNING)]
pub struct TicketConfig {
    /// Time from the last request of a ticket to its expiry
    #[arg(long, env = "REMEMBERD_TICKET_IDLE_MAX", value_name = "DURATION",
          default_value = "15m", value_parser = duration, hide_short_help = true)]
    pub ticket_idle_max: Duration,
}
