//! What closes a live view although its holder keeps every right: an examination, and the end of
//! the lesson where the school says so; measured to the last frame (issue 7, R59).

use std::fs;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use reqwest::StatusCode;
use serde_json::{Value, json};
use xunke_policy::preset;
use xunke_tests::campus::{Campus, Options, Person, Said, Viewer, program};
use xunke_tests::clock::now_ms;

use crate::shared::{folder, get, list, run};

const SOON: Duration = Duration::from_secs(5);
/// “revoke to dark under one second”.
const DARK_MS_MAX: i64 = 1000;
const LESSON_MS: i64 = 8_000;

async fn opened(person: &Person, room: &str) -> Result<Result<Viewer, Value>> {
    let mut viewer = Viewer::open(person).await?;
    viewer.watch(1, room, "sub").await?;
    let word = viewer.word(SOON).await?;
    if word["op"] != "opened" {
        return Ok(Err(word));
    }
    viewer.frame(SOON).await?;
    Ok(Ok(viewer))
}

async fn watching(person: &Person, room: &str) -> Result<Viewer> {
    let opened = opened(person, room).await?;
    opened.map_err(|word| anyhow::anyhow!("not opened: {word}"))
}

/// Code and article with which the view is closed; its last frame came within a second.
async fn dark(viewer: &mut Viewer, since_ms: i64) -> Result<(String, String)> {
    let mut last_frame_ms = since_ms;
    let end_ms = since_ms + 10_000;
    loop {
        match viewer.next(SOON).await? {
            Said::Frame(_) => last_frame_ms = now_ms(),
            Said::Word(word) if word["op"] == "closed" => {
                let late_ms = last_frame_ms - since_ms;
                println!("{} after {late_ms} ms", word["error"]["code"]);
                ensure!(
                    late_ms < DARK_MS_MAX,
                    "the last frame came after {late_ms} ms"
                );
                let text = |name: &str| word["error"][name].as_str().map(str::to_owned);
                let both = text("code").zip(text("article"));
                return both.with_context(|| format!("closed without a reason: {word}"));
            }
            said => ensure!(!matches!(said, Said::Closed), "the line was closed"),
        }
        ensure!(now_ms() < end_ms, "the picture goes on");
    }
}

/// The polytechnic, where 教务处 has decided that live views end with their lesson.
async fn campus() -> Result<Campus> {
    let folder = folder("exam")?;
    let options = Options {
        rooms: 2,
        data_dir: Some(folder.join("campus")),
        ..Options::default()
    };
    let mut campus = Campus::start(options).await?;
    let school = folder.join("school.toml");
    let rule = "course_scope = false\nlive_minutes_after_lesson = 0\n";
    fs::write(
        &school,
        preset::POLYTECHNIC.replace("course_scope = false\n", rule),
    )?;
    campus.hub.end()?;
    let name = school.display().to_string();
    let config = campus.folder().join("hub.toml");
    let applied = Command::new(program("xunke-hub")?)
        .args(["preset", "apply", &name, "--config"])
        .arg(&config)
        .output()?;
    let said = String::from_utf8_lossy(&applied.stderr);
    ensure!(applied.status.success(), "{said}");
    campus
        .hub
        .configure(|text| format!("{text}[college]\npreset = \"{name}\"\n"))?;
    campus.hub.run()?;
    Ok(campus)
}

async fn an_examination_begins(campus: &Campus, person: &Person) -> Result<()> {
    let affairs = campus.sign_in("academic_affairs").await?;
    let rooms = campus.hub.rooms.iter().map(|room| room.id.clone());
    let rooms: Vec<_> = rooms.collect();
    let mut viewer = watching(person, &rooms[0]).await?;
    let mut other = watching(person, &rooms[1]).await?;
    let form = json!({ "rooms": [rooms[0]], "from": now_ms(), "until": now_ms() + 3_600_000,
        "reason": "期末考试" });
    let since_ms = now_ms();
    let (status, set) = affairs.post("/api/exam-locks", &form).await?;
    ensure!(status == StatusCode::CREATED, "{status} {set}");
    let why = dark(&mut viewer, since_ms).await?;
    ensure!(why == ("exam_locked".into(), "第三条".into()), "{why:?}");
    let refused = opened(person, &rooms[0]).await?;
    let word = refused.err().context("opened in an examination")?;
    ensure!(word["error"]["code"] == "exam_locked", "{word}");
    let shown = get(person, "/api/rooms").await?;
    ensure!(list(&shown, "rooms")?.len() == 1, "{shown}");
    // Captured after the lock: nobody else notices.
    while other.frame(SOON).await?.captured_us / 1000 < now_ms() - 500 {}
    let locks = get(&affairs, "/api/exam-locks").await?;
    let lock = &list(&locks, "locks")?[0];
    ensure!(lock["number"] == set["number"], "{locks}");
    let path = format!(
        "/api/exam-locks/{}/lifting",
        lock["id"].as_str().context("no id")?
    );
    let (status, body) = person.post(&path, &json!({ "reason": "提前结束" })).await?;
    ensure!(status == StatusCode::FORBIDDEN, "{status} {body}");
    let (status, body) = affairs
        .post(&path, &json!({ "reason": "提前结束" }))
        .await?;
    ensure!(status.is_success(), "{status} {body}");
    watching(person, &rooms[0]).await.map(drop)
}

async fn a_lesson_ends(campus: &Campus, person: &Person) -> Result<()> {
    let room = &campus.hub.rooms[0].id;
    let begun_ms = now_ms();
    let end_ms = begun_ms + LESSON_MS;
    campus.hub.teach(room, begun_ms - 60_000, end_ms)?;
    let mut viewer = watching(person, room).await?;
    while now_ms() < end_ms {
        viewer.frame(SOON).await?;
    }
    let why = dark(&mut viewer, end_ms).await?;
    let expected = ("lesson_over".into(), "附件2 第二条第3项".into());
    ensure!(why == expected, "{why:?}");
    // A room without a lesson is watched as before; what is opened now has none to end with.
    watching(person, room).await?;
    let auditor = campus.sign_in("audit_administrator").await?;
    let trail = get(&auditor, "/api/audit?limit=50").await?;
    let mut lines = list(&trail, "entries")?.iter();
    let ended = |code: &str, line: &Value| {
        let detail = line["detail"].as_str();
        line["action"] == "view_closed" && detail.is_some_and(|text| text.starts_with(code))
    };
    ensure!(lines.any(|line| ended("lesson_over, ", line)), "{trail}");
    Ok(())
}

/// Issue 7, item 5: each closes the tile with its article in less than a second, and nothing else.
#[test]
fn an_examination_and_the_end_of_a_lesson_close_the_picture() -> Result<()> {
    run(async {
        let campus = campus().await?;
        let person = campus.sign_in("school_supervisor").await?;
        an_examination_begins(&campus, &person).await?;
        a_lesson_ends(&campus, &person).await?;
        campus.end()
    })
}
