//! A letter: a message on its way, the request that carries it, and how an answer is read.

use serde::{Deserialize, Serialize};
use url::Url;
use zeroize::Zeroize;

use super::address::{self, Allowed, Refused};
use super::message::Message;
use super::text::{Language, cut};

/// Bytes of a reason that is kept.
const WHY_BYTES_MAX: usize = 300;
/// How long a channel rests that will not work before somebody changes something, milliseconds.
pub const BROKEN_REST_MS: i64 = 10 * 60_000;
/// The same when it was used too fast, and whoever runs it does not say for how long.
pub const HURRIED_REST_MS: i64 = 60_000;
/// Longest rest that an answer may ask for.
const RESTS_MS_MAX: i64 = 60 * 60_000;

/// A message on its way.
#[derive(Debug, Clone, Copy)]
pub struct Letter<'a> {
    /// The delivery: the same for every try, so that whoever receives it twice can tell.
    pub id: &'a str,
    /// What it says.
    pub message: &'a Message,
    /// In which language.
    pub language: Language,
    /// What people type to come to the hub; empty when it is not known.
    pub origin: &'a str,
    /// When it was written, milliseconds since the epoch.
    pub queued_ms: i64,
    /// Now.
    pub now_ms: i64,
}

/// What only the hub and the receiver know. Sealed at rest, never shown, logged or put in the
/// trail.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secrets {
    /// Where to post, where that is a secret of itself: robots carry their key in it.
    #[serde(default)]
    pub address: String,
    /// The key of the signature, the password, the token.
    #[serde(default)]
    pub secret: String,
}

impl Drop for Secrets {
    fn drop(&mut self) {
        self.address.zeroize();
        self.secret.zeroize();
    }
}

/// Secrets are never printed.
impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secrets")
    }
}

/// What is sent over HTTP.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    /// Where to; holds secrets.
    pub url: Url,
    /// `POST`, or `GET` where a gateway asks for it.
    pub method: Method,
    /// Names and values; hold secrets.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// How a request is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// With a body.
    Post,
    /// Everything in the address.
    Get,
}

impl Method {
    /// The word on the wire.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Post => "post",
            Self::Get => "get",
        }
    }

    /// The method of that word.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        [Self::Post, Self::Get]
            .into_iter()
            .find(|method| method.word() == word)
    }
}

/// A request holds secrets, and is never printed.
impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Request")
    }
}

impl Request {
    /// A POST of JSON.
    #[must_use]
    pub fn json(url: Url, body: &serde_json::Value) -> Self {
        let kind = (
            "content-type".into(),
            "application/json; charset=utf-8".into(),
        );
        Self {
            url,
            method: Method::Post,
            headers: vec![kind],
            body: body.to_string().into_bytes(),
        }
    }
}

/// What came back over HTTP.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Seconds after which it may be tried again, if the answer says so.
    pub retry_after_s: Option<i64>,
    /// The beginning of the body.
    pub body: Vec<u8>,
}

/// What became of a try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It was taken.
    Delivered,
    /// Not now: the channel rests, for so long, or else longer with every failure.
    Later {
        /// Why.
        why: String,
        /// Milliseconds.
        rest_ms: Option<i64>,
    },
    /// Never: this message is not taken, others may be.
    Refused {
        /// Why.
        why: String,
    },
}

impl Verdict {
    /// To be tried again when the channel has rested.
    #[must_use]
    pub fn later(why: impl Into<String>) -> Self {
        let (why, rest_ms) = (why.into(), None);
        Self::Later { why, rest_ms }
    }

    /// Not before somebody changes something; tried again now and then.
    #[must_use]
    pub fn broken(why: impl Into<String>) -> Self {
        let (why, rest_ms) = (why.into(), Some(BROKEN_REST_MS));
        Self::Later { why, rest_ms }
    }

    /// Why it was not taken, without what nobody may read, and of a length that can be kept.
    #[must_use]
    pub fn without(self, secrets: &Secrets) -> Self {
        let clean = |why: String| cut(&hidden(why, secrets), WHY_BYTES_MAX);
        match self {
            Self::Delivered => Self::Delivered,
            Self::Later { why, rest_ms } => Self::Later {
                why: clean(why),
                rest_ms,
            },
            Self::Refused { why } => Self::Refused { why: clean(why) },
        }
    }
}

/// A receiver may answer with what it was asked: parts of an address and secrets are taken out.
fn hidden(why: String, secrets: &Secrets) -> String {
    let query = Url::parse(&secrets.address).ok();
    let parts = query.iter().flat_map(|url| {
        let values = url.query_pairs().map(|(_, value)| value.into_owned());
        let segments = url.path_segments().into_iter().flatten().map(str::to_owned);
        values.chain(segments).collect::<Vec<_>>()
    });
    let whole = [secrets.address.clone(), secrets.secret.clone()];
    let plain = why.replace(|c: char| c.is_control(), " ");
    whole
        .into_iter()
        .chain(parts)
        .filter(|part| part.len() >= 8)
        .fold(plain, |text, part| text.replace(&part, "…"))
}

/// The secret address, judged again: what the configuration allows may have changed.
///
/// # Errors
/// It may not be used any more.
pub fn target(secrets: &Secrets, allowed: Allowed) -> Result<Url, Verdict> {
    address::https(&secrets.address, allowed)
        .map_err(|why| Verdict::broken(format!("the address may not be used: {}", said(why))))
}

/// Why an address is refused, in English.
#[must_use]
pub fn said(why: Refused) -> &'static str {
    match why {
        Refused::Unreadable => "it is no address",
        Refused::NotHttps => "only https is allowed",
        Refused::Credentials => "it carries a user name or password",
        Refused::Own => "it is the hub's own machine (channels.loopback in hub.toml)",
        Refused::Forbidden => "it is link-local, a metadata service or nobody's",
    }
}

/// What a status says, for whoever says nothing else.
#[must_use]
pub fn by_status(answer: &Answer) -> Verdict {
    let why = || format!("HTTP {}: {}", answer.status, beginning(&answer.body));
    match answer.status {
        200..=299 => Verdict::Delivered,
        429 => Verdict::Later {
            why: why(),
            rest_ms: Some(asked_rest_ms(answer).unwrap_or(HURRIED_REST_MS)),
        },
        408 | 425 | 500..=599 => Verdict::Later {
            why: why(),
            rest_ms: asked_rest_ms(answer),
        },
        // Of the message itself; anything else is about the address or the key.
        400 | 413 | 415 | 422 => Verdict::Refused { why: why() },
        _ => Verdict::broken(why()),
    }
}

fn asked_rest_ms(answer: &Answer) -> Option<i64> {
    let asked_ms = answer.retry_after_s?.saturating_mul(1000);
    Some(asked_ms.clamp(1000, RESTS_MS_MAX))
}

/// What a robot answers in JSON: a code, where 0 is the only success, and words.
#[must_use]
pub fn coded(answer: &Answer, names: [&str; 2], meaning: impl Fn(i64) -> Meaning) -> Verdict {
    let body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let [code, words] = names.map(|name| &body[name]);
    let why = |code: i64| {
        let words = words.as_str().unwrap_or_default();
        format!("{} {code}: {words}", names[0])
    };
    match code.as_i64() {
        Some(0) if answer.status < 300 => Verdict::Delivered,
        None if answer.status < 300 => Verdict::broken(format!("no {} in the answer", names[0])),
        None | Some(0) => by_status(answer),
        Some(code) => match meaning(code) {
            Meaning::Hurried(rest_ms) => Verdict::Later {
                why: why(code),
                rest_ms: Some(rest_ms),
            },
            Meaning::Busy => Verdict::later(why(code)),
            Meaning::Broken => Verdict::broken(why(code)),
            Meaning::Unfit => Verdict::Refused { why: why(code) },
        },
    }
}

/// What a robot's code means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// Used too fast; to be left alone for so long, milliseconds.
    Hurried(i64),
    /// Its own trouble.
    Busy,
    /// Address, key, keyword or list of addresses do not fit.
    Broken,
    /// This message does not fit.
    Unfit,
}

fn beginning(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    cut(text.trim(), WHY_BYTES_MAX)
}

/// A letter for tests.
#[cfg(test)]
pub(super) fn example(message: &Message) -> Letter<'_> {
    Letter {
        id: "0198f0c2-7a1e-7c3d-9b11-2f6f0f5f9a77",
        message,
        language: Language::Zh,
        origin: "https://xunke.example.edu.cn:8443",
        queued_ms: 1_795_000_000_000,
        now_ms: 1_795_000_000_123,
    }
}

/// An answer for tests.
#[cfg(test)]
pub(super) fn answered(status: u16, body: &str) -> Answer {
    Answer {
        status,
        retry_after_s: None,
        body: body.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_says_whether_to_try_again() {
        let said = |status| by_status(&answered(status, "because"));
        assert_eq!(said(204), Verdict::Delivered);
        assert!(matches!(said(500), Verdict::Later { rest_ms: None, .. }));
        let hurried = Some(HURRIED_REST_MS);
        assert!(matches!(said(429), Verdict::Later { rest_ms, .. } if rest_ms == hurried));
        let why = "HTTP 422: because".into();
        assert_eq!(said(422), Verdict::Refused { why });
        for broken in [302, 401, 403, 404, 407] {
            assert!(matches!(
                said(broken),
                Verdict::Later {
                    rest_ms: Some(BROKEN_REST_MS),
                    ..
                }
            ));
        }
        let asked = |retry_after_s| {
            let busy = Answer {
                retry_after_s: Some(retry_after_s),
                ..answered(503, "")
            };
            match by_status(&busy) {
                Verdict::Later { rest_ms, .. } => rest_ms,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(asked(30), Some(30_000));
        assert_eq!(asked(i64::MAX), Some(RESTS_MS_MAX));
        assert_eq!(asked(-5), Some(1000));
    }

    /// Whatever a receiver answers, the log never holds the key.
    #[test]
    fn an_echo_of_the_secret_is_not_kept() {
        let secrets = Secrets {
            address: "https://robot.example/hook/path-secret-1?key=query-secret-2".into(),
            secret: "signing-secret-3".into(),
        };
        let echo = format!("no: {} {} path-secret-1\n", secrets.address, secrets.secret);
        for verdict in [
            Verdict::later(echo.clone()),
            Verdict::broken(echo.clone()),
            Verdict::Refused {
                why: echo.repeat(9),
            },
        ] {
            let (Verdict::Later { why, .. } | Verdict::Refused { why }) = verdict.without(&secrets)
            else {
                panic!("delivered");
            };
            assert!(!why.contains("-secret-") && !why.contains('\n'), "{why}");
            assert!(why.starts_with("no: ") && why.len() <= WHY_BYTES_MAX);
        }
        assert_eq!(format!("{secrets:?}"), "Secrets");
    }
}
