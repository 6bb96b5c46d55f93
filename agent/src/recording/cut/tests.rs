//! Cutting at keyframes, at breaks and beside the sound.

use super::*;
use crate::camera::times::Times;
use crate::clock::Moment;
use xunke_protocol::recording::SEGMENT_BYTES_MAX;

const LENGTHS: Lengths = Lengths {
    segment_us: 10_000_000,
    fragment_us: 2_000_000,
    first_sound_us: 0,
    segment_bytes_max: 64 * 1024 * 1024,
};
const WITH_SOUND: Lengths = Lengths {
    first_sound_us: 2_000_000,
    ..LENGTHS
};
const FRAME_US: i64 = 40_000;

/// A camera: counts messages and makes pictures and sound on request.
struct Camera {
    sequence: u32,
}

impl Camera {
    fn frame(&mut self, kind: FrameKind, key: bool, at_us: i64, payload: Vec<u8>) -> Frame {
        self.sequence += 1;
        Frame {
            kind,
            key,
            handle: 0,
            sequence: self.sequence,
            captured_us: at_us,
            payload: payload.into(),
        }
    }

    fn video_config(&mut self, width: u32) -> Frame {
        let config = VideoConfig {
            codec: "avc1.640028".into(),
            width,
            height: 1080,
            description: "AWQAKA==".into(),
        };
        self.frame(
            FrameKind::VideoConfig,
            false,
            0,
            serde_json::to_vec(&config).unwrap(),
        )
    }

    fn audio_config(&mut self) -> Frame {
        let config = AudioConfig {
            codec: "mp4a.40.2".into(),
            sample_rate: 48_000,
            channels: 1,
            description: "EYg=".into(),
        };
        self.frame(
            FrameKind::AudioConfig,
            false,
            0,
            serde_json::to_vec(&config).unwrap(),
        )
    }

    fn picture(&mut self, number: i64, gop: i64) -> Frame {
        self.frame(
            FrameKind::Video,
            number % gop == 0,
            number * FRAME_US,
            vec![1; 100],
        )
    }

    fn sound(&mut self, at_us: i64) -> Frame {
        self.frame(FrameKind::Audio, false, at_us, vec![2; 10])
    }
}

/// Says what happened in few words: `B0 F0-2000:50+0 E`, times in milliseconds.
fn tell(steps: &[Step]) -> String {
    let words = steps.iter().map(|step| match step {
        Step::Begin { tracks, start_us } => {
            let audio = if tracks.audio.is_some() { "a" } else { "" };
            format!("B{}{audio}", start_us / 1000)
        }
        Step::Fragment(batch) => format!(
            "F{}:{}+{}",
            batch.until_us / 1000,
            batch.video.len(),
            batch.audio.len()
        ),
        Step::End => "E".into(),
    });
    words.collect::<Vec<_>>().join(" ")
}

fn cut(frames: impl IntoIterator<Item = Frame>) -> (String, Cutter) {
    cut_into(LENGTHS, frames)
}

fn cut_into(lengths: Lengths, frames: impl IntoIterator<Item = Frame>) -> (String, Cutter) {
    let mut cutter = Cutter::new(lengths);
    let steps: Vec<Step> = frames
        .into_iter()
        .flat_map(|frame| cutter.push(frame))
        .collect();
    (tell(&steps), cutter)
}

#[test]
fn segments_and_fragments_are_cut_at_keyframes() {
    let mut camera = Camera { sequence: 0 };
    let mut frames = vec![camera.video_config(1920)];
    frames.extend((0..302).map(|number| camera.picture(number, 50)));
    let (told, mut cutter) = cut(frames);
    assert_eq!(
        told,
        "B0 F2000:50+0 F4000:50+0 F6000:50+0 F8000:50+0 F10000:50+0 E B10000 F12000:50+0"
    );
    assert_eq!(tell(&cutter.interrupt()), "F12080:2+0 E");
    assert_eq!(tell(&cutter.interrupt()), "");
}

#[test]
fn a_keyframe_that_comes_a_little_early_still_ends_the_segment() {
    let mut camera = Camera { sequence: 0 };
    let mut frames = vec![camera.video_config(1920)];
    frames.extend((0..501).map(|number| camera.picture(number, 50)));
    for frame in &mut frames[1..] {
        frame.captured_us -= i64::from(frame.sequence % 7) * 1_000;
    }
    let told = cut(frames).0;
    assert_eq!(told.matches(" E ").count(), 2, "{told}");
}

#[test]
fn nothing_is_recorded_before_a_keyframe_and_a_configuration() {
    let mut camera = Camera { sequence: 0 };
    let early: Vec<Frame> = (0..60).map(|number| camera.picture(number, 50)).collect();
    assert_eq!(cut(early).0, "");
    let mut frames = vec![camera.video_config(1920)];
    frames.extend((70..101).map(|number| camera.picture(number, 50)));
    assert_eq!(cut(frames).0, "B4000");
}

#[test]
fn short_gops_share_a_fragment_and_long_ones_are_divided() {
    let mut camera = Camera { sequence: 0 };
    let mut frames = vec![camera.video_config(1920)];
    frames.extend((0..101).map(|number| camera.picture(number, 10)));
    assert_eq!(cut(frames).0, "B0 F1200:30+0 F2400:30+0 F3600:30+0");
    let mut frames = vec![camera.video_config(1920)];
    frames.extend((0..200).map(|number| camera.picture(number, 1000)));
    assert_eq!(cut(frames).0, "B0 F2200:55+0 F4400:55+0 F6600:55+0");
}

#[test]
fn each_segment_holds_the_sound_of_its_own_pictures_even_when_sound_comes_late() {
    let mut camera = Camera { sequence: 0 };
    let mut frames = vec![camera.video_config(1920), camera.audio_config()];
    // Sound arrives 400 ms behind the picture of the same moment.
    let mut sound_us = 0;
    for number in 0..270 {
        while sound_us <= number * FRAME_US - 400_000 {
            frames.push(camera.sound(sound_us));
            sound_us += 21_333;
        }
        frames.push(camera.picture(number, 50));
    }
    let (told, _) = cut_into(WITH_SOUND, frames);
    assert!(
        told.starts_with(
            "B0a F2000:50+94 F4000:50+94 F6000:50+94 F8000:50+94 F10000:50+93 E B10000a"
        ),
        "{told}"
    );
}

#[test]
fn sound_that_begins_after_the_picture_is_in_the_first_segment() {
    let mut camera = Camera { sequence: 0 };
    let mut frames = vec![camera.video_config(1920)];
    frames.extend((0..45).map(|number| camera.picture(number, 50)));
    frames.push(camera.audio_config());
    let sounds = (0..100).map(|number| camera.sound(1_800_000 + number * 21_333));
    frames.extend(sounds.collect::<Vec<_>>());
    frames.extend((45..101).map(|number| camera.picture(number, 50)));
    let (told, _) = cut_into(WITH_SOUND, frames);
    assert_eq!(told, "B0a F2000:50+10");
}

#[test]
fn sound_that_never_comes_costs_two_seconds_once_and_no_picture() {
    for announced in [true, false] {
        let mut camera = Camera { sequence: 0 };
        let mut frames = vec![camera.video_config(1920)];
        frames.extend(announced.then(|| camera.audio_config()));
        frames.extend((0..50).map(|number| camera.picture(number, 50)));
        let (told, mut cutter) = cut_into(WITH_SOUND, frames);
        assert_eq!(told, "");
        let steps = cutter.push(camera.picture(50, 50));
        assert_eq!(tell(&steps), "B0 F2000:50+0", "all that was held, at once");
        let steps = cutter.push(camera.picture(51, 50));
        assert_eq!(tell(&steps), "");
        assert_eq!(tell(&cutter.interrupt()), "F2080:2+0 E");
    }
}

/// A camera whose times stand still would otherwise be waited for without end.
#[test]
fn what_waits_for_sound_is_bounded() {
    for bytes in [1, 2 * 1024 * 1024] {
        let mut camera = Camera { sequence: 0 };
        let mut aligner = Aligner::new(2_000_000);
        let (mut out, mut most) = (0, 0);
        for number in 0..600 {
            let frame = camera.picture(0, 50);
            aligner.push_video(Sample {
                at_us: frame.captured_us,
                key: frame.key,
                data: vec![0; bytes].into(),
            });
            out += std::iter::from_fn(|| aligner.pop(false)).count();
            most = most.max((number + 1 - out) * bytes);
        }
        assert!(out > 0 && most <= 17 * 1024 * 1024, "{out} {most}");
    }
}

#[test]
fn missing_sound_never_stops_the_picture() {
    let mut camera = Camera { sequence: 0 };
    let mut frames = vec![camera.video_config(1920), camera.audio_config()];
    (0..25).for_each(|number| frames.push(camera.sound(number * 21_333)));
    frames.extend((0..301).map(|number| camera.picture(number, 50)));
    let (told, _) = cut_into(WITH_SOUND, frames);
    assert!(told.starts_with("B0a F2000:50+25 F4000:50+0 "), "{told}");
    assert!(told.ends_with("F10000:50+0 E B10000 F12000:50+0"), "{told}");
}

#[test]
fn a_changed_configuration_ends_the_segment() {
    let mut camera = Camera { sequence: 0 };
    let mut frames = vec![camera.video_config(1920)];
    frames.extend((0..60).map(|number| camera.picture(number, 50)));
    frames.push(camera.video_config(1920));
    frames.extend((60..75).map(|number| camera.picture(number, 50)));
    frames.push(camera.video_config(1280));
    frames.extend((75..101).map(|number| camera.picture(number, 50)));
    assert_eq!(cut(frames).0, "B0 F2000:50+0 F3000:25+0 E B4000");
}

#[test]
fn a_break_in_time_or_sequence_ends_the_segment() {
    let mut camera = Camera { sequence: 0 };
    let mut frames = vec![camera.video_config(1920)];
    frames.extend((0..55).map(|number| camera.picture(number, 50)));
    camera.sequence += 1;
    frames.extend((70..105).map(|number| camera.picture(number, 50)));
    assert_eq!(cut(frames.clone()).0, "B0 F2000:50+0 F2200:5+0 E B4000");
    frames.extend((300..360).map(|number| camera.picture(number, 50)));
    let told = cut(frames).0;
    assert!(
        told.ends_with("B4000 F4200:5+0 E B12000 F14000:50+0"),
        "{told}"
    );
}

#[test]
fn a_clock_set_back_begins_a_new_segment() {
    let mut camera = Camera { sequence: 0 };
    let mut frames = vec![camera.video_config(1920)];
    frames.extend((500..540).map(|number| camera.picture(number, 50)));
    frames.extend((50..60).map(|number| camera.picture(number, 50)));
    assert_eq!(cut(frames).0, "B20000 F21600:40+0 E B2000");
}

#[test]
fn a_flood_without_keyframes_stays_within_the_limits_of_a_segment() {
    let mut camera = Camera { sequence: 0 };
    let mut cutter = Cutter::new(LENGTHS);
    let _ = cutter.push(camera.video_config(1920));
    let (mut segment, mut largest) = (0_u64, 0);
    for number in 0..100 {
        let mut frame = camera.picture(number, 1000);
        frame.payload = vec![0; 3 * 1024 * 1024].into();
        for step in cutter.push(frame) {
            let Step::Fragment(batch) = step else {
                continue;
            };
            let bytes: usize = batch.video.iter().map(|sample| sample.data.len()).sum();
            largest = largest.max(bytes);
            segment += bytes as u64;
        }
    }
    assert!(largest < CHUNK_BYTES_MAX && segment < SEGMENT_BYTES_MAX);
    assert!(cutter.open.is_none());
}

/// X53, issue 4 item 6: NTP sets the box's clock a minute forward or back in the middle of a GOP.
/// Picture and sound go on together, and nothing is lost beyond the next keyframe.
#[test]
fn a_wall_clock_that_is_set_costs_no_more_than_a_group_of_pictures() {
    for set_us in [60_000_000, -60_000_000] {
        let steps = recorded_while_set(set_us);
        let (mut pictures, mut sounds) = (0, 0);
        for step in &steps {
            let Step::Fragment(batch) = step else {
                continue;
            };
            pictures += batch.video.len();
            sounds += batch.audio.len();
            let begin_us = batch.video.first().unwrap().at_us;
            let own = begin_us - 50_000..batch.until_us + 50_000;
            let together = batch.audio.iter().all(|sound| own.contains(&sound.at_us));
            assert!(together, "{set_us}: {}", tell(&steps));
        }
        // Lost to the next keyframe: 25; still open at the end: one fragment and its sound.
        assert!(pictures >= 1_500 - 25 - 75, "{set_us}: {pictures}");
        assert!(
            sounds >= (1_500 - 25 - 75) * 40_000 / 21_333 - 2,
            "{set_us}: {sounds}"
        );
    }
}

/// A minute of a camera, with the box's clock set after 31 s: one second into a GOP of two.
fn recorded_while_set(set_us: i64) -> Vec<Step> {
    let mut camera = Camera { sequence: 0 };
    let mut cutter = Cutter::new(WITH_SOUND);
    let (mut of_pictures, mut of_sound) = (Times::default(), Times::default());
    let now = |raw_us: i64| Moment {
        wall_us: 600_000_000 + raw_us + if raw_us < 31_000_000 { 0 } else { set_us },
        raw_us,
    };
    let configs = [camera.video_config(1920), camera.audio_config()];
    let mut frames = Vec::from(configs);
    let mut sound_us = 0;
    for number in 0..1_500 {
        let at_us = number * FRAME_US;
        while sound_us <= at_us {
            let captured_us = of_sound.captured_us(sound_us, now(sound_us));
            frames.push(camera.sound(captured_us));
            sound_us += 21_333;
        }
        let captured_us = of_pictures.captured_us(at_us, now(at_us));
        let mut picture = camera.picture(number, 50);
        picture.captured_us = captured_us;
        frames.push(picture);
    }
    let steps = frames.into_iter().flat_map(|frame| cutter.push(frame));
    steps.collect()
}

/// Pictures of given sizes, 25 a second, a keyframe every `gop`: cut into segments that must all
/// fit into their slot, with every picture in one of them. Gives what they take and how many.
fn cut_for_slots(slot_bytes: u64, gop: usize, sizes: &[usize]) -> (u64, u64) {
    let lengths = Lengths {
        segment_us: 60_000_000,
        segment_bytes_max: slot_bytes,
        ..LENGTHS
    };
    let mut camera = Camera { sequence: 0 };
    let mut cutter = Cutter::new(lengths);
    let mut steps = cutter.push(camera.video_config(1920));
    for (number, size) in (0..).zip(sizes) {
        let at_us = i64::try_from(number).unwrap() * FRAME_US;
        let key = number % gop == 0;
        let frame = camera.frame(FrameKind::Video, key, at_us, vec![7; *size]);
        steps.extend(cutter.push(frame));
    }
    steps.extend(cutter.interrupt());
    let (mut segments, mut bytes, mut all, mut pictures) = (0, 0, 0, 0);
    for step in &steps {
        match step {
            Step::Begin { .. } => (segments, bytes) = (segments + 1, 0),
            Step::Fragment(batch) => {
                assert!(
                    bytes > 0 || batch.video[0].key,
                    "a segment begins at a keyframe"
                );
                bytes += batch
                    .video
                    .iter()
                    .map(|one| one.data.len() as u64)
                    .sum::<u64>();
                pictures += batch.video.len();
            }
            Step::End => {
                assert!(bytes < slot_bytes, "{bytes}");
                all += bytes;
            }
        }
    }
    assert_eq!(pictures, sizes.len(), "no picture is lost");
    (all, segments)
}

/// Decision 0022: at 4 Mbit/s slots of 16 MiB take at most 1.1 times what is recorded.
#[test]
fn slots_are_well_filled_and_never_too_small() {
    const SLOT: u64 = 16 * 1024 * 1024;
    // 4 Mbit/s are 20,000 bytes for each of 25 pictures; a keyframe takes eight times as much.
    let steady = |gop: usize| {
        move |number: usize| match number % gop {
            0 => 20_000 * 8 * gop / (gop + 7),
            _ => 20_000 * gop / (gop + 7),
        }
    };
    for (gop, space_max) in [(25, 1.06), (50, 1.1), (100, 1.25)] {
        let sizes: Vec<usize> = (0..25 * 900).map(steady(gop)).collect();
        let (bytes, segments) = cut_for_slots(SLOT, gop, &sizes);
        let space = (segments * SLOT) as f64 / bytes as f64;
        assert!(
            space <= space_max,
            "{space} with a keyframe every {gop} pictures"
        );
    }
    // A scene that grows fourfold for some seconds, again and again.
    let restless = |number: usize| steady(50)(number) * if number % 700 < 90 { 4 } else { 1 };
    let sizes: Vec<usize> = (0..25 * 900).map(restless).collect();
    let (bytes, segments) = cut_for_slots(SLOT, 50, &sizes);
    assert!((segments * SLOT) as f64 / (bytes as f64) < 1.2);
}

/// Groups of pictures that take several fragments cannot move to the next segment: room for one is
/// kept.
#[test]
fn long_groups_of_pictures_are_not_broken_by_a_full_slot() {
    let growing = |number: usize| 2_000 + number / 250 * 100;
    let sizes: Vec<usize> = (0..250 * 30).map(growing).collect();
    cut_for_slots(4 * 1024 * 1024, 250, &sizes);
}

#[test]
fn a_full_slot_ends_the_segment_before_the_fragment_that_it_has_no_room_for() {
    let mut camera = Camera { sequence: 0 };
    let mut frames = vec![camera.video_config(1920)];
    frames.extend((0..130).map(|number| camera.picture(number, 50)));
    let slot = Lengths {
        // Ends, two fragments with 50 pictures of 100 bytes, and 20 pictures more.
        segment_bytes_max: 64 * 1024 + 2 * (1024 + 50 * 132) + 1024 + 20 * 132,
        ..LENGTHS
    };
    let (told, mut cutter) = cut_into(slot, frames);
    assert_eq!(told, "B0 F2000:50+0 F4000:50+0 E B4000");
    assert_eq!(tell(&cutter.interrupt()), "F5200:30+0 E");
}
