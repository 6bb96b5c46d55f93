//! One campus of three rooms for every test that can share it. Two stay well; things befall the
//! third. People sign in once, for a second session would end their first.

use std::collections::HashMap;
use std::fs;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio::sync::{Mutex, MutexGuard, OnceCell};
use xunke_tests::campus::{Campus, Options, Person};

/// The room that nothing befalls; it belongs to the unit of `unit_supervisor`.
pub const WELL: usize = 0;
/// Another one, of the other unit.
pub const ELSEWHERE: usize = 1;
/// The room that things befall, after [`unlucky_turn`].
pub const UNLUCKY: usize = 2;

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Runtime::new().expect("invariant: the machine can run threads"));
static CAMPUS: OnceCell<Result<Mutex<Campus>, String>> = OnceCell::const_new();
static PEOPLE: LazyLock<Mutex<HashMap<String, Person>>> = LazyLock::new(Mutex::default);

/// Runs a test on the one runtime, on which the people's connections live.
pub fn run(test: impl Future<Output = Result<()>>) -> Result<()> {
    RUNTIME.block_on(test)
}

/// The campus. Hold it only to make something happen: every other helper here takes it too.
pub async fn campus() -> Result<MutexGuard<'static, Campus>> {
    let campus = CAMPUS.get_or_init(|| async {
        let started = start().await;
        started
            .map(Mutex::new)
            .map_err(|error| format!("{error:#}"))
    });
    match campus.await {
        Ok(campus) => Ok(campus.lock().await),
        Err(error) => bail!("the shared campus did not start: {error}"),
    }
}

async fn start() -> Result<Campus> {
    let folder = folder("campus")?;
    let options = Options {
        rooms: 3,
        data_dir: Some(folder),
        ..Options::default()
    };
    Campus::start(options).await
}

/// The right to make something befall the unlucky room.
pub async fn unlucky_turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::const_new(());
    TURN.lock().await
}

/// A folder of this test run; folders of runs that are over are removed first. They are left
/// behind on purpose: the logs in them explain a failure.
pub fn folder(name: &str) -> Result<PathBuf> {
    let top = Path::new(env!("CARGO_TARGET_TMPDIR"));
    for entry in fs::read_dir(top)?.flatten() {
        let name = entry.file_name();
        let run = name.to_str().and_then(|name| name.strip_prefix("run-"));
        if run.is_some_and(|pid| !Path::new("/proc").join(pid).exists()) {
            drop(fs::remove_dir_all(entry.path()));
        }
    }
    let folder = top.join(format!("run-{}", std::process::id())).join(name);
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// Somebody of that role, signed in. Of several, the first.
pub async fn person(role: &str) -> Result<Person> {
    let mut people = PEOPLE.lock().await;
    if let Some(person) = people.get(role) {
        return Ok(person.clone());
    }
    let person = campus().await?.sign_in(role).await?;
    people.insert(role.to_owned(), person.clone());
    Ok(person)
}

/// A browser in which nobody has signed in.
pub async fn nobody() -> Result<Person> {
    campus().await?.nobody()
}

/// Id of a room.
pub async fn room(number: usize) -> Result<String> {
    Ok(campus().await?.classrooms[number].room.id.clone())
}

/// Asks again until the answer suits.
///
/// # Errors
/// It did not in time: the last answer.
pub async fn until<T>(
    what: &str,
    longest: Duration,
    mut ask: impl AsyncFnMut() -> Result<Result<T, Value>>,
) -> Result<T> {
    let end = Instant::now() + longest;
    loop {
        match ask().await? {
            Ok(answer) => return Ok(answer),
            Err(answer) if Instant::now() > end => {
                bail!("{what}: not within {longest:?}; the last answer was {answer}")
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(150)).await,
        }
    }
}

/// GET that must succeed.
pub async fn get(person: &Person, path: &str) -> Result<Value> {
    let (status, body) = person.get(path).await?;
    if !status.is_success() {
        bail!("GET {path}: {status} {body}");
    }
    Ok(body)
}

/// A list in an answer.
pub fn list<'a>(body: &'a Value, key: &str) -> Result<&'a Vec<Value>> {
    body[key]
        .as_array()
        .with_context(|| format!("no list `{key}` in {body}"))
}

/// 附件1 for the lesson that is in the room now, its header as the hub fills it.
pub async fn record_form(person: &Person, room: &str) -> Result<Value> {
    let mut form = get(person, &format!("/api/records/new?room={room}")).await?;
    let fields = form.as_object_mut().context("the header is no object")?;
    for header in [
        "college",
        "school_year",
        "term",
        "week",
        "weekday",
        "period",
    ] {
        ensure!(
            fields.remove(header).is_some_and(|value| !value.is_null()),
            "{header} is empty"
        );
    }
    let filled = json!({
        "room": room,
        "present_count": fields["due_count"],
        "teacher_presence": "A",
        "interaction": "A",
        "conditions": "A",
        "grade": "A",
    });
    fields.extend(filled.as_object().context("no object")?.clone());
    Ok(form)
}
