//! Photographs as texture: those of a Debian package, read when the bench runs; none is kept here.

use anyhow::{Context, Result, ensure};
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app::AppSink;

/// Pixels across of all pictures of this bench: a camera's small picture.
pub const WIDTH: usize = 640;
/// Pixels down.
pub const HEIGHT: usize = 360;
/// Of the package mate-backgrounds (GPL-2+): leaves, sand, planks, clouds, a blind.
const FOLDER: &str = "/usr/share/backgrounds/mate/nature";
const FILES: [&str; 6] = [
    "Garden",
    "Wood",
    "Storm",
    "TwoWings",
    "Blinds",
    "GreenMeadow",
];

/// Grey pixels, row by row.
pub type Picture = Vec<u8>;

/// All photographs.
///
/// # Errors
/// The package is not installed, or GStreamer cannot read JPEG.
pub fn all() -> Result<Vec<Picture>> {
    gst::init()?;
    FILES.into_iter().map(read).collect()
}

fn read(name: &str) -> Result<Picture> {
    let file = format!("{FOLDER}/{name}.jpg");
    let installed = std::path::Path::new(&file).exists();
    ensure!(
        installed,
        "{file} is missing: install the Debian package mate-backgrounds"
    );
    let pipeline = gst::parse::launch(&format!(
        "filesrc location={file} ! jpegdec ! videoscale add-borders=false ! videoconvert \
         ! video/x-raw,format=GRAY8,width={WIDTH},height={HEIGHT} ! appsink name=sink sync=false"
    ))?;
    let pipeline = pipeline
        .downcast::<gst::Pipeline>()
        .ok()
        .context("no pipeline")?;
    let sink = pipeline
        .by_name("sink")
        .and_then(|sink| sink.downcast::<AppSink>().ok());
    pipeline.set_state(gst::State::Playing)?;
    let sample = sink
        .and_then(|sink| sink.try_pull_sample(gst::ClockTime::from_seconds(20)))
        .with_context(|| format!("{file} cannot be read"))?;
    pipeline.set_state(gst::State::Null)?;
    let buffer = sample.buffer().context("no picture")?;
    let picture = buffer.map_readable()?.to_vec();
    ensure!(
        picture.len() == WIDTH * HEIGHT,
        "{file} has rows of another length"
    );
    Ok(picture)
}
