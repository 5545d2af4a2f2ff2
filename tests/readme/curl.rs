//! The requests of `curl`, which need not be installed: those of its options that the pages use.

use std::net::SocketAddr;
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

/// What a command line asks for.
#[derive(PartialEq, Debug)]
struct Request<'a> {
    /// The path and the query.
    target: &'a str,
    /// The form, if it is a POST.
    form: Option<String>,
    /// The content type of the form.
    content_type: &'a str,
    /// The access token of the header.
    bearer: Option<&'a str>,
}

/// Sends the request of `curl` with these arguments to the server at `server`. Returns the response's body.
pub fn curl(arguments: &[String], server: SocketAddr) -> String {
    let request = parse(arguments).unwrap_or_else(|fault| panic!("curl {arguments:?}: {fault}"));
    let agent: Agent = Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(PATIENCE))
        .build()
        .new_agent();
    let url = format!("http://{server}{}", request.target);
    let authorization = request.bearer.map(|id| format!("{BEARER}{id}"));
    let sent = match request.form {
        None => {
            let mut get = agent.get(&url);
            if let Some(value) = authorization {
                get = get.header("Authorization", value);
            }
            get.call()
        }
        Some(form) => {
            let mut post = agent.post(&url).content_type(request.content_type);
            if let Some(value) = authorization {
                post = post.header("Authorization", value);
            }
            post.send(form)
        }
    };
    let mut response = sent.unwrap_or_else(|error| panic!("curl {arguments:?}: {error}"));
    response.body_mut().read_to_string().expect("a whole body")
}

fn parse(arguments: &[String]) -> Result<Request<'_>, String> {
    let (mut form, mut target, mut content_type) = (None::<String>, None, FORM);
    let mut bearer = None;
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "-s" => {}
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
            "-d" => {
                let data = arguments.next().ok_or("-d has no value")?;
                form = Some(match form {
                    None => data.clone(),
                    Some(form) => format!("{form}&{data}"),
                });
            }
            option if option.starts_with('-') => return Err(format!("{option} is not supported")),
            url => {
                let rest = url.strip_prefix(ADDRESS);
                let rest = rest.ok_or_else(|| format!("{url} is not at {ADDRESS}"))?;
                if target.replace(rest).is_some() {
                    return Err("there are two URLs".to_owned());
                }
            }
        }
    }
    Ok(Request {
        target: target.ok_or("there is no URL")?,
        form,
        content_type,
        bearer,
    })
}

#[test]
fn arguments_make_a_get_or_a_form() {
    let words = |line: &str| -> Vec<String> { line.split(' ').map(str::to_owned).collect() };
    let get = words("http://127.0.0.1:8080/a?b=c");
    let request = Request {
        target: "/a?b=c",
        form: None,
        content_type: FORM,
        bearer: None,
    };
    assert_eq!(parse(&get), Ok(request));
    let post = words("-s -d b=c -d d=e http://127.0.0.1:8080/a");
    let request = Request {
        target: "/a",
        form: Some("b=c&d=e".to_owned()),
        content_type: FORM,
        bearer: None,
    };
    assert_eq!(parse(&post), Ok(request));
    for bad in ["-d", "--fast http://127.0.0.1:8080/", "http://localhost/"] {
        assert!(parse(&words(bad)).is_err(), "{bad}");
    }
}
