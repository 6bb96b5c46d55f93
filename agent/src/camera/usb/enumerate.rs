//! What a video device offers, asked of the kernel.
//!
//! The crate's own names of devices are left alone: it gives up on one that the kernel cut in the
//! middle of a letter.

use super::mode::{Encoding, Mode, Rate};
use std::io;
use std::path::Path;
use v4l::Device;
use v4l::FourCC;
use v4l::Fraction;
use v4l::frameinterval::{FrameIntervalEnum, Stepwise as Intervals};
use v4l::framesize::{FrameSizeEnum, Stepwise as Sizes};
use v4l::video::Capture;

/// More lines than any camera has.
const MODES_MAX: usize = 1024;
/// Tried where a device takes any size within its limits.
const SIZES: [(u32, u32); 4] = [(1920, 1080), (1280, 720), (640, 480), (640, 360)];
/// Tried where it takes any rate, the best first.
const RATES: [u32; 3] = [25, 30, 15];

/// Every mode of the device that is of use; none for a device that captures no pictures.
///
/// # Errors
/// It cannot be opened.
pub fn modes(node: &Path) -> io::Result<Vec<Mode>> {
    let device = Device::with_path(node)?;
    let mut modes = Vec::new();
    for format in device.enum_formats()? {
        let Some(encoding) = Encoding::of(format.fourcc.repr) else {
            continue;
        };
        for (width, height) in sizes(&device, format.fourcc) {
            let rates = rates(&device, format.fourcc, width, height);
            modes.extend(rates.into_iter().map(|rate| Mode {
                encoding,
                width,
                height,
                rate,
            }));
        }
    }
    modes.truncate(MODES_MAX);
    Ok(modes)
}

fn sizes(device: &Device, fourcc: FourCC) -> Vec<(u32, u32)> {
    let told = device.enum_framesizes(fourcc).unwrap_or_default();
    if told.is_empty() {
        // A signal from outside has the size that it has.
        let now = device.format().ok().map(|now| (now.width, now.height));
        return now.into_iter().collect();
    }
    let sizes = told.into_iter().flat_map(|size| match size.size {
        FrameSizeEnum::Discrete(one) => vec![(one.width, one.height)],
        FrameSizeEnum::Stepwise(limits) => within(&limits),
    });
    sizes.collect()
}

fn within(limits: &Sizes) -> Vec<(u32, u32)> {
    let fits = |value: u32, min: u32, max: u32, step: u32| {
        (min..=max).contains(&value) && (value - min).is_multiple_of(step.max(1))
    };
    let fits = |&(width, height): &(u32, u32)| {
        fits(width, limits.min_width, limits.max_width, limits.step_width)
            && fits(
                height,
                limits.min_height,
                limits.max_height,
                limits.step_height,
            )
    };
    SIZES.into_iter().filter(fits).collect()
}

fn rates(device: &Device, fourcc: FourCC, width: u32, height: u32) -> Vec<Option<Rate>> {
    let told = device.enum_frameintervals(fourcc, width, height);
    let rates = told.unwrap_or_default().into_iter();
    let rates = rates.flat_map(|interval| match interval.interval {
        FrameIntervalEnum::Discrete(one) => vec![rate(&one)],
        FrameIntervalEnum::Stepwise(limits) => paced(&limits),
    });
    let mut rates: Vec<_> = rates.filter(|rate| rate.pictures > 0).map(Some).collect();
    if rates.is_empty() {
        rates.push(None);
    }
    rates
}

/// The kernel tells how long a picture lasts.
fn rate(interval: &Fraction) -> Rate {
    Rate {
        pictures: interval.denominator,
        seconds: interval.numerator.max(1),
    }
}

fn paced(limits: &Intervals) -> Vec<Rate> {
    let (fastest, slowest) = (rate(&limits.min), rate(&limits.max));
    let fits = |pictures: &u32| {
        let pictures = *pictures as f32;
        pictures <= fastest.per_second() && pictures >= slowest.per_second()
    };
    let found = RATES.into_iter().find(fits);
    vec![found.map_or(fastest, |pictures| Rate {
        pictures,
        seconds: 1,
    })]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_size_within_limits_means_the_usual_ones() {
        let limits = |max_width, step_width| Sizes {
            min_width: 16,
            max_width,
            step_width,
            min_height: 16,
            max_height: 1200,
            step_height: 8,
        };
        assert_eq!(within(&limits(1920, 2)), SIZES);
        assert_eq!(within(&limits(1280, 16)), SIZES[1..]);
        assert_eq!(within(&limits(1920, 0)), SIZES, "no step told");
        assert!(within(&limits(320, 2)).is_empty());
    }

    #[test]
    fn any_rate_within_limits_means_the_best() {
        let between = |fast: (u32, u32), slow: (u32, u32)| {
            let limits = Intervals {
                min: Fraction::new(fast.0, fast.1),
                max: Fraction::new(slow.0, slow.1),
                step: Fraction::new(1, 1),
            };
            paced(&limits)[0].per_second()
        };
        assert_eq!(between((1, 60), (1, 1)), 25.0);
        assert_eq!(between((1, 60), (1, 28)), 30.0);
        assert_eq!(between((1, 10), (1, 1)), 10.0);
    }

    #[test]
    fn a_device_that_is_away_is_an_error_and_no_panic() {
        assert!(modes(Path::new("/dev/video-nobody")).is_err());
        assert!(modes(Path::new("/dev/null")).unwrap_or_default().is_empty());
    }
}
