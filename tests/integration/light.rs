//! The on-air light of a room with a real box: recorded, watched, out when the box stops (issue 7).

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::json;
use xunke_tests::campus::{Campus, Options, Viewer};

use crate::shared::{folder, run, until};

const SOON: Duration = Duration::from_secs(5);
/// The demonstration's timetable has a lesson now; the first fragment is durable after two seconds.
const RECORDING_MAX: Duration = Duration::from_secs(30);

async fn shows(file: &Path, value: &str, longest: Duration) -> Result<()> {
    until(&format!("the light shows {value}"), longest, async || {
        let shown = fs::read_to_string(file)?;
        let right = shown.trim() == value;
        Ok(right.then_some(()).ok_or_else(|| json!(shown)))
    })
    .await
}

/// Before the first picture the light is on; after the last viewer it is not; off with the box.
#[test]
fn the_light_of_a_room_shows_what_goes_on() -> Result<()> {
    run(async {
        let folder = folder("light")?;
        let options = Options {
            rooms: 1,
            data_dir: Some(folder.join("campus")),
            ..Options::default()
        };
        let mut campus = Campus::start(options).await?;
        let led = folder.join("led");
        fs::write(&led, "?")?;
        let room = &mut campus.classrooms[0];
        room.end_agent()?;
        room.configure(|text| {
            format!(
                "{text}[light]\nfile = {led:?}\nfile_recording = \"1\"\nfile_watched = \"2\"\n\
                 push_without = false\n"
            )
        })?;
        room.run_agent()?;
        shows(&led, "1", RECORDING_MAX).await?;
        let id = room.room.id.clone();
        let supervisor = campus.sign_in("school_supervisor").await?;
        let mut viewer = Viewer::open(&supervisor).await?;
        viewer.watch(1, &id, "sub").await?;
        let opened = viewer.word(SOON).await?;
        ensure!(opened["op"] == "opened", "{opened}");
        viewer.frame(Duration::from_secs(20)).await?;
        ensure!(
            fs::read_to_string(&led)?.trim() == "2",
            "a picture without the light"
        );
        drop(viewer);
        // The push lingers for three seconds.
        shows(&led, "1", Duration::from_secs(10)).await?;
        campus.classrooms[0].end_agent()?;
        let left = fs::read_to_string(&led)?;
        ensure!(
            left.trim() == "0",
            "the box has ended, and the light shows {left}"
        );
        campus.end()
    })
}
