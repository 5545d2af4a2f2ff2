//! Writes metrics as text.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::prometheus_text;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;

use crate::metrics::histogram::Counted;

/// Names and values of labels. All of them are from fixed lists, none is from a client.
pub type Labels = Vec<(&'static str, &'static str)>;

/// Metrics of one name.
#[derive(Debug)]
pub struct Family {
    name: &'static str,
    help: &'static str,
    samples: Samples,
}

#[derive(Debug)]
enum Samples {
    Counters(Vec<(Labels, u64)>),
    Gauges(Vec<(Labels, f64)>),
    Histograms {
        samples: Vec<(Labels, Counted)>,
        /// How many of the unit that was counted in are one of the unit of the metric.
        per_unit: f64,
    },
}

impl Family {
    /// A number that only grows, of which the name has no `_total`.
    pub fn counter(name: &'static str, help: &'static str, value: u64) -> Self {
        Self::counters(name, help, [(Vec::new(), value)])
    }

    /// Several of them, by their labels.
    pub fn counters(
        name: &'static str,
        help: &'static str,
        samples: impl IntoIterator<Item = (Labels, u64)>,
    ) -> Self {
        let samples = Samples::Counters(samples.into_iter().collect());
        Self {
            name,
            help,
            samples,
        }
    }

    /// A number that may fall.
    pub fn gauge(name: &'static str, help: &'static str, value: f64) -> Self {
        Self::gauges(name, help, [(Vec::new(), value)])
    }

    /// A number of things that may fall.
    pub fn amount(name: &'static str, help: &'static str, value: u64) -> Self {
        Self::gauge(name, help, value as f64)
    }

    /// Several numbers that may fall, by their labels.
    pub fn gauges(
        name: &'static str,
        help: &'static str,
        samples: impl IntoIterator<Item = (Labels, f64)>,
    ) -> Self {
        let samples = Samples::Gauges(samples.into_iter().collect());
        Self {
            name,
            help,
            samples,
        }
    }

    /// Histograms whose values are as many as `per_unit` for one of the metric's unit.
    pub fn histograms(
        name: &'static str,
        help: &'static str,
        per_unit: f64,
        samples: impl IntoIterator<Item = (Labels, Counted)>,
    ) -> Self {
        let samples = samples.into_iter().collect();
        let samples = Samples::Histograms { samples, per_unit };
        Self {
            name,
            help,
            samples,
        }
    }

    fn encode(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let kind = match self.samples {
            Samples::Counters(_) => MetricType::Counter,
            Samples::Gauges(_) => MetricType::Gauge,
            Samples::Histograms { .. } => MetricType::Histogram,
        };
        let mut metric = encoder.encode_descriptor(self.name, self.help, None, kind)?;
        match &self.samples {
            Samples::Counters(samples) => {
                for (labels, value) in samples {
                    metric
                        .encode_family(labels)?
                        .encode_counter::<NoLabelSet, _, f64>(value, None)?;
                }
            }
            Samples::Gauges(samples) => {
                for (labels, value) in samples {
                    metric.encode_family(labels)?.encode_gauge(value)?;
                }
            }
            Samples::Histograms { samples, per_unit } => {
                for (labels, counted) in samples {
                    encode_histogram(&mut metric.encode_family(labels)?, counted, *per_unit)?;
                }
            }
        }
        Ok(())
    }
}

fn encode_histogram(
    metric: &mut MetricEncoder<'_>,
    counted: &Counted,
    per_unit: f64,
) -> fmt::Result {
    let bounds = counted.bounds.iter().map(|bound| *bound as f64 / per_unit);
    let counts = counted.counts.iter().copied();
    let buckets: Vec<_> = bounds.chain([f64::INFINITY]).zip(counts).collect();
    let sum = counted.sum as f64 / per_unit;
    metric.encode_histogram::<NoLabelSet>(sum, counted.total(), &buckets, None)
}

#[derive(Debug)]
struct Families(Vec<Family>);

impl Collector for Families {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut families = self.0.iter();
        families.try_for_each(|family| family.encode(&mut encoder))
    }
}

/// The metrics as text, in this order.
///
/// # Errors
///
/// If the library cannot write them.
pub fn encode(families: Vec<Family>) -> Result<String, fmt::Error> {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Families(families)));
    let mut text = String::new();
    prometheus_text::encode(&mut text, &registry)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::histogram::Histogram;

    #[test]
    fn each_kind_is_written_as_the_format_has_it() {
        let histogram = Histogram::new(&[500, 1_000]);
        for value in [1, 750, 2_000] {
            histogram.record(value);
        }
        let families = vec![
            Family::counters("c", "Some.", [(vec![("a", "x"), ("b", "y")], 3)]),
            Family::gauge("g", "One.", -1.5),
            Family::histograms("h", "Times.", 1_000.0, [(Vec::new(), histogram.counted())]),
        ];
        let text = encode(families).expect("it can be written");
        let expected = "\
# HELP c_total Some.
# TYPE c_total counter
c_total{a=\"x\",b=\"y\"} 3
# HELP g One.
# TYPE g gauge
g -1.5
# HELP h Times.
# TYPE h histogram
h_bucket{le=\"0.5\"} 1
h_bucket{le=\"1\"} 2
h_bucket{le=\"+Inf\"} 3
h_sum 2.751
h_count 3
";
        assert_eq!(text, expected);
    }
}
