//! Asking every row: the request, and whether the answer is the policy's.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use xunke_policy::Refusal;

use super::Tally;
use super::canary::{NOTHING, ROOMS};
use super::papers;
use super::recordings;
use super::rows::{self, Ask, Case, Row, Seen, Want};
use super::subject::Subject;
use super::told;
use super::world::World;
use crate::clock::now_ms;

const NIL: &str = "00000000-0000-0000-0000-000000000000";
const ANSWER_MAX: Duration = Duration::from_secs(15);

/// Every row as one subject.
pub async fn ask(world: &World, subject: &Subject, tally: &mut Tally) -> Result<()> {
    let all = [rows::all(), recordings::all(), told::all(), papers::all()];
    for row in all.into_iter().flatten() {
        let rooms = match row.ask {
            Ask::Once | Ask::Spared | Ask::Endless | Ask::Paper(_) => 1,
            _ => ROOMS,
        };
        for room in 0..rooms {
            let case = Case {
                world,
                subject,
                room,
            };
            ask_once(&row, &case, tally)
                .await
                .with_context(|| format!("{} as {}", row.entrance, subject.name))?;
        }
    }
    Ok(())
}

async fn ask_once(row: &Row, case: &Case<'_>, tally: &mut Tally) -> Result<()> {
    let (world, subject) = (case.world, case.subject);
    let (method, path) = row.entrance.split_once(' ').context("no method")?;
    let method: Method = method.parse()?;
    let path = fill(row, path, case)?;
    let body = (method != Method::GET).then(|| body(row, case));
    let person = match row.ask {
        Ask::Spared => subject.person.clone().with_header("x-csrf-token", None)?,
        _ => subject.person.clone(),
    };
    let answer = person.request(method, &path, body.as_ref());
    let answer = tokio::time::timeout(ANSWER_MAX, answer)
        .await
        .context("no answer")??;
    let status = answer.status();
    let body = match row.ask == Ask::Endless && status.is_success() {
        true => String::new(),
        false => String::from_utf8_lossy(&answer.bytes().await?).into_owned(),
    };
    let (want, seen) = expected(row, case);
    tally.asked += 1;
    let at = format!(
        "{} about room {} as {}",
        row.entrance, case.room, subject.name
    );
    compare(&at, want, status, &body, tally);
    let (Seen::Exactly(may) | Seen::AtMost(may)) = seen;
    tally.search(&world.canaries, &at, &body, may);
    if let Seen::Exactly(shown) = seen {
        tally.compared += 1;
        let found = world.canaries.found_in(&body);
        if found
            .iter()
            .zip(shown)
            .any(|(found, shown)| shown & !found != 0)
        {
            tally.differs(format!("{at}: shows {found:?} and should show {shown:?}"));
        }
    }
    Ok(())
}

/// For everybody on the campus.
const PUBLIC: [&str; 11] = [
    "GET /api/session/single-sign-on",
    "POST /api/session/single-sign-on",
    "POST /api/session/single-sign-on/return",
    "POST /api/session/single-sign-on/code",
    "POST /api/session/passkey/question",
    "POST /api/session/passkey",
    "POST /api/session",
    "POST /api/session/link",
    "POST /api/start",
    "POST /api/start/account",
    "GET /api/openapi.json",
];
/// What is left with an expired password.
const EXPIRED: [&str; 3] = [
    "DELETE /api/session",
    "GET /api/me",
    "POST /api/account/password",
];

/// The campus first, then who it is, then the password, then what the row says.
fn expected(row: &Row, case: &Case<'_>) -> (Want, Seen) {
    let nothing = Seen::Exactly(NOTHING);
    if let Err(403) = case.subject.let_in() {
        return (Want::Refused(Refusal::OFF_CAMPUS), nothing);
    }
    if PUBLIC.contains(&row.entrance) {
        return (row.answer)(case);
    }
    if let Err(status) = case.subject.let_in() {
        return (Want::Is(status), nothing);
    }
    match case.subject.password(case.world) {
        Err(refusal) if !EXPIRED.contains(&row.entrance) => (Want::Refused(refusal), nothing),
        _ => (row.answer)(case),
    }
}

fn compare(at: &str, want: Want, status: StatusCode, body: &str, tally: &mut Tally) {
    tally.compared += 1;
    let error: Value = serde_json::from_str(body).unwrap_or_default();
    let error = &error["error"];
    let as_wanted = match want {
        Want::Is(wanted) => status.as_u16() == wanted,
        Want::Passes => !matches!(status.as_u16(), 401 | 403 | 500..),
        Want::Refused(refusal) => {
            status == StatusCode::FORBIDDEN
                && error["code"] == refusal.code
                && error["article"] == refusal.article
                && error["quote"] == refusal.quote
        }
    };
    if !as_wanted {
        let said = body.chars().take(300).collect::<String>();
        tally.differs(format!(
            "{at}: {status} {said}, but the policy says {want:?}"
        ));
    }
}

fn fill(row: &Row, path: &str, case: &Case<'_>) -> Result<String> {
    let room = &case.world.rooms[case.room];
    let filled = match row.ask {
        Ask::Once | Ask::Spared | Ask::Endless | Ask::Form => {
            path.replace("{id}", NIL).replace("{party}", "a")
        }
        Ask::Room => path.replace("{id}", &room.id),
        Ask::ForRoom => format!("{path}?room={}", room.id),
        Ask::Recording => path.replace("{id}", &room.recording),
        Ask::Segment => {
            let path = path.replace("{play}", &room.play);
            path.replace("{segment}", &room.segment)
        }
        Ask::Record => path.replace("{id}", &room.record),
        Ask::Paper(id) => path.replace("{id}", &papers::about(id, case.world)),
    };
    ensure!(!filled.contains('{'), "nothing to fill into {filled}");
    Ok(filled)
}

fn body(row: &Row, case: &Case<'_>) -> Value {
    match row.ask {
        Ask::Form => case.world.rooms[case.room].form.clone(),
        Ask::Segment => json!({ "from": now_ms(), "to": now_ms(), "note": "" }),
        Ask::Recording => json!({ "purpose": { "kind": "plan" } }),
        Ask::Paper(_) => papers::form(row.entrance, case.world),
        _ => json!({}),
    }
}
