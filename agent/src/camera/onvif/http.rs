//! One request to one address that the fence allows, within limits of bytes and seconds.

use super::Error;
use super::fence::{Fence, Place};
use super::security::{Credentials, challenged, respond, username_token};
use super::soap::Request;
use super::xml::Node;
use crate::clock;
use bytes::Bytes;
use http_auth::PasswordClient;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::client::conn::http1;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, LOCATION, WWW_AUTHENTICATE};
use hyper_util::rt::TokioIo;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;
use url::Url;

/// A recorder of 64 channels takes about 300 KiB for its profiles.
pub const BODY_BYTES_MAX: usize = 512 * 1024;
const HEAD_BYTES_MAX: usize = 32 * 1024;
const ANSWER: Duration = Duration::from_secs(10);
/// A challenge, a challenge again because a number used once has grown old, and two redirects.
const ROUNDS_MAX: usize = 5;

/// Asks one camera.
pub struct Http {
    fence: Fence,
    credentials: Option<Credentials>,
    /// How the camera wants the password proved, once it has said so.
    digest: Option<PasswordClient>,
    /// The camera's clock against ours, milliseconds.
    pub skew_ms: i64,
}

struct Answer {
    status: u16,
    challenge: Option<String>,
    location: Option<String>,
    body: Bytes,
}

impl Http {
    /// For a camera whose addresses are known.
    pub fn new(fence: Fence, credentials: Option<Credentials>) -> Self {
        Self {
            fence,
            credentials,
            digest: None,
            skew_ms: 0,
        }
    }

    /// What this camera's answers may point to.
    pub fn fence(&self) -> &Fence {
        &self.fence
    }

    /// The kind of proof that the camera asked for by HTTP, when it did.
    pub fn asks_for_digest(&self) -> bool {
        self.digest.is_some()
    }

    /// Sends a request and reads its answer. `what` names the address in a refusal; a camera that
    /// waits for events before it answers gets `patience` more.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn ask(
        &mut self,
        url: &Url,
        what: &'static str,
        request: &Request,
        patience: Duration,
    ) -> Result<Node, Error> {
        let (mut url, mut what) = (url.clone(), what);
        for _ in 0..ROUNDS_MAX {
            let place = self.fence.place(&url, what)?;
            let answer = self.round(&url, place, request, ANSWER + patience).await?;
            match answer.status {
                301 | 302 | 307 | 308 => {
                    let location = answer.location.unwrap_or_default();
                    url = joined(&url, &location)?;
                    what = "new address";
                }
                401 if place.own && self.take_up(answer.challenge.as_deref()) => {}
                401 | 403 => return Err(Error::Unauthorized),
                // Faults come with 400 or 500.
                200 | 400 | 500 => return request.answer(&answer.body),
                status => return Err(Error::Status(url.to_string(), status)),
            }
        }
        Err(Error::Unauthorized)
    }

    /// Whether there is something to try that was not tried.
    fn take_up(&mut self, challenge: Option<&str>) -> bool {
        let stale = challenge.is_some_and(|text| text.to_ascii_lowercase().contains("stale=true"));
        if self.credentials.is_none() || (self.digest.is_some() && !stale) {
            // A number that was used once may have been forgotten: the next request starts anew.
            self.digest = None;
            return false;
        }
        self.digest = challenge.and_then(challenged);
        self.digest.is_some()
    }

    async fn round(
        &mut self,
        url: &Url,
        place: Place,
        request: &Request,
        longest: Duration,
    ) -> Result<Answer, Error> {
        let credentials = self.credentials.clone().filter(|_| place.own);
        let token = credentials.as_ref().filter(|_| self.digest.is_none());
        let security = token.map(|known| {
            let mut nonce = [0; 16];
            // Predictable numbers still prove the password; the camera's own clock limits replay.
            let _ = getrandom::fill(&mut nonce);
            username_token(known, nonce, clock::now_ms() + self.skew_ms)
        });
        let body = request.envelope(&security.unwrap_or_default());
        let digest = self.digest.as_mut().zip(credentials.as_ref());
        let path = path(url);
        let proof =
            digest.and_then(|(digest, known)| respond(digest, known, &path, body.as_bytes()));
        let exchange = exchange(url, place, request, body, proof);
        let slow = || Error::Slow(url.to_string(), longest.as_secs());
        timeout(longest, exchange).await.map_err(|_| slow())?
    }
}

async fn exchange(
    url: &Url,
    place: Place,
    request: &Request,
    body: String,
    proof: Option<String>,
) -> Result<Answer, Error> {
    let stream = TcpStream::connect(place.address).await;
    let stream = stream.map_err(|error| Error::Unreachable(place.address.to_string(), error))?;
    let broken = || Error::Broken(place.address.to_string());
    let handshake = http1::Builder::new()
        .max_buf_size(HEAD_BYTES_MAX)
        .handshake(TokioIo::new(stream));
    let (mut sender, connection) = handshake.await.map_err(|_| broken())?;
    // Ends with this function, however it ends.
    let mut connections = JoinSet::new();
    connections.spawn(connection);
    let host = url.authority().rsplit('@').next().unwrap_or_default();
    let kind = format!(
        "application/soap+xml; charset=utf-8; action=\"{}\"",
        request.action
    );
    let mut head = hyper::Request::post(path(url))
        .header(HOST, host)
        .header(CONTENT_TYPE, kind);
    if let Some(proof) = proof {
        head = head.header(AUTHORIZATION, proof);
    }
    let whole = head.body(Full::new(Bytes::from(body)));
    let whole = whole.map_err(|_| Error::address(url.as_str()))?;
    let response = sender.send_request(whole).await.map_err(|_| broken())?;
    let text = |name| {
        let header = response.headers().get(name)?;
        header.to_str().ok().map(str::to_owned)
    };
    let challenges = response.headers().get_all(WWW_AUTHENTICATE).iter();
    let challenges: Vec<_> = challenges.filter_map(|one| one.to_str().ok()).collect();
    let (status, location) = (response.status().as_u16(), text(LOCATION));
    let challenge = (!challenges.is_empty()).then(|| challenges.join(", "));
    let body = Limited::new(response.into_body(), BODY_BYTES_MAX)
        .collect()
        .await;
    let body = body.map_err(|error| match error.downcast_ref::<LengthLimitError>() {
        Some(_) => Error::Long(place.address.to_string()),
        None => broken(),
    })?;
    Ok(Answer {
        status,
        challenge,
        location,
        body: body.to_bytes(),
    })
}

fn path(url: &Url) -> String {
    match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    }
}

/// Where a redirect leads. The fence judges it like every other address.
fn joined(url: &Url, location: &str) -> Result<Url, Error> {
    let next = url
        .join(location)
        .ok()
        .filter(|next| next.scheme() == "http");
    next.ok_or_else(|| Error::address(location))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn http(credentials: bool) -> Http {
        let known = credentials.then(|| ("admin".to_owned(), "secret".to_owned()));
        Http::new(Fence::default(), known)
    }

    #[test]
    fn a_challenge_is_taken_up_once_and_again_when_its_number_is_old() {
        let fresh = Some("Digest realm=\"c\", nonce=\"a\", qop=\"auth\"");
        let stale = Some("Digest realm=\"c\", nonce=\"b\", qop=\"auth\", stale=true");
        let mut one = http(true);
        assert!(one.take_up(fresh));
        assert!(one.take_up(stale));
        assert!(!one.take_up(fresh), "the password is wrong");
        assert!(!http(true).take_up(None), "nothing else to try");
        assert!(!http(true).take_up(Some("Basic realm=\"c\"")));
        assert!(!http(false).take_up(fresh), "nothing to prove");
    }

    #[test]
    fn a_redirect_stays_with_http() {
        let url = Url::parse("http://10.0.0.2/onvif/device_service").unwrap();
        let next = |location| joined(&url, location).map(|url| url.to_string()).ok();
        assert_eq!(next("/other").as_deref(), Some("http://10.0.0.2/other"));
        assert_eq!(
            next("http://10.9.9.9/").as_deref(),
            Some("http://10.9.9.9/")
        );
        for bad in [
            "file:///etc/passwd",
            "gopher://10.0.0.2/",
            "https://10.0.0.2/",
            "http://",
        ] {
            assert_eq!(next(bad), None, "{bad}");
        }
    }
}
