//! Click → decision → picture.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use serde_json::{Value, json};
use xunke_protocol::live::{AudioConfig, Frame, FrameKind, VideoConfig};
use xunke_tests::campus::{Person, Said, Viewer};
use xunke_tests::classroom::strip::age_ms;
use xunke_tests::clock::now_ms;
use xunke_tests::picture::marks_of_access_units;

use crate::shared::{ELSEWHERE, WELL, campus, get, list, person, room, run, until};

const SOON: Duration = Duration::from_secs(5);

/// What a viewer got from the first second or two of a view.
struct Seen {
    opened: Value,
    first_frame_ms: i64,
    video: VideoConfig,
    audio: Option<AudioConfig>,
    units: Vec<Frame>,
    sounds: usize,
}

async fn watch(person: &Person, room: &str, stream: &str, pictures: usize) -> Result<Seen> {
    let mut viewer = Viewer::open(person).await?;
    viewer.watch(1, room, stream).await?;
    let opened = viewer.word(SOON).await?;
    ensure!(opened["op"] == "opened", "not opened: {opened}");
    let mut first_frame_ms = None;
    let (mut video, mut audio, mut units, mut sounds) = (None, None, vec![], 0);
    while units.len() < pictures {
        let frame = viewer.frame(SOON).await?;
        ensure!(
            opened["handle"] == frame.handle,
            "a frame of another handle"
        );
        first_frame_ms.get_or_insert_with(now_ms);
        match frame.kind {
            FrameKind::VideoConfig => video = Some(serde_json::from_slice(&frame.payload)?),
            FrameKind::AudioConfig => audio = Some(serde_json::from_slice(&frame.payload)?),
            FrameKind::Video => units.push(frame),
            FrameKind::Audio => sounds += 1,
        }
    }
    Ok(Seen {
        opened,
        first_frame_ms: first_frame_ms.context("no frame")?,
        video: video.context("pictures came before their configuration")?,
        audio,
        units,
        sounds,
    })
}

/// The types of the NAL units of an access unit with 4-byte lengths.
fn nal_types(unit: &Bytes) -> Result<Vec<u8>> {
    let (mut rest, mut types) = (&unit[..], vec![]);
    while let Some((length, after)) = rest.split_first_chunk::<4>() {
        let length = usize::try_from(u32::from_be_bytes(*length))?;
        ensure!(
            (1..=after.len()).contains(&length),
            "a length of {length} in {}",
            after.len()
        );
        types.push(after[0] & 0x1f);
        rest = &after[length..];
    }
    ensure!(rest.is_empty(), "{} bytes too many", rest.len());
    Ok(types)
}

/// R55, F3; DESIGN §4.5: valid H.264 from a keyframe on, painted just now, with sound.
#[test]
fn a_school_supervisor_sees_and_hears_any_room_now() -> Result<()> {
    run(async {
        let supervisor = person("school_supervisor").await?;
        for (room, stream, width) in [
            (room(WELL).await?, "sub", 640),
            (room(WELL).await?, "main", 1920),
            (room(ELSEWHERE).await?, "sub", 640),
        ] {
            let seen = watch(&supervisor, &room, stream, 80).await?;
            assert!(
                seen.video.codec.starts_with("avc1."),
                "{}",
                seen.video.codec
            );
            assert_eq!(seen.video.width, width);
            assert!(seen.units[0].key, "the first picture is a keyframe");
            for unit in &seen.units {
                let idr = nal_types(&unit.payload)?.contains(&5);
                assert_eq!(
                    idr, unit.key,
                    "the key flag says whether a picture is an IDR"
                );
            }
            assert!(
                seen.units
                    .windows(2)
                    .all(|pair| pair[0].captured_us < pair[1].captured_us)
            );
            let units: Vec<_> = seen
                .units
                .iter()
                .map(|frame| frame.payload.clone())
                .collect();
            let marks = marks_of_access_units(&seen.video, &units)?;
            let last = marks
                .last()
                .copied()
                .flatten()
                .context("the last picture has no strip")?;
            let late_ms = age_ms(last, seen.units[79].captured_us / 1000);
            assert!(
                (-5..500).contains(&late_ms),
                "captured {late_ms} ms after painting"
            );
            assert!(age_ms(last, now_ms()) < 3000, "an old picture was shown");
            // Tiles are silent; sound comes with the enlarged picture.
            if stream == "main" {
                assert_eq!(seen.audio.context("no sound")?.sample_rate, 48_000);
                assert!(seen.sounds > 100, "{} audio frames", seen.sounds);
            }
        }
        Ok(())
    })
}

/// R61: the watermark names the viewer; 第十条第2项, R53: the trail knows before the picture shows.
#[test]
fn the_trail_names_the_viewer_before_the_first_frame() -> Result<()> {
    run(async {
        let supervisor = person("school_supervisor").await?;
        let room = room(WELL).await?;
        let asked_ms = now_ms();
        let seen = watch(&supervisor, &room, "sub", 1).await?;
        let me = &supervisor.me["person"];
        assert_eq!(seen.opened["watermark"]["staff_number"], me["staff_number"]);
        assert_eq!(seen.opened["watermark"]["name"], me["name"]);
        let entry = trail_entry(asked_ms, "permitted", &me["staff_number"]).await?;
        let at = entry["at"].as_i64().context("no time")?;
        assert!(
            at <= seen.first_frame_ms,
            "{at} is after {}",
            seen.first_frame_ms
        );
        assert!(!entry["purpose"].is_null(), "{entry}");
        Ok(())
    })
}

/// The newest entry of a person since a moment with that outcome.
async fn trail_entry(since_ms: i64, outcome: &str, staff_number: &Value) -> Result<Value> {
    let auditor = person("audit_administrator").await?;
    until("an entry in the trail", SOON, async || {
        let body = get(&auditor, "/api/audit?limit=100").await?;
        let entries = list(&body, "entries")?.iter();
        let mut found = entries.filter(|entry| {
            entry["outcome"] == outcome
                && entry["staff_number"] == *staff_number
                && entry["at"].as_i64() >= Some(since_ms)
                && entry["action"]
                    .as_str()
                    .is_some_and(|action| action.contains("live"))
        });
        Ok(found.next_back().cloned().ok_or(body))
    })
    .await
}

async fn refused(person: &Person, room: &str, purpose: &Value) -> Result<Value> {
    let mut viewer = Viewer::open(person).await?;
    viewer.watch_because(7, room, "sub", purpose).await?;
    match viewer.next(SOON).await? {
        Said::Word(word) if word["op"] == "refused" && word["tile"] == 7 => Ok(word),
        said => anyhow::bail!("not refused: {said:?}"),
    }
}

/// R7, R21, R57 and X2: refused by 第十一条, and the refusal is a line of the trail.
#[test]
fn a_unit_supervisor_is_refused_the_other_unit_and_the_trail_says_so() -> Result<()> {
    run(async {
        let supervisor = person("unit_supervisor").await?;
        let asked_ms = now_ms();
        let plan = json!({ "kind": "plan" });
        let word = refused(&supervisor, &room(ELSEWHERE).await?, &plan).await?;
        assert_eq!(word["error"]["article"], "第十一条", "{word}");
        let number = supervisor.me["person"]["staff_number"].clone();
        let entry = trail_entry(asked_ms, "refused", &number).await?;
        assert_eq!(entry["article"], "第十一条", "{entry}");
        watch(&supervisor, &room(WELL).await?, "sub", 5).await?;
        Ok(())
    })
}

/// R19, R34: 第十条. R8, R58: 第十一条. R43: 附件2 第二条第3项.
#[test]
fn nobody_sees_without_agreement_level_and_purpose() -> Result<()> {
    run(async {
        let (plan, room) = (json!({ "kind": "plan" }), room(WELL).await?);
        for (role, purpose, article) in [
            ("school_supervisor_unsigned", &plan, "第十条"),
            ("technician", &plan, "第十一条"),
            ("security_administrator", &plan, "第十一条"),
            ("audit_administrator", &plan, "第十一条"),
            ("academic_affairs", &plan, "第十一条"),
            ("teacher", &plan, "第十一条"),
            ("unit_supervisor", &json!({}), "附件2 第二条第3项"),
            (
                "unit_supervisor",
                &json!({ "kind": "other", "reason": "查" }),
                "附件2 第二条第3项",
            ),
        ] {
            let word = refused(&person(role).await?, &room, purpose).await?;
            assert_eq!(word["error"]["article"], article, "{role}: {word}");
        }
        Ok(())
    })
}

/// R27 and DESIGN §1: signing in elsewhere ends the earlier session, its picture goes dark in less
/// than a second; so does signing out.
#[test]
fn the_end_of_a_session_ends_its_picture_within_a_second() -> Result<()> {
    run(async {
        let (account, nobody) = {
            let campus = campus().await?;
            let mut accounts = campus.hub.accounts.iter();
            let second = accounts.rfind(|account| account.role == "unit_supervisor");
            (
                second.context("one unit supervisor only")?.clone(),
                campus.nobody()?,
            )
        };
        let room = room(ELSEWHERE).await?;
        let first = nobody.clone().sign_in(&account).await?;
        let mut viewer = Viewer::open(&first).await?;
        viewer.watch(1, &room, "sub").await?;
        viewer.frame(SOON).await?;
        let second = nobody.sign_in_by_link(&account.sign_in_link_token).await?;
        assert!(dark_after_ms(&mut viewer).await? < 1000);
        let mut viewer = Viewer::open(&second).await?;
        viewer.watch(1, &room, "sub").await?;
        viewer.frame(SOON).await?;
        let (status, body) = second.delete("/api/session").await?;
        assert!(status.is_success(), "{status} {body}");
        assert!(dark_after_ms(&mut viewer).await? < 1000);
        Ok(())
    })
}

/// Milliseconds until the last frame that still came.
async fn dark_after_ms(viewer: &mut Viewer) -> Result<i64> {
    let (began, mut last_frame_ms) = (now_ms(), now_ms());
    loop {
        match viewer.next(Duration::from_secs(3)).await {
            Ok(Said::Frame(_)) => last_frame_ms = now_ms(),
            Ok(Said::Word(word)) if word["op"] != "closed" => {}
            Ok(Said::Word(_) | Said::Closed) | Err(_) => return Ok(last_frame_ms - began),
        }
        ensure!(last_frame_ms - began < 5000, "the picture goes on");
    }
}

/// Three tiles at once on one socket, and a closed tile stays quiet.
#[test]
fn one_socket_carries_several_tiles() -> Result<()> {
    run(async {
        let supervisor = person("school_supervisor").await?;
        let mut viewer = Viewer::open(&supervisor).await?;
        let rooms = [room(WELL).await?, room(ELSEWHERE).await?, room(WELL).await?];
        let mut handles = vec![];
        for (tile, room, stream) in [
            (1, &rooms[0], "sub"),
            (2, &rooms[1], "sub"),
            (3, &rooms[2], "main"),
        ] {
            viewer.watch(tile, room, stream).await?;
            let word = viewer.word(SOON).await?;
            assert_eq!(word["op"], "opened", "{word}");
            handles.push(word["handle"].as_u64().context("no handle")?);
        }
        for handle in &handles {
            let shown = async {
                while u64::from(viewer.frame(SOON).await?.handle) != *handle {}
                anyhow::Ok(())
            };
            tokio::time::timeout(SOON, shown)
                .await
                .context("a tile without a picture")??;
        }
        viewer.say(&json!({ "op": "close", "tile": 3 })).await?;
        tokio::time::sleep(Duration::from_millis(500)).await;
        while viewer.word(Duration::from_millis(200)).await.is_ok() {}
        for _ in 0..30 {
            let frame = viewer.frame(SOON).await?;
            assert_ne!(
                u64::from(frame.handle),
                handles[2],
                "a closed tile still gets frames"
            );
        }
        Ok(())
    })
}
