//! `[channels]`: the way out for messages about faults.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use url::Url;

/// `[channels]`
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Channels {
    /// Through which messages go out over HTTP; empty: straight.
    pub proxy: String,
    /// Authorities that are trusted beside those of the system, PEM; empty: none.
    pub ca_file: PathBuf,
    /// Whether a channel may lead to this machine, also without TLS.
    pub loopback: bool,
}

impl Channels {
    /// The key that is wrong, and why.
    pub(super) fn check(&self) -> Result<(), (&'static str, &'static str)> {
        if self.proxy.is_empty() {
            return Ok(());
        }
        let wrong = |why| Err(("channels.proxy", why));
        let Ok(url) = Url::parse(&self.proxy) else {
            return wrong("not an address such as http://proxy.example.edu.cn:3128");
        };
        if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
            return wrong("must begin with http:// or https://");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return wrong(
                "never with a user name or password: let the proxy know the hub's address",
            );
        }
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return wrong("nothing may follow the host and the port");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_an_address_without_secrets() {
        let check = |proxy: &str| {
            let channels = Channels {
                proxy: proxy.into(),
                ..Channels::default()
            };
            channels.check().map_err(|(key, _)| key)
        };
        for good in ["", "http://proxy.example.edu.cn:3128", "https://10.0.0.9/"] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for bad in [
            "proxy.example.edu.cn:3128",
            "socks5://proxy.example.edu.cn",
            "http://user:secret@proxy.example.edu.cn",
            "http://proxy.example.edu.cn/path",
            "http://proxy.example.edu.cn/?a=b",
        ] {
            assert_eq!(check(bad), Err("channels.proxy"), "{bad}");
        }
    }
}
