//! Cameras whose answers point to another machine: it hears nothing of us.

use std::net::IpAddr;

use anyhow::{Result, ensure};
use serde_json::json;
use xunke_tests::onvif::{Manners, Nonsense, OnvifCamera};

use super::{ELSEWHERE, camera, complaint, probe};
use crate::shared::run;

/// A whole camera at the other address: if it is asked anything, it knows.
async fn victim() -> Result<OnvifCamera> {
    let manners = Manners::good("rtsp://0.0.0.0:9/main", "rtsp://0.0.0.0:9/sub");
    OnvifCamera::start(IpAddr::V4(ELSEWHERE), manners).await
}

/// X62, R64: an answer cannot send the box to another machine.
#[test]
fn what_points_elsewhere_is_refused_in_words_and_never_asked() -> Result<()> {
    run(async {
        let victim = victim().await?;
        let there = victim.address.to_string();
        let liar = camera(|manners| manners.names = Some(there.clone())).await?;
        let found = probe(&liar.url, &[])?;
        let troubles = found["troubles"].to_string();
        let expect = "127.0.0.1 names 127.0.0.2 as its media service";
        ensure!(troubles.contains(expect), "{found:#}");
        ensure!(
            troubles.contains("names 127.0.0.2 as its event service"),
            "{found:#}"
        );
        let main = format!("rtsp://{there}/main");
        liar.change(|manners| (manners.names, manners.main) = (None, main.clone()));
        let found = probe(&liar.url, &[])?;
        let troubles = found["troubles"].to_string();
        ensure!(
            troubles.contains("names 127.0.0.2 as its stream"),
            "{found:#}"
        );
        ensure!(found["profiles"][0]["url"].is_null(), "{found:#}");
        liar.change(|manners| manners.main = "rtsp://hub.campus:8444/x".into());
        let troubles = probe(&liar.url, &[])?["troubles"].to_string();
        ensure!(
            troubles.contains("names hub.campus as its stream"),
            "{troubles}"
        );
        let redirect = Nonsense::Redirect(format!("http://{there}/onvif/device_service"));
        liar.change(|manners| manners.says = Some(redirect));
        let said = complaint(&liar.url, &[])?;
        ensure!(
            said.contains("names 127.0.0.2 as its new address"),
            "{said}"
        );
        ensure!(victim.seen().is_empty(), "{:?}", victim.seen());
        Ok(())
    })
}

/// X62: a configured network may be asked, but only the camera itself sees what proves the
/// password.
#[test]
fn a_neighbour_is_asked_without_the_password() -> Result<()> {
    run(async {
        let neighbour = victim().await?;
        let there = neighbour.address.to_string();
        let camera = camera(|manners| manners.names = Some(there)).await?;
        let found = probe(&camera.url, &["--network", "127.0.0.2/32"])?;
        ensure!(found["model"] == "SIM-1080", "{found:#}");
        let seen = neighbour.seen();
        ensure!(!seen.is_empty(), "the neighbour is asked");
        ensure!(seen.iter().all(|one| !one.proof), "{seen:?}");
        ensure!(
            camera.seen().iter().any(|one| one.proof),
            "the camera itself is"
        );
        ensure!(found["profiles"] == json!([]), "{found:#}");
        Ok(())
    })
}
