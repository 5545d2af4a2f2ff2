//! Attachments of the example profile, through a real server.

use rememberd::testing::service::demo;
use ureq::Agent;

use crate::support;

/// The beginning of a PNG file.
pub const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

/// Uploads `NAME.png` to the server with this base URL. Returns the status and the body; `None` if no response arrived.
pub fn upload(agent: &Agent, base: &str, name: &str, content: &[u8]) -> Option<(u16, String)> {
    let head = format!(
        "--b\r\nContent-Disposition: form-data; name=\"attachment\"; filename=\"{name}.png\"\r\n\r\n"
    );
    let form = [head.as_bytes(), content, b"\r\n--b--\r\n"].concat();
    let request = agent.post(format!("{}/uploadAttachment", profile(base)));
    let response = request
        .query("accessTokenId", demo::ACCESS_TOKEN_ID)
        .header("Content-Type", "multipart/form-data; boundary=b")
        .send(&form[..]);
    let mut response = response.ok()?;
    let body = response.body_mut().read_to_string().ok()?;
    Some((response.status().as_u16(), body))
}

/// The content of the attachment with this name; `None` if there is no such attachment.
pub fn download(agent: &Agent, base: &str, name: &str) -> Option<Vec<u8>> {
    let request = agent.get(format!("{}/attachment/{name}", profile(base)));
    let response = request.query("accessTokenId", demo::ACCESS_TOKEN_ID).call();
    let mut response = response.expect("the server responds");
    let body = response.body_mut().read_to_vec().expect("a whole body");
    match response.status().as_u16() {
        200 => Some(body),
        404 => None,
        status => panic!("{status}: {}", String::from_utf8_lossy(&body)),
    }
}

fn profile(base: &str) -> String {
    format!("{base}/api/1/profile/{}", support::DEMO_PROFILE)
}
