//! What to listen on: an address or a host name, and a port.

use std::fmt;
use std::net::{SocketAddr, ToSocketAddrs};

/// What is valid, with examples.
const EXAMPLES: &str = "it must be an address or a host name with a port, like 127.0.0.1:8080, [::1]:8080 or \
                        localhost:8080";

/// Why a link-local address alone is invalid, with an example.
const NO_SCOPE: &str = "a link-local address needs the number of its network interface, like [fe80::1%2]:8080; \"ip \
                        link\" lists the numbers";

/// An address or a host name, and a port.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ListenAddress {
    text: String,
    /// At least one.
    addresses: Vec<SocketAddr>,
}

impl ListenAddress {
    /// Parses an address or a host name, which is resolved, and a port.
    ///
    /// # Errors
    ///
    /// If it is neither, or the name has no address.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let addresses = match text.parse() {
            Ok(SocketAddr::V6(address))
                if address.ip().is_unicast_link_local() && address.scope_id() == 0 =>
            {
                return Err(NO_SCOPE.to_owned());
            }
            Ok(address) => vec![address],
            Err(_) => resolve(text)?,
        };
        Ok(Self {
            text: text.to_owned(),
            addresses,
        })
    }

    /// The addresses, at least one, each of them once.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Whether the port is given, rather than chosen by the operating system.
    pub fn has_port(&self) -> bool {
        self.addresses.iter().all(|address| address.port() != 0)
    }

    /// Whether no other host can reach any of the addresses.
    pub fn is_loopback(&self) -> bool {
        let is_loopback = |address: &SocketAddr| address.ip().to_canonical().is_loopback();
        self.addresses.iter().all(is_loopback)
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

/// The addresses of a host name with a port.
fn resolve(text: &str) -> Result<Vec<SocketAddr>, String> {
    let (host, port) = text.rsplit_once(':').ok_or(EXAMPLES)?;
    let port: u16 = port.parse().map_err(|_| EXAMPLES)?;
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    // An address that is none, like 127.0.0.256, would be looked up as a name.
    let is_number = host
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.');
    if is_number || !host.bytes().all(is_allowed) {
        return Err(EXAMPLES.to_owned());
    }
    let unknown = |error| format!("the name {host} has no address: {error}; {EXAMPLES}");
    let mut addresses: Vec<SocketAddr> = Vec::new();
    for address in (host, port).to_socket_addrs().map_err(unknown)? {
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    if addresses.is_empty() {
        return Err(format!("the name {host} has no address; {EXAMPLES}"));
    }
    Ok(addresses)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_or_a_name_with_a_port_is_valid() {
        for (text, expected) in [
            ("127.0.0.1:0", "127.0.0.1:0"),
            ("[::1]:8080", "[::1]:8080"),
            (" 10.1.2.3:80", "10.1.2.3:80"),
        ] {
            let parsed = ListenAddress::parse(text).expect("a valid address");
            assert_eq!(parsed.addresses(), [expected.parse().expect("an address")]);
        }
        let localhost = ListenAddress::parse("localhost:8080").expect("a name of this host");
        assert!(localhost.is_loopback() && localhost.to_string() == "localhost:8080");
    }

    #[test]
    fn an_error_has_examples_of_what_is_valid() {
        for text in [
            "",
            "8080",
            ":8080",
            "localhost",
            "127.0.0.1",
            "127.0.0.256:80",
            "::1:8080",
            "http://localhost:8080",
            "localhost:http",
            "localhost:65536",
            "no host:80",
            "name.invalid:80",
        ] {
            let error = ListenAddress::parse(text).expect_err(text);
            assert!(error.ends_with(EXAMPLES), "{text}: {error}");
        }
    }

    #[test]
    fn a_link_local_address_needs_a_network_interface() {
        let error = ListenAddress::parse("[fe80::1]:8080").expect_err("no interface");
        assert_eq!(error, NO_SCOPE);
        let parsed = ListenAddress::parse("[fe80::1%2]:8080").expect("a valid address");
        assert!(!parsed.is_loopback());
    }

    #[test]
    fn what_other_hosts_can_reach_is_not_loopback() {
        for (text, expected) in [
            ("127.0.0.2:1", true),
            ("[::1]:1", true),
            ("[::ffff:127.0.0.1]:1", true),
            ("0.0.0.0:1", false),
            ("[::]:1", false),
            ("192.0.2.1:1", false),
        ] {
            let parsed = ListenAddress::parse(text).expect("a valid address");
            assert_eq!(parsed.is_loopback(), expected, "{text}");
        }
    }
}
