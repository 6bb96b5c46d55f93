//! Device files: which one a link means now, and which may help to encode. None is opened here.

use rustix::fs::major;
use std::fs::read_dir;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

/// Of every video device, in the kernel's Documentation/admin-guide/devices.txt.
const VIDEO_MAJOR: u32 = 81;
/// Every video device of this machine, with its name.
pub const CLASS: &str = "/sys/class/video4linux";
const GRAPHICS: &str = "/dev/dri";
/// Enough for any machine.
const ENCODERS_MAX: usize = 4;

/// Why there is no device to open.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody is there.
    #[error("{} is not there: plug it in, or see `xunke-agent camera discover`", .0.display())]
    Unplugged(PathBuf),
    /// Somebody else is there.
    #[error("{} is not a video device: see `xunke-agent camera discover`", .0.display())]
    Other(PathBuf),
}

/// The device file that a path means now; links below `/dev/v4l` come and go with their camera.
///
/// # Errors
/// Nothing is plugged in there, or no camera is.
pub fn resolve(device: &Path) -> Result<PathBuf, Error> {
    let unplugged = |_| Error::Unplugged(device.to_owned());
    let node = device.canonicalize().map_err(unplugged)?;
    let file = node.metadata().map_err(unplugged)?;
    let video = file.file_type().is_char_device() && major(file.rdev()) == VIDEO_MAJOR;
    if !video || !node.starts_with("/dev/") {
        return Err(Error::Other(device.to_owned()));
    }
    Ok(node)
}

/// What may encode in hardware: graphics processors, and video devices that say so by their name.
#[must_use]
pub fn encoders() -> Vec<PathBuf> {
    let graphics = names(Path::new(GRAPHICS)).into_iter();
    let graphics = graphics
        .filter(|name| name.starts_with("renderD"))
        .map(|name| Path::new(GRAPHICS).join(name));
    let video = names(Path::new(CLASS)).into_iter().filter(|name| {
        let told = std::fs::read_to_string(Path::new(CLASS).join(name).join("name"));
        told.is_ok_and(|told| is_encoder(&told))
    });
    let video = video.map(|name| Path::new("/dev").join(name));
    graphics.chain(video).take(ENCODERS_MAX).collect()
}

/// Such as `bcm2835-codec-encode` or `rkvenc`.
fn is_encoder(name: &str) -> bool {
    name.to_ascii_lowercase().contains("enc")
}

/// What a folder holds, in order; nothing when it is not there.
pub(super) fn names(folder: &Path) -> Vec<String> {
    let entries = read_dir(folder).into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.file_name().into_string());
    let mut names: Vec<_> = names.filter_map(Result::ok).collect();
    names.sort_by_key(|name| (name.len(), name.clone()));
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_camera_is_never_handed_to_a_worker() {
        let said = |path: &str| resolve(Path::new(path)).unwrap_err().to_string();
        assert!(said("/dev/null").contains("is not a video device"));
        assert!(said("/dev/fd").contains("is not a video device"));
        let away = said("/dev/v4l/by-id/usb-nobody-video-index0");
        assert!(away.contains("plug it in"), "{away}");
    }

    #[test]
    fn encoders_are_known_by_their_names() {
        for (name, expect) in [
            ("bcm2835-codec-encode\n", true),
            ("rkvenc", true),
            ("bcm2835-codec-decode", false),
            ("HD Pro Webcam C920", false),
        ] {
            assert_eq!(is_encoder(name), expect, "{name}");
        }
    }
}
