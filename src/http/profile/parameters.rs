//! Decodes the parameters of requests for profiles.

use crate::domain::projection::Projection;
use crate::http::params::Params;

/// The attributes that a read is to show.
pub fn projection(params: &Params) -> Projection {
    Projection::of_paths(&list(params, "attributeToReturn"))
}

/// The values of a list: a single one is split at commas.
fn list(params: &Params, name: &str) -> Vec<String> {
    let values: Vec<_> = params
        .iter()
        .filter(|(other, _)| *other == name)
        .map(|(_, value)| value)
        .collect();
    match values[..] {
        [""] => Vec::new(),
        [single] => single
            .split(',')
            .map(|part| part.trim().to_owned())
            .collect(),
        _ => values.into_iter().map(str::to_owned).collect(),
    }
}
