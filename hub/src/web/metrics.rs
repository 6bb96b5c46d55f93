//! The door for Prometheus: numbers of the hub and of every box, by opaque ids alone.
//!
//! A door of its own, because whoever asks here is no person: for this machine alone, or for who
//! shows the token. It answers one question, and changes nothing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use xunke_protocol::metrics::{CONTENT_TYPE, Metrics};
use zeroize::Zeroizing;

use super::App;
use crate::access::secret;
use crate::authority::secret_file;
use crate::clock::now_ms;
use crate::device::registry;
use crate::health;
use crate::health::presence::State as Presence;
use crate::health::status::{self, DeviceStatus};
use crate::live::tally::Turn;
use crate::store::{health as rows, together};

/// What is asked for.
pub const PATH: &str = "/metrics";
/// Shorter, it could be guessed.
const TOKEN_CHARS_MIN: usize = 32;
/// A report that is older says nothing of now: two and a half were missed.
const REPORT_AGE_MS_MAX: i64 = 150_000;

/// Why the door does not open.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read, or others can read it too.
    #[error("metrics.token_file")]
    File(#[from] secret_file::Error),
    /// There is none.
    #[error("metrics.token_file: there is no file {}", .0.display())]
    Missing(PathBuf),
    /// What it holds is no token.
    #[error(
        "metrics.token_file: {} must hold one word of {TOKEN_CHARS_MIN} characters or more, such \
         as from: openssl rand -hex 32", .0.display()
    )]
    Weak(PathBuf),
}

/// What the answer needs.
#[derive(Clone)]
struct Door {
    app: App,
    token: Option<Zeroizing<String>>,
}

/// The door's one route.
///
/// # Errors
/// The token cannot be used.
pub fn router(app: App) -> Result<Router, Error> {
    let token = read_token(&app.config.metrics.token_file)?;
    let door = Door { app, token };
    Ok(Router::new().route(PATH, get(answer)).with_state(door))
}

fn read_token(file: &Path) -> Result<Option<Zeroizing<String>>, Error> {
    if file.as_os_str().is_empty() {
        return Ok(None);
    }
    let bytes = secret_file::read(file)?.ok_or_else(|| Error::Missing(file.into()))?;
    let text = std::str::from_utf8(&bytes).unwrap_or_default().trim();
    let word =
        text.len() >= TOKEN_CHARS_MIN && text.bytes().all(|letter| letter.is_ascii_graphic());
    let token = word.then(|| Zeroizing::new(text.to_owned()));
    token.map(Some).ok_or_else(|| Error::Weak(file.into()))
}

async fn answer(State(door): State<Door>, headers: HeaderMap) -> Response {
    if !may_ask(door.token.as_ref().map(|token| token.as_str()), &headers) {
        return (
            StatusCode::UNAUTHORIZED,
            [(header::WWW_AUTHENTICATE, "Bearer")],
        )
            .into_response();
    }
    match numbers(&door.app, now_ms()).await {
        Ok(metrics) => ([(header::CONTENT_TYPE, CONTENT_TYPE)], metrics.text()).into_response(),
        Err(error) => {
            let error = &error as &dyn std::error::Error;
            tracing::error!(error, "the hub's numbers cannot be gathered");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}

fn may_ask(token: Option<&str>, headers: &HeaderMap) -> bool {
    let Some(token) = token else { return true };
    let given = headers.get(header::AUTHORIZATION);
    let given = given.and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    given.is_some_and(|given| secret::equal(given, token))
}

/// Everything there is at one moment.
async fn numbers(app: &App, now_ms: i64) -> Result<Metrics, health::Error> {
    let mut metrics = Metrics::default();
    let version = env!("CARGO_PKG_VERSION");
    let help = "The hub's version, as a label.";
    metrics.gauge("xunke_hub_info", help, &[("version", version)], 1.0);
    let help = "Boxes that are connected to this hub.";
    let connected = app.devices.links.count() as f64;
    metrics.gauge("xunke_hub_boxes_connected", help, &[], connected);
    of_endpoint(&mut metrics, app);
    of_live(&mut metrics, app);
    for (severity, count) in rows::open_severities(&app.db).await? {
        let help = "Faults that are not over.";
        let of = &[("severity", severity.as_str())];
        metrics.gauge("xunke_hub_faults_open", help, of, count as f64);
    }
    let boxes = status::all(&app.db).await?;
    let in_use = |one: &&DeviceStatus| one.device.state != registry::State::Retired;
    let mut states: BTreeMap<&str, u32> = BTreeMap::new();
    for one in boxes.iter().filter(in_use) {
        *states.entry(one.state().0.name()).or_default() += 1;
        of_box(&mut metrics, one, now_ms);
    }
    for (state, count) in states {
        let help = "Boxes in use, by how they stand.";
        metrics.gauge("xunke_hub_boxes", help, &[("state", state)], count.into());
    }
    Ok(metrics)
}

/// What boxes do at the MQTT door, since the hub started.
fn of_endpoint(metrics: &mut Metrics, app: &App) {
    let totals = app.devices.visits.totals();
    let mut count = |name, help, value: u64| metrics.counter(name, help, &[], value as f64);
    let help = "Connections of boxes.";
    count("xunke_hub_box_connections_total", help, totals.connected);
    let help = "Messages of boxes.";
    count("xunke_hub_box_messages_total", help, totals.messages);
    let help = "Messages of boxes that nobody could read.";
    let unreadable = totals.unreadable;
    count("xunke_hub_box_messages_unreadable_total", help, unreadable);
    let help = "Bytes in messages of boxes.";
    let bytes = totals.message_bytes;
    count("xunke_hub_box_message_bytes_total", help, bytes);
    let help = "Commits in which messages of boxes were stored together.";
    let commits = together::groups(&app.db);
    count("xunke_hub_box_commits_total", help, commits);
    let mut by_reason = |name, help, counts: &BTreeMap<&'static str, u64>| {
        for (why, value) in counts {
            metrics.counter(name, help, &[("reason", why)], *value as f64);
        }
    };
    let help = "Connections of boxes that the hub has ended.";
    by_reason("xunke_hub_box_cut_offs_total", help, &totals.cut_off);
    let help = "Connections that were not let in at the MQTT door.";
    by_reason("xunke_hub_box_refusals_total", help, &totals.refused);
    let help = "From a message of a box to its acknowledgement.";
    let at_most: Vec<_> = totals.waits.at_most().collect();
    let name = "xunke_hub_box_acknowledge_seconds";
    metrics.histogram(name, help, &at_most, totals.waits.all());
}

/// What goes on at the live doors, and what was refused or cut there since the hub started.
fn of_live(metrics: &mut Metrics, app: &App) {
    let (pushes, views) = app.relay.busy();
    let help = "Streams that boxes push now.";
    metrics.gauge("xunke_hub_live_pushes", help, &[], pushes as f64);
    let help = "Live views that are open.";
    metrics.gauge("xunke_hub_live_views", help, &[], views as f64);
    for ((what, why), count) in app.relay.tally().read() {
        let (name, help) = match what {
            Turn::PushRefused => (
                "xunke_hub_live_pushes_refused_total",
                "Pushes of boxes that were not let in.",
            ),
            Turn::PushCut => (
                "xunke_hub_live_pushes_cut_total",
                "Pushes that were ended for what their box did.",
            ),
            Turn::LineRefused => (
                "xunke_hub_live_lines_refused_total",
                "Live lines of pages that were not let in.",
            ),
            Turn::LineCut => (
                "xunke_hub_live_lines_cut_total",
                "Live lines that were ended for what their page did or left undone.",
            ),
        };
        metrics.counter(name, help, &[("reason", why)], count as f64);
    }
}

fn of_box(metrics: &mut Metrics, one: &DeviceStatus, now_ms: i64) {
    let of = &[("box", one.device.id.as_str())];
    let online = one.state().0 == Presence::Online;
    let help = "1 while the box is connected.";
    metrics.gauge("xunke_box_up", help, of, f64::from(u8::from(online)));
    let Some((report, at_ms)) = one
        .status
        .as_ref()
        .and_then(|status| status.report.as_ref())
    else {
        return;
    };
    let help = "Age of the box's newest report.";
    let age_ms = now_ms.saturating_sub(*at_ms);
    metrics.gauge(
        "xunke_box_report_age_seconds",
        help,
        of,
        age_ms as f64 / 1000.0,
    );
    if online && age_ms <= REPORT_AGE_MS_MAX {
        metrics.report(report, of);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn who_shows_no_token_may_not_ask_where_there_is_one() {
        let asked = |value: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            if let Some(value) = value {
                headers.insert(header::AUTHORIZATION, value.parse().unwrap());
            }
            (
                may_ask(Some("a-long-token"), &headers),
                may_ask(None, &headers),
            )
        };
        assert_eq!(asked(None), (false, true));
        assert_eq!(asked(Some("Bearer a-long-tokem")), (false, true));
        assert_eq!(asked(Some("Basic a-long-token")), (false, true));
        assert_eq!(asked(Some("a-long-token")), (false, true));
        assert_eq!(asked(Some("Bearer a-long-token")), (true, true));
    }

    #[test]
    fn a_token_is_one_long_word_that_others_cannot_read() {
        let file = std::env::temp_dir().join(format!("xunke-metrics-{}", std::process::id()));
        let set = |text: &str, mode| {
            std::fs::write(&file, text).unwrap();
            let permissions = std::fs::Permissions::from_mode(mode);
            std::fs::set_permissions(&file, permissions).unwrap();
            read_token(&file).map_err(|error| error.to_string())
        };
        assert!(read_token(Path::new("")).unwrap().is_none());
        let missing = read_token(Path::new("/nowhere/token")).unwrap_err();
        assert!(
            missing.to_string().contains("there is no file"),
            "{missing}"
        );
        let long = "0123456789abcdef".repeat(2);
        let read = set(&format!("{long}\n"), 0o600).unwrap().unwrap();
        assert_eq!(*read, long);
        assert!(set("short\n", 0o600).unwrap_err().contains("openssl rand"));
        let two = format!("{long} {long}");
        assert!(set(&two, 0o600).unwrap_err().contains("one word"));
        assert!(set(&long, 0o644).is_err());
        std::fs::remove_file(&file).unwrap();
    }
}
