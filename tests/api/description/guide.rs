//! The guide to the wire contract has every endpoint.

use super::routes::endpoints;

const GUIDE: &str = include_str!("../../../src/guide/wire_contract.md");

#[test]
fn the_guide_to_the_wire_contract_has_every_endpoint() {
    // What is not served is not missing either.
    let guide = match GUIDE.split_once("\n## Not served yet\n") {
        Some((before, rest)) => {
            let (_, after) = rest
                .split_once("\n## ")
                .expect("it is not the last section");
            [before, after].join("\n")
        }
        None => GUIDE.to_owned(),
    };
    let mut missing = Vec::new();
    for (method, path) in endpoints() {
        // The path below the one that a section of the guide names, as a table of it has it.
        let below = path
            .match_indices('/')
            .map(|(at, _)| path.split_at(at))
            .any(|(above, below)| {
                let above = above.is_empty() || guide.contains(&format!("`{above}`"));
                above && guide.contains(&format!("`{below}`"))
            });
        if !below && !guide.contains(&format!("{method} `{path}`")) {
            missing.push(format!("{method} {path}"));
        }
    }
    assert!(missing.is_empty(), "not in the guide: {missing:#?}");
}
