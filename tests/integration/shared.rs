//! One campus of three rooms for every test that can share it. Two stay well; things befall the
//! third. People sign in once, for a second session would end their first.

use std::collections::HashMap;
use std::fs;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use anyhow::{Result, bail};
use tokio::runtime::Runtime;
use tokio::sync::{Mutex, MutexGuard, OnceCell};
pub use xunke_tests::asking::{get, list, record_form, until};
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
