//! The guard before every route: network, origin, session, CSRF token, action.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{FromRequestParts, Query, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, Uri, header};
use axum::middleware::Next;
use axum::response::Response;
use xunke_policy::Refusal;
use xunke_policy::access::Action;

use super::App;
use super::error::Error;
use super::failure;
use super::listen::Peer;
use crate::access::secret;
use crate::access::session::Session;
use crate::clock;
use crate::live::tally::Turn;

/// The cookie that carries the session token.
pub const COOKIE: &str = "__Host-xunke";
/// The header that carries the CSRF token.
pub const CSRF_HEADER: &str = "x-csrf-token";

/// The one forwarding header, and only from named proxies.
const FORWARDED_FOR: &str = "x-forwarded-for";

/// Lists whose reading is a line (R116): what is secret or about people. Rooms, devices and faults
/// are asked for all the time and say nothing of either.
const QUERIES: [&str; 12] = [
    "see_recordings",
    "read_records",
    "read_ledger",
    "list_papers",
    "read_trail",
    "see_people",
    "see_stale_accounts",
    "see_watchers",
    "inspect_trail",
    "see_premium",
    "nominate_premium",
    "see_holds",
];

/// What a route needs.
#[derive(Debug, Clone, Copy)]
pub enum Needs {
    /// Nothing but our own page: signing in.
    Nobody,
    /// Somebody signed in, whatever the state of the password: all that is left to do once it has
    /// expired (R30).
    Session,
    /// Somebody signed in, about nobody but themselves.
    SignedIn,
    /// Somebody signed in; the handler loads one room, recording or record and asks the gate about
    /// that very thing, under this name in the trail.
    Object(&'static str),
    /// Somebody who may do this; the name stands in the trail when they may not.
    Action(&'static str, Action<'static>),
}

/// Who is calling, and from where. Only the guard makes one.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The session.
    pub session: Session,
    /// From where this request comes.
    pub address: IpAddr,
    /// When this request came.
    pub now_ms: i64,
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        parts
            .extensions
            .get::<Self>()
            .cloned()
            .ok_or(Error::SignedOut)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Peer {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        let peer = parts.extensions.get::<Self>().cloned();
        peer.ok_or_else(|| Error::Failed("a request without a peer".into()))
    }
}

/// Lets a request through to its handler, or answers why not.
///
/// # Errors
/// 401, 403 or 503 as [`Error`] says.
pub async fn guard(
    State((app, needs)): State<(App, Needs)>,
    peer: Peer,
    mut request: Request,
    next: Next,
) -> Result<Response, Error> {
    let now_ms = clock::now_ms();
    let address = peer.address.ip();
    if !app.config.on_campus(address) {
        return Err(Refusal::OFF_CAMPUS.into());
    }
    let headers = request.headers();
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD);
    let upgrades = headers.contains_key(header::UPGRADE);
    if (changes || upgrades) && !same_origin(headers) {
        if upgrades {
            app.relay.tally().count(Turn::LineRefused, "foreign_page");
        }
        return Err(Error::Foreign);
    }
    if let Needs::Nobody = needs {
        return Ok(next.run(request).await);
    }
    let token = cookie(headers, COOKIE).ok_or(Error::SignedOut)?;
    let session = app
        .sessions
        .find(token, now_ms)
        .await?
        .ok_or(Error::SignedOut)?;
    if changes && !csrf_token_fits(headers, &session) {
        return Err(Error::Foreign);
    }
    match needs {
        Needs::Nobody | Needs::Session => {}
        Needs::SignedIn => app.gate.pass(&session, "enter", address, now_ms).await?,
        Needs::Object(name) => app.gate.pass(&session, name, address, now_ms).await?,
        Needs::Action(name, action) => {
            app.gate
                .enter(&session, action, (name, ""), address, now_ms)
                .await?;
            if QUERIES.contains(&name) && !changes {
                let asked = question(request.uri());
                let query = (name, asked.as_str());
                app.gate
                    .note_query(&session, query, address, now_ms)
                    .await?;
            }
        }
    }
    let who = session.person.who(address);
    request.extensions_mut().insert(Caller {
        session,
        address,
        now_ms,
    });
    Ok(failure::asked_by(next.run(request).await, who))
}

/// Puts the address a request really comes from in the place of a named proxy's (R31). Only
/// `X-Forwarded-For` is read, only from proxies the school has named, and only as far as they wrote
/// it; `Forwarded` and `X-Real-IP` are anybody's and never read.
///
/// # Errors
/// 403 when a named proxy does not say for whom it asks.
pub async fn client(
    State(app): State<App>,
    peer: Peer,
    mut request: Request,
    next: Next,
) -> Result<Response, Error> {
    let lines = request.headers().get_all(FORWARDED_FOR).iter();
    let lines: Vec<_> = lines.map(|line| line.to_str().unwrap_or("?")).collect();
    let proxy = peer.address.ip();
    let Some(client) = app.config.client(proxy, &lines.join(",")) else {
        tracing::warn!(%proxy, "people.trusted_proxies: this proxy does not say for whom it asks");
        return Err(Refusal::OFF_CAMPUS.into());
    };
    let address = SocketAddr::new(client, peer.address.port());
    request.extensions_mut().insert(Peer { address, ..peer });
    Ok(next.run(request).await)
}

/// What was asked for, such as `date=2026-11-22`; which line a page of the trail begins at is not
/// part of the question.
fn question(uri: &Uri) -> String {
    let Ok(Query(pairs)) = Query::<Vec<(String, String)>>::try_from_uri(uri) else {
        return String::new();
    };
    let pairs = pairs
        .iter()
        .filter(|(name, value)| !value.is_empty() && !matches!(name.as_str(), "before" | "limit"));
    let pairs: Vec<_> = pairs
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    pairs.join(" ")
}

/// The Origin is the host that was asked. Browsers always say so on what changes something.
fn same_origin(headers: &HeaderMap) -> bool {
    let text = |name| {
        headers
            .get(name)
            .and_then(|value: &HeaderValue| value.to_str().ok())
    };
    match (text(header::ORIGIN), text(header::HOST)) {
        (Some(origin), Some(host)) => origin.strip_prefix("https://") == Some(host),
        _ => false,
    }
}

fn csrf_token_fits(headers: &HeaderMap, session: &Session) -> bool {
    let given = headers
        .get(CSRF_HEADER)
        .and_then(|value| value.to_str().ok());
    given.is_some_and(|given| secret::equal(given, &session.csrf_token))
}

/// The value of a cookie. A name that comes twice is nobody's.
pub(super) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let all = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok());
    let pairs = all
        .flat_map(|text| text.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    let mut values = pairs
        .filter(|(key, _)| *key == name)
        .map(|(_, value)| value);
    let value = values.next()?;
    values.next().is_none().then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    /// R116: the question without where its page begins.
    #[test]
    fn a_question_is_what_was_asked_for() {
        let of = |text: &str| question(&text.parse().unwrap());
        assert_eq!(
            of("/api/recordings?date=2026-11-22&room="),
            "date=2026-11-22"
        );
        assert_eq!(
            of("/api/audit?before=5&limit=9&person=%E7%8E%8B"),
            "person=王"
        );
        assert_eq!(of("/api/records"), "");
    }

    #[test]
    fn only_our_own_page_is_same_origin() {
        let with = |origin| same_origin(&headers(&[("host", "hub:8443"), ("origin", origin)]));
        assert!(with("https://hub:8443"));
        assert!(!with("http://hub:8443") && !with("https://hub") && !with("null"));
        assert!(!with("https://hub:8443.evil") && !with("https://evil.hub:8443"));
        assert!(!same_origin(&headers(&[("host", "hub:8443")])));
        assert!(!same_origin(&headers(&[("origin", "https://hub:8443")])));
    }

    #[test]
    fn a_cookie_is_found_by_its_whole_name_and_only_once() {
        let of = |text| cookie(&headers(&[("cookie", text)]), COOKIE).map(str::to_owned);
        assert_eq!(of("a=1; __Host-xunke=abc; b=2").as_deref(), Some("abc"));
        assert_eq!(of("x__Host-xunke=abc"), None);
        assert_eq!(of("__host-xunke=abc"), None);
        assert_eq!(of("__Host-xunke=abc; __Host-xunke=def"), None);
    }
}
