//! Who may look: Digest as cameras speak it (RFC 2069, without `qop`), and Basic.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use md5::{Digest, Md5};

const REALM: &str = "IP Camera";

/// How a camera wants to be convinced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// By MD5 of name, password, nonce and request.
    Digest,
    /// By name and password in clear.
    Basic,
}

/// The one account of a camera.
#[derive(Debug, Clone)]
pub struct Account {
    /// Its name.
    pub user: String,
    /// Its password.
    pub password: String,
    /// How it is shown.
    pub scheme: Scheme,
}

impl Account {
    /// What a stranger is asked for.
    pub fn challenge(&self, nonce: &str, stale: bool) -> String {
        match self.scheme {
            Scheme::Basic => format!("Basic realm=\"{REALM}\""),
            Scheme::Digest => {
                let stale = if stale { "TRUE" } else { "FALSE" };
                format!("Digest realm=\"{REALM}\", nonce=\"{nonce}\", stale=\"{stale}\"")
            }
        }
    }

    /// Whether a request shows the account.
    pub fn admits(&self, authorization: Option<&str>, method: &str, nonce: &str) -> bool {
        let Some(shown) = authorization else {
            return false;
        };
        match self.scheme {
            Scheme::Basic => {
                let pair = format!("{}:{}", self.user, self.password);
                shown.strip_prefix("Basic ") == Some(BASE64.encode(pair).as_str())
            }
            Scheme::Digest => {
                let Some(uri) = part(shown, "uri") else {
                    return false;
                };
                let secret = hex(&format!("{}:{REALM}:{}", self.user, self.password));
                let request = hex(&format!("{method}:{uri}"));
                let expected = hex(&format!("{secret}:{nonce}:{request}"));
                part(shown, "nonce") == Some(nonce) && part(shown, "response") == Some(&expected)
            }
        }
    }
}

fn part<'a>(header: &'a str, name: &str) -> Option<&'a str> {
    let begin = header.find(&format!("{name}=\""))? + name.len() + 2;
    header[begin..].split('"').next()
}

fn hex(text: &str) -> String {
    let digest = Md5::digest(text.as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 2617, 3.5, computed as RFC 2069 does.
    #[test]
    fn digest_is_that_of_the_specification() {
        assert_eq!(hex("abc"), "900150983cd24fb0d6963f7d28e17f72");
        let account = Account {
            user: "admin".into(),
            password: "secret".into(),
            scheme: Scheme::Digest,
        };
        let secret = hex("admin:IP Camera:secret");
        let request = hex("DESCRIBE:rtsp://camera/main");
        let response = hex(&format!("{secret}:abc:{request}"));
        let shown = format!(
            "Digest username=\"admin\", realm=\"IP Camera\", nonce=\"abc\", \
             uri=\"rtsp://camera/main\", response=\"{response}\""
        );
        assert!(account.admits(Some(&shown), "DESCRIBE", "abc"));
        assert!(!account.admits(Some(&shown), "DESCRIBE", "abd"));
        assert!(!account.admits(Some(&shown), "SETUP", "abc"));
        assert!(!account.admits(None, "DESCRIBE", "abc"));
        let basic = Account {
            scheme: Scheme::Basic,
            ..account
        };
        assert!(basic.admits(Some("Basic YWRtaW46c2VjcmV0"), "PLAY", ""));
        assert!(!basic.admits(Some("Basic YWRtaW46d3Jvbmc="), "PLAY", ""));
    }
}
