//! Attempts to get in without being let in: magic headers, path tricks, cookie tricks, broken
//! tokens, foreign pages, odd methods, upgrades and smuggled requests, on bare TLS connections.
//!
//! shapes → wire
//!
//! Judged by what comes out: an answer with a canary, or one that succeeds with data, is content.

mod shapes;
mod wire;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use tokio::sync::Mutex;
use uuid::Uuid;

use crate::campus::{Hub, Person};
use wire::Wire;

/// Attempts under way at the same time.
const SIDE_BY_SIDE: usize = 8;

/// What was tried and what came out.
#[derive(Debug, Default, Clone)]
pub struct Outcome {
    /// Attempts, by their kind.
    pub attempts: BTreeMap<&'static str, usize>,
    /// Answers, by their status; 0 for a connection that was closed.
    pub answers: BTreeMap<u16, usize>,
    /// Each attempt that brought content.
    pub content: Vec<String>,
}

impl Outcome {
    /// How many there were.
    #[must_use]
    pub fn tried(&self) -> usize {
        self.attempts.values().sum()
    }
}

/// One attempt.
#[derive(Debug, Clone)]
pub struct Attempt {
    kind: &'static str,
    /// What goes out, to the byte.
    bytes: Vec<u8>,
    /// Whether the connection is of no use afterwards.
    spoils: bool,
}

/// What the attempts know: where the hub is, and a real session to spoil.
pub struct Target {
    host: String,
    cookie: String,
    csrf: String,
    routes: Vec<(String, String)>,
}

/// Tries `most` attempts, of every kind its share. `folder` must be empty.
///
/// # Errors
/// The hub does not start, or lets nobody in at all.
pub async fn run(folder: &Path, most: usize) -> Result<Outcome> {
    let mut hub = Hub::start(folder, 2, None)?;
    let canary = format!("canary-{}", Uuid::now_v7().simple());
    hub.sql(&format!(
        "UPDATE classrooms SET name = '{canary}' || name; UPDATE lessons SET course = '{canary}';
         UPDATE units SET name = '{canary}' || name; UPDATE persons SET name = '{canary}'"
    ))?;
    let target = target(&hub).await?;
    let attempts = spread(shapes::all(&target), most);
    ensure!(
        attempts.len() == most,
        "only {} attempts are known",
        attempts.len()
    );
    let outcome = try_all(&hub, attempts, &canary).await?;
    ensure!(
        !hub.process()?.ended(),
        "the hub ended: {}",
        hub.process()?.last_words()
    );
    hub.end()?;
    Ok(outcome)
}

async fn target(hub: &Hub) -> Result<Target> {
    let host = format!("localhost:{}", hub.ports.people);
    let nobody = Person::nobody(&format!("https://{host}"), &hub.ca_pem()?)?;
    let account = hub
        .accounts
        .iter()
        .find(|one| one.role == "school_supervisor");
    let person = nobody.sign_in(account.context("nobody")?).await?;
    let cookie = person.cookie().context("no cookie")?.to_owned();
    let csrf = person.me["csrf_token"].as_str().context("no token")?;
    let room = hub.rooms.first().context("no room")?;
    let nil = Uuid::nil().to_string();
    let fill = |path: &str| {
        let path = path.replace("/rooms/{id}", &format!("/rooms/{}", room.id));
        let mut filled = String::new();
        for piece in path.split_inclusive('}') {
            let (kept, hole) = piece.split_once('{').unwrap_or((piece, ""));
            filled += kept;
            filled += if hole.is_empty() { "" } else { &nil };
        }
        filled
    };
    let entrances = crate::exits::entrances()?;
    let own = |[door, verb, path]: &[String; 3]| {
        let open = [
            "/api/session",
            "/api/session/link",
            "/api/session/single-sign-on",
            "/api/session/single-sign-on/return",
            "/api/session/single-sign-on/code",
            "/api/session/passkey",
            "/api/session/passkey/question",
            "/api/start",
            "/api/start/account",
            "/api/openapi.json",
        ];
        let verb_of_http = verb.chars().all(|c| c.is_ascii_uppercase());
        (door == "people" && verb_of_http && !open.contains(&path.as_str()))
            .then(|| (verb.clone(), fill(path)))
    };
    Ok(Target {
        host,
        cookie,
        csrf: csrf.to_owned(),
        routes: entrances.iter().filter_map(own).collect(),
    })
}

/// `most` of them, evenly from the whole list.
fn spread(all: Vec<Attempt>, most: usize) -> Vec<Attempt> {
    let count = all.len();
    if count <= most {
        return all;
    }
    (0..most).map(|n| all[n * count / most].clone()).collect()
}

async fn try_all(hub: &Hub, attempts: Vec<Attempt>, canary: &str) -> Result<Outcome> {
    let outcome = Arc::new(Mutex::new(Outcome::default()));
    let attempts: Arc<[Attempt]> = attempts.into();
    let (port, ca_pem) = (hub.ports.people, hub.ca_pem()?);
    let mut tasks = tokio::task::JoinSet::new();
    for first in 0..SIDE_BY_SIDE {
        let (attempts, outcome) = (attempts.clone(), outcome.clone());
        let mut wire = Wire::new(port, &ca_pem)?;
        let canary = canary.to_owned();
        tasks.spawn(async move {
            for attempt in attempts.iter().skip(first).step_by(SIDE_BY_SIDE) {
                let answer = wire.ask(&attempt.bytes, attempt.spoils).await?;
                let mut outcome = outcome.lock().await;
                *outcome.attempts.entry(attempt.kind).or_default() += 1;
                *outcome.answers.entry(answer.status).or_default() += 1;
                if answer.is_content(&canary) {
                    let asked = String::from_utf8_lossy(&attempt.bytes).into_owned();
                    outcome
                        .content
                        .push(format!("{}: {asked}\n{answer}", attempt.kind));
                }
            }
            anyhow::Ok(())
        });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    let outcome = outcome.lock().await.clone();
    Ok(outcome)
}
