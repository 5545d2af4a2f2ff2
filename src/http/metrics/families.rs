//! All metrics: their names, what they say, and their values. What the numbers mean and what to do about them is in the
//! guide ("What to watch").

use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::app::App;
use crate::audit::event::Event;
use crate::http::metrics::exposition::{Family, Labels};
use crate::http::monitoring::{PROCESS_STATUS, json};
use crate::metrics::Metrics;
use crate::service::admin::stats::stats;
use crate::storage::journal::Backlog;
use crate::tables::upgrade::SCHEMA_VERSION;

const MICROS_PER_SECOND: f64 = 1e6;
const MILLIS_PER_SECOND: f64 = 1e3;

/// All metrics as they are now. What cannot be read, while the database is not open above all, is left out.
pub fn of(app: &App) -> Vec<Family> {
    let mut families = Vec::new();
    about_process(app, &mut families);
    about_requests(&app.metrics, &mut families);
    about_events(app, &mut families);
    about_storage(app, &mut families);
    about_content(app, &mut families);
    about_clock(app, &mut families);
    families
}

fn about_process(app: &App, families: &mut Vec<Family>) {
    let version = vec![("version", env!("CARGO_PKG_VERSION"))];
    families.extend([
        Family::gauges(
            "rememberd_build_info",
            "1, with the version of the program.",
            [(version, 1.0)],
        ),
        Family::amount(
            "rememberd_schema_version",
            "The version of the schema that it writes.",
            SCHEMA_VERSION,
        ),
        Family::gauge(
            "process_start_time_seconds",
            "When the process began to serve, in seconds since 1970.",
            app.started.at.as_millis() as f64 / MILLIS_PER_SECOND,
        ),
        Family::amount(
            "rememberd_ready",
            "1 while requests are served, as /health/ready shows it.",
            app.is_ready().into(),
        ),
        Family::amount(
            "rememberd_http_connections",
            "Open connections.",
            app.metrics.connections.open_now(),
        ),
        Family::amount(
            "rememberd_http_connections_max",
            "How many connections may be open (--connections-max).",
            app.config.connections.connections_max.get() as u64,
        ),
        Family::counter(
            "rememberd_http_connections_accepted",
            "Accepted connections.",
            app.metrics.connections.accepted(),
        ),
    ]);
    let status = fs::read_to_string(PROCESS_STATUS).unwrap_or_default();
    if let Some(resident) = json::bytes(&status, "VmRSS:") {
        families.push(Family::amount(
            "process_resident_memory_bytes",
            "Memory of the process.",
            resident,
        ));
    }
}

fn about_requests(metrics: &Metrics, families: &mut Vec<Family>) {
    let (mut statuses, mut durations) = (Vec::new(), Vec::new());
    for counts in metrics.requests.counts() {
        for (status, count) in counts.by_status.into_iter().filter(|(_, count)| *count > 0) {
            let labels = vec![("route", counts.route), ("status", status)];
            statuses.push((labels, count));
        }
        durations.push((vec![("route", counts.route)], counts.duration));
    }
    let causes = metrics.failures.counts();
    let throttled = [
        ("access_token", &metrics.throttled.access_tokens),
        ("login", &metrics.throttled.logins),
        ("sign_in", &metrics.throttled.sign_ins),
    ];
    let denied = [
        ("ACCESS_DENIED", &metrics.access_denied),
        ("ACTION_DENIED", &metrics.action_denied),
    ];
    families.extend([
        Family::counters(
            "rememberd_http_requests",
            "Requests, by the route and the status of the response.",
            statuses,
        ),
        Family::histograms(
            "rememberd_http_request_duration_seconds",
            "From the head of a request to its response, by the route.",
            MICROS_PER_SECOND,
            durations,
        ),
        Family::counters(
            "rememberd_http_failures",
            "Valid requests that failed, by the cause.",
            causes.map(|(cause, count)| (vec![("cause", cause)], count)),
        ),
        Family::counters(
            "rememberd_http_throttled",
            "Requests of clients that had failed too often, by what they failed with.",
            throttled.map(|(kind, count)| (vec![("kind", kind)], load(count))),
        ),
        Family::counters(
            "rememberd_http_callers_refused",
            "Requests without a valid access token, or whose access token does not allow it, by the error code.",
            denied.map(|(code, count)| (vec![("code", code)], load(count))),
        ),
    ]);
}

fn about_events(app: &App, families: &mut Vec<Family>) {
    let counts = Event::ALL.map(|event| {
        let (name, reason) = event.names();
        let labels = vec![("event", name), ("reason", reason.unwrap_or_default())];
        (labels, app.audit.count(event))
    });
    families.push(Family::counters(
        "rememberd_events",
        "What happened to logins, profiles, tenants and access tokens, as the audit log names it.",
        counts,
    ));
}

fn about_storage(app: &App, families: &mut Vec<Family>) {
    let store = &app.store;
    let writer = store.metrics();
    let (queued, queue_max) = store.queue_jobs();
    let Backlog {
        pending_rows,
        entries,
        target,
    } = writer.backlog();
    families.extend([
        Family::amount(
            "rememberd_storage_open",
            "1 while the database is open, 0 while it is opened or has failed.",
            store.is_open().into(),
        ),
        Family::counter(
            "rememberd_storage_failures",
            "How often the storage failed and was reopened.",
            load(&writer.failures),
        ),
        Family::amount(
            "rememberd_storage_unreadable_parts",
            "Known parts of the database that cannot be read.",
            store.damage().len() as u64,
        ),
        Family::amount(
            "rememberd_writer_queue_jobs",
            "Writes that wait for the writer.",
            queued as u64,
        ),
        Family::amount(
            "rememberd_writer_queue_jobs_max",
            "How many writes may wait (--queue-jobs-max).",
            queue_max as u64,
        ),
        Family::histograms(
            "rememberd_writer_batch_jobs",
            "Writes in one commit.",
            1.0,
            [(Labels::new(), writer.batch_jobs.counted())],
        ),
        Family::histograms(
            "rememberd_writer_commit_duration_seconds",
            "The time of a commit, with its sync.",
            MICROS_PER_SECOND,
            [(Labels::new(), writer.commit_duration.counted())],
        ),
        Family::amount(
            "rememberd_journal_pending_rows",
            "Rows with changes in the journal that are not in their records yet.",
            pending_rows,
        ),
        Family::amount(
            "rememberd_journal_entries",
            "Entries of the journal, obsolete ones among them.",
            entries,
        ),
        Family::amount(
            "rememberd_journal_target_rows",
            "From how many pending rows on they are applied while others write.",
            target,
        ),
        Family::gauge(
            "rememberd_backup_last_success_timestamp_seconds",
            "When the last good backup was begun, in seconds since 1970; 0 if that is not known.",
            app.backups
                .last_good()
                .map_or(0, |time| time.as_millis() / 1_000) as f64,
        ),
    ]);
    let lookups = store.cache_lookups();
    let outcomes = lookups.iter().flat_map(|lookups| {
        [("hit", lookups.hits), ("miss", lookups.misses)].map(|(outcome, count)| {
            let labels = vec![("table", lookups.table), ("outcome", outcome)];
            (labels, count)
        })
    });
    families.push(Family::counters(
        "rememberd_row_cache_lookups",
        "Rows that were looked for in memory, since the database was opened.",
        outcomes,
    ));
    if let Ok(bytes) = store.file_bytes() {
        families.push(Family::amount(
            "rememberd_database_file_bytes",
            "The size of the database's file.",
            bytes,
        ));
        let used = load(&app.metrics.database_used_bytes);
        if used > 0 {
            families.push(Family::amount(
                "rememberd_database_free_bytes",
                "How much of the file can be used again, as it was measured in the last quarter of an hour.",
                bytes.saturating_sub(used),
            ));
        }
    }
}

/// The numbers of records, each of which the database has at hand.
fn about_content(app: &App, families: &mut Vec<Family>) {
    let Ok(counts) = stats(app) else {
        return;
    };
    families.extend([
        Family::amount(
            "rememberd_logins",
            "Persistent logins, expired ones among them until they are removed.",
            counts.persistent_logins,
        ),
        Family::amount(
            "rememberd_tickets",
            "Tickets, expired ones among them until they are removed.",
            counts.tickets,
        ),
        Family::amount(
            "rememberd_verification_tokens",
            "Verification tokens, expired ones among them until they are removed.",
            counts.verification_tokens,
        ),
        Family::amount(
            "rememberd_profiles",
            "Profiles, those of deleted tenants among them until they are removed.",
            counts.profiles,
        ),
        Family::amount("rememberd_tenants", "Tenants.", counts.tenants),
        Family::amount(
            "rememberd_access_tokens",
            "Access tokens, expired ones among them.",
            counts.access_tokens,
        ),
        Family::amount(
            "rememberd_mail_outbox_mails",
            "Mails that wait to be sent.",
            counts.queued_mails,
        ),
    ]);
}

fn about_clock(app: &App, families: &mut Vec<Family>) {
    let status = app.clock.status();
    families.extend([
        Family::gauge(
            "rememberd_clock_believed_timestamp_seconds",
            "The time that everything uses, in seconds since 1970.",
            app.clock.now().time().as_millis() as f64 / MILLIS_PER_SECOND,
        ),
        Family::gauge(
            "rememberd_clock_host_ahead_seconds",
            "How far the host's clock is ahead of the time that is believed.",
            status.difference_millis as f64 / MILLIS_PER_SECOND,
        ),
        Family::amount(
            "rememberd_clock_synchronized",
            "1 if the kernel reports that the host's clock is synchronized.",
            status.is_synchronized.into(),
        ),
    ]);
}

fn load(count: &AtomicU64) -> u64 {
    count.load(Ordering::Relaxed)
}
