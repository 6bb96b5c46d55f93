//! Which of a device's modes is recorded. Pure: a table in, one line of it out.
//!
//! H.264 that the device makes itself costs nothing here. Otherwise the largest picture that still
//! moves fluently is taken, as it is rather than as JPEG, and encoded once.

use super::mode::{Encoding, Mode};

/// Nothing larger is recorded.
const WIDTH_MAX: u32 = 1920;
const HEIGHT_MAX: u32 = 1080;
/// The device's own H.264 is taken from this size on, though JPEG may be larger.
const OWN_HEIGHT_MIN: u32 = 720;
/// Fewer pictures a second are not fluent …
const RATE_MIN: f32 = 15.0;
/// … and more than these are left out again.
pub const RATE_MAX: f32 = 30.0;
/// Lamps on a mains of 50 Hz do not flicker at this rate; also that of a device which tells none.
pub const RATE: f32 = 25.0;

/// The mode to record, if there is one.
#[must_use]
pub fn choose(modes: &[Mode]) -> Option<Mode> {
    let fits = |mode: &&Mode| mode.width <= WIDTH_MAX && mode.height <= HEIGHT_MAX;
    let fits = |mode: &&Mode| fits(mode) && mode.width >= 2 && mode.height >= 2;
    modes.iter().filter(fits).copied().max_by_key(rank)
}

/// How many pictures a second a mode gives.
#[must_use]
pub fn rate(mode: &Mode) -> f32 {
    mode.rate.map_or(RATE, super::mode::Rate::per_second)
}

/// More is better: own and fluent, fluent, size, encoding, close to [`RATE`].
fn rank(mode: &Mode) -> (bool, bool, u32, u8, i32) {
    let rate = rate(mode);
    let fluent = rate >= RATE_MIN;
    let own = mode.encoding == Encoding::H264 && mode.height >= OWN_HEIGHT_MIN && fluent;
    let encoding = match mode.encoding {
        Encoding::H264 => 2,
        Encoding::Raw(_) => 1,
        Encoding::Jpeg => 0,
    };
    let off = (rate - RATE).abs().min(1000.0) * 100.0;
    (
        own,
        fluent,
        mode.width * mode.height,
        encoding,
        -(off as i32),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::camera::usb::mode::Rate;

    /// `H264 1920x1080 30,24` a line: four letters, size, rates.
    fn table(text: &str) -> Vec<Mode> {
        let mut modes = Vec::new();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let mut words = line.split_whitespace();
            let letters: [u8; 4] = words.next().unwrap().as_bytes().try_into().unwrap();
            let (width, height) = words.next().unwrap().split_once('x').unwrap();
            let rates = words.next().map_or_else(Vec::new, |list| {
                list.split(',').map(|one| one.parse().unwrap()).collect()
            });
            let (width, height) = (width.parse().unwrap(), height.parse().unwrap());
            let Some(encoding) = Encoding::of(letters) else {
                continue;
            };
            let rates = rates.into_iter().map(|pictures: u32| {
                let seconds = 1;
                Some(Rate { pictures, seconds })
            });
            let rates: Vec<_> = rates.collect();
            let none = [None];
            let rates = if rates.is_empty() { &none[..] } else { &rates };
            modes.extend(rates.iter().map(|&rate| Mode {
                encoding,
                width,
                height,
                rate,
            }));
        }
        modes
    }

    fn chosen(text: &str) -> String {
        choose(&table(text)).map_or("none".into(), |mode| mode.to_string())
    }

    /// As `v4l2-ctl --list-formats-ext` shows them; issue: H.264 native if offered, else encoded
    /// once.
    #[test]
    fn real_cameras_are_taken_at_their_best() {
        for (name, modes, expect) in [
            (
                "Logitech C920 of 2012: H.264 inside",
                "YUYV 640x480 30,24,20,15,10,5
                 YUYV 1920x1080 5
                 YUYV 2304x1536 2
                 H264 640x480 30,24
                 H264 1280x720 30,24
                 H264 1920x1080 30,24,20,15
                 MJPG 1920x1080 30,24",
                "H.264 1920x1080 @ 24",
            ),
            (
                "Logitech C270",
                "YUYV 640x480 30,25,20,15
                 YUYV 1280x720 10,5
                 YUYV 1280x960 8,5
                 MJPG 640x480 30,25
                 MJPG 1280x720 30,25,20
                 MJPG 1280x960 30,25",
                "MJPEG 1280x960 @ 25",
            ),
            (
                "HDMI grabber MS2109, USB 2",
                "MJPG 1920x1080 60,50,30,25
                 MJPG 1280x720 60,50
                 YUYV 1920x1080 5
                 YUYV 640x480 30",
                "MJPEG 1920x1080 @ 25",
            ),
            (
                "HDMI grabber, USB 3",
                "NV12 1920x1080 60,50,30
                 NV12 3840x2160 30
                 YUYV 1920x1080 60
                 MJPG 3840x2160 30",
                "NV12 1920x1080 @ 30",
            ),
            (
                "a conference camera whose own H.264 is smaller",
                "MJPG 1920x1080 30
                 H264 1280x720 30",
                "H.264 1280x720 @ 30",
            ),
            (
                "an endoscope with a stamp of H.264",
                "H264 320x240 30
                 YUYV 640x480 30",
                "YUY2 640x480 @ 30",
            ),
            (
                "nothing is fluent",
                "YUYV 1280x720 10
                 YUYV 640x480 10",
                "YUY2 1280x720 @ 10",
            ),
            ("rates untold", "YUYV 1280x720", "YUY2 1280x720"),
            ("depth alone", "Z16_ 640x480 30", "none"),
            ("only too large", "MJPG 3840x2160 30", "none"),
        ] {
            assert_eq!(chosen(modes), expect, "{name}");
        }
    }
}
