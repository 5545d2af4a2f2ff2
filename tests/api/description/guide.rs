//! The guide to the wire contract has every endpoint.

use super::routes::endpoints;

const GUIDE: &str = include_str!("../../../src/guide/wire_contract.md");

#[test]
fn the_guide_to_the_wire_contract_has_every_endpoint() {
    let mut missing = Vec::new();
    for (method, path) in endpoints() {
        // The path below the one that a section of the guide names, as a table of it has it.
        let below = path
            .match_indices('/')
            .map(|(at, _)| path.split_at(at))
            .any(|(above, below)| {
                let above = above.is_empty() || GUIDE.contains(&format!("`{above}`"));
                above && GUIDE.contains(&format!("`{below}`"))
            });
        if !below && !GUIDE.contains(&format!("{method} `{path}`")) {
            missing.push(format!("{method} {path}"));
        }
    }
    assert!(missing.is_empty(), "not in the guide: {missing:#?}");
}
