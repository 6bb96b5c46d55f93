//! A box whose camera is known by its ONVIF address alone: streams, name, clock and tamper events.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use xunke_tests::onvif::{Manners, Nonsense, OnvifCamera};

use super::{ELSEWHERE, HERE};
use crate::bad_input::alone::Alone;
use crate::shared::{run, until};

const SOON: Duration = Duration::from_secs(60);
const DARK: &str = "tns1:VideoSource/ImageTooDark/ImagingService";
const MOVED: &str = "tns1:VideoSource/GlobalSceneChange/ImagingService";

fn cam0(device: &Value) -> &Value {
    let cameras = device["health"]["cameras"]
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    cameras
        .iter()
        .find(|one| one["source"] == "cam0")
        .unwrap_or(&Value::Null)
}

fn events(device: &Value) -> Vec<String> {
    let events = cam0(device)["events"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    events
        .iter()
        .map(|event| event["topic"].as_str().unwrap_or_default().to_owned())
        .collect()
}

async fn until_subscribed(camera: &OnvifCamera, more_than: u32) -> Result<u32> {
    until("a subscription", SOON, async || {
        let (made, living) = camera.subscriptions();
        Ok(if made > more_than && living > 0 {
            Ok(made)
        } else {
            Err(json!([made, living]))
        })
    })
    .await
}

/// The room's camera as its ONVIF side tells of it; the box knows nothing but its address.
async fn configured(alone: &mut Alone) -> Result<OnvifCamera> {
    let room = alone.room();
    let mut manners = Manners::good(&room.camera.main, &room.camera.sub);
    manners.login = (room.camera.user.clone(), room.camera.password.clone());
    manners.skew_ms = -28_800_000;
    manners.grants_s = 10;
    let camera = OnvifCamera::start(HERE, manners).await?;
    let url = camera.url.clone();
    room.configure(|text| {
        let lines = text.lines().filter(|line| !line.starts_with("sub_url"));
        let lines = lines.map(|line| match line.starts_with("main_url") {
            true => format!("onvif_url = {url:?}"),
            false => line.to_owned(),
        });
        lines.collect::<Vec<_>>().join("\n") + "\n"
    })?;
    Ok(camera)
}

/// R64, R65, X62: from the address alone to the picture; what befalls the camera is told, replays
/// are no news, and lost subscriptions come back.
#[test]
fn a_camera_is_recorded_and_watched_by_its_onvif_address_alone() -> Result<()> {
    run(async {
        let mut alone = Alone::start("onvif-box").await?;
        let camera = configured(&mut alone).await?;
        camera.fire(MOVED, true);
        alone.run_agent()?;
        let known = |device: &Value| {
            let cam0 = cam0(device);
            let skew_ms = cam0["clock_skew_ms"].as_i64().unwrap_or(0);
            cam0["state"] == "streaming"
                && cam0["model"] == "SIM-1080"
                && (skew_ms + 28_800_000).abs() < 5_000
        };
        alone
            .until_device("a camera that says who it is", known)
            .await?;
        let first = until_subscribed(&camera, 0).await?;
        ensure!(
            events(&alone.device().await?).is_empty(),
            "a replayed state is no news"
        );
        camera.fire(DARK, true);
        let dark = |device: &Value| events(device) == ["ImageTooDark"];
        alone.until_device("a tamper event", dark).await?;
        camera.drop_subscriptions();
        let second = until_subscribed(&camera, first).await?;
        camera.change(|manners| manners.refuses_renew = true);
        until_subscribed(&camera, second).await?;
        ensure!(
            events(&alone.device().await?) == ["ImageTooDark"],
            "it goes on"
        );
        camera.fire(DARK, false);
        alone
            .until_device("its end", |device| events(device).is_empty())
            .await?;
        turned_hostile(&mut alone, &camera).await
    })
}

/// The picture goes on whatever the ONVIF side says, and trouble is told once.
async fn turned_hostile(alone: &mut Alone, camera: &OnvifCamera) -> Result<()> {
    let (made, _) = camera.subscriptions();
    let there = format!("{ELSEWHERE}:9");
    camera.change(|manners| manners.names_subscription = Some(there));
    camera.drop_subscriptions();
    until_subscribed(camera, made + 1).await?;
    camera.change(|manners| manners.says = Some(Nonsense::Laughs));
    let told = "it brings a document type";
    until("trouble in the log", SOON, async || {
        let said = alone.box_said()?;
        Ok(if said.contains(told) {
            Ok(())
        } else {
            Err(said.into())
        })
    })
    .await?;
    let said = alone.box_said()?;
    ensure!(
        said.contains("names 127.0.0.2 as its subscription"),
        "{said}"
    );
    ensure!(said.contains("set its time zone"), "{said}");
    ensure!(said.matches(told).count() == 1, "{said}");
    let device = alone.device().await?;
    ensure!(cam0(&device)["state"] == "streaming", "{device}");
    ensure!(cam0(&device)["restarts"] == 0, "{device}");
    Ok(())
}
