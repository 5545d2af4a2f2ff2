//! Attachments: each use case, with forms as raw bytes.

mod cap;
mod clean_up;
mod content;
mod details;
mod download;
mod limits;
mod list;
mod names;
mod replace;
mod upload;

use std::io::{Read as _, Write};
use std::net::TcpStream;

use rememberd::testing::service::attachment::{remove_of_deleted, remove_orphans};
use rememberd::testing::{Fixed, Read, Table};
use serde_json::Value;

use crate::support::fixture::{ADMIN, PROFILE};
use crate::support::server::{PATIENCE, Server};

/// The path of profiles, whose attachments these are.
pub const PROFILES: &str = "/crafter-profile/api/1/profile";

/// The beginning of every PNG file.
pub const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

/// The boundary of the forms.
const BOUNDARY: &str = "----boundary-of-tests";

/// A PNG file of this many bytes, which differ from those of another `seed`.
pub fn png(size: usize, seed: u8) -> Vec<u8> {
    let body = (0_usize..).map(|at| (at / 251 + at * 7) as u8 ^ seed);
    PNG.iter().copied().chain(body).take(size).collect()
}

/// A multipart form.
#[derive(Clone, Default)]
pub struct Form(Vec<u8>);

impl Form {
    /// The form of an upload by the access token that allows everything.
    pub fn upload(file_name: &str, content: &[u8]) -> Self {
        Self::default()
            .text("accessTokenId", ADMIN)
            .file("attachment", file_name, content)
    }

    /// With a part that is text.
    pub fn text(self, name: &str, value: &str) -> Self {
        self.part(
            &format!("Content-Disposition: form-data; name=\"{name}\"\r\n"),
            value.as_bytes(),
        )
    }

    /// With a part that is a file.
    pub fn file(self, name: &str, file_name: &str, content: &[u8]) -> Self {
        let head = format!(
            "Content-Disposition: form-data; name=\"{name}\"; filename=\"{file_name}\"\r\n\
             Content-Type: application/octet-stream\r\n"
        );
        self.part(&head, content)
    }

    /// With any part.
    pub fn part(mut self, head: &str, content: &[u8]) -> Self {
        let head = format!("--{BOUNDARY}\r\n{head}\r\n");
        self.0.extend_from_slice(head.as_bytes());
        self.0.extend_from_slice(content);
        self.0.extend_from_slice(b"\r\n");
        self
    }

    /// The bytes without the end.
    pub fn unfinished(&self) -> &[u8] {
        &self.0
    }

    /// The whole body.
    pub fn body(&self) -> Vec<u8> {
        [&self.0, format!("--{BOUNDARY}--\r\n").as_bytes()].concat()
    }
}

/// The head of an upload with this query and these header fields.
pub fn upload_head(profile_id: &str, query: &str, fields: &str) -> String {
    format!(
        "POST {PROFILES}/{profile_id}/uploadAttachment{query} HTTP/1.1\r\nHost: x\r\n\
         Content-Type: multipart/form-data; boundary={BOUNDARY}\r\n{fields}\r\n"
    )
}

/// Uploads a form to the profile with this id.
pub fn post_form(server: &Server, profile_id: &str, form: &Form) -> Answer {
    post_to(server, profile_id, "", form)
}

/// As [`post_form`], with a query.
pub fn post_to(server: &Server, profile_id: &str, query: &str, form: &Form) -> Answer {
    let body = form.body();
    let fields = format!("Content-Length: {}\r\nConnection: close\r\n", body.len());
    let head = upload_head(profile_id, query, &fields);
    exchange(server, &[head.as_bytes(), &body].concat())
}

/// Uploads an attachment to [`PROFILE`], which is accepted.
#[track_caller]
pub fn upload(server: &Server, file_name: &str, content: &[u8]) -> Value {
    let answer = post_form(server, PROFILE, &Form::upload(file_name, content));
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

/// GET or HEAD of what is below `attachment/` or so of [`PROFILE`], by the access token that allows everything.
pub fn request(server: &Server, method: &str, path: &str, fields: &str) -> Answer {
    let request = format!(
        "{method} {PROFILES}/{PROFILE}/{path}?accessTokenId={ADMIN} HTTP/1.1\r\nHost: x\r\n{fields}\
         Connection: close\r\n\r\n"
    );
    exchange(server, request.as_bytes())
}

/// GET of it.
pub fn get(server: &Server, path: &str) -> Answer {
    request(server, "GET", path, "")
}

/// Sends a request, after which the server closes the connection, and receives what it answers.
pub fn exchange(server: &Server, request: &[u8]) -> Answer {
    let mut socket = TcpStream::connect(server.address).expect("the server accepts");
    socket
        .set_read_timeout(Some(PATIENCE))
        .expect("a timeout may be set");
    // The server may have answered, and not read all.
    let _ = socket.write_all(request);
    let mut bytes = Vec::new();
    let _ = socket.read_to_end(&mut bytes);
    Answer::parse(&bytes)
}

/// A response as received, whose body may be anything.
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The status line and the header.
    pub head: String,
    /// What follows them, without chunks.
    pub body: Vec<u8>,
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let body = String::from_utf8_lossy(&self.body[..self.body.len().min(400)]);
        write!(formatter, "{}{body}", self.head)
    }
}

impl Answer {
    #[track_caller]
    fn parse(bytes: &[u8]) -> Self {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n");
        let end = end.expect("a response") + 4;
        let head = String::from_utf8(bytes[..end].to_vec()).expect("a head in UTF-8");
        let mut answer = Self {
            status: head[9..12].parse().expect("a status"),
            head,
            body: bytes[end..].to_vec(),
        };
        if answer.header("transfer-encoding") == "chunked" {
            answer.body = without_chunks(&answer.body);
        }
        answer
    }

    /// A header field's value; empty if it is not there.
    pub fn header(&self, name: &str) -> &str {
        let fields = self.head.lines().skip(1);
        fields
            .filter_map(|line| line.split_once(':'))
            .find(|(field, _)| field.eq_ignore_ascii_case(name))
            .map_or("", |(_, value)| value.trim())
    }

    /// The body as text.
    pub fn text(&self) -> &str {
        str::from_utf8(&self.body).expect("a body in UTF-8")
    }

    /// The JSON in the body.
    #[track_caller]
    pub fn json(&self) -> Value {
        let content_type = self.header("content-type");
        assert_eq!(content_type, "application/json;charset=UTF-8", "{self:?}");
        assert_eq!(self.header("cache-control"), "no-store");
        serde_json::from_slice(&self.body).expect("JSON")
    }

    /// Asserts that this is exactly this error.
    #[track_caller]
    pub fn assert_error(&self, status: u16, code: &str, message: &str) {
        let message = serde_json::to_string(message).expect("a text has JSON");
        let body = format!(r#"{{"errorCode":"{code}","message":{message}}}"#);
        assert_eq!((self.status, self.text()), (status, &*body));
        self.json();
        assert_eq!(self.header("x-content-type-options"), "nosniff");
    }
}

fn without_chunks(mut bytes: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(end) = bytes.windows(2).position(|window| window == b"\r\n") {
        let size = str::from_utf8(&bytes[..end]).expect("a size in ASCII");
        let size = usize::from_str_radix(size, 16).expect("a size in hexadecimal digits");
        let Some(chunk) = bytes.get(end + 2..end + 2 + size) else {
            break;
        };
        body.extend_from_slice(chunk);
        bytes = &bytes[(end + 2 + size + 2).min(bytes.len())..];
    }
    body
}

/// How many chunks, and contents that no attachment has, are in the database.
pub fn stored(server: &Server) -> (u64, u64) {
    let chunks = Table::<Fixed<20>>::new("attachment_chunk");
    let orphans = Table::<Fixed<16>>::new("attachment_orphan");
    let counted = server
        .app
        .store
        .read(|txn| Ok((txn.count(&chunks)?, txn.count(&orphans)?)));
    counted.expect("the database can be read")
}

/// Runs the background work of attachments once.
pub fn clean_up(server: &Server) {
    server
        .block_on(async {
            remove_of_deleted(&server.app).await?;
            remove_orphans(&server.app).await
        })
        .expect("it is removed");
}
