//! RTSP over TLS: the right camera is taken, a stranger and a plain one are not.

use anyhow::{Context, Result, ensure};
use xunke_agent::config::{Camera as Settings, Sha256Hex};
use xunke_protocol::health::{CameraState, Side};
use xunke_tests::camera::{Options, SimulatedCamera};

use super::watched::Watched;
use crate::shared::{folder, run};

const ENOUGH: usize = 75;

fn tls() -> Options {
    Options {
        tls: true,
        ..Options::default()
    }
}

fn pin(camera: &SimulatedCamera) -> Option<Sha256Hex> {
    let (sha256, _) = camera.certificate()?;
    Sha256Hex::try_from(sha256).ok()
}

async fn is_taken(watched: &Watched) -> Result<()> {
    let enough = |watched: &Watched| {
        watched.main(|seen| seen.shots.len()) >= ENOUGH
            && watched.sub(|seen| seen.shots.len()) >= ENOUGH
    };
    watched.until("enough pictures", enough).await?;
    watched.main(|seen| seen.is_whole(false).and_then(|()| seen.has_sound_times(0)))?;
    let tally = watched.camera.tally("main");
    ensure!((tally.sessions, tally.open_max) == (1, 1), "{tally:?}");
    Ok(())
}

async fn is_refused(watched: &Watched) -> Result<()> {
    let refused = |watched: &Watched| {
        let signals = watched.signals();
        let said = (signals.state, signals.stalled);
        said == (CameraState::Garbage, Some(Side::Camera)) && signals.restarts >= 2
    };
    watched.until("it is refused", refused).await?;
    ensure!(watched.main(|seen| seen.shots.is_empty()), "pictures came");
    ensure!(watched.camera.tally("main").sessions == 0, "it was played");
    Ok(())
}

#[test]
fn the_camera_with_the_pinned_certificate_is_taken() -> Result<()> {
    run(async {
        let change = |camera: &SimulatedCamera, settings: &mut Settings| {
            settings.tls_sha256 = pin(camera);
        };
        is_taken(&Watched::start_with("pinned", tls(), &change).await?).await
    })
}

#[test]
fn the_camera_that_a_ca_file_vouches_for_is_taken() -> Result<()> {
    run(async {
        let file = folder("cameras")?.join("ca.pem");
        let change = move |camera: &SimulatedCamera, settings: &mut Settings| {
            if let Some((_, pem)) = camera.certificate() {
                drop(std::fs::write(&file, pem));
            }
            settings.tls_ca_file = Some(file.clone());
        };
        is_taken(&Watched::start_with("vouched", tls(), &change).await?).await
    })
}

#[test]
fn a_camera_with_another_certificate_gets_no_password() -> Result<()> {
    run(async {
        let change = |camera: &SimulatedCamera, settings: &mut Settings| {
            let right = pin(camera).map(|pin| pin.0).unwrap_or_default();
            settings.tls_sha256 = Some(Sha256Hex(right.map(|byte| !byte)));
        };
        is_refused(&Watched::start_with("stranger", tls(), &change).await?).await
    })
}

#[test]
fn a_plain_camera_behind_an_rtsps_address_is_refused() -> Result<()> {
    run(async {
        let change = |camera: &SimulatedCamera, settings: &mut Settings| {
            settings.main_url = camera.url("main").replace("rtsp://", "rtsps://");
            settings.sub_url = None;
            settings.tls_sha256 = Some(Sha256Hex([7; 32]));
        };
        let watched = Watched::start_with("plain", Options::default(), &change).await?;
        is_refused(&watched).await.context("plain RTSP")
    })
}
