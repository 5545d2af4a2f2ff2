//! The examples of the description: each request is sent, and the response is of its schema and like its example.

use rememberd::testing::ManagementToken;
use serde_json::{Value, json};

use super::json_schema::assert_valid;
use super::{Call, calls, description, resolve, written};
use crate::support::client::{FORM, Response, encode};
use crate::support::fixture::NOW;
use crate::support::process::{DEMO_ACCESS_TOKEN, DEMO_SEED};
use crate::support::server::{Server, Setup};

/// The management token of the server.
const MANAGEMENT_TOKEN: &str = "the management token of tests";

/// A server with the example data, a ticket, a verification token and an attachment.
pub fn example_server() -> Server {
    let text = std::fs::read_to_string(DEMO_SEED).expect("the example data");
    let mut seed: Value = serde_json::from_str(&text).expect("it is JSON");
    let profile = seed["profile"][0]["_id"].clone();
    seed["ticket"] = json!([{
        "_id": "3d6e8f10-52b7-4f0a-9c1d-7a2b4c6d8e90",
        "tenant": "default",
        "profileId": profile,
        "lastRequestTime": NOW.as_millis(),
    }]);
    seed["verificationtoken"] = json!([{
        "_id": "6a0f2b94-3c1d-4e85-9b7a-d05e8c41f237",
        "tenant": "default",
        "profileId": profile,
        "timestamp": NOW.as_millis(),
    }]);
    let server = Setup::new().seed(seed).flag("--metrics").start();
    let token = ManagementToken::new(MANAGEMENT_TOKEN).expect("a token");
    let configured = server.app.management_token.set(token);
    configured.expect("there is none");
    let id = profile.as_str().expect("an id");
    upload(
        &server,
        &format!("/crafter-profile/api/1/profile/{id}/uploadAttachment"),
    );
    server
}

/// Uploads an attachment.
fn upload(server: &Server, target: &str) -> Response {
    const BODY: &str = "--x\r\nContent-Disposition: form-data; name=\"attachment\"; filename=\"me.gif\"\r\n\r\n\
                        GIF89a\r\n--x--\r\n";
    let bearer = format!("Bearer {DEMO_ACCESS_TOKEN}");
    let headers = [
        ("authorization", bearer.as_str()),
        ("content-type", "multipart/form-data; boundary=x"),
    ];
    let client = server.client();
    let uploaded = client.send("POST", target, &headers, Some(BODY.as_bytes()));
    assert_eq!(uploaded.status, 200, "{uploaded:?}");
    uploaded
}

/// How a body is sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Form,
    Json,
}

/// Sends the example of a call.
pub fn send(server: &Server, description: &Value, call: &Call, kind: Kind) -> Response {
    let mut path = call.path.clone();
    let mut query = Vec::new();
    for parameter in call.operation["parameters"]
        .as_array()
        .into_iter()
        .flatten()
    {
        let parameter = resolve(description, parameter);
        let name = parameter["name"].as_str().expect("a name");
        let values = texts(&parameter["example"]);
        assert!(
            !values.is_empty() || parameter["required"] == false,
            "{}: {name} is required and has no example",
            call.id()
        );
        if parameter["in"] == "path" {
            path = path.replace(&format!("{{{name}}}"), &values[0]);
        } else {
            query.extend(values.into_iter().map(|value| (name.to_owned(), value)));
        }
    }
    let query: Vec<(&str, &str)> = query
        .iter()
        .map(|(name, value)| (&**name, &**value))
        .collect();
    let mut target = format!("/crafter-profile{path}");
    if !query.is_empty() {
        target = format!("{target}?{}", encode(&query));
    }
    if call.operation["requestBody"]["content"]["multipart/form-data"]["schema"]["$ref"]
        == "#/components/schemas/Upload"
    {
        return upload(server, &target);
    }
    let management = format!("Bearer {MANAGEMENT_TOKEN}");
    let bearer = format!("Bearer {DEMO_ACCESS_TOKEN}");
    let mut headers = Vec::new();
    let security = call.operation["security"].as_array();
    if security.is_none() {
        headers.push(("authorization", bearer.as_str()));
    } else if security.is_some_and(|schemes| !schemes.is_empty()) {
        headers.push(("authorization", management.as_str()));
    }
    let content = &call.operation["requestBody"]["content"];
    let form = &content["application/x-www-form-urlencoded"]["example"];
    let body = if kind == Kind::Form && content.get("application/x-www-form-urlencoded").is_some() {
        headers.push(FORM);
        let members = form.as_object().into_iter().flatten();
        let pairs: Vec<_> = members
            .flat_map(|(name, value)| texts(value).into_iter().map(move |text| (name, text)))
            .collect();
        let pairs: Vec<_> = pairs
            .iter()
            .map(|(name, text)| (name.as_str(), &**text))
            .collect();
        Some(encode(&pairs))
    } else if content.get("application/json").is_some() {
        headers.push(("content-type", "application/json"));
        let example = content["application/json"].get("example");
        let example = example.or(form.is_object().then_some(form));
        example.map_or(Some("{}".to_owned()), |example| Some(example.to_string()))
    } else {
        (call.method == "POST").then(String::new)
    };
    let client = server.client();
    client.send(
        &call.method,
        &target,
        &headers,
        body.as_deref().map(str::as_bytes),
    )
}

/// The texts of a parameter's example.
fn texts(example: &Value) -> Vec<String> {
    match example {
        Value::Null => Vec::new(),
        Value::String(text) => vec![text.clone()],
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        other => vec![other.to_string()],
    }
}

/// The shape of JSON: its names in their order, and the types of its values.
pub fn shape(json: &str) -> String {
    let mut shape = String::new();
    let mut chars = json.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '"' => {
                let mut text = String::new();
                while let Some(char) = chars.next() {
                    match char {
                        '\\' => text.extend([char, chars.next().expect("JSON")]),
                        '"' => break,
                        char => text.push(char),
                    }
                }
                while chars.next_if(|char| char.is_whitespace()).is_some() {}
                let is_name = chars.peek() == Some(&':');
                shape.push_str(if is_name { &text } else { "text" });
            }
            char if char.is_whitespace() => {}
            '{' | '}' | '[' | ']' | ',' | ':' => shape.push(char),
            first => {
                let is_more = |char: &char| char.is_alphanumeric() || ".+-".contains(*char);
                while chars.next_if(is_more).is_some() {}
                shape.push_str(match first {
                    't' | 'f' => "boolean",
                    'n' => "null",
                    _ => "number",
                });
            }
        }
    }
    shape
}

fn assert_as_described(description: &Value, call: &Call, response: &Response) {
    let id = call.id();
    assert_eq!(response.status, 200, "{id}: {}", response.body);
    let described = resolve(description, &call.operation["responses"]["200"]);
    let Some(content) = described.get("content") else {
        response.assert_empty();
        return;
    };
    let content_type = response.header("content-type").split(';').next();
    let content_type = content_type.expect("a type");
    let content = content
        .get(content_type)
        .unwrap_or_else(|| panic!("{id}: {content_type} is not described"));
    if content_type != "application/json" {
        return;
    }
    let json: Value = serde_json::from_str(&response.body).expect("JSON");
    assert_valid(description, &content["schema"], &json, id);
    let Some(example) = content.get("example") else {
        return;
    };
    assert_valid(description, &content["schema"], example, id);
    let method = call.method.to_lowercase();
    let path = [
        "paths",
        &call.path,
        &method,
        "responses",
        "200",
        "content",
        content_type,
        "example",
    ];
    assert_eq!(shape(&response.body), shape(&written(&path)), "{id}");
}

#[test]
fn what_reads_is_as_its_example() {
    let description = description();
    let server = example_server();
    for call in calls().iter().filter(|call| call.method == "GET") {
        let response = send(&server, &description, call, Kind::Form);
        assert_as_described(&description, call, &response);
    }
}

#[test]
fn what_changes_something_is_as_its_example() {
    let description = description();
    for call in calls().iter().filter(|call| call.method == "POST") {
        let content = &call.operation["requestBody"]["content"];
        let both = content.get("application/x-www-form-urlencoded").is_some();
        for kind in [Kind::Form, Kind::Json] {
            if kind == Kind::Json && !both {
                continue;
            }
            // Its own data, so that the others are not changed.
            let server = example_server();
            let response = send(&server, &description, call, kind);
            assert_as_described(&description, call, &response);
        }
    }
}

#[test]
fn the_examples_of_requests_are_of_their_schemas() {
    let description = description();
    for call in calls() {
        let content = call.operation["requestBody"]["content"].as_object();
        for (kind, body) in content.into_iter().flatten() {
            if let Some(example) = body.get("example") {
                assert_valid(
                    &description,
                    &body["schema"],
                    example,
                    &format!("{} {kind}", call.id()),
                );
            }
        }
        for parameter in call.operation["parameters"]
            .as_array()
            .into_iter()
            .flatten()
        {
            let parameter = resolve(&description, parameter);
            if let Some(example) = parameter.get("example") {
                assert_valid(&description, &parameter["schema"], example, call.id());
            }
        }
    }
}
