//! Which client a request is of: the user of an application, if that names one, or who has connected.

use std::net::IpAddr;

use hyper::header::HeaderMap;

use crate::config::throttle::ThrottleConfig;
use crate::http::connection::Peer;
use crate::throttle::network::Network;

/// Which client a request is of.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Client {
    /// Whether it came over the local socket.
    pub is_local: bool,
    /// Where the user is for whom an application sent it, if that names one and is believed.
    pub user: Option<Network>,
}

impl Client {
    /// The client of a request with these header fields from `peer`. Where no header field is believed, this is a look
    /// at a setting.
    pub fn of(config: &ThrottleConfig, headers: &HeaderMap, peer: Peer) -> Self {
        Self {
            is_local: peer == Peer::Local,
            user: named(config, headers, peer),
        }
    }

    /// Where it is: the user or, where none is named, who has connected, unless over the local socket.
    pub fn network(&self, peer: Peer) -> Option<Network> {
        match (self.user, peer) {
            (Some(user), _) => Some(user),
            (None, Peer::Remote(address)) => Some(Network::of(address.ip())),
            (None, Peer::Local) => None,
        }
    }
}

/// The client that `--client-address-header` names, if a trusted peer has sent it: the last address in it that is not
/// of a trusted proxy. What stands before it may be anything, since clients can send the header field too.
fn named(config: &ThrottleConfig, headers: &HeaderMap, peer: Peer) -> Option<Network> {
    let name = config.client_address_header.as_deref()?;
    let is_trusted = |address: IpAddr| {
        let mut ranges = config.trusted_proxy.iter();
        ranges.any(|range| range.contains(address))
    };
    match peer {
        Peer::Remote(address) if is_trusted(address.ip()) => {}
        Peer::Remote(_) | Peer::Local => return None,
    }
    let values = headers.get_all(name).iter().rev();
    let texts = values.flat_map(|value| value.to_str().unwrap_or("?").rsplit(','));
    for text in texts {
        let address = address(text)?;
        if !is_trusted(address) {
            return Some(Network::of(address));
        }
    }
    None
}

/// An address, which may have a port.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    if let Some(rest) = text.strip_prefix('[') {
        let (address, _port) = rest.split_once(']')?;
        return address.parse().ok();
    }
    let without_port = match text.split_once(':') {
        Some((address, port)) if !port.contains(':') => address,
        _ => text,
    };
    without_port.parse().ok()
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;
    use crate::config::Config;

    #[test]
    fn the_last_address_that_is_not_of_a_proxy_is_the_client() {
        let flags = [
            "--client-address-header=X-Forwarded-For",
            "--trusted-proxy=10.0.0.0/8",
            "--trusted-proxy=127.0.0.1",
        ];
        let config = Config::from_flags(&flags).expect("valid settings").throttle;
        let named = |peer: &str, values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append("x-forwarded-for", HeaderValue::from_static(value));
            }
            let peer = Peer::Remote(peer.parse().expect("an address"));
            named(&config, &headers, peer).map(|network| network.to_string())
        };
        for (peer, values, expected) in [
            ("127.0.0.1:5", &["192.0.2.1"][..], Some("192.0.2.1")),
            ("10.1.1.1:5", &["192.0.2.1"], Some("192.0.2.1")),
            ("192.0.2.9:5", &["192.0.2.1"], None),
            ("127.0.0.1:5", &[], None),
            (
                "127.0.0.1:5",
                &["198.51.100.7, 192.0.2.1, 10.0.0.1"],
                Some("192.0.2.1"),
            ),
            (
                "127.0.0.1:5",
                &["198.51.100.7", "192.0.2.1"],
                Some("192.0.2.1"),
            ),
            ("127.0.0.1:5", &["192.0.2.1:4711"], Some("192.0.2.1")),
            (
                "127.0.0.1:5",
                &["[2001:db8::1]:4711"],
                Some("2001:db8::/64"),
            ),
            ("127.0.0.1:5", &["2001:db8::1"], Some("2001:db8::/64")),
            ("127.0.0.1:5", &["10.0.0.1, 10.0.0.2"], None),
            ("127.0.0.1:5", &["192.0.2.1, unknown"], None),
            ("127.0.0.1:5", &[""], None),
        ] {
            assert_eq!(
                named(peer, values).as_deref(),
                expected,
                "{peer} {values:?}"
            );
        }
        let local = super::named(&config, &HeaderMap::new(), Peer::Local);
        assert_eq!(local, None);
    }
}
