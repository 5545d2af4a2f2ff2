//! How often a client may guess, and how it is told from others.

use std::fmt;
use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::str::FromStr;
use std::time::Duration;

use clap::Args;

use crate::config::heading::TUNING;
use crate::config::value::{count_to, duration_or_none};

/// The most failures that can be set.
const FAILURES_MAX: usize = 1_000_000;

/// How often a client may guess, and how it is told from others.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = TUNING)]
pub struct ThrottleConfig {
    /// Failures of one client at once, until it is answered 429
    ///
    /// Counted are, each for itself: invalid access tokens; and, of a client that `--client-address-header` names, ids
    /// and tokens that do not exist, and failed sign-ins.
    #[arg(long, env = "REMEMBERD_CLIENT_FAILURES_MAX", value_name = "COUNT",
          default_value = "60", value_parser = count_to::<FAILURES_MAX>, hide_short_help = true)]
    pub client_failures_max: NonZeroUsize,

    /// Time in which a client may fail as often again; 0s disables this limit
    #[arg(long, env = "REMEMBERD_CLIENT_FAILURES_TIME", value_name = "DURATION",
          default_value = "5m", value_parser = duration_or_none, hide_short_help = true)]
    pub client_failures_time: Duration,

    /// Header field in which an application names the address of its user
    ///
    /// One like `X-Forwarded-For`, which every proxy on the way passes on or appends to: the last address in it that is
    /// not of a `--trusted-proxy` counts. Only with it are sign-ins and tokens limited for each user's address.
    #[arg(
        long,
        env = "REMEMBERD_CLIENT_ADDRESS_HEADER",
        value_name = "NAME",
        value_parser = header_name,
        hide_short_help = true
    )]
    pub client_address_header: Option<String>,

    /// Address or network of an application or a proxy whose header field is believed; may be given several times
    ///
    /// Like 10.0.0.7 or 10.0.0.0/8. All applications, and all proxies between them and the server, are to be listed.
    #[arg(
        long,
        env = "REMEMBERD_TRUSTED_PROXY",
        value_name = "ADDR",
        value_delimiter = ',',
        hide_short_help = true
    )]
    pub trusted_proxy: Vec<AddressRange>,
}

/// One of the two settings that name clients, without the other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unpaired<'c> {
    /// A header field that is believed of nobody.
    Header(&'c str),
    /// A proxy of which no header field is believed.
    Proxy(AddressRange),
}

impl ThrottleConfig {
    /// The header field without a proxy, or the first proxy without a header field: one is of no use without the other.
    pub fn unpaired(&self) -> Option<Unpaired<'_>> {
        match (&self.client_address_header, self.trusted_proxy.first()) {
            (Some(header), None) => Some(Unpaired::Header(header)),
            (None, Some(proxy)) => Some(Unpaired::Proxy(*proxy)),
            (Some(_), Some(_)) | (None, None) => None,
        }
    }
}

/// The addresses that begin with the same bits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AddressRange {
    address: IpAddr,
    bits: u32,
}

impl AddressRange {
    /// Whether an address is one of them.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let differing = own.to_bits() ^ other.to_bits();
                differing.leading_zeros() >= self.bits
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let differing = own.to_bits() ^ other.to_bits();
                differing.leading_zeros() >= self.bits
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

impl fmt::Display for AddressRange {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.address, self.bits)
    }
}

impl FromStr for AddressRange {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let problem =
            || "it must be an address or a network, like 10.0.0.7 or 10.0.0.0/8".to_owned();
        let (address, bits) = match text.trim().split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text.trim(), None),
        };
        let address: IpAddr = address.parse().map_err(|_| problem())?;
        let bits_max = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            Some(bits) => bits.parse().map_err(|_| problem())?,
            None => bits_max,
        };
        if bits > bits_max {
            return Err(problem());
        }
        Ok(Self { address, bits })
    }
}

/// The name of a header field, in lower case.
fn header_name(text: &str) -> Result<String, String> {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if text.is_empty() || !text.bytes().all(is_allowed) {
        return Err("it must be the name of a header field, like X-Forwarded-For".to_owned());
    }
    Ok(text.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_has_the_addresses_that_begin_like_it() {
        for (range, address, is_in) in [
            ("10.0.0.7", "10.0.0.7", true),
            ("10.0.0.7", "::ffff:10.0.0.7", true),
            ("10.0.0.7", "10.0.0.8", false),
            ("10.0.0.0/8", "10.255.1.2", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("0.0.0.0/0", "192.0.2.1", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("2001:db8::/32", "2001:db8:ffff::1", true),
            ("2001:db8::/32", "2001:db9::1", false),
            ("::1", "::1", true),
        ] {
            let range: AddressRange = range.parse().expect("a range");
            let address = address.parse().expect("an address");
            assert_eq!(range.contains(address), is_in, "{range:?} {address}");
        }
        for invalid in [
            "",
            "x",
            "10.0.0.0/33",
            "10.0.0/8",
            "::/129",
            "10.0.0.0/",
            "/8",
        ] {
            assert!(invalid.parse::<AddressRange>().is_err(), "{invalid}");
        }
    }
}
