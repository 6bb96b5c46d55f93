//! Access: how long a decision takes, how many requests a second the hub answers with its trail
//! durable, on SQLite and on PostgreSQL in the same run; and what comes out where nothing may.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use uuid::Uuid;
use xunke_policy::access::{Action, Facts, Grant, Place, decide};
use xunke_policy::agreement::Agreement;
use xunke_policy::institution::Institution;
use xunke_policy::level::{Role, UnitId};
use xunke_policy::network::Network;
use xunke_policy::preset;
use xunke_policy::purpose::Purpose;
use xunke_policy::sanction::Standing;

use super::figure::{Figure, percentile, report};
use crate::asking::{get, list, until};
use crate::campus::{Campus, Options, Person, Postgres};
use crate::{bypass, exits};

const BENCH: &str = "access";
const DECISIONS: usize = 200_000;
/// Each load goes on for this long.
const LOAD: Duration = Duration::from_secs(10);
/// Requests under way at the same time.
const SIDE_BY_SIDE: usize = 16;
const NOW_MS: i64 = 1_800_000_000_000;

/// Runs the bench with so many attempts to get in, and prints its report; says whether every aim
/// was met.
///
/// # Errors
/// Something did not start.
pub async fn run(attempts: usize) -> Result<bool> {
    let folder = std::env::temp_dir().join(format!("xunke-access-{}", Uuid::now_v7().simple()));
    let mut figures = decisions()?;
    for name in ["SQLite", "PostgreSQL"] {
        eprintln!("  requests on {name}");
        let server = (name == "PostgreSQL").then(Postgres::start).transpose()?;
        figures.extend(requests(name, server.map(Arc::new)).await?);
    }
    eprintln!("  {attempts} attempts to get in");
    figures.extend(attempts_to_get_in(&folder.join("bypass"), attempts).await?);
    for name in ["SQLite", "PostgreSQL"] {
        eprintln!("  every exit as everybody on {name}");
        let server = (name == "PostgreSQL").then(Postgres::start).transpose()?;
        figures.extend(matrix(name, &folder.join(name), server.map(Arc::new)).await?);
    }
    drop(std::fs::remove_dir_all(&folder));
    println!("{}", report(&figures));
    Ok(!figures.iter().any(Figure::misses))
}

/// The attempts alone, such as a short run in every change: prints the count, fails on content.
///
/// # Errors
/// The hub did not start.
pub async fn run_attempts(attempts: usize) -> Result<bool> {
    let folder = std::env::temp_dir().join(format!("xunke-bypass-{}", Uuid::now_v7().simple()));
    let figures = attempts_to_get_in(&folder, attempts).await?;
    drop(std::fs::remove_dir_all(&folder));
    println!("{}", report(&figures));
    Ok(!figures.iter().any(Figure::misses))
}

fn facts(school: &Institution, n: usize) -> Facts<'_> {
    let unit = UnitId(Uuid::from_u128(1));
    Facts {
        institution: school,
        roles: vec![Role::NAMES[n % Role::NAMES.len()].0],
        standing: Standing::Active,
        agreement: Agreement::Signed { since_ms: 0 },
        grant: (!n.is_multiple_of(5)).then_some(Grant {
            level: u8::try_from(n % 4).unwrap_or(0),
            unit: Some(unit),
            minors: false,
            from_ms: 0,
            until_ms: None,
        }),
        password_changed_ms: NOW_MS,
        network: Network::Campus,
        now_ms: NOW_MS,
    }
}

fn decisions() -> Result<Vec<Figure>> {
    let school = preset::parse(preset::POLYTECHNIC).map_err(|why| anyhow::anyhow!("{why}"))?;
    let purpose = Purpose::Other("抽查教学秩序".into());
    let (mut micros, mut permitted) = (Vec::with_capacity(DECISIONS), 0_usize);
    for n in 0..DECISIONS {
        let facts = facts(&school, n);
        let place = Place::of(UnitId(Uuid::from_u128(1 + (n % 2) as u128)));
        let begun = Instant::now();
        let answer = decide(
            &facts,
            Action::ViewLive {
                place,
                purpose: &purpose,
            },
        );
        micros.push(begun.elapsed().as_secs_f64() * 1e6);
        permitted += usize::from(answer.is_ok());
    }
    ensure!(
        permitted > 0 && permitted < DECISIONS,
        "the facts decide nothing"
    );
    // Cedar took 55 µs for the same rules (decisions/0011).
    let figure = |name, share| Figure::new(BENCH, name, percentile(&micros, share), "µs");
    Ok(vec![
        figure("a decision, p50", 0.5).at_most(5.0),
        figure("a decision, p99", 0.99).at_most(50.0),
    ])
}

/// What the hub answers on one store, and how long a sign-in takes.
async fn requests(name: &str, store: Option<Arc<Postgres>>) -> Result<Vec<Figure>> {
    let options = Options {
        rooms: 1,
        store,
        ..Options::default()
    };
    let mut campus = Campus::start(options).await?;
    let mut sign_ins = Vec::new();
    let mut people = Vec::new();
    for role in ["school_supervisor", "unit_supervisor", "technician"] {
        let begun = Instant::now();
        people.push(campus.sign_in(role).await?);
        sign_ins.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    let [supervisor, unit, technician] = &people[..] else {
        anyhow::bail!("three people");
    };
    let recording = until("a recording", Duration::from_secs(60), async || {
        let body = get(supervisor, "/api/recordings").await?;
        let found = list(&body, "recordings")?.first().cloned();
        Ok(found.ok_or(body))
    })
    .await?;
    campus.classrooms[0].end_agent()?;
    let recording = recording["id"].as_str().context("no id")?;
    let plays = format!("/api/recordings/{recording}/plays");
    let purpose = json!({ "purpose": { "kind": "plan" } });
    let opened = load(&[supervisor, unit], &plays, Some(&purpose), 200).await?;
    let refused = load(&[technician], &plays, Some(&purpose), 403).await?;
    let listed = load(&[supervisor, unit], "/api/rooms", None, 200).await?;
    campus.end()?;
    let of = |what: &str| format!("{what}, {name}");
    let rate = |what: &str, load: &Load| Figure::new(BENCH, &of(what), load.rate(), "1/s");
    let slow = |what: &str, load: &Load| {
        Figure::new(BENCH, &of(what), percentile(&load.millis, 0.99), "ms")
    };
    Ok(vec![
        Figure::new(
            BENCH,
            &of("signing in, p50"),
            percentile(&sign_ins, 0.5),
            "ms",
        )
        .at_most(2000.0),
        rate("recordings opened, each with its line", &opened).at_least(50.0),
        slow("opening one, p99", &opened).at_most(1000.0),
        rate("refusals, each with its line", &refused).at_least(50.0),
        rate("lists of rooms, decided and not noted", &listed).at_least(100.0),
    ])
}

struct Load {
    millis: Vec<f64>,
    seconds: f64,
}

impl Load {
    fn rate(&self) -> f64 {
        self.millis.len() as f64 / self.seconds
    }
}

/// The same request again and again, by these people in turn; each answer must be as expected.
async fn load(people: &[&Person], path: &str, body: Option<&Value>, status: u16) -> Result<Load> {
    let (begun, end) = (Instant::now(), Instant::now() + LOAD);
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..SIDE_BY_SIDE {
        let person = people[n % people.len()].clone();
        let (path, body) = (path.to_owned(), body.cloned());
        tasks.spawn(async move {
            let mut millis = Vec::new();
            while Instant::now() < end {
                let begun = Instant::now();
                let (answer, said) = match &body {
                    Some(body) => person.post(&path, body).await?,
                    None => person.get(&path).await?,
                };
                ensure!(answer.as_u16() == status, "{path}: {answer} {said}");
                millis.push(begun.elapsed().as_secs_f64() * 1e3);
            }
            Ok(millis)
        });
    }
    let mut millis = Vec::new();
    while let Some(done) = tasks.join_next().await {
        millis.extend(done??);
    }
    Ok(Load {
        millis,
        seconds: begun.elapsed().as_secs_f64(),
    })
}

async fn attempts_to_get_in(folder: &Path, attempts: usize) -> Result<Vec<Figure>> {
    std::fs::create_dir_all(folder)?;
    let outcome = bypass::run(folder, attempts).await?;
    outcome
        .content
        .iter()
        .for_each(|found| eprintln!("CONTENT {found}"));
    eprintln!("  {:?}\n  answers {:?}", outcome.attempts, outcome.answers);
    Ok(vec![
        Figure::new(BENCH, "attempts to get in", outcome.tried() as f64, ""),
        Figure::new(
            BENCH,
            "of them with content",
            outcome.content.len() as f64,
            "",
        )
        .at_most(0.0),
    ])
}

async fn matrix(name: &str, folder: &Path, store: Option<Arc<Postgres>>) -> Result<Vec<Figure>> {
    std::fs::create_dir_all(folder)?;
    let tally = exits::run(folder, store).await?;
    tally
        .wrong
        .iter()
        .for_each(|wrong| eprintln!("WRONG {wrong}"));
    let count = |what: &str, value: usize| {
        let metric = format!("exits, {what}, {name}");
        Figure::new(BENCH, &metric, value as f64, "")
    };
    Ok(vec![
        count("requests", tally.asked),
        count("answers compared", tally.compared),
        count("canaries looked for", tally.looked_for),
        count("answers that differ", tally.wrong.len()).at_most(0.0),
        count("leaks", tally.leaks).at_most(0.0),
    ])
}
