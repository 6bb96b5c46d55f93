//! Many cameras in one process, as a command: for benches, and to try a recorder by hand.

use anyhow::Result;
use serde_json::json;

use super::clip::{Codec, Size};
use super::server::{Options, SimulatedCamera};

/// How many, and of which kind.
#[derive(Debug, Clone, Copy)]
pub struct Wishes {
    /// How many.
    pub count: usize,
    /// H.265 instead of H.264.
    pub h265: bool,
    /// 640 × 360 instead of 1920 × 1080 for the full picture.
    pub small: bool,
    /// RTSPS.
    pub tls: bool,
}

/// Starts them and prints a JSON line for each, as [`crate::classroom::Announcement`] with the
/// SHA-256 of its certificate; serves until the process is ended.
///
/// # Errors
/// GStreamer lacks an encoder, or there is no port.
pub async fn run(wishes: Wishes) -> Result<()> {
    let options = Options {
        codec: if wishes.h265 {
            Codec::H265
        } else {
            Codec::H264
        },
        size: if wishes.small {
            Size::Small
        } else {
            Size::Full
        },
        tls: wishes.tls,
        ..Options::default()
    };
    let mut cameras = vec![];
    for number in 0..wishes.count {
        let camera = SimulatedCamera::start(options).await?;
        let (user, password) = camera.account();
        let line = json!({
            "room": format!("camera{number}"),
            "port": camera.address().port(),
            "main": camera.url("main"),
            "sub": camera.url("sub"),
            "user": user,
            "password": password,
            "pid": std::process::id(),
            "tls_sha256": camera.certificate().map(|(sha256, _)| sha256),
        });
        println!("{line}");
        cameras.push(camera);
    }
    std::future::pending::<()>().await;
    drop(cameras);
    Ok(())
}
