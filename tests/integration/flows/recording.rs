//! Frame → sealed recording → upload → playback.

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use xunke_tests::campus::Person;
use xunke_tests::classroom::strip::age_ms;
use xunke_tests::picture::marks_of_mp4;

use crate::shared::{ELSEWHERE, WELL, campus, get, list, person, room, run, until};

const RECORDED_MAX: Duration = Duration::from_secs(40);

/// The recording of a room that has at least so many segments.
async fn recording(person: &Person, room: &str, segments: i64) -> Result<Value> {
    until("a recording in the library", RECORDED_MAX, async || {
        let body = get(person, &format!("/api/recordings?room={room}")).await?;
        let mut found = list(&body, "recordings")?.iter();
        let found = found.find(|one| one["segments"].as_i64() >= Some(segments));
        Ok(found.cloned().ok_or(body))
    })
    .await
}

async fn play(person: &Person, recording: &Value) -> Result<(StatusCode, Value)> {
    let id = recording["id"].as_str().context("no id")?;
    let purpose = json!({ "purpose": { "kind": "issue" } });
    person
        .post(&format!("/api/recordings/{id}/plays"), &purpose)
        .await
}

async fn segment(person: &Person, play: &Value, segment: &Value) -> Result<(StatusCode, Vec<u8>)> {
    let (play, id) = (play["play_id"].as_str(), segment["id"].as_str());
    let path = play
        .zip(id)
        .map(|(play, id)| format!("/api/plays/{play}/segments/{id}"));
    let answer = person
        .request(Method::GET, &path.context("no ids")?, None)
        .await?;
    Ok((answer.status(), answer.bytes().await?.to_vec()))
}

/// R67: what the camera showed comes back when it showed it, in pictures that follow each other.
#[test]
fn a_lesson_is_recorded_and_played_back_for_a_permit() -> Result<()> {
    run(async {
        let supervisor = person("school_supervisor").await?;
        let recording = recording(&supervisor, &room(WELL).await?, 3).await?;
        assert!(
            !recording["lesson"].is_null(),
            "the demo's lessons cover the day: {recording}"
        );
        let (status, play) = play(&supervisor, &recording).await?;
        ensure!(status.is_success(), "{status} {play}");
        let me = &supervisor.me["person"];
        assert_eq!(play["watermark"]["staff_number"], me["staff_number"]);
        for one in list(&play, "segments")?.iter().take(3) {
            let (status, mp4) = segment(&supervisor, &play, one).await?;
            assert_eq!(status, StatusCode::OK);
            let marks = marks_of_mp4(&mp4)?;
            let seconds = one["duration_ms"].as_f64().context("no duration")? / 1000.0;
            let pictures = marks.len() as f64;
            assert!(
                (pictures / seconds - 25.0).abs() < 2.0,
                "{pictures} in {seconds} s"
            );
            let first = marks.first().copied().flatten().context("no strip")?;
            let off_ms = age_ms(first, one["start"].as_i64().context("no start")?);
            assert!(
                (-100..600).contains(&off_ms),
                "filed {off_ms} ms after it was painted"
            );
            assert!(
                mp4.windows(4).any(|name| name == b"mp4a"),
                "the sound is missing"
            );
        }
        Ok(())
    })
}

/// R8, R21, R57, R67: a permit is for one recording, one person, one session.
#[test]
fn playback_is_closed_to_everybody_else() -> Result<()> {
    run(async {
        let supervisor = person("school_supervisor").await?;
        let other_unit = recording(&supervisor, &room(ELSEWHERE).await?, 1).await?;
        for (role, article) in [
            ("unit_supervisor", "第十一条"),
            ("technician", "第十一条"),
            ("school_supervisor_unsigned", "第十条"),
        ] {
            let (status, body) = play(&person(role).await?, &other_unit).await?;
            assert_eq!(status, StatusCode::FORBIDDEN, "{role}: {body}");
            assert_eq!(body["error"]["article"], article, "{role}: {body}");
        }
        let (_, play) = play(&supervisor, &other_unit).await?;
        let first = &list(&play, "segments")?[0];
        for role in ["unit_supervisor", "technician", "security_administrator"] {
            let (status, bytes) = segment(&person(role).await?, &play, first).await?;
            assert!(status.is_client_error(), "{role}: {status}");
            assert!(
                !bytes.windows(4).any(|name| name == b"moof"),
                "{role} got the video"
            );
        }
        Ok(())
    })
}

/// DESIGN §1 and §5: neither the box's disk nor the hub's holds a plain byte of the lesson.
#[test]
fn nothing_on_any_disk_can_be_watched() -> Result<()> {
    run(async {
        let supervisor = person("school_supervisor").await?;
        let recording = recording(&supervisor, &room(WELL).await?, 2).await?;
        let (_, play) = play(&supervisor, &recording).await?;
        let mut canaries = HashSet::new();
        for one in list(&play, "segments")?.iter().take(4) {
            let (_, mp4) = segment(&supervisor, &play, one).await?;
            let chunks = mp4.chunks_exact(16).skip(200).step_by(97);
            canaries.extend(chunks.filter(|chunk| is_telling(chunk)).map(<[u8]>::to_vec));
        }
        assert!(canaries.len() > 100, "too few canaries: {}", canaries.len());
        let campus = campus().await?;
        let folders = [
            campus.classrooms[WELL].folder(),
            &campus.folder().join("hub"),
        ];
        let mut read = 0;
        for folder in folders {
            read += search(folder, &canaries)?;
        }
        assert!(
            read > 1_000_000,
            "only {read} bytes on the disks: nothing was recorded there"
        );
        Ok(())
    })
}

/// Compressed video is noise; runs of zeros and the like stand in any file.
fn is_telling(chunk: &[u8]) -> bool {
    chunk.iter().collect::<HashSet<_>>().len() >= 13
}

/// Reads every file below; fails where a canary is found. Says how many bytes it read.
fn search(folder: &Path, canaries: &HashSet<Vec<u8>>) -> Result<usize> {
    let mut read = 0;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            read += search(&path, canaries)?;
            continue;
        }
        let Ok(bytes) = fs::read(&path) else { continue };
        let found = bytes.windows(16).find(|window| canaries.contains(*window));
        ensure!(found.is_none(), "{} holds plain video", path.display());
        read += bytes.len();
    }
    Ok(read)
}

/// The hub's receipt empties the box: what waits is never more than what is being written.
#[test]
fn the_box_forgets_what_the_hub_has_signed_for() -> Result<()> {
    run(async {
        let (supervisor, technician) = (
            person("school_supervisor").await?,
            person("technician").await?,
        );
        recording(&supervisor, &room(WELL).await?, 3).await?;
        let device = campus().await?.classrooms[WELL].room.device_id.clone();
        until("an empty spool", RECORDED_MAX, async || {
            let body = get(&technician, "/api/devices").await?;
            let mut devices = list(&body, "devices")?.iter();
            let found = devices
                .find(|found| found["id"] == *device)
                .context("no such device")?;
            let waiting = found["health"]["spool"]["waiting_segments"].as_u64();
            Ok(if waiting.is_some_and(|waiting| waiting <= 1) {
                Ok(())
            } else {
                Err(body)
            })
        })
        .await
    })
}
