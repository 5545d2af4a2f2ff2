//! The load generator, inside its process: one thread, a task per connection, one request at a time on each.
//!
//! It shares the processors with the server that it measures, so it does as little as it can: it writes bytes that were
//! laid out before, reads into one buffer, and never allocates while it measures.

use std::cell::{Cell, RefCell};
use std::io;
use std::rc::Rc;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::task::LocalSet;
use tokio::time;

use crate::dataset::{Random, Uuid};
use crate::exchange::{ANSWER_BYTES_MAX, Check, Exchange, token_of};
use crate::flow;
use crate::load::{Load, Operation, Outcome, STRAGGLER_TIMEOUT_SECS};

const LATENCY_MICROSECONDS_MAX: u64 = 60_000_000;

/// The counters that all connections share.
pub struct Tally {
    histogram: RefCell<Histogram<u64>>,
    early: Cell<u64>,
    late: Cell<u64>,
    errors: Cell<u64>,
    from: Instant,
    /// When the time is up.
    pub until: Instant,
}

/// The load's process: does what the arguments say and prints one line.
pub fn main(args: &[String]) {
    let load = Load::from_args(args);
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime of one thread can be built");
    let outcome = runtime.block_on(LocalSet::new().run_until(run(load)));
    println!("{}", outcome.to_json());
}

async fn run(load: Load) -> Outcome {
    let mut streams = Vec::with_capacity(load.connections);
    for _ in 0..load.connections {
        let stream = TcpStream::connect(load.address)
            .await
            .expect("the server accepts every connection of the load");
        stream.set_nodelay(true).expect("the connection is open");
        streams.push(stream);
    }

    let load = Rc::new(load);
    let learning: Vec<_> = streams
        .into_iter()
        .zip(0..)
        .map(|(stream, number)| {
            tokio::task::spawn_local(read_tokens(stream, number, Rc::clone(&load)))
        })
        .collect();
    let mut tokens = Vec::with_capacity(load.connections);
    for task in learning {
        tokens.push(task.await.expect("the tokens are read"));
    }
    let from = Instant::now() + load.warm_up;
    let tally = Rc::new(Tally {
        histogram: RefCell::new(empty_histogram()),
        early: Cell::new(0),
        late: Cell::new(0),
        errors: Cell::new(0),
        from,
        until: from + load.measure,
    });
    let tasks: Vec<_> = tokens
        .into_iter()
        .zip(0..)
        .map(|((stream, tokens), number)| {
            tokio::task::spawn_local(send_all(
                stream,
                number,
                tokens,
                Rc::clone(&load),
                Rc::clone(&tally),
            ))
        })
        .collect();
    let end = tally.until + Duration::from_secs(STRAGGLER_TIMEOUT_SECS);
    for task in tasks {
        if time::timeout_at(end.into(), task).await.is_err() {
            tally.error();
        }
    }
    tally.outcome()
}

/// The tokens of the connection's own logins, where tokens are presented: the logins whose numbers leave the
/// connection's number when divided by how many there are.
async fn read_tokens(mut stream: TcpStream, number: u64, load: Rc<Load>) -> (TcpStream, Vec<Uuid>) {
    let mut tokens = Vec::new();
    if !matches!(load.operation, Operation::CompareAndRotate) {
        return (stream, tokens);
    }
    let connections = load.connections as u64;
    let mut exchange = Exchange::new(&Operation::Get, &load.dataset);
    let mut buffer = [0; ANSWER_BYTES_MAX];
    for own in 0..load.dataset.logins / connections {
        let id = load.dataset.login_id(own * connections + number);
        let filled = send_one(&mut stream, &mut exchange, &mut buffer, &id, &id)
            .await
            .expect("the server has every login");
        tokens.push(token_of(&buffer[..filled]).expect("a checked answer has a token"));
    }
    (stream, tokens)
}

/// One connection, until the time is up or the connection breaks.
async fn send_all(
    mut stream: TcpStream,
    number: u64,
    mut tokens: Vec<Uuid>,
    load: Rc<Load>,
    tally: Rc<Tally>,
) {
    if let Operation::Visits(flow) = load.operation {
        return flow::visit(stream, number, flow, &load, &tally).await;
    }
    let mut exchange = Exchange::new(&load.operation, &load.dataset);
    let mut random = Random::new(load.dataset.seed, (load.stream << 16) + number);
    let mut buffer = [0; ANSWER_BYTES_MAX];
    let mut now = Instant::now();
    while now < tally.until {
        // A connection that presents tokens has logins of its own, so that it knows their tokens.
        let own = match tokens.len() as u64 {
            0 => None,
            count => Some(random.below(count)),
        };
        let index = match own {
            Some(own) => own * load.connections as u64 + number,
            None => random.below(load.dataset.logins),
        };
        let id = load.dataset.login_id(index);
        let token = own.map_or_else(|| random.uuid(), |own| tokens[own as usize]);
        let sent = Instant::now();
        let answered = send_one(&mut stream, &mut exchange, &mut buffer, &id, &token).await;
        now = Instant::now();
        match answered {
            Ok(filled) => {
                tally.success(sent, now);
                if let Some(own) = own {
                    tokens[own as usize] =
                        token_of(&buffer[..filled]).expect("a checked answer has a token");
                }
            }
            // After a wrong answer the connection may be out of step, so that it ends here as well.
            Err(_) => return tally.error(),
        }
    }
}

async fn send_one(
    stream: &mut TcpStream,
    exchange: &mut Exchange,
    buffer: &mut [u8],
    id: &Uuid,
    token: &Uuid,
) -> io::Result<usize> {
    stream.write_all(exchange.aim(id, token)).await?;
    let mut filled = 0;
    loop {
        match stream.read(&mut buffer[filled..]).await? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => filled += count,
        }
        match exchange.check(&buffer[..filled], id) {
            Check::Incomplete => {}
            Check::Good => return Ok(filled),
            Check::Bad => return Err(io::ErrorKind::InvalidData.into()),
        }
    }
}

impl Tally {
    /// Counts an answer that came within the time; those of the warm-up are not counted.
    pub fn success(&self, sent: Instant, answered: Instant) {
        if answered >= self.from && answered < self.until {
            let latency = (answered - sent).as_micros() as u64;
            self.histogram.borrow_mut().saturating_record(latency);
            let third = (self.until - self.from) / 3;
            if answered < self.from + third {
                self.early.set(self.early.get() + 1);
            } else if answered >= self.until - third {
                self.late.set(self.late.get() + 1);
            }
        }
    }

    /// Errors count at any time, the warm-up included.
    pub fn error(&self) {
        self.errors.set(self.errors.get() + 1);
    }

    fn outcome(&self) -> Outcome {
        let histogram = self.histogram.borrow();
        Outcome {
            count: histogram.len(),
            early: self.early.get(),
            late: self.late.get(),
            errors: self.errors.get(),
            p50_us: histogram.value_at_quantile(0.5),
            p99_us: histogram.value_at_quantile(0.99),
            max_us: histogram.max(),
        }
    }
}

fn empty_histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LATENCY_MICROSECONDS_MAX, 3).expect("the bounds are in order")
}
