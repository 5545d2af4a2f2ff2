//! The requests of `curl`, which need not be installed: those of its options that the pages use.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use ureq::Agent;

/// Where the pages expect the server.
const ADDRESS: &str = "http://127.0.0.1:8080";

/// The content type of a form unless a command line says otherwise.
const FORM: &str = "application/x-www-form-urlencoded";

/// What precedes an access token in its header.
const BEARER: &str = "Bearer ";

/// How long a response may take on a busy host.
const PATIENCE: Duration = Duration::from_secs(60);

/// The end of each part of a multipart form.
const BOUNDARY: &str = "a-boundary";

/// What a command line asks for.
#[derive(PartialEq, Debug)]
struct Request<'a> {
    /// The path and the query.
    target: String,
    /// The form, if it is a POST.
    form: Option<String>,
    /// The parts of a multipart form: `name=@file` or `name=value`.
    parts: Vec<&'a str>,
    /// The content type of the form.
    content_type: &'a str,
    /// The access token of the header.
    bearer: Option<&'a str>,
    /// The file that the response's body is written to.
    output: Option<&'a str>,
}

/// Sends the request of `curl` with these arguments to the server at `server`, with files in `home`. Returns the
/// response's body, unless it is written to a file.
pub fn curl(arguments: &[String], server: SocketAddr, home: &Path) -> String {
    let request = parse(arguments).unwrap_or_else(|fault| panic!("curl {arguments:?}: {fault}"));
    let agent: Agent = Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(PATIENCE))
        .build()
        .new_agent();
    let url = format!("http://{server}{}", request.target);
    let authorization = request.bearer.map(|id| format!("{BEARER}{id}"));
    let body = match &request.form {
        _ if !request.parts.is_empty() => {
            let content_type = format!("multipart/form-data; boundary={BOUNDARY}");
            Some((content_type, multipart(&request.parts, home)))
        }
        Some(form) => Some((request.content_type.to_owned(), form.clone().into_bytes())),
        None => None,
    };
    let sent = match body {
        None => {
            let mut get = agent.get(&url);
            if let Some(value) = authorization {
                get = get.header("Authorization", value);
            }
            get.call()
        }
        Some((content_type, body)) => {
            let mut post = agent.post(&url).content_type(content_type);
            if let Some(value) = authorization {
                post = post.header("Authorization", value);
            }
            post.send(body)
        }
    };
    let mut response = sent.unwrap_or_else(|error| panic!("curl {arguments:?}: {error}"));
    let Some(file) = request.output else {
        return response.body_mut().read_to_string().expect("a whole body");
    };
    let body = response.body_mut().read_to_vec().expect("a whole body");
    fs::write(home.join(file), body).expect("the file is writable");
    String::new()
}

fn multipart(parts: &[&str], home: &Path) -> Vec<u8> {
    let mut body = Vec::new();
    for part in parts {
        let (name, value) = part.split_once('=').expect("a name and a value");
        body.extend(
            format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"").bytes(),
        );
        match value.strip_prefix('@') {
            Some(file) => {
                body.extend(format!("; filename=\"{file}\"\r\n\r\n").bytes());
                body.extend(fs::read(home.join(file)).expect("the file is there"));
            }
            None => body.extend(format!("\r\n\r\n{value}").bytes()),
        }
        body.extend(b"\r\n");
    }
    body.extend(format!("--{BOUNDARY}--\r\n").bytes());
    body
}

/// `text` as curl encodes a value of `--data-urlencode`.
fn encode(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes()
        .map(|byte| match is_plain(byte) {
            true => char::from(byte).to_string(),
            false => format!("%{byte:02X}"),
        })
        .collect()
}

fn parse(arguments: &[String]) -> Result<Request<'_>, String> {
    let (mut form, mut target, mut content_type) = (None::<String>, None, FORM);
    let (mut bearer, mut output, mut parts, mut is_query) = (None, None, Vec::new(), false);
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "-s" => {}
            "-G" => is_query = true,
            "-o" => output = Some(arguments.next().ok_or("-o has no value")?.as_str()),
            "-F" => parts.push(arguments.next().ok_or("-F has no value")?.as_str()),
            "-H" => {
                let field = arguments.next().ok_or("-H has no value")?;
                match field.split_once(": ") {
                    Some(("Content-Type", value)) => content_type = value,
                    Some(("Authorization", value)) if value.starts_with(BEARER) => {
                        bearer = value.strip_prefix(BEARER);
                    }
                    _ => return Err(format!("{field} is not supported")),
                }
            }
            option @ ("-d" | "--data-urlencode") => {
                let data = arguments.next();
                let data = data.ok_or_else(|| format!("{option} has no value"))?;
                let data = match data.split_once('=') {
                    Some((name, value)) if option != "-d" => format!("{name}={}", encode(value)),
                    _ => data.clone(),
                };
                form = Some(match form {
                    None => data,
                    Some(form) => format!("{form}&{data}"),
                });
            }
            option if option.starts_with('-') => return Err(format!("{option} is not supported")),
            url => {
                let rest = url.strip_prefix(ADDRESS);
                let rest = rest.ok_or_else(|| format!("{url} is not at {ADDRESS}"))?;
                if target.replace(rest.to_owned()).is_some() {
                    return Err("there are two URLs".to_owned());
                }
            }
        }
    }
    let mut target = target.ok_or("there is no URL")?;
    if is_query {
        let query = form.take().ok_or("-G has no parameters")?;
        target = format!("{target}?{query}");
    }
    Ok(Request {
        target,
        form,
        parts,
        content_type,
        bearer,
        output,
    })
}

#[test]
fn arguments_make_a_get_or_a_form() {
    let words = |line: &str| -> Vec<String> { line.split(' ').map(str::to_owned).collect() };
    let get = words("http://127.0.0.1:8080/a?b=c");
    let request = Request {
        target: "/a?b=c".to_owned(),
        form: None,
        parts: Vec::new(),
        content_type: FORM,
        bearer: None,
        output: None,
    };
    assert_eq!(parse(&get), Ok(request));
    let query = words("-G -d b=c --data-urlencode d={e:'f'} http://127.0.0.1:8080/a");
    let target = parse(&query).map(|request| request.target);
    assert_eq!(target.as_deref(), Ok("/a?b=c&d=%7Be%3A%27f%27%7D"));
    let post = words("-s -d b=c -d d=e http://127.0.0.1:8080/a");
    let request = Request {
        target: "/a".to_owned(),
        form: Some("b=c&d=e".to_owned()),
        parts: Vec::new(),
        content_type: FORM,
        bearer: None,
        output: None,
    };
    assert_eq!(parse(&post), Ok(request));
    for bad in ["-d", "--fast http://127.0.0.1:8080/", "http://localhost/"] {
        assert!(parse(&words(bad)).is_err(), "{bad}");
    }
}
