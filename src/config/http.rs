//! Where requests are accepted.

use std::str::FromStr;

use clap::Args;

use crate::config::listen_address::ListenAddress;

/// Where requests are accepted.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "HTTP")]
pub struct HttpConfig {
    /// Addresses and ports to listen on
    ///
    /// Several are separated by commas. A host name stands for all its addresses at the start. With port 0, the
    /// operating system chooses a free port, which is printed.
    #[arg(long, env = "REMEMBERD_LISTEN", value_name = "HOST:PORT",
          default_value = "127.0.0.1:8080", value_delimiter = ',', value_parser = ListenAddress::parse)]
    pub listen: Vec<ListenAddress>,

    /// Prefix of every path
    ///
    /// Requests without the prefix are served too; `/` is for no prefix.
    #[arg(
        long,
        env = "REMEMBERD_CONTEXT_PATH",
        value_name = "PATH",
        default_value = "/crafter-profile"
    )]
    pub context_path: ContextPath,
}

impl HttpConfig {
    /// Whether no other host can reach what is listened on.
    pub fn is_loopback_only(&self) -> bool {
        self.listen.iter().all(ListenAddress::is_loopback)
    }

    /// An address with a port that is given twice.
    pub fn repeated_listen(&self) -> Option<&ListenAddress> {
        let is_repeated = |(index, listen): &(usize, &ListenAddress)| {
            listen.has_port() && self.listen[..*index].contains(listen)
        };
        let mut all = self.listen.iter().enumerate();
        all.find(is_repeated).map(|(_, listen)| listen)
    }

    /// What to listen on, as a person writes it in the setting.
    pub fn listen_text(&self) -> String {
        let texts: Vec<String> = self.listen.iter().map(ToString::to_string).collect();
        texts.join(",")
    }
}

/// A prefix of paths: empty, or segments that each begin with a slash.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ContextPath(String);

impl ContextPath {
    /// The path: empty, or with a leading slash and without a trailing one.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ContextPath {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let path = text.trim_end_matches('/');
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
        if !path.is_empty() && !path.starts_with('/') {
            return Err("it must begin with a slash".to_owned());
        }
        if path.contains("//") || !path.bytes().all(is_allowed) {
            return Err(
                "it must consist of letters, digits, `-`, `.`, `_`, `~` and single slashes"
                    .to_owned(),
            );
        }
        Ok(Self(path.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_context_path_may_be_empty_or_nested() {
        let path = |text: &str| text.parse::<ContextPath>().map(|path| path.0);
        assert_eq!(path("/"), Ok(String::new()));
        assert_eq!(path(""), Ok(String::new()));
        assert_eq!(path("/a/b/"), Ok("/a/b".to_owned()));
    }
}
