//! The `Accept` header.

use hyper::header::{ACCEPT, HeaderMap};

use crate::http::media_type;

/// Whether a request with these headers accepts JSON.
pub fn accepts_json(headers: &HeaderMap) -> bool {
    let mut ranges = headers
        .get_all(ACCEPT)
        .iter()
        .flat_map(|value| value.as_bytes().split(|&byte| byte == b','))
        .map(|range| String::from_utf8_lossy(range))
        .filter(|range| !range.trim().is_empty())
        .peekable();
    if ranges.peek().is_none() {
        return true;
    }
    let most_specific = ranges
        .filter_map(|range| specificity(&range))
        .max_by_key(|&(specificity, _)| specificity);
    most_specific.is_some_and(|(_, is_accepted)| is_accepted)
}

/// How specifically a media range matches JSON, and whether it accepts it; `None` if it does not match.
fn specificity(range: &str) -> Option<(u8, bool)> {
    let essence = media_type::essence(range).to_ascii_lowercase();
    // A format that is JSON too. Where it is excluded, JSON as such is not.
    let is_other = essence.ends_with("+json") && !essence.contains('*');
    let specificity = match essence.as_str() {
        "application/json" => 3,
        "application/*+json" => 2,
        "application/*" => 1,
        "*/*" => 0,
        _ if is_other => 2,
        _ => return None,
    };
    let is_excluded = range.split(';').skip(1).any(|parameter| {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        name.trim().eq_ignore_ascii_case("q") && value.trim().parse().is_ok_and(|q: f32| q <= 0.0)
    });
    (!is_other || !is_excluded).then_some((specificity, !is_excluded))
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    #[test]
    fn accept_headers() {
        let table: [(&[&str], bool); 22] = [
            (&[], true),
            (&[""], true),
            (&["*/*"], true),
            (&["application/json"], true),
            (&["Application/JSON;charset=UTF-8"], true),
            (&["application/*+json"], true),
            (&["application/*"], true),
            (&["text/html, */*;q=0.1"], true),
            (&["text/html", "application/json"], true),
            (&["text/html"], false),
            (&["application/xml"], false),
            (&["application/json;q=0"], false),
            (&["application/json; Q=0.0, */*"], false),
            (&["*/*;q=0, application/json"], true),
            (&["json"], false),
            (&[","], true),
            (&["application/vnd.api+json"], true),
            (&["Application/Problem+JSON;q=0.1, text/html"], true),
            (&["application/vnd.api+json;q=0"], false),
            (&["application/vnd.api+json;q=0, */*"], true),
            (&["application/vnd.api+json, application/json;q=0"], false),
            (&["text/*+json"], false),
        ];
        for (values, accepted) in table {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(
                    ACCEPT,
                    HeaderValue::from_str(value).expect("a header value"),
                );
            }
            assert_eq!(accepts_json(&headers), accepted, "{values:?}");
        }
    }
}
