//! A lesson for the library: real H.264 and AAC, sealed as a box seals and handed over at its door.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use tokio::task::JoinSet;
use xunke_agent::identity::Identity;
use xunke_agent::recording::seal::{Label, Seal};
use xunke_protocol::id::SegmentId;

/// Media in a segment: what a box of the shipped configuration puts into one at this rate.
pub const SEGMENT_SECONDS: i64 = 30;
/// Media in a fragment, as the group of pictures is long.
const FRAGMENT_SECONDS: i64 = 2;
/// H.264 Main 4.0 and AAC-LC (RFC 6381).
const CODECS: &str = "avc1.4d4028,mp4a.40.2";
const HANDS: usize = 2;
const ANSWER_MAX: Duration = Duration::from_secs(60);

/// One segment's pictures and sound, which are shown again and again.
pub struct Clip {
    file: PathBuf,
    init: Vec<u8>,
    fragments: Vec<Vec<u8>>,
}

impl Clip {
    /// Encodes it with ffmpeg.
    ///
    /// # Errors
    /// ffmpeg fails, or writes other boxes than were asked for.
    pub fn encode(folder: &Path) -> Result<Self> {
        let file = folder.join("clip.mp4");
        let seconds = SEGMENT_SECONDS.to_string();
        let picture = "testsrc2=size=1920x1080:rate=25,noise=alls=10:allf=t";
        let status = ffmpeg()
            .args(["-f", "lavfi", "-i", picture])
            .args(["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000"])
            .args(["-t", &seconds, "-pix_fmt", "yuv420p"])
            .args([
                "-c:v",
                "libx264",
                "-preset",
                "veryfast",
                "-profile:v",
                "main",
            ])
            .args(["-level", "4.0", "-bf", "0", "-g", "50", "-keyint_min", "50"])
            .args(["-sc_threshold", "0", "-b:v", "3500k", "-maxrate", "3500k"])
            .args(["-bufsize", "7000k", "-c:a", "aac", "-b:a", "96k"])
            .args(["-movflags", "+frag_keyframe+empty_moov+default_base_moof"])
            .arg(&file)
            .status()?;
        ensure!(status.success(), "ffmpeg: {status}");
        let (init, fragments) = fragments(&fs::read(&file)?)?;
        let wanted = usize::try_from(SEGMENT_SECONDS / FRAGMENT_SECONDS)?;
        ensure!(fragments.len() == wanted, "{} fragments", fragments.len());
        Ok(Self {
            file,
            init,
            fragments,
        })
    }

    /// The same lesson as one plain file whose index comes first, as web servers serve it.
    ///
    /// # Errors
    /// ffmpeg fails.
    pub fn plain(&self, folder: &Path, times: u32) -> Result<PathBuf> {
        let plain = folder.join("plain.mp4");
        let more = times.saturating_sub(1).to_string();
        let status = ffmpeg()
            .args(["-stream_loop", &more, "-i"])
            .arg(&self.file)
            .args(["-c", "copy", "-movflags", "+faststart"])
            .arg(&plain)
            .status()?;
        ensure!(status.success(), "ffmpeg: {status}");
        Ok(plain)
    }

    fn sealed(&self, seal: &Seal, start_us: i64) -> Result<(SegmentId, Vec<u8>)> {
        let label = Label {
            source: "cam0".parse()?,
            start_us,
            codecs: CODECS.into(),
            previous: [0; 32],
        };
        let (segment, mut sealer, mut bytes) = seal.begin(&label)?;
        bytes.extend(sealer.chunk(&self.init, 0)?);
        for (number, fragment) in (1..).zip(&self.fragments) {
            let until_us = u32::try_from(number * FRAGMENT_SECONDS * 1_000_000)?;
            bytes.extend(sealer.chunk(fragment, until_us)?);
            bytes.extend(sealer.checkpoint());
        }
        bytes.extend(sealer.finish().0);
        Ok((segment, bytes))
    }
}

/// Seals the clip for as many segments as the lesson has, and hands each over as the box that bears
/// `identity`.
///
/// # Errors
/// The hub refuses one.
pub async fn hand_over(
    clip: &Clip,
    identity: &Identity,
    base: &str,
    start_ms: i64,
    segments: u32,
) -> Result<()> {
    let seal = Seal::of(identity);
    let client = Arc::new(identity.http_client(ANSWER_MAX)?);
    let mut sending = JoinSet::new();
    for number in 0..i64::from(segments) {
        let start_us = (start_ms + number * SEGMENT_SECONDS * 1000) * 1000;
        let (segment, bytes) = clip.sealed(&seal, start_us)?;
        while sending.len() >= HANDS {
            sending.join_next().await.context("nobody sends")???;
        }
        let (client, url) = (client.clone(), format!("{base}/box/1/segments/{segment}"));
        sending.spawn(async move {
            let answer = client
                .put(url)
                .body(bytes)
                .timeout(ANSWER_MAX)
                .send()
                .await?;
            let status = answer.status();
            ensure!(status.is_success(), "{status}: {}", answer.text().await?);
            Ok(())
        });
    }
    while let Some(sent) = sending.join_next().await {
        sent??;
    }
    Ok(())
}

fn ffmpeg() -> Command {
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-nostdin", "-v", "error", "-y"]);
    ffmpeg
}

/// What comes before the first `moof`, and each `moof` with its `mdat` (ISO/IEC 14496-12).
fn fragments(mp4: &[u8]) -> Result<(Vec<u8>, Vec<Vec<u8>>)> {
    let (mut init, mut fragments) = (Vec::new(), Vec::<Vec<u8>>::new());
    let mut rest = mp4;
    while !rest.is_empty() {
        let (size, named) = rest.split_first_chunk::<4>().context("a cut box")?;
        let kind = named.get(..4).context("a cut box")?;
        let size = u32::from_be_bytes(*size) as usize;
        let whole = rest
            .get(..size)
            .filter(|_| size >= 8)
            .context("a cut box")?;
        match (kind, fragments.last_mut()) {
            (b"mfra", _) => {}
            (b"moof", _) => fragments.push(whole.to_vec()),
            (b"mdat", Some(last)) => last.extend_from_slice(whole),
            (_, None) => init.extend_from_slice(whole),
            (_, Some(_)) => bail!("an unknown box between fragments"),
        }
        rest = &rest[size..];
    }
    Ok((init, fragments))
}
