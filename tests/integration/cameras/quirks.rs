//! The table of quirks, line by line: what each camera sends is there, and what it breaks off goes
//! on by itself; missing sound never stops the picture (X53, X54, X57).

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use xunke_protocol::health::CameraState;
use xunke_tests::camera::quirk::TABLE;
use xunke_tests::camera::{Options, Quirk};

use super::watched::Watched;
use crate::shared::run;

/// Workers at the same time: each starts GStreamer once.
const TOGETHER: usize = 8;
/// Eight seconds of pictures: longer than any quirk needs to show itself.
const ENOUGH: usize = 200;
/// Four seconds of pictures of a session that was opened again.
const AGAIN: usize = 100;

/// How a quirk ends.
enum Course {
    /// One session of each stream, ever.
    Once,
    /// The first session cannot be kept; the next one is.
    Again,
    /// The small picture is refused, and the full one is not disturbed.
    WithoutSub,
}

fn course(quirk: Quirk) -> Course {
    match quirk {
        Quirk::Garbage | Quirk::SessionsLinger | Quirk::GoesSilent | Quirk::OldSession => {
            Course::Again
        }
        Quirk::NotEnoughBandwidth => Course::WithoutSub,
        _ => Course::Once,
    }
}

#[test]
fn every_quirk_of_real_cameras_is_taken() -> Result<()> {
    run(async {
        let places = Arc::new(Semaphore::new(TOGETHER));
        let mut tests = JoinSet::new();
        for entry in TABLE {
            let places = Arc::clone(&places);
            tests.spawn(async move {
                let _place = places.acquire().await?;
                let taken = take(entry.quirk).await;
                taken.with_context(|| format!("{:?}: {}", entry.quirk, entry.what))
            });
        }
        let mut failures = vec![];
        while let Some(done) = tests.join_next().await {
            failures.extend(done?.err().map(|error| format!("{error:#}")));
        }
        ensure!(failures.is_empty(), "{}", failures.join("\n"));
        Ok(())
    })
}

async fn take(quirk: Quirk) -> Result<()> {
    let options = Options {
        quirk: Some(quirk),
        ..Options::default()
    };
    let watched = Watched::start(&format!("{quirk:?}"), options).await?;
    match course(quirk) {
        Course::Once => once(&watched, quirk).await?,
        Course::Again => {
            watched
                .until("it goes on", |watched| {
                    let well = |seen: usize| seen >= AGAIN;
                    well(watched.main(|seen| seen.since(2)))
                        && well(watched.sub(|seen| seen.since(2)))
                })
                .await?;
        }
        Course::WithoutSub => without_sub(&watched).await?,
    }
    let spoils = quirk == Quirk::LosesPackets;
    let back_ms = if quirk == Quirk::Reordered { 500 } else { 0 };
    watched.main(|seen| {
        seen.is_whole(spoils)
            .and_then(|()| seen.has_sound_times(back_ms))
    })?;
    watched.sub(|seen| {
        seen.is_whole(spoils)
            .and_then(|()| seen.has_sound_times(back_ms))
    })?;
    let signals = watched.signals();
    let well = signals.state == CameraState::Streaming && signals.stalled.is_none();
    ensure!(well, "{signals:?}");
    particular(&watched, quirk)
}

async fn once(watched: &Watched, quirk: Quirk) -> Result<()> {
    let enough = if quirk == Quirk::LongGop { 300 } else { ENOUGH };
    watched
        .until("enough pictures", |watched| {
            let count = watched
                .main(|seen| seen.shots.len())
                .min(watched.sub(|seen| seen.shots.len()));
            count >= enough
        })
        .await?;
    for stream in ["main", "sub"] {
        let tally = watched.camera.tally(stream);
        let single = (tally.sessions, tally.open_max) == (1, 1);
        ensure!(single, "{stream}: more than one session: {tally:?}");
    }
    Ok(())
}

/// The camera serves one viewer: that is the recorder, and the camera is not pestered.
async fn without_sub(watched: &Watched) -> Result<()> {
    let enough = |watched: &Watched| watched.main(|seen| seen.shots.len()) >= ENOUGH;
    watched.until("enough pictures", enough).await?;
    let (main, sub) = (watched.camera.tally("main"), watched.camera.tally("sub"));
    ensure!((main.sessions, main.refused) == (1, 0), "{main:?}");
    ensure!(
        sub.sessions == 0 && (1..=5).contains(&sub.refused),
        "{sub:?}"
    );
    Ok(())
}

/// What else can be seen of some.
fn particular(watched: &Watched, quirk: Quirk) -> Result<()> {
    let tally = watched.camera.tally("main");
    let sounds = watched.main(|seen| seen.sounds);
    match quirk {
        Quirk::ParametersChange => watched.main(|seen| {
            let widths: Vec<u32> = seen.configs.iter().map(|config| config.width).collect();
            ensure!(widths.starts_with(&[640, 1280, 640]), "{widths:?}");
            let mut changes = seen
                .shots
                .windows(2)
                .filter(|pair| pair[0].configs != pair[1].configs);
            let clean = changes.all(|pair| pair[1].key);
            ensure!(clean, "a configuration does not begin with a keyframe");
            Ok(())
        }),
        Quirk::RepeatedKeyframes => watched.main(|seen| {
            let keys = seen.shots.iter().map(|shot| shot.key);
            let keys: Vec<bool> = keys.collect();
            ensure!(
                keys.windows(2).any(|pair| pair == [true, true]),
                "never twice"
            );
            ensure!(seen.configs.len() == 1, "{:?}", seen.configs);
            Ok(())
        }),
        Quirk::LosesPackets => {
            let spoiled = tally.spoiled;
            ensure!(spoiled >= 2, "the camera lost nothing: {tally:?}");
            Ok(())
        }
        Quirk::WantsKeepAlive => {
            ensure!(tally.keep_alives >= 2, "{tally:?}");
            Ok(())
        }
        Quirk::StaleNonce | Quirk::NonceChanges => {
            ensure!(
                tally.unauthorized >= 1,
                "the nonce never changed: {tally:?}"
            );
            Ok(())
        }
        Quirk::NoSound => {
            ensure!(sounds == 0 && !watched.signals().audio, "{sounds}");
            Ok(())
        }
        _ => {
            ensure!(sounds > 0 && watched.signals().audio, "no sound");
            Ok(())
        }
    }
}
