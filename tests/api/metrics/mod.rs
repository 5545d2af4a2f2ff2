//! The metrics, the dashboard that shows them, and the alerts on them.

mod alerts;
mod values;

use std::collections::BTreeMap;

use crate::support::client::{Client, Response};

const METRICS: &str = "/metrics";

/// The metrics that a response has: the value of each sample, by its name and its labels as they are written.
#[track_caller]
fn samples(response: &Response) -> BTreeMap<String, f64> {
    assert_eq!(response.status, 200, "{}", response.body);
    let lines = response.body.lines();
    let samples = lines.filter(|line| !line.starts_with('#')).map(|line| {
        let (name, value) = line.rsplit_once(' ').expect("a value");
        (name.to_owned(), value.parse().expect("a number"))
    });
    samples.collect()
}

/// The value of one sample, 0 if there is none.
fn value(client: &Client, sample: &str) -> f64 {
    let samples = samples(&client.get(METRICS));
    samples.get(sample).copied().unwrap_or_default()
}
