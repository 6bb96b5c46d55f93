//! Events: tells open pages what has changed, as Server-Sent Events, so that nobody reloads.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::Stream;
use futures_util::stream::unfold;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use xunke_policy::access::Action;

use super::App;
use super::error::ErrorBody;
use super::guard::Caller;
use crate::clock;
use crate::notice::{Notice, TOPICS};

/// How often the caller's session is asked about while nothing happens.
const RECHECK: Duration = Duration::from_secs(5);

/// What has changed, as it happens: `fault`, `device`, `trail`, `grants`, `agreements`, `people`,
/// `departures`, `sanctions`, `inspections`, `risks`, `retention`, `alerts`, `channels` and
/// `commands`, each as far as the caller may know of it; the page asks for the rest.
///
/// # Errors
/// 401 when nobody is signed in.
#[utoipa::path(get, path = "/api/events", tag = "events", responses(
    (status = 200, content_type = "text/event-stream", body = String),
    (status = 401, body = ErrorBody)))]
pub async fn events(
    State(app): State<App>,
    caller: Caller,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let listener = Listener {
        missed: Vec::new(),
        receiver: app.notices.listen(),
        app,
        caller,
    };
    let stream = unfold(listener, async |mut listener| {
        let event = listener.next().await?;
        Some((Ok(event), listener))
    });
    Sse::new(stream).keep_alive(KeepAlive::new().interval(RECHECK * 3))
}

struct Listener {
    /// Stand for whatever a slow page has missed; it asks anew for all it shows.
    missed: Vec<Notice>,
    receiver: Receiver<Notice>,
    app: App,
    caller: Caller,
}

impl Listener {
    /// The next event the caller may know of; `None` when the session is over.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(notice) = self.missed.pop() {
                return Some(event(&notice));
            }
            let notice = tokio::time::timeout(RECHECK, self.receiver.recv()).await;
            let session = &self.caller.session;
            let person = self.app.sessions.recheck(session, clock::now_ms()).await;
            let Ok(Ok(person)) = person else {
                return None;
            };
            self.caller.session.person = person;
            match notice {
                Ok(Ok(notice)) if self.may_know(&notice) => return Some(event(&notice)),
                Ok(Ok(_)) | Err(_) => {}
                Ok(Err(RecvError::Lagged(_))) => {
                    let all = anything().into_iter();
                    self.missed = all.filter(|notice| self.may_know(notice)).collect();
                }
                Ok(Err(RecvError::Closed)) => return None,
            }
        }
    }

    fn may_know(&self, notice: &Notice) -> bool {
        let (person, now_ms) = (&self.caller.session.person, clock::now_ms());
        let from = self.caller.address;
        let may = |action: &Action<'_>| self.app.gate.judge(person, *action, from, now_ms).is_ok();
        hearers(notice).iter().any(|(_, action)| may(action))
    }
}

/// Who hears of it: whoever may do one of these, by their names in the trail.
fn hearers(notice: &Notice) -> &'static [(&'static str, Action<'static>)] {
    const DEVICES: (&str, Action<'_>) = ("see_devices", Action::SeeDevices);
    const INSPECTIONS: (&str, Action<'_>) = ("inspect_trail", Action::InspectTrail);
    const LEDGER: (&str, Action<'_>) = ("read_ledger", Action::ReadLedger);
    const PEOPLE: (&str, Action<'_>) = ("see_people", Action::SeePeople);
    const ROOMS: (&str, Action<'_>) = ("see_rooms", Action::SeeRooms);
    match notice {
        Notice::Fault { .. } => &[DEVICES],
        Notice::Device { .. } => &[DEVICES, ROOMS],
        Notice::Trail { .. } => &[("read_trail", Action::ReadTrail)],
        Notice::Changed {
            topic: "grants" | "agreements" | "people" | "departures" | "sanctions",
        } => &[LEDGER, PEOPLE],
        Notice::Changed {
            topic: "alerts" | "channels" | "commands",
        } => &[DEVICES],
        Notice::Changed { topic: "retention" } => &[
            ("list_papers", Action::ReadPapers),
            ("see_own_premium", Action::ProposePremium),
        ],
        Notice::Changed {
            topic: "inspections",
        } => &[INSPECTIONS, ("open_grant", Action::OpenPermissions)],
        Notice::Changed { .. } => &[INSPECTIONS],
    }
}

/// Every kind of event with the names of the actions of which one is enough to hear it, for the
/// table of every entrance.
#[must_use]
pub fn kinds() -> Vec<(&'static str, String)> {
    let names = |notice| {
        let names: Vec<_> = hearers(notice).iter().map(|(name, _)| *name).collect();
        names.join(" or ")
    };
    let all = anything();
    all.iter().map(|one| (name(one), names(one))).collect()
}

fn name(notice: &Notice) -> &'static str {
    match notice {
        Notice::Fault { .. } => "fault",
        Notice::Device { .. } => "device",
        Notice::Trail { .. } => "trail",
        Notice::Changed { topic } => topic,
    }
}

/// One notice of each kind, about nothing in particular.
fn anything() -> Vec<Notice> {
    let (id, state, open) = (String::new(), "unknown", true);
    let topics = TOPICS.map(|topic| Notice::Changed { topic });
    let others = [
        Notice::Fault {
            id: id.clone(),
            open,
        },
        Notice::Device { id, state },
        Notice::Trail { seq: 0 },
    ];
    others.into_iter().chain(topics).collect()
}

fn event(notice: &Notice) -> Event {
    let data = match notice {
        Notice::Fault { id, open } => serde_json::json!({"id": id, "open": open}),
        Notice::Device { id, state } => serde_json::json!({"id": id, "state": state}),
        Notice::Trail { seq } => serde_json::json!({"seq": seq}),
        Notice::Changed { .. } => serde_json::json!({}),
    };
    Event::default().event(name(notice)).data(data.to_string())
}
