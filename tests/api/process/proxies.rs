//! The examples of nginx and Caddy in front of the server: they pass requests on, with the addresses of users, and keep
//! secrets out of their logs.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::support::client::LOGINS;
use crate::support::fixture::LOGIN;
use crate::support::process::{DEMO_ACCESS_TOKEN, DEMO_SEED, Launch, Serving};
use crate::support::server::PATIENCE;
use crate::support::tools::skip;

/// Where the application is. The proxy and the server are at 127.0.0.1.
const APPLICATION: &str = "127.0.0.2";

/// What the server serves to those inside only.
const KEPT_INSIDE: [&str; 4] = ["/health/live", "/health/ready", "/metrics", "/docs"];

/// A proxy, which is killed when dropped.
struct Proxy {
    child: Child,
    url: String,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // nginx ends its workers at this signal. It may have ended.
        let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
        let _ = self.child.wait();
    }
}

impl Proxy {
    /// Starts `command`, which is to listen at `url`.
    fn start(command: &mut Command, url: String) -> Self {
        let child = command.spawn().expect("it starts");
        let proxy = Self { child, url };
        let began = Instant::now();
        while proxy.call("/", &[]).is_none() {
            assert!(began.elapsed() < PATIENCE, "the proxy does not listen");
            thread::sleep(Duration::from_millis(20));
        }
        proxy
    }

    /// The response to a call with these arguments of curl: its body, and its status in a line of its own.
    fn call(&self, path: &str, arguments: &[&str]) -> Option<String> {
        let output = Command::new("curl")
            .args(["-sk", "-w", "\n%{http_code}", "--interface", APPLICATION])
            .args(arguments)
            .arg(format!("{}{path}", self.url))
            .output()
            .expect("it can be run");
        output
            .status
            .success()
            .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

/// A server with everything that it serves, whose data are in `home`. A user's address may fail once.
fn serve(home: &Path) -> Serving {
    Launch::serve(&home.join("data"))
        .seed(DEMO_SEED)
        .argument("--metrics")
        .argument("--client-address-header=X-Forwarded-For")
        .argument("--trusted-proxy=127.0.0.1")
        .argument(format!("--trusted-proxy={APPLICATION}"))
        .argument("--client-failures-max=1")
        .argument("--client-failures-time=1h")
        .start()
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").port()
}

/// Asserts that the proxy itself refuses a path: each response of the server has an id.
#[track_caller]
fn assert_is_refused(proxy: &Proxy, path: &str) {
    let arguments = ["--path-as-is", "-D", "-"];
    let answered = proxy.call(path, &arguments).expect("a response");
    assert!(answered.ends_with("\n403"), "{path}: {answered}");
    let headers = answered.to_ascii_lowercase();
    assert!(!headers.contains("x-request-id"), "{path}: {answered}");
}

/// Asserts the status of a sign-in of a user at `address`, or at one that the application does not name.
#[track_caller]
fn assert_sign_in(proxy: &Proxy, address: Option<&str>, password: &str, status: u16) {
    let form = format!(
        "accessTokenId={DEMO_ACCESS_TOKEN}&tenantName=default&username=jdoe&password={password}"
    );
    let header = address.map(|address| format!("X-Forwarded-For: {address}"));
    let mut arguments = vec!["-d", &*form];
    if let Some(header) = &header {
        arguments.extend(["-H", header]);
    }
    let path = "/crafter-profile/api/1/authentication/authenticate";
    let answered = proxy.call(path, &arguments).expect("a response");
    let is_expected = answered.ends_with(&format!("\n{status}"));
    assert!(is_expected, "{address:?}, {status}: {answered}");
}

/// Asserts that failures count for the address of the user, and hold up no other user of the application.
fn assert_passes_addresses_on(proxy: &Proxy) {
    let (ann, bob) = ("198.51.100.1", "198.51.100.2");
    assert_sign_in(proxy, Some(ann), "wrong", 401);
    assert_sign_in(proxy, Some(ann), "1234", 429);
    assert_sign_in(proxy, Some(&format!("{bob}, {ann}")), "1234", 429);
    assert_sign_in(proxy, Some(bob), "1234", 200);
    // Where the application names nobody, nobody is limited: its own address is not a user's.
    assert_sign_in(proxy, None, "wrong", 401);
    assert_sign_in(proxy, None, "1234", 200);
}

/// Has the proxy pass on what it is to, with the server and without, and looks at what it wrote to `logs`.
fn assert_passes_on(server: Serving, proxy: Proxy, logs: &[&Path]) {
    let login = format!("{LOGINS}/{LOGIN}?accessTokenId={DEMO_ACCESS_TOKEN}");
    let bearer = format!("Authorization: Bearer {DEMO_ACCESS_TOKEN}");
    let with_header = ["-H", &*bearer];
    let answered = proxy.call(&login, &["-D", "-"]).expect("a response");
    assert!(answered.ends_with("\n200"), "{answered}");
    let headers = answered.to_ascii_lowercase();
    let id = headers
        .lines()
        .find_map(|line| line.strip_prefix("x-request-id: "));
    let id = id.expect("the response has an id").trim().to_owned();
    let answered = proxy
        .call(&format!("{LOGINS}/{LOGIN}"), &with_header)
        .expect("a response");
    assert!(answered.ends_with("\n200"), "{answered}");
    for path in KEPT_INSIDE {
        let inside = server.client(DEMO_ACCESS_TOKEN).get(path);
        assert_eq!(inside.status, 200, "{path}");
        for path in [path.to_owned(), format!("/crafter-profile{path}")] {
            assert_is_refused(&proxy, &path);
            assert_is_refused(&proxy, &format!("/crafter-profile/api/..{path}"));
            assert_is_refused(&proxy, &format!("/crafter-profile/api/%2e%2e{path}"));
        }
    }
    assert_is_refused(&proxy, "/crafter-profile/");
    assert_passes_addresses_on(&proxy);
    server.stop();
    let answered = proxy.call(&login, &with_header).expect("a response");
    assert!(answered.ends_with("\n502"), "{answered}");
    // A proxy writes what it logs before it ends.
    drop(proxy);
    let log: String = logs
        .iter()
        .map(|path| fs::read_to_string(path).unwrap_or_default())
        .collect();
    assert!(log.contains(&id), "{id} is not in {log}");
    assert!(log.contains("502"), "{log}");
    for secret in [DEMO_ACCESS_TOKEN, LOGIN, "accessTokenId"] {
        assert!(!log.contains(secret), "{log}");
    }
}

/// The example, with `replaced` in place of what it has for production.
fn example(text: &str, replaced: &[(&str, &str)]) -> String {
    replaced.iter().fold(text.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "the example has {from}");
        text.replace(from, to)
    })
}

#[test]
fn nginx_passes_requests_on_and_logs_no_secret() {
    for tool in ["/usr/sbin/nginx", "/usr/bin/openssl", "/usr/bin/curl"] {
        if !Path::new(tool).exists() {
            skip(tool);
            return;
        }
    }
    let home = TempDir::new().expect("a temporary directory");
    let at = |name: &str| home.path().join(name).display().to_string();
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
        ])
        .args([
            "-subj",
            "/CN=login.example.com",
            "-keyout",
            &at("key"),
            "-out",
            &at("certificate"),
        ])
        .stderr(Stdio::null())
        .status();
    assert!(made.expect("it can be run").success());
    let server = serve(home.path());
    let port = free_port();
    let site = example(
        include_str!("../../../data/nginx.conf"),
        &[
            ("listen 443 ssl", &format!("listen 127.0.0.1:{port} ssl")),
            ("127.0.0.1:8080", &server.address.to_string()),
            ("/etc/ssl/login.example.com.pem", &at("certificate")),
            ("/etc/ssl/private/login.example.com.key", &at("key")),
            ("/var/log/nginx", &at("")),
            ("192.0.2.0/24", APPLICATION),
        ],
    );
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let temporary = temporary
        .map(|kind| format!("{kind}_temp_path {};", at(kind)))
        .concat();
    let whole = format!(
        "user root root; daemon off; pid {}; error_log {} error; events {{}} http {{ access_log off; {temporary}\n{site}\n}}\n",
        at("pid"),
        at("error.log")
    );
    fs::write(at("nginx.conf"), whole).expect("it is written");
    let mut nginx = Command::new("/usr/sbin/nginx");
    nginx.args(["-e", &at("error.log"), "-c", &at("nginx.conf")]);
    let proxy = Proxy::start(&mut nginx, format!("https://127.0.0.1:{port}"));
    let logs =
        ["rememberd.log", "rememberd-error.log", "error.log"].map(|name| home.path().join(name));
    assert_passes_on(server, proxy, &logs.each_ref().map(|path| &**path));
}

#[test]
fn caddy_passes_requests_on_and_logs_no_secret() {
    for tool in ["/usr/bin/caddy", "/usr/bin/curl"] {
        if !Path::new(tool).exists() {
            skip(tool);
            return;
        }
    }
    let home = TempDir::new().expect("a temporary directory");
    let server = serve(home.path());
    let port = free_port();
    let url = format!("http://127.0.0.1:{port}");
    let site = example(
        include_str!("../../../data/Caddyfile"),
        &[
            ("login.example.com", &url),
            ("127.0.0.1:8080", &server.address.to_string()),
            ("192.0.2.0/24", APPLICATION),
            // Of which a host has one.
            ("\tlog {", "\tadmin off\n\tlog {"),
        ],
    );
    let file = home.path().join("Caddyfile");
    fs::write(&file, site).expect("it is written");
    let log = home.path().join("log");
    let output = fs::File::create(&log).expect("it is created");
    let mut caddy = Command::new("/usr/bin/caddy");
    caddy
        .args(["run", "--adapter", "caddyfile", "--config"])
        .arg(&file)
        .env("HOME", home.path())
        .env("XDG_DATA_HOME", home.path())
        .env("XDG_CONFIG_HOME", home.path())
        .stderr(output);
    let proxy = Proxy::start(&mut caddy, url);
    assert_passes_on(server, proxy, &[&log]);
}
