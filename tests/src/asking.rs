//! Asking the hub things, as tests and benches do.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use crate::campus::Person;

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
///
/// # Errors
/// It does not; the error carries the answer.
pub async fn get(person: &Person, path: &str) -> Result<Value> {
    let (status, body) = person.get(path).await?;
    if !status.is_success() {
        bail!("GET {path}: {status} {body}");
    }
    Ok(body)
}

/// A list in an answer.
///
/// # Errors
/// There is none of that name.
pub fn list<'a>(body: &'a Value, key: &str) -> Result<&'a Vec<Value>> {
    body[key]
        .as_array()
        .with_context(|| format!("no list `{key}` in {body}"))
}

/// 附件1 for the lesson that is in the room now, its header as the hub fills it.
///
/// # Errors
/// The person may not file about the room, or the header is not whole.
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
