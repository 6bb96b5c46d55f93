//! Equipment of the room: asked politely, each piece in its own time.
//!
//! pjlink → standing → projector → talk → probe
//!
//! Invariants: equipment is asked, and a projector switched by order alone; one connection at a
//! time with each piece; a password comes from its file, anew for each connection, and stands in no
//! log.

mod pjlink;
mod standing;
mod projector;
mod talk;
mod probe;

use crate::clock;
use crate::config::{self, EquipmentKind};
use pjlink::{Obeyed, Question};
use probe::{Probe, Try};
use projector::{Outcome, Projector, Wish};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;
use tokio::net::lookup_host;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use url::Url;
use xunke_protocol::envelope::{CommandAnswer, CommandState, Switch};
use xunke_protocol::health::EquipmentSignals;
use xunke_protocol::id::EquipmentName;
use zeroize::Zeroizing;

const PROBE_EVERY: Duration = Duration::from_secs(60);
const LOOK_UP: Duration = Duration::from_secs(3);
const PASSWORD_BYTES_MAX: u64 = 4096;
/// Between two connections: a projector that has not noticed yet that one has ended hangs up on the
/// next.
const BETWEEN: Duration = Duration::from_secs(1);

/// An order for one projector, for the watch over it: nobody else ever connects to it.
struct Wanted {
    power: Switch,
    /// How long ago this box last gave such an order.
    ordered_ms: Option<u64>,
    answer: oneshot::Sender<CommandAnswer>,
}

/// Switches the projectors of the configuration.
#[derive(Clone, Default)]
pub struct Switches(HashMap<EquipmentName, mpsc::Sender<Wanted>>);

impl Switches {
    /// Switches one, if that is good for it. `ordered_ms` is how long ago this box last did, in
    /// milliseconds.
    pub async fn switch(
        &self,
        name: &EquipmentName,
        power: Switch,
        ordered_ms: Option<u64>,
    ) -> CommandAnswer {
        let Some(watch) = self.0.get(name) else {
            return CommandAnswer::new(CommandState::Rejected, Some("unknown_equipment"));
        };
        let (answer, answered) = oneshot::channel();
        let wanted = Wanted {
            power,
            ordered_ms,
            answer,
        };
        let stopping = || CommandAnswer::new(CommandState::Failed, Some("stopping"));
        match watch.send(wanted).await {
            Ok(()) => answered.await.unwrap_or_else(|_| stopping()),
            Err(_) => stopping(),
        }
    }
}

/// What hears the orders for each projector.
pub(super) struct Wishes(HashMap<EquipmentName, mpsc::Receiver<Wanted>>);

/// A way to each projector of the configuration.
pub(super) fn switches(pieces: &[config::Equipment]) -> (Switches, Wishes) {
    let (mut ways, mut ends) = (HashMap::new(), HashMap::new());
    for piece in pieces.iter().filter(|piece| piece.tried().is_none()) {
        let (way, end) = mpsc::channel(1);
        ways.insert(piece.name.clone(), way);
        ends.insert(piece.name.clone(), end);
    }
    (Switches(ways), Wishes(ends))
}

/// Watches over every piece until it is dropped; each has a place in `publish`, in their order.
pub(super) async fn watch_over(
    pieces: Vec<config::Equipment>,
    mut wishes: Wishes,
    publish: watch::Sender<Vec<EquipmentSignals>>,
) {
    let mut watches = JoinSet::new();
    for (number, piece) in pieces.into_iter().enumerate() {
        let publish = publish.clone();
        let tell = move |signals: EquipmentSignals| {
            publish.send_modify(|all| match all.get_mut(number) {
                Some(place) => *place = signals,
                None => tracing::error!("invariant: every piece has its place"),
            });
        };
        match piece.tried() {
            None => {
                let wishes = wishes.0.remove(&piece.name);
                drop(watches.spawn(poll(piece, wishes, tell)));
            }
            Some(what) => drop(watches.spawn(probe_again(piece, what, tell))),
        }
    }
    while watches.join_next().await.is_some() {}
}

/// Asks every piece once, one after the other, for a technician who waits. A projector is asked all
/// that there is; one that the agent asks just then is busy.
pub async fn ask_once(pieces: &[config::Equipment]) -> Vec<EquipmentSignals> {
    let mut found = Vec::new();
    for piece in pieces {
        let signals = match piece.tried() {
            Some(what) => {
                let mut probe = Probe::new(piece.name.clone(), &what, clock::now_ms());
                probe.heard(tried(piece, &what, 0).await, clock::now_ms());
                probe.signals()
            }
            None => {
                let mut projector = Projector::new(piece.name.clone(), clock::now_ms());
                let outcome = talked(piece, &Question::ALL, &mut Complaint::default()).await;
                projector.heard(outcome, clock::now_ms());
                projector.signals()
            }
        };
        found.push(signals);
    }
    found
}

/// How every piece stands before it was asked.
pub(super) fn unasked(pieces: &[config::Equipment]) -> Vec<EquipmentSignals> {
    let now_ms = clock::now_ms();
    let signals = |piece: &config::Equipment| match piece.tried() {
        None => Projector::new(piece.name.clone(), now_ms).signals(),
        Some(what) => Probe::new(piece.name.clone(), &what, now_ms).signals(),
    };
    pieces.iter().map(signals).collect()
}

impl config::Equipment {
    /// What to try; `None` for a projector, which is talked to.
    fn tried(&self) -> Option<Try> {
        match self.kind {
            EquipmentKind::Projector => None,
            EquipmentKind::Tcp => Some(Try::Tcp),
            EquipmentKind::Icmp => Some(Try::Icmp),
            EquipmentKind::Http => {
                let url = Url::parse(self.url.as_deref().unwrap_or_default());
                Some(Try::Http(url.expect("invariant: load() has checked url")))
            }
        }
    }
}

async fn probe_again(piece: config::Equipment, what: Try, tell: impl Fn(EquipmentSignals)) {
    let mut probe = Probe::new(piece.name.clone(), &what, clock::now_ms());
    for sequence in (0..=u16::MAX).cycle() {
        probe.heard(tried(&piece, &what, sequence).await, clock::now_ms());
        tell(probe.signals());
        sleep(PROBE_EVERY).await;
    }
}

async fn tried(piece: &config::Equipment, what: &Try, sequence: u16) -> probe::Attempt {
    match address(piece).await {
        Some(address) => probe::attempt(what, address, sequence).await,
        None => probe::Attempt::Silent,
    }
}

async fn poll(
    piece: config::Equipment,
    wishes: Option<mpsc::Receiver<Wanted>>,
    tell: impl Fn(EquipmentSignals),
) {
    let mut projector = Projector::new(piece.name.clone(), clock::now_ms());
    let mut complaint = Complaint::default();
    let mut wishes = wishes;
    loop {
        let questions = projector.questions(clock::mono_ms());
        let outcome = talked(&piece, &questions, &mut complaint).await;
        let wait_ms = projector.heard_at(outcome, clock::now_ms(), clock::mono_ms());
        tell(projector.signals());
        tokio::select! {
            () = sleep(Duration::from_millis(wait_ms)) => {}
            wanted = next(&mut wishes) => {
                let answer = switched(&piece, &mut projector, &wanted, &mut complaint).await;
                // Whoever no longer waits has its projector switched all the same.
                drop(wanted.answer.send(answer));
            }
        }
    }
}

/// The next order; never, once nobody is left who could give one.
async fn next(wishes: &mut Option<mpsc::Receiver<Wanted>>) -> Wanted {
    if let Some(some) = wishes
        && let Some(wanted) = some.recv().await
    {
        return wanted;
    }
    *wishes = None;
    std::future::pending().await
}

/// Asks for the power, and gives the order where that is good for the projector.
async fn switched(
    piece: &config::Equipment,
    projector: &mut Projector,
    wanted: &Wanted,
    complaint: &mut Complaint,
) -> CommandAnswer {
    sleep(BETWEEN).await;
    let outcome = talked(piece, &[Question::Power], complaint).await;
    projector.heard_at(outcome, clock::now_ms(), clock::mono_ms());
    let wish = projector.may_switch(wanted.power, wanted.ordered_ms, clock::mono_ms());
    let ended = |state, code| CommandAnswer::new(state, Some(code));
    match wish {
        Wish::AlreadySo => return ended(CommandState::Done, "already_so"),
        Wish::Not(code) => return ended(CommandState::Failed, code),
        Wish::Give => {}
    }
    let Ok(password) = password(piece.password_file.as_deref()) else {
        return ended(CommandState::Failed, "unauthorized");
    };
    let Some(address) = address(piece).await else {
        return ended(CommandState::Failed, "not_reached");
    };
    sleep(BETWEEN).await;
    // Written down first: an order without an answer may have been obeyed.
    projector.switched(clock::mono_ms());
    let given = password.as_ref().map(|password| password.as_str());
    match talk::order(address, given, wanted.power).await {
        Ok(Obeyed::Ok) => CommandAnswer::new(CommandState::Done, None),
        Ok(Obeyed::Unable) => ended(CommandState::Failed, "unable"),
        Ok(Obeyed::Broken) => ended(CommandState::Failed, "broken"),
        Ok(Obeyed::Refused) | Err(Outcome::Refused) => ended(CommandState::Failed, "unauthorized"),
        Err(Outcome::Busy) => ended(CommandState::Failed, "in_use"),
        Err(_) => ended(CommandState::Failed, "unconfirmed"),
    }
}

/// One connection, and a word about the password when it is wrong.
async fn talked(
    piece: &config::Equipment,
    questions: &[Question],
    complaint: &mut Complaint,
) -> Outcome {
    let password = match password(piece.password_file.as_deref()) {
        Ok(password) => password,
        Err(why) => {
            complaint.about(piece, Some(&why));
            return Outcome::Refused;
        }
    };
    let Some(address) = address(piece).await else {
        return Outcome::Silent;
    };
    let given = password.as_ref().map(|password| password.as_str());
    let outcome = talk::talk(address, given, questions).await;
    match outcome {
        Outcome::Refused => complaint.about(piece, Some(refusal(given.is_some()))),
        Outcome::Answered { .. } => complaint.about(piece, None),
        _ => {}
    }
    outcome
}

fn refusal(given: bool) -> &'static str {
    if given {
        "it refuses the password in password_file"
    } else {
        "it wants a password: write it into a file and name that in password_file"
    }
}

/// What is wrong with a password is said once, and again when it was well in between.
#[derive(Debug, Default)]
struct Complaint {
    said: bool,
}

impl Complaint {
    fn about(&mut self, piece: &config::Equipment, why: Option<&str>) {
        match why {
            Some(why) if !self.said => {
                tracing::warn!(equipment = %piece.name, why, "a projector lets nobody in");
            }
            None if self.said => {
                tracing::info!(equipment = %piece.name, "the projector answers again");
            }
            _ => {}
        }
        self.said = why.is_some();
    }
}

/// The first line of the file; `None` without a file.
fn password(file: Option<&Path>) -> Result<Option<Zeroizing<String>>, String> {
    let Some(file) = file else { return Ok(None) };
    let wrong = |why: String| format!("{}: {why}", file.display());
    let bytes = std::fs::metadata(file).map_err(|error| wrong(error.to_string()))?;
    if bytes.len() > PASSWORD_BYTES_MAX {
        return Err(wrong("longer than 4 KiB".into()));
    }
    let text = std::fs::read_to_string(file).map_err(|error| wrong(error.to_string()))?;
    let text = Zeroizing::new(text);
    let line = text.lines().next().filter(|line| !line.is_empty());
    let line = line.ok_or_else(|| wrong("its first line is to be the password".into()))?;
    Ok(Some(Zeroizing::new(line.to_owned())))
}

/// Its address now.
async fn address(piece: &config::Equipment) -> Option<SocketAddr> {
    let (host, port) = piece.target();
    let found = timeout(LOOK_UP, lookup_host((host, port))).await;
    found.ok()?.ok()?.next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_the_first_line_of_its_file() {
        let file = std::env::temp_dir().join(format!("xunke-projector-{}", std::process::id()));
        assert!(password(None).unwrap().is_none());
        let gone = password(Some(&file)).unwrap_err();
        assert!(gone.contains("xunke-projector-"), "{gone}");
        std::fs::write(&file, "p&ss word\nmore\n").unwrap();
        assert_eq!(**password(Some(&file)).unwrap().unwrap(), *"p&ss word");
        std::fs::write(&file, "\nmore\n").unwrap();
        assert!(password(Some(&file)).unwrap_err().contains("first line"));
        std::fs::write(&file, "x".repeat(5000)).unwrap();
        assert!(password(Some(&file)).unwrap_err().contains("4 KiB"));
        std::fs::remove_file(&file).unwrap();
    }
}
