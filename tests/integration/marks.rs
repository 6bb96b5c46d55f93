//! Finding a lesson, playing it from a moment, marking a stretch, and checking the mark: by whoever
//! may watch, and by whoever may not (R67, R69, R70, K4).

use std::fs;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use xunke_tests::campus::{Person, program};
use xunke_tests::picture::marks_of_mp4;

use crate::shared::{WELL, campus, folder, get, list, person, room, run, until};

const RECORDED_MAX: Duration = Duration::from_secs(40);

/// The newest recording that fits and has a few segments.
async fn found(person: &Person, query: &str) -> Result<Value> {
    until("a recording that fits", RECORDED_MAX, async || {
        let body = get(person, &format!("/api/recordings?{query}")).await?;
        let mut all = list(&body, "recordings")?.iter();
        let found = all.find(|one| one["segments"].as_i64() >= Some(3));
        Ok(found.cloned().ok_or(body))
    })
    .await
}

/// Pictures and bytes of a segment, from a moment on.
async fn pictures(person: &Person, path: &str) -> Result<(usize, usize)> {
    let answer = person.request(Method::GET, path, None).await?;
    ensure!(answer.status() == StatusCode::OK, "{}", answer.status());
    let mp4 = answer.bytes().await?;
    Ok((marks_of_mp4(&mp4)?.len(), mp4.len()))
}

async fn post(person: &Person, path: &str, body: &Value) -> Result<(StatusCode, Value)> {
    person.post(path, body).await
}

/// What a check says, in words.
async fn verdict(person: &Person, document: &str) -> Result<Value> {
    let body = json!({ "document": document });
    let (status, checked) = post(person, "/api/marks/check", &body).await?;
    ensure!(status == StatusCode::OK, "{status} {checked}");
    Ok(checked)
}

/// R67, R69, R70, K4: from the choices to a mark that a technician can check and not watch.
#[test]
fn a_lesson_is_found_marked_and_its_mark_checked() -> Result<()> {
    run(async {
        let (supervisor, room) = (person("school_supervisor").await?, room(WELL).await?);
        let recording = found(&supervisor, &format!("room={room}")).await?;
        let choices = get(&supervisor, "/api/recordings/choices").await?;
        let (term, week) = (text(&choices["term"])?, choices["week"].clone());
        let lesson = &recording["lesson"];
        let (teacher, course) = (text(&lesson["teacher"])?, text(&lesson["course"])?);
        ensure!(
            list(&choices, "teachers")?.contains(&lesson["teacher"]),
            "{choices}"
        );
        let query = format!("term={term}&week={week}&teacher={teacher}&course={course}");
        let same = found(&supervisor, &format!("{query}&room={room}")).await?;
        assert_eq!(same["id"], recording["id"]);
        let (status, wrong) = supervisor.get("/api/recordings?week=3").await?;
        assert_eq!(
            (status.as_u16(), &wrong["error"]["field"]),
            (422, &json!("week"))
        );

        let id = text(&recording["id"])?;
        let plan = json!({ "purpose": { "kind": "plan" } });
        let plays = format!("/api/recordings/{id}/plays");
        let (status, play) = post(&supervisor, &plays, &plan).await?;
        ensure!(status.is_success(), "{status} {play}");
        ensure!(!list(&play, "periods")?.is_empty(), "{play}");
        assert_eq!(play["lesson_start"], lesson["start"]);
        let one = list(&play, "segments")?.get(1).context("no segment")?;
        let (start, length) = (one["start"].as_i64(), one["duration_ms"].as_i64());
        let (start, length) = start.zip(length).context("no times")?;
        let play = format!("/api/plays/{}", text(&play["play_id"])?);
        let segment = format!("{play}/segments/{}", text(&one["id"])?);
        let (all, bytes) = pictures(&supervisor, &segment).await?;
        let late = start + length * 9 / 10;
        let (some, fewer) = pictures(&supervisor, &format!("{segment}?from={late}")).await?;
        ensure!(
            some < all && fewer < bytes,
            "{some} of {all}, {fewer} of {bytes}"
        );
        // All that is shown from then on is there.
        ensure!(
            some >= 25 * usize::try_from(length - length * 9 / 10)? / 1000,
            "{some}"
        );
        let jump = json!({ "from": start, "to": late });
        let (status, _) = post(&supervisor, &format!("{play}/jumps"), &jump).await?;
        assert_eq!(status, StatusCode::NO_CONTENT);

        let form = json!({ "from": start, "to": start + 1000, "note": "教师离开教室" });
        let (status, mark) = post(&supervisor, &format!("{play}/marks"), &form).await?;
        ensure!(status == StatusCode::OK, "{status} {mark}");
        let document = text(&mark["document"])?;
        for login in ["technician", "teacher"] {
            let checked = verdict(&person(login).await?, document).await?;
            let told = ["verdict", "footage", "may_watch"].map(|key| checked[key].clone());
            assert_eq!(told, [json!("genuine"), json!("unchanged"), json!(false)]);
            assert_eq!(checked["mark"]["note"], "教师离开教室");
            let own = format!("/api/recordings/{id}/marks");
            assert_eq!(
                person(login).await?.get(&own).await?.0,
                StatusCode::FORBIDDEN
            );
        }
        assert_eq!(verdict(&supervisor, document).await?["may_watch"], true);
        let changed = document.replace("离开", "进入");
        assert_eq!(verdict(&supervisor, &changed).await?["verdict"], "altered");

        let told = offline(document).await?;
        ensure!(told.0 && told.1.contains("unchanged"), "{told:?}");
        let told = offline(&changed).await?;
        ensure!(!told.0 && told.1.contains("was changed"), "{told:?}");

        let path = format!("/api/marks/{}/withdraw", text(&mark["id"])?);
        let why = json!({ "reason": "看错了" });
        let (status, _) = post(&person("unit_supervisor").await?, &path, &why).await?;
        assert_eq!(status, StatusCode::NOT_FOUND);
        let (status, body) = post(&supervisor, &path, &why).await?;
        ensure!(status == StatusCode::NO_CONTENT, "{status} {body}");
        let checked = verdict(&supervisor, document).await?;
        assert_eq!(checked["withdrawn"]["reason"], "看错了");
        let marks = get(&supervisor, &format!("/api/recordings/{id}/marks")).await?;
        let stays = list(&marks, "marks")?
            .iter()
            .any(|one| one["id"] == mark["id"]);
        ensure!(stays, "a withdrawn mark stays: {marks}");
        Ok(())
    })
}

/// Whether `xunke-hub marks verify` finds a document good, and what it says.
async fn offline(document: &str) -> Result<(bool, String)> {
    let config = campus().await?.hub.data_dir().with_file_name("hub.toml");
    let file = folder("mark-document")?.join("mark.json");
    fs::write(&file, document)?;
    let mut command = Command::new(program("xunke-hub")?);
    command.args(["marks", "verify"]).arg(&file);
    let output = command.arg("--config").arg(config).output()?;
    let said = [output.stdout, output.stderr].concat();
    Ok((output.status.success(), String::from_utf8(said)?))
}

fn text(value: &Value) -> Result<&str> {
    value.as_str().with_context(|| format!("no text: {value}"))
}
