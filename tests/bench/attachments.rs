//! What uploads and downloads of attachments take: memory, and time of those who refresh logins meanwhile.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::Instant;

use crate::dataset::Dataset;
use crate::load::Outcome;
use crate::plan::Plan;
use crate::refreshes::Refreshes;
use crate::rememberd::Server;
use crate::sample::Spread;
use crate::targets::{Bound, Comparison};
use crate::workspace::Workspace;

const AT_ONCE: usize = 16;
const SIZE: usize = 5 << 20;
/// So that the pages of the database that are cached are not taken for what transfers take.
const SMALL_CACHE: [&str; 1] = ["--cache-size=4MiB"];
const BYTES_PER_MB: f64 = 1e6;

const MEMORY_MB_MAX: Bound = Bound::AtMost(16.0);
const P99_MAX: Bound = Bound::AtMost(3.0);

const PROFILES: &str = "/crafter-profile/api/1/profile";
const BOUNDARY: &str = "boundary-of-the-benchmark";

/// The figures of each round.
#[derive(Default)]
pub struct Attachments {
    /// Megabytes per second, of all at once.
    upload_rate: Vec<f64>,
    download_rate: Vec<f64>,
    /// Resident memory beyond that of the server after refreshes, with a small page cache, and with the usual one.
    uploads_mb: Vec<f64>,
    downloads_mb: Vec<f64>,
    both_mb: Vec<f64>,
    cached_mb: Vec<f64>,
    /// Beyond that of the server after the same was done before.
    again_mb: Vec<f64>,
    /// The p99 of refreshes meanwhile, in times of the undisturbed.
    p99_uploads: Vec<f64>,
    p99_downloads: Vec<f64>,
}

pub fn measure(plan: &Plan, workspace: &Workspace) -> Attachments {
    let refreshes = Refreshes::prepare(plan, workspace, "attachments");
    let mut attachments = Attachments::default();
    for round in 0..plan.bulk_rounds {
        attachments.measure_memory(&refreshes, round);
        attachments.measure_refreshes(&refreshes, round);
    }
    attachments
}

impl Attachments {
    fn measure_memory(&mut self, refreshes: &Refreshes, round: usize) {
        let server = refreshes.start(&SMALL_CACHE);
        let client = Client::new(server.address, &refreshes.dataset);
        refreshes.alone(&server);
        let idle = server.memory().now;
        let megabytes = |bytes: u64| bytes.saturating_sub(idle) as f64 / BYTES_PER_MB;
        let rate = |seconds: f64| (AT_ONCE * SIZE) as f64 / BYTES_PER_MB / seconds;
        let (uploads, seconds) = peak(&server, AT_ONCE, |number| client.upload(number));
        self.upload_rate.push(rate(seconds));
        let (downloads, seconds) = peak(&server, AT_ONCE, |number| client.download(number));
        self.download_rate.push(rate(seconds));
        let (both, _) = peak(&server, 2 * AT_ONCE, |number| client.transfer(number));
        eprintln!(
            "round {round}: idle {:.1} MB, 16 uploads +{:.1}, 16 downloads +{:.1}, both +{:.1}",
            idle as f64 / BYTES_PER_MB,
            megabytes(uploads),
            megabytes(downloads),
            megabytes(both)
        );
        self.uploads_mb.push(megabytes(uploads));
        self.downloads_mb.push(megabytes(downloads));
        self.both_mb.push(megabytes(both));
        server.stop();
    }

    fn measure_refreshes(&mut self, refreshes: &Refreshes, round: usize) {
        let server = refreshes.start(&[]);
        let client = Client::new(server.address, &refreshes.dataset);
        let alone = refreshes.alone(&server);
        let idle = server.memory().now;
        let (uploads, uploaded) =
            refreshes.during(&server, AT_ONCE, |number| client.upload(number));
        let (downloads, downloaded) =
            refreshes.during(&server, AT_ONCE, |number| client.download(number));
        let warm = server.memory().now;
        let (again, _) = peak(&server, 2 * AT_ONCE, |number| client.transfer(number));
        for (name, outcome) in [
            ("alone", &alone),
            ("during uploads", &uploads),
            ("during downloads", &downloads),
        ] {
            eprintln!(
                "round {round}: {} refreshes {name}, µs p50 {} p99 {}",
                outcome.count, outcome.p50_us, outcome.p99_us
            );
        }
        eprintln!(
            "round {round}: {uploaded} uploads, {downloaded} downloads; idle {:.1} MB, then {:.1}, again {:.1}",
            idle as f64 / BYTES_PER_MB,
            warm as f64 / BYTES_PER_MB,
            again as f64 / BYTES_PER_MB
        );
        let ratio = |outcome: &Outcome| outcome.p99_us as f64 / alone.p99_us as f64;
        self.p99_uploads.push(ratio(&uploads));
        self.p99_downloads.push(ratio(&downloads));
        self.cached_mb
            .push(again.saturating_sub(idle) as f64 / BYTES_PER_MB);
        self.again_mb
            .push(again.saturating_sub(warm) as f64 / BYTES_PER_MB);
        server.stop();
    }

    pub fn comparisons(&self) -> Vec<Comparison> {
        let row = |name: &str, unit, bound, values: &[f64]| Comparison {
            name: name.to_owned(),
            unit,
            bound,
            value: Spread::of(values.iter().copied()).ok_or_else(|| "not measured".to_owned()),
        };
        let memory = |name: &str, values: &[f64]| row(name, "MB", Some(MEMORY_MB_MAX), values);
        let p99 = |name: &str, values: &[f64]| row(name, "x", Some(P99_MAX), values);
        vec![
            memory(
                "16 uploads of 5 MiB, a page cache of 4 MiB",
                &self.uploads_mb,
            ),
            memory("then 16 downloads", &self.downloads_mb),
            memory("then 16 uploads and 16 downloads", &self.both_mb),
            memory("the same, usual page cache, done before", &self.again_mb),
            row(
                "the same, with what that caches",
                "MB",
                None,
                &self.cached_mb,
            ),
            p99(
                "p99 of refreshes during 16 uploads / alone",
                &self.p99_uploads,
            ),
            p99(
                "p99 of refreshes during 16 downloads / alone",
                &self.p99_downloads,
            ),
            row("16 uploads", "MB/s", None, &self.upload_rate),
            row("16 downloads", "MB/s", None, &self.download_rate),
        ]
    }
}

/// The most memory while so many threads do `work` once, with their numbers, and how many seconds that takes.
fn peak(server: &Server, threads: usize, work: impl Fn(usize) + Sync) -> (u64, f64) {
    server.reset_peak_memory();
    let began = Instant::now();
    thread::scope(|scope| {
        for number in 0..threads {
            let work = &work;
            scope.spawn(move || work(number));
        }
    });
    (server.memory().peak, began.elapsed().as_secs_f64())
}

/// Who transfers attachments of one profile, on a connection for each.
struct Client {
    address: SocketAddr,
    access: String,
    profile: String,
    content: Vec<u8>,
}

impl Client {
    fn new(address: SocketAddr, dataset: &Dataset) -> Self {
        let mut content = b"\x89PNG\r\n\x1a\n".to_vec();
        content.extend(
            (0_usize..)
                .map(|at| (at / 251 + at * 7) as u8)
                .take(SIZE - 8),
        );
        Self {
            address,
            access: format!("accessTokenId={}", dataset.access_token().as_str()),
            profile: dataset.profile_id(0),
            content,
        }
    }

    /// The first half of the numbers upload, the others download.
    fn transfer(&self, number: usize) {
        match number.checked_sub(AT_ONCE) {
            None => self.upload(number),
            Some(number) => self.download(number),
        }
    }

    fn upload(&self, number: usize) {
        let part = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"attachment\"; filename=\"{number}.png\"\r\n\r\n"
        );
        let end = format!("\r\n--{BOUNDARY}--\r\n");
        let head = format!(
            "POST {PROFILES}/{}/uploadAttachment?{} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\
             Content-Type: multipart/form-data; boundary={BOUNDARY}\r\nContent-Length: {}\r\n\r\n",
            self.profile,
            self.access,
            part.len() + SIZE + end.len()
        );
        let received = self.exchange(&[
            head.as_bytes(),
            part.as_bytes(),
            &self.content,
            end.as_bytes(),
        ]);
        assert!(received < SIZE, "the answer describes the attachment");
    }

    fn download(&self, number: usize) {
        let head = format!(
            "GET {PROFILES}/{}/attachment/{number}?{} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n",
            self.profile, self.access
        );
        let received = self.exchange(&[head.as_bytes()]);
        assert!(received > SIZE, "the answer has all of the content");
    }

    /// Returns how many bytes the answer has, which must be a 200.
    fn exchange(&self, request: &[&[u8]]) -> usize {
        let mut stream = TcpStream::connect(self.address).expect("the server accepts a connection");
        for piece in request {
            stream
                .write_all(piece)
                .expect("the server reads the request");
        }
        let (mut buffer, mut received) = (vec![0; 64 << 10], 0);
        loop {
            let count = stream.read(&mut buffer).expect("the server answers");
            if count == 0 {
                return received;
            }
            let is_begin = received == 0;
            received += count;
            let begin = String::from_utf8_lossy(&buffer[..count.min(400)]);
            assert!(!is_begin || begin.starts_with("HTTP/1.1 200"), "{begin}");
        }
    }
}
