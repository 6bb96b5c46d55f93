//! One way in which a video device can give pictures.

use std::fmt;

/// How pictures leave the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Encoded by the device itself.
    H264,
    /// One JPEG for each picture.
    Jpeg,
    /// As they are, in the format that GStreamer calls so.
    Raw(&'static str),
}

impl Encoding {
    /// By the four letters of the kernel; `None` for what is not taken.
    #[must_use]
    pub fn of(letters: [u8; 4]) -> Option<Self> {
        Some(match &letters {
            b"H264" => Self::H264,
            b"MJPG" | b"JPEG" => Self::Jpeg,
            b"YUYV" => Self::Raw("YUY2"),
            b"UYVY" => Self::Raw("UYVY"),
            b"YVYU" => Self::Raw("YVYU"),
            b"NV12" => Self::Raw("NV12"),
            b"NV21" => Self::Raw("NV21"),
            b"YU12" => Self::Raw("I420"),
            b"YV12" => Self::Raw("YV12"),
            b"RGB3" => Self::Raw("RGB"),
            b"BGR3" => Self::Raw("BGR"),
            _ => return None,
        })
    }
}

/// Pictures a second, as a fraction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// So many pictures …
    pub pictures: u32,
    /// … in so many seconds.
    pub seconds: u32,
}

impl Rate {
    /// Pictures in a second.
    #[must_use]
    pub fn per_second(self) -> f32 {
        self.pictures as f32 / self.seconds.max(1) as f32
    }
}

/// One way to take pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mode {
    /// How they are encoded.
    pub encoding: Encoding,
    /// Pixels in a line.
    pub width: u32,
    /// Lines.
    pub height: u32,
    /// How many; `None` when the device does not tell.
    pub rate: Option<Rate>,
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.encoding {
            Encoding::H264 => "H.264",
            Encoding::Jpeg => "MJPEG",
            Encoding::Raw(name) => name,
        };
        write!(f, "{name} {}x{}", self.width, self.height)?;
        match self.rate {
            Some(rate) => write!(f, " @ {}", rate.per_second().round()),
            None => Ok(()),
        }
    }
}
