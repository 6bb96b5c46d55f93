//! What of a room has arrived at the hub, and whether it is a moving picture.

use std::collections::HashSet;
use std::io::Write;
use std::process::{Command, Stdio};
use std::thread;

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};

use crate::campus::Person;

/// A segment that can be played.
#[derive(Debug, Clone)]
pub struct Segment {
    play: String,
    id: String,
    /// Which camera.
    pub source: String,
    /// Of its first keyframe, milliseconds since the epoch.
    pub start_ms: i64,
}

/// What a decoder says of a file.
#[derive(Debug)]
pub struct Picture {
    /// Such as `h264`.
    pub codec: String,
    /// Pixels.
    pub size: (u64, u64),
    /// How many pictures come out.
    pub pictures: usize,
    /// How many of them are unlike all others.
    pub different: usize,
}

/// Every segment of a room, the oldest first.
///
/// # Errors
/// The hub refuses.
pub async fn segments(person: &Person, room: &str) -> Result<Vec<Segment>> {
    let (status, body) = person.get(&format!("/api/recordings?room={room}")).await?;
    ensure!(status.is_success(), "{status} {body}");
    let mut all = Vec::new();
    for recording in body["recordings"].as_array().into_iter().flatten() {
        let id = recording["id"].as_str().context("no id")?;
        let purpose = json!({ "purpose": { "kind": "issue" } });
        let path = format!("/api/recordings/{id}/plays");
        let (status, play) = person.post(&path, &purpose).await?;
        ensure!(status.is_success(), "{status} {play}");
        let found = play["segments"].as_array().into_iter().flatten();
        all.extend(found.filter_map(|one| segment(&play, one)));
    }
    all.sort_by_key(|one| one.start_ms);
    Ok(all)
}

fn segment(play: &Value, one: &Value) -> Option<Segment> {
    Some(Segment {
        play: play["play_id"].as_str()?.to_owned(),
        id: one["id"].as_str()?.to_owned(),
        source: one["source"].as_str()?.to_owned(),
        start_ms: one["start"].as_i64()?,
    })
}

/// Fetches a segment and decodes all of it.
///
/// # Errors
/// The hub refuses, or it is no film.
pub async fn look(person: &Person, segment: &Segment) -> Result<Picture> {
    let path = format!("/api/plays/{}/segments/{}", segment.play, segment.id);
    let answer = person.request(Method::GET, &path, None).await?;
    ensure!(answer.status().is_success(), "{}", answer.status());
    let film = answer.bytes().await?.to_vec();
    tokio::task::spawn_blocking(move || decode(&film)).await?
}

fn decode(film: &[u8]) -> Result<Picture> {
    let show = "-v error -select_streams v:0 -show_entries stream=codec_name,width,height -of json \
                pipe:0";
    let told: Value = serde_json::from_slice(&through("ffprobe", show, film)?)?;
    let stream = &told["streams"][0];
    let side = |name: &str| stream[name].as_u64().context("no size");
    let hash = "-v error -i pipe:0 -map 0:v:0 -f framemd5 pipe:1";
    let lines = String::from_utf8(through("ffmpeg", hash, film)?)?;
    let hashes = lines.lines().filter(|line| !line.starts_with('#'));
    let hashes: Vec<_> = hashes.filter_map(|line| line.rsplit(',').next()).collect();
    let different: HashSet<_> = hashes.iter().collect();
    Ok(Picture {
        codec: stream["codec_name"]
            .as_str()
            .context("no codec")?
            .to_owned(),
        size: (side("width")?, side("height")?),
        pictures: hashes.len(),
        different: different.len(),
    })
}

/// What a program makes of a film that never touches a disk.
fn through(program: &str, arguments: &str, film: &[u8]) -> Result<Vec<u8>> {
    let mut child = Command::new(program)
        .args(arguments.split_whitespace())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("{program} cannot be run"))?;
    let mut input = child.stdin.take().context("no standard input")?;
    let film = film.to_vec();
    // It may have seen enough before the end.
    let feeding = thread::spawn(move || drop(input.write_all(&film)));
    let output = child.wait_with_output()?;
    feeding.join().ok().context("the film was not read")?;
    ensure!(output.status.success(), "{program} refuses the film");
    Ok(output.stdout)
}
