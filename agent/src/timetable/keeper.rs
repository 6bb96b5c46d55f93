//! Asks the hub for the document: at start, at every new connection, whenever the hub says that it
//! has changed, and every few hours.

use super::kept::Kept;
use super::schedule::{Schedule, State};
use crate::clock;
use crate::identity::{HttpClient, Identity};
use crate::link::Status;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};
use xunke_protocol::health::TimetableBasis;
use xunke_protocol::timetable::SignedTimetable;

const DOCUMENT_BYTES_MAX: usize = 256 * 1024;
const PERIOD: Duration = Duration::from_secs(4 * 3600);
const RETRY: Duration = Duration::from_secs(60);
const ANSWER: Duration = Duration::from_secs(30);
/// How often the clock is held against the hub's, and a change of basis is looked for.
const LOOK: Duration = Duration::from_secs(1);
/// Two clocks that move apart by less were read at different moments.
const APART_MS: i64 = 1_000;

/// Keeps the newest document.
pub struct Keeper {
    kept: Kept,
    state: watch::Sender<State>,
    /// What was said in the log last.
    said: Option<TimetableBasis>,
    failed: bool,
}

impl Keeper {
    /// With what was kept before this start: it counts at once.
    pub fn open(identity: &Identity, state_dir: &Path) -> Self {
        let mut kept = Kept::new(state_dir, identity.classroom_id, identity.hub_signing_key);
        let timetable = kept.read().map(Arc::new);
        let state = State {
            timetable,
            ..State::default()
        };
        Self {
            kept,
            state: watch::Sender::new(state),
            said: None,
            failed: false,
        }
    }

    /// What the recorders ask.
    pub fn schedule(&self) -> Schedule {
        Schedule::of(self.state.subscribe())
    }

    /// Asks the hub, again and again. Never returns.
    pub async fn run(mut self, client: HttpClient, base: &str, mut link: watch::Receiver<Status>) {
        loop {
            let asked = *link.borrow_and_update();
            let got = self.ask(&client, base).await;
            let again = Instant::now() + if got { PERIOD } else { RETRY };
            loop {
                self.look(*link.borrow());
                tokio::select! {
                    () = sleep_until(again) => break,
                    changed = timeout(LOOK, link.changed()) => {
                        let news = link.borrow().timetables != asked.timetables;
                        if matches!(changed, Ok(Ok(()))) && news {
                            break;
                        }
                    }
                }
            }
        }
    }

    /// Asks once. Whether the hub has answered with a document that may be used.
    pub async fn ask(&mut self, client: &HttpClient, base: &str) -> bool {
        let signed = match fetch(client, &format!("{base}/box/1/timetable")).await {
            Ok(Some(signed)) => signed,
            Ok(None) => return false,
            Err(why) => {
                if !std::mem::replace(&mut self.failed, true) {
                    tracing::warn!(
                        why,
                        "the hub gave no timetable; the one that is kept counts"
                    );
                }
                return false;
            }
        };
        match self.kept.accept(signed) {
            Ok(None) => {}
            Ok(Some(timetable)) => {
                let (version, windows) = (timetable.version, timetable.windows.len());
                tracing::info!(version, windows, "timetable kept");
                let now_ms = clock::now_ms();
                self.state
                    .send_modify(|state| state.follow(timetable, now_ms));
            }
            Err(error) => {
                let advice = "tell the IT centre: this is not the hub this box was enrolled at, or \
                              its data were put back";
                tracing::error!(%error, advice, "a timetable was refused; the kept one counts");
                return false;
            }
        }
        self.failed = false;
        true
    }

    /// Holds the clock against the hub's, and says it when something else counts than before.
    fn look(&mut self, link: Status) {
        let now_ms = clock::now_ms();
        let hub_now_ms = |start_ms: i64| start_ms.saturating_add_unsigned(clock::mono_ms());
        let apart_ms = link
            .hub_start_ms
            .map(|start_ms| now_ms.saturating_sub(hub_now_ms(start_ms)));
        self.state.send_if_modified(|state| {
            let news = match (state.apart_ms, apart_ms) {
                (Some(known), Some(new)) => (new - known).abs() > APART_MS,
                (known, new) => known != new,
            };
            if news {
                state.apart_ms = apart_ms;
            }
            news
        });
        let basis = self.schedule().wanted(now_ms).basis;
        if self.said.replace(basis) != Some(basis) {
            say(basis);
        }
    }
}

fn say(basis: TimetableBasis) {
    let always = "everything is recorded until then";
    match basis {
        TimetableBasis::Lessons => tracing::info!("recording by the timetable"),
        TimetableBasis::Continuous => tracing::info!("recording always, as the hub has it"),
        TimetableBasis::Missing => {
            tracing::warn!(
                always,
                "no timetable yet; check the network if the hub stays away"
            );
        }
        TimetableBasis::RanOut => {
            tracing::warn!(
                always,
                "the timetable has run out; check the network to the hub"
            );
        }
        TimetableBasis::Clock | TimetableBasis::Unknown => {
            tracing::warn!(
                always,
                "the clock cannot be right; check the time service of this box"
            );
        }
    }
}

/// The hub's document; `None` when it cannot be reached, which the link says already.
async fn fetch(client: &HttpClient, url: &str) -> Result<Option<SignedTimetable>, String> {
    let Ok(mut answer) = client.get(url).timeout(ANSWER).send().await else {
        return Ok(None);
    };
    let status = answer.status();
    let mut body = Vec::new();
    loop {
        match answer.chunk().await {
            Ok(Some(part)) if body.len() + part.len() <= DOCUMENT_BYTES_MAX => body.extend(part),
            Ok(Some(_)) => return Err("its answer is too long".into()),
            Ok(None) => break,
            Err(_) => return Ok(None),
        }
    }
    if !status.is_success() {
        return Err(format!("it answered {status}"));
    }
    let signed = serde_json::from_slice(&body);
    signed.map_err(|error| format!("its answer cannot be read: {error}"))
}
