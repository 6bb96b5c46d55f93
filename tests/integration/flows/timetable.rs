//! Timetable → box → recording: lessons and nothing else, with the hub there or not.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use xunke_tests::classroom::Behaviour;
use xunke_tests::clock::now_ms;

use crate::bad_input::alone::{Alone, SEGMENT_MS, STORED_MAX};
use crate::shared::{get, list, run, until};

const MINUTE_MS: i64 = 60_000;
/// The hub looks every three seconds, and the box asks at once.
const TOLD_MS_MAX: i64 = 15_000;

/// Moves the lessons of the demonstration aside and puts others in the room, in milliseconds from
/// now; nothing is recorded around them.
async fn lessons(alone: &mut Alone, lessons: &[(i64, i64)]) -> Result<()> {
    let (now, room) = (now_ms(), alone.room().room.id.clone());
    let mut sql = String::from("UPDATE lessons SET start_ms = 1, end_ms = 2;");
    for (number, (from, to)) in lessons.iter().enumerate() {
        sql += &format!(
            "UPDATE lessons SET start_ms = {}, end_ms = {} WHERE id = (SELECT id FROM lessons
             WHERE classroom_id = '{room}' ORDER BY id LIMIT 1 OFFSET {number});",
            now + from,
            now + to,
        );
    }
    alone.campus.hub.sql(&sql).map(drop)
}

/// A room without anything recorded around its lessons.
async fn strict(name: &str) -> Result<Alone> {
    let mut alone = Alone::start(name).await?;
    alone.campus.hub.end()?;
    alone.campus.hub.configure(|text| {
        text.replace(
            "[recording]\n",
            "[recording]\npre_roll_minutes = 0\npost_roll_minutes = 0\n",
        )
    })?;
    alone.campus.hub.run()?;
    Ok(alone)
}

/// X50, X53, K14: the box is switched on in mid-lesson, the lesson is cancelled while it runs, and
/// another is put in; nobody touches the box, and it is never called faulty.
#[test]
fn a_lesson_cancelled_while_it_runs_is_recorded_no_further() -> Result<()> {
    run(async {
        let mut alone = strict("timetable-cancelled").await?;
        lessons(&mut alone, &[(-5 * MINUTE_MS, 30 * MINUTE_MS)]).await?;
        alone.run_agent()?;
        let recording = |one: &Value| one["health"]["recording"]["state"] == "recording";
        alone.until_device("recording", recording).await?;
        let basis = alone.device().await?["health"]["recording"]["timetable"]["basis"].clone();
        ensure!(basis == "lessons", "it goes by {basis}");
        alone.until_stored_to(alone.since_ms).await?;

        lessons(&mut alone, &[]).await?;
        let cancelled_ms = now_ms();
        let idle = |one: &Value| one["health"]["recording"]["state"] == "idle";
        alone.until_device("idle", idle).await?;
        ensure!(
            alone.box_said()?.contains("a window has ended"),
            "it says so"
        );
        tokio::time::sleep(Duration::from_secs(5)).await;
        let footage = alone.footage().await?;
        footage.is_whole()?;
        let last = footage.pieces.last().map_or(0, |piece| piece.to_ms);
        let late_ms = last - cancelled_ms;
        ensure!(
            late_ms < TOLD_MS_MAX,
            "recorded {late_ms} ms after the lesson was cancelled"
        );
        let device = alone.device().await?;
        let camera = &device["health"]["cameras"][0]["state"];
        ensure!(camera == "streaming", "the camera goes on: {device}");
        alone.until_fault("box", "REC_FAILING", false).await?;

        lessons(&mut alone, &[(0, 30 * MINUTE_MS)]).await?;
        alone.until_device("recording again", recording).await?;
        alone.until_stored_to(now_ms()).await?;
        Ok(())
    })
}

/// X49, X52: without the hub the box records by what it was told, from one lesson into the next
/// without a second lost, and ends with the second.
#[test]
fn lessons_that_follow_each_other_are_recorded_without_the_hub() -> Result<()> {
    run(async {
        let mut alone = strict("timetable-alone").await?;
        let (joint, end) = (40_000, 60_000);
        lessons(&mut alone, &[(-MINUTE_MS, joint), (joint, end)]).await?;
        let began_ms = now_ms();
        // It is told, and then both are gone.
        alone.run_agent()?;
        let told = |one: &Value| {
            let version = one["health"]["recording"]["timetable"]["version"].as_i64();
            version >= Some(began_ms / 1000)
        };
        alone.until_device("the new timetable", told).await?;
        alone.room().kill_agent();
        alone.campus.hub.kill();
        alone.run_agent()?;
        alone.until_spooled(1).await?;
        let end_ms = began_ms + end;
        while now_ms() < end_ms + 3 * SEGMENT_MS {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        let said = alone.box_said()?;
        ensure!(said.contains("recording by the timetable"), "{said}");
        ensure!(said.contains("a window has ended"), "{said}");
        alone.campus.hub.run()?;
        let footage = alone.until_whole_to(end_ms - 1000).await?;
        let last = footage.pieces.last().map_or(0, |piece| piece.to_ms);
        ensure!(
            (last - end_ms).abs() < 1000,
            "ends {} ms off",
            last - end_ms
        );
        let across = footage
            .pieces
            .iter()
            .any(|piece| piece.from_ms > began_ms + joint);
        ensure!(across, "the second lesson is there");
        Ok(())
    })
}

/// X49: the IT centre has a room recorded always, or for a while; in the trail, with the reason.
#[test]
fn a_room_is_recorded_beside_its_lessons_by_order() -> Result<()> {
    run(async {
        let mut alone = strict("timetable-order").await?;
        lessons(&mut alone, &[]).await?;
        alone.run_agent()?;
        let state =
            |wanted: &'static str| move |one: &Value| one["health"]["recording"]["state"] == wanted;
        alone.until_device("idle", state("idle")).await?;
        let room = alone.room().room.id.clone();
        let path = format!("/api/rooms/{room}/record-until");
        let order = json!({ "until": now_ms() + MINUTE_MS, "reason": "临时讲座" });
        let (status, body) = alone.technician.post(&path, &order).await?;
        ensure!(status.is_success(), "{status} {body}");
        alone
            .until_device("recording by order", state("recording"))
            .await?;
        let (status, body) = alone.supervisor.post(&path, &order).await?;
        ensure!(status == 403, "{status} {body}");
        let path = format!("/api/rooms/{room}/capture");
        let always = json!({ "mode": "continuous", "reason": "专用录播教室" });
        let (status, body) = alone.technician.post(&path, &always).await?;
        ensure!(status.is_success(), "{status} {body}");
        let device = alone.device().await?;
        ensure!(device["capture"] == "continuous", "{device}");
        let lines = alone.campus.hub.sql(
            "SELECT action, purpose FROM trail WHERE action IN ('record_until', 'set_capture')
             AND outcome = 'done' ORDER BY seq",
        )?;
        let wanted = ["record_until|临时讲座", "set_capture|专用录播教室"];
        ensure!(lines.lines().eq(wanted), "{lines}");
        Ok(())
    })
}

/// K14, R72: the camera is off for a while, and then the box: the box signs for both with the
/// reason, and the hub accounts for every second that was to be recorded.
#[test]
fn what_is_missing_is_signed_for_and_the_ledger_adds_up() -> Result<()> {
    run(async {
        let mut alone = strict("timetable-ledger").await?;
        lessons(&mut alone, &[(-5 * MINUTE_MS, 30 * MINUTE_MS)]).await?;
        alone.run_agent()?;
        alone.until_stored_to(now_ms()).await?;
        // What the hub was told last may be of before the first picture.
        let on = |one: &Value| one["health"]["recording"]["state"] == "recording";
        alone.until_device("recording", on).await?;

        alone.room().befall(Behaviour::Die)?;
        let off = |one: &Value| one["health"]["recording"]["state"] == "waiting";
        alone.until_device("no pictures", off).await?;
        alone.room().befall(Behaviour::Revive)?;
        alone.until_stored_to(now_ms()).await?;
        alone.room().kill_agent();
        tokio::time::sleep(Duration::from_secs(5)).await;
        alone.room().run_agent()?;
        alone.until_stored_to(now_ms()).await?;

        let told = alone.campus.hub.sql(
            "SELECT DISTINCT reason FROM gaps WHERE device_id <> '' AND LENGTH(signature) = 128
             ORDER BY reason",
        )?;
        for reason in ["camera", "power"] {
            ensure!(
                told.lines().any(|line| line == reason),
                "no {reason}: {told}"
            );
        }
        let room = alone.room().room.id.clone();
        let day = get(&alone.technician, &format!("/api/completeness/{room}")).await?;
        adds_up(&day)?;
        let recording = get(&alone.supervisor, &format!("/api/recordings?room={room}")).await?;
        let id = recording["recordings"][0]["id"].as_str();
        let path = format!("/api/recordings/{}/ledger", id.context("no recording")?);
        adds_up(&get(&alone.supervisor, &path).await?)?;
        term(&mut alone, &day).await
    })
}

/// The spans of the camera follow each other, hold both gaps, and amount to what is said.
fn adds_up(ledger: &Value) -> Result<()> {
    let sources = list(ledger, "sources")?;
    let camera = sources.iter().find(|one| one["source"] == "cam0");
    let camera = camera.with_context(|| format!("no camera: {ledger}"))?;
    let (mut until, mut due_ms, mut seen) = (i64::MIN, 0, Vec::new());
    for span in list(camera, "spans")? {
        let at = |name: &str| span[name].as_i64().context("no time");
        let (start, end) = (at("start")?, at("end")?);
        ensure!(until <= start && start < end, "{camera}");
        until = end;
        let state = span["state"].as_str().context("no state")?;
        due_ms += if state == "not_yet" { 0 } else { end - start };
        seen.push(state);
    }
    for state in ["stored", "camera", "power", "not_yet"] {
        ensure!(seen.contains(&state), "no {state}: {camera}");
    }
    let amount = &camera["amount"];
    let seconds = |name: &str| amount[name].as_i64().unwrap_or_default();
    ensure!(
        seconds("due_seconds") == due_ms / 1000,
        "{due_ms}: {amount}"
    );
    let missing = amount["missing_seconds"].as_object().context("none")?;
    let missing: i64 = missing.values().filter_map(Value::as_i64).sum();
    let parts = seconds("stored_seconds")
        + seconds("waiting_seconds")
        + seconds("unexplained_seconds")
        + missing;
    // Each part is rounded down to seconds.
    ensure!(
        (0..=9).contains(&(due_ms / 1000 - parts)),
        "{parts}: {amount}"
    );
    let whole = amount["completeness"].as_i64().context("no number")?;
    ensure!((1..10_000).contains(&whole), "{amount}");
    Ok(())
}

/// Reckoned anew at the next start, for those who maintain or answer for recordings alone.
async fn term(alone: &mut Alone, day: &Value) -> Result<()> {
    alone.campus.hub.end()?;
    alone.campus.hub.run()?;
    let office = alone.campus.sign_in("academic_affairs").await?;
    let path = "/api/completeness";
    let then = day["sources"][0]["amount"]["due_seconds"].as_i64();
    until("the number of the term", STORED_MAX, async || {
        let body = get(&office, path).await?;
        let now = body["campus"]["due_seconds"].as_i64();
        let is_new = then > Some(0) && now >= then;
        Ok(is_new.then_some(()).ok_or(body))
    })
    .await?;
    let body = get(&alone.technician, path).await?;
    let rooms = list(&body, "rooms")?;
    let alike = rooms.len() == 1 && rooms[0]["amount"] == body["campus"];
    ensure!(alike, "{body}");
    let (status, _) = alone.supervisor.get(path).await?;
    ensure!(status == 403, "{status}");
    Ok(())
}
