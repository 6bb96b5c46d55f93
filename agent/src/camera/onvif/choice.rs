//! Which profiles are the full and the small picture. Pure.

use super::answer::{Profile, VideoSettings};

/// Smaller than this, nothing can be told in a tile of the wall.
const SUB_WIDTH_MIN: u32 = 320;

/// Numbers of the profiles for the full and the small picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice {
    /// The largest that can be recorded.
    pub main: usize,
    /// The smallest that still shows something, when there is one.
    pub sub: Option<usize>,
}

/// `None` when no profile can be recorded.
pub fn choose(profiles: &[Profile]) -> Option<Choice> {
    let recordable = |(number, profile): (usize, &Profile)| {
        let video = profile.video.clone()?;
        matches!(video.codec.as_str(), "H264" | "H265").then_some((number, video))
    };
    let known: Vec<_> = profiles.iter().enumerate().filter_map(recordable).collect();
    // The first of equals: cameras list their own main stream before what others have made.
    let (main, full) = known
        .iter()
        .rev()
        .max_by_key(|(_, video)| (pixels(video), plain(video)))?;
    let smaller = known
        .iter()
        .filter(|(_, video)| pixels(video) < pixels(full) && video.width >= SUB_WIDTH_MIN);
    let sub = smaller.min_by_key(|(_, video)| (pixels(video), !plain(video)));
    Some(Choice {
        main: *main,
        sub: sub.map(|(number, _)| *number),
    })
}

fn pixels(video: &VideoSettings) -> u64 {
    u64::from(video.width) * u64::from(video.height)
}

/// Every browser shows H.264; H.265 some.
fn plain(video: &VideoSettings) -> bool {
    video.codec == "H264"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(profiles: &[(&str, u32, u32)], expect: Option<(usize, Option<usize>)>) {
        let made: Vec<_> = profiles
            .iter()
            .map(|&(codec, width, height)| Profile {
                video: (width > 0).then(|| VideoSettings {
                    codec: codec.into(),
                    width,
                    height,
                    ..VideoSettings::default()
                }),
                ..Profile::default()
            })
            .collect();
        let expect = expect.map(|(main, sub)| Choice { main, sub });
        assert_eq!(choose(&made), expect, "{profiles:?}");
    }

    /// X62.
    #[test]
    fn the_largest_is_recorded_and_the_smallest_suited_shown() {
        let (full, small) = (("H264", 1920, 1080), ("H264", 640, 360));
        check(&[full, small], Some((0, Some(1))));
        check(&[small, ("H265", 3840, 2160), full], Some((1, Some(0))));
        check(
            &[full, ("H264", 160, 90), ("H264", 1280, 720)],
            Some((0, Some(2))),
        );
        check(&[full, ("JPEG", 640, 360), ("", 0, 0)], Some((0, None)));
        check(&[("H265", 1920, 1080), full, full], Some((1, None)));
        check(&[full, ("H265", 640, 360), small], Some((0, Some(2))));
        check(&[("JPEG", 640, 480)], None);
        check(&[], None);
    }
}
