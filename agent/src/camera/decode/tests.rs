//! Decoding what real encoders made, and what it costs.

use super::*;
use std::time::Instant;

const GREY: u8 = 128;

/// What an encoder makes of raw bytes: its description, and one unit for each buffer.
fn encoded(
    raw: &gst::Caps,
    elements: &str,
    buffers: impl Iterator<Item = Vec<u8>>,
) -> (Bytes, Vec<Bytes>) {
    let pipeline = gst::parse::launch(&format!(
        "appsrc name=source format=time ! {elements} ! appsink name=sink sync=false"
    ))
    .unwrap()
    .downcast::<gst::Pipeline>()
    .unwrap();
    let source = pipeline.by_name("source").unwrap();
    let source = source.downcast::<AppSrc>().unwrap();
    let sink = pipeline.by_name("sink").unwrap();
    let sink = sink.downcast::<AppSink>().unwrap();
    source.set_caps(Some(raw));
    pipeline.set_state(gst::State::Playing).unwrap();
    for (number, bytes) in buffers.enumerate() {
        let mut buffer = gst::Buffer::from_slice(bytes);
        let pts = gst::ClockTime::from_mseconds(40 * number as u64);
        buffer.get_mut().unwrap().set_pts(pts);
        source.push_buffer(buffer).unwrap();
    }
    source.end_of_stream().unwrap();
    let (mut description, mut units) = (Bytes::new(), Vec::new());
    while let Ok(sample) = sink.pull_sample() {
        let caps = sample.caps().unwrap().structure(0).unwrap();
        let data = caps.get::<gst::Buffer>("codec_data").unwrap();
        description = Bytes::copy_from_slice(&data.map_readable().unwrap());
        let unit = sample.buffer().unwrap().map_readable().unwrap();
        units.push(Bytes::copy_from_slice(&unit));
    }
    pipeline.set_state(gst::State::Null).unwrap();
    (description, units)
}

/// Upright bars, a little further right in each picture.
fn bars(width: usize, pictures: usize) -> impl Iterator<Item = Vec<u8>> {
    (0..pictures).map(move |picture| {
        let luma = (0..width * (width * 9 / 16)).map(move |at| {
            let bar = (at % width + picture * 8) / (width / 16) % 2;
            [60, 190][bar]
        });
        let chroma = std::iter::repeat_n(GREY, width * (width * 9 / 16) / 2);
        luma.chain(chroma).collect()
    })
}

fn keyframes(width: usize, pictures: usize, elements: &str, codec: Video) -> Vec<Keyframe> {
    gst::init().unwrap();
    let raw = gst::Caps::builder("video/x-raw")
        .field("format", "I420")
        .field("width", width as i32)
        .field("height", (width * 9 / 16) as i32)
        .field("framerate", gst::Fraction::new(25, 1))
        .build();
    let (description, units) = encoded(&raw, elements, bars(width, pictures));
    units
        .into_iter()
        .map(|unit| Keyframe {
            codec,
            description: description.clone(),
            unit,
        })
        .collect()
}

const H264: &str = "x264enc speed-preset=ultrafast tune=zerolatency key-int-max=1 bitrate=20000 \
                    ! h264parse ! video/x-h264,stream-format=avc,alignment=au";
const H265: &str = "x265enc speed-preset=ultrafast tune=zerolatency key-int-max=1 \
                    ! h265parse ! video/x-h265,stream-format=hvc1,alignment=au";

#[test]
fn keyframes_are_looked_at_one_after_the_other() {
    for (elements, codec) in [(H264, Video::H264), (H265, Video::H265)] {
        let mut eye = Eye::default();
        let keyframes = keyframes(640, 6, elements, codec);
        for (number, keyframe) in keyframes.iter().enumerate() {
            let sight = eye.look(keyframe).unwrap();
            assert!((115.0..135.0).contains(&sight.mean), "{codec:?}: {sight:?}");
            assert!(sight.sharpness.unwrap() > 60.0, "{codec:?}: {sight:?}");
            assert_eq!(sight.same_ratio.is_some(), number > 0);
            assert!(sight.same_ratio.is_none_or(|same| same < 0.9), "{sight:?}");
            let again = eye.look(keyframe).unwrap();
            assert_eq!(again.same_ratio, Some(1.0), "{codec:?}");
        }
        assert_eq!(keyframes.len(), 6);
    }
}

#[test]
fn what_is_no_picture_is_an_error_and_the_next_one_is_seen() {
    let mut eye = Eye::default();
    let mut keyframes = keyframes(640, 2, H264, Video::H264);
    eye.look(&keyframes[0]).unwrap();
    let whole = std::mem::replace(&mut keyframes[1].unit, Bytes::from_static(&[0, 0, 0, 1, 5]));
    assert!(eye.look(&keyframes[1]).is_err());
    keyframes[1].unit = whole;
    eye.look(&keyframes[1]).unwrap();
}

fn piece(amplitude: f64) -> Piece {
    gst::init().unwrap();
    let raw = gst::Caps::builder("audio/x-raw")
        .field("format", "S16LE")
        .field("layout", "interleaved")
        .field("rate", 48_000)
        .field("channels", 1)
        .build();
    let sample = move |at: usize| (at as f64 * 0.05).sin() * amplitude;
    let buffers = (0..40_usize).map(move |part| {
        (part * 1024..(part + 1) * 1024)
            .flat_map(|at| (sample(at).clamp(-32_767.0, 32_767.0) as i16).to_le_bytes())
            .collect()
    });
    let elements = "voaacenc bitrate=64000 ! audio/mpeg,stream-format=raw";
    let (description, frames) = encoded(&raw, elements, buffers);
    Piece {
        description,
        sample_rate: 48_000,
        channels: 1,
        frames: frames[8..32].to_vec(),
    }
}

/// X56: what an encoder made of silence, speech and shouting.
#[test]
fn sound_is_listened_to_as_it_was_encoded() {
    let loud = |amplitude| listen(&piece(amplitude)).unwrap();
    assert!(loud(0.0).rms_dbfs < -90.0);
    let speech = loud(1_400.0);
    assert!((speech.rms_dbfs + 30.4).abs() < 1.5, "{speech:?}");
    assert_eq!(speech.clipping_ratio, 0.0);
    let shouting = loud(90_000.0);
    assert!(shouting.clipping_ratio > 0.05, "{shouting:?}");
}

/// Processor time of this process, milliseconds.
fn cpu_ms() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 * 1e3 + time.tv_nsec as f64 / 1e6
}

fn resident_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS"))
        .unwrap();
    let kib: f64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kib * 1024.0 / 1e6
}

/// The figures of docs/decisions/0017. Run alone: `cargo test --workspace --lib
/// camera::decode::tests::what_a_look_costs -- --ignored --nocapture`.
#[test]
#[ignore = "measures, asserts nothing"]
fn what_a_look_costs() {
    for width in [640, 1920] {
        let keyframes = keyframes(width, 20, H264, Video::H264);
        let mut eye = Eye::default();
        eye.look(&keyframes[0]).unwrap();
        let (cpu, began) = (cpu_ms(), Instant::now());
        for keyframe in &keyframes {
            eye.look(keyframe).unwrap();
        }
        let each = |all: f64| all / keyframes.len() as f64;
        println!(
            "{width}: {:.2} ms CPU, {:.2} ms, {:.1} MB",
            each(cpu_ms() - cpu),
            each(began.elapsed().as_secs_f64() * 1e3),
            resident_mb()
        );
    }
    let piece = piece(1_400.0);
    listen(&piece).unwrap();
    let cpu = cpu_ms();
    for _ in 0..20 {
        listen(&piece).unwrap();
    }
    println!(
        "sound: {:.2} ms CPU, {:.1} MB",
        (cpu_ms() - cpu) / 20.0,
        resident_mb()
    );
}
