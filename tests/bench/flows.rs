//! The whole of what the two clients do for people who are remembered, in requests per second.

use crate::dataset::Dataset;
use crate::flow::Flow;
use crate::load::{Load, Operation};
use crate::plan::Plan;
use crate::rememberd::Server;
use crate::sample::Round;
use crate::workspace::Workspace;

const CONNECTIONS: usize = 64;
/// Apart from the streams of the other loads.
const STREAM: u64 = 7 << 32;

/// What people get who do one thing again and again.
pub struct FlowRow {
    pub flow: Flow,
    pub rounds: Vec<Round>,
}

pub fn measure(plan: &Plan, workspace: &Workspace) -> Vec<FlowRow> {
    let dataset = Dataset {
        seed: plan.seed,
        logins: plan.small_logins,
    };
    let data_dir = workspace.create_dir("data-flows");
    let log_path = workspace.path().join("rememberd-flows.log");
    let seed_path = workspace.path().join("seed-flows.json");
    dataset
        .write_seed_file(&seed_path)
        .expect("the workspace has room for the seed file");
    let server = Server::start(&data_dir, Some(&seed_path), &log_path);
    server.stop();
    let mut rows = Vec::new();
    // Each load has people of its own, who are named after its stream.
    let mut streams = STREAM..;
    for flow in Flow::ALL {
        let mut rounds = Vec::new();
        for _ in 0..plan.flow_rounds {
            let server = Server::start_with(&data_dir, &[], &log_path);
            let load = Load {
                address: server.address,
                operation: Operation::Visits(flow),
                connections: CONNECTIONS,
                warm_up: plan.warm_up,
                measure: plan.flow_measure,
                dataset,
                stream: streams.next().expect("they do not end"),
            };
            rounds.push(load.run());
            server.stop();
        }
        rows.push(FlowRow { flow, rounds });
    }
    rows
}
