//! The value of a `Host` header field (RFC 9110, section 7.2; RFC 3986, section 3.2).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The host in the value of a `Host` header field, with the brackets of an IPv6 address; `None` if it is not a
/// host, perhaps with a port. A host may be empty.
pub fn parse(value: &[u8]) -> Option<&str> {
    let end = match value.first() {
        Some(b'[') => value.iter().position(|&byte| byte == b']')? + 1,
        _ => value
            .iter()
            .position(|&byte| byte == b':')
            .unwrap_or(value.len()),
    };
    let (host, port) = value.split_at(end);
    let is_port = match port {
        [] => true,
        [b':', digits @ ..] => digits.len() <= 5 && digits.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    let host = str::from_utf8(host).ok()?;
    let is_host = match bracketed(host) {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => is_name(host.as_bytes()),
    };
    (is_port && is_host).then_some(host)
}

/// Whether `host`, as [`parse`] returns it, is a name or an address of this computer.
pub fn is_loopback(host: &str) -> bool {
    if let Some(address) = bracketed(host) {
        let address = address
            .parse()
            .map(|address: Ipv6Addr| address.to_canonical());
        return address.is_ok_and(|address: IpAddr| address.is_loopback());
    }
    if let Ok(address) = host.parse::<Ipv4Addr>() {
        return address.is_loopback();
    }
    let name = host.strip_suffix('.').unwrap_or(host);
    let last = name.rsplit('.').next().unwrap_or_default();
    last.eq_ignore_ascii_case("localhost")
}

fn bracketed(host: &str) -> Option<&str> {
    host.strip_prefix('[')?.strip_suffix(']')
}

/// Whether all of `name` may be in a registered name.
fn is_name(name: &[u8]) -> bool {
    let mut rest = name;
    while let Some((&byte, others)) = rest.split_first() {
        rest = match (byte, others) {
            (b'%', [high, low, others @ ..])
                if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() =>
            {
                others
            }
            _ if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(&byte) => others,
            _ => return false,
        };
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts() {
        for (value, host, loopback) in [
            ("localhost", "localhost", true),
            ("LocalHost:8080", "LocalHost", true),
            ("app.localhost.", "app.localhost.", true),
            ("127.0.0.1:1", "127.0.0.1", true),
            ("127.1.2.3", "127.1.2.3", true),
            ("[::1]:8080", "[::1]", true),
            ("[::ffff:127.0.0.1]", "[::ffff:127.0.0.1]", true),
            ("", "", false),
            (":8080", "", false),
            ("example.com:", "example.com", false),
            ("my_app-1", "my_app-1", false),
            ("localhost.example.com", "localhost.example.com", false),
            ("notlocalhost", "notlocalhost", false),
            ("127.0.0.1.example.com", "127.0.0.1.example.com", false),
            ("a%20b", "a%20b", false),
            ("[2001:db8::1]", "[2001:db8::1]", false),
        ] {
            assert_eq!(parse(value.as_bytes()), Some(host), "{value}");
            assert_eq!(is_loopback(host), loopback, "{value}");
        }
    }

    #[test]
    fn what_is_no_host() {
        for value in [
            "a b",
            "a/b",
            "a@b",
            "user@localhost",
            "a:b",
            "a:1:2",
            "a:123456",
            "::1",
            "[::1",
            "[::1]x",
            "[]",
            "[localhost]",
            "a%2",
            "a%zz",
            "a\tb",
            "a,b:1,",
            "\"a\"",
            "b\u{fc}cher.example",
            "a?b",
            "a#b",
            "a\\b",
        ] {
            assert_eq!(parse(value.as_bytes()), None, "{value}");
        }
    }
}
