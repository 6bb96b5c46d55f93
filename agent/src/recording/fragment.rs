//! Fragments as bytes: one init segment (ftyp, moov), then moof and mdat. Pure.
//!
//! Times begin at 0 with each segment; a player adds the segment's start. Decoding order survives
//! by composition offsets: sorted display times are the decoding times, so pictures stored out of
//! order need no guess about the encoder's depth.

mod sound;

use super::align::Sample;
use super::cut::{Batch, Tracks};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use mp4_atom::{
    Atom, Avc1, Avcc, Codec, Dinf, Dref, Encode, Error as AtomError, FourCC, Ftyp, Hdlr, Hvc1,
    Hvcc, Mdhd, Mdia, Mfhd, Minf, Moof, Moov, Mvex, Mvhd, Smhd, Stbl, Stco, Stsd, Tfdt, Tfhd, Tkhd,
    Traf, Trak, Trex, Trun, TrunEntry, TrunSamples, Url, Visual, Vmhd,
};
use xunke_protocol::live::{AudioConfig, VideoConfig};

const VIDEO: u32 = 1;
const AUDIO: u32 = 2;
/// Ticks per second of the picture, as in RTP.
const VIDEO_HZ: u32 = 90_000;
/// Samples in one frame, of AAC and of the FLAC that the intake makes.
const FRAME_SAMPLES: u32 = 1024;
/// Sound this far from where it should continue has a hole; nearer is jitter.
const AUDIO_JITTER_US: i64 = 60_000;
/// ISO/IEC 14496-12, 8.8.3.1: depends on no other, and depends on others and is no sync sample.
const SYNC: u32 = 0x0200_0000;
const NO_SYNC: u32 = 0x0101_0000;

/// Why a stream cannot be put into fragments.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The camera's description of a track is no such description.
    #[error("the {0} configuration of the camera is not usable")]
    Config(&'static str),
    /// A box could not be written.
    #[error("cannot write fragment")]
    Atom(#[from] AtomError),
}

/// Writes one segment's fragments.
#[derive(Debug)]
pub struct Muxer {
    start_us: i64,
    number: u32,
    video_next: u64,
    audio: Option<Sound>,
}

#[derive(Debug)]
struct Sound {
    hertz: u32,
    next: Option<u64>,
}

impl Muxer {
    /// Begins a segment: returns the muxer and the init segment.
    ///
    /// # Errors
    /// The camera's configuration is not usable.
    pub fn begin(tracks: &Tracks, start_us: i64) -> Result<(Self, Vec<u8>), Error> {
        let mut init = Vec::with_capacity(1024);
        ftyp().encode(&mut init)?;
        moov(tracks)?.encode(&mut init)?;
        let audio = tracks.audio.as_ref().map(|audio| Sound {
            hertz: audio.sample_rate,
            next: None,
        });
        let muxer = Self {
            start_us,
            number: 0,
            video_next: 0,
            audio,
        };
        Ok((muxer, init))
    }

    /// Writes one fragment.
    ///
    /// # Errors
    /// More than 4 GiB of content.
    pub fn fragment(&mut self, batch: &Batch) -> Result<Vec<u8>, Error> {
        self.number += 1;
        let mut tracks = vec![self.video(batch)];
        let audio: &[Sample] = if self.audio.is_some() {
            &batch.audio
        } else {
            &[]
        };
        tracks.extend(self.audio(audio));
        let mut moof = Moof {
            mfhd: Mfhd {
                sequence_number: self.number,
            },
            traf: tracks,
        };
        let head = encoded(&moof)?.len() + 8;
        let video_bytes = total(&batch.video);
        for (track, offset) in moof.traf.iter_mut().zip([head, head + video_bytes]) {
            track.trun[0].data_offset = i32::try_from(offset).ok();
        }
        let mut out = encoded(&moof)?;
        let body = 8 + video_bytes + total(audio);
        out.reserve(body);
        out.extend_from_slice(
            &u32::try_from(body)
                .map_err(|_| AtomError::TooLarge(MDAT))?
                .to_be_bytes(),
        );
        out.extend_from_slice(b"mdat");
        for sample in batch.video.iter().chain(audio) {
            out.extend_from_slice(&sample.data);
        }
        Ok(out)
    }

    fn video(&mut self, batch: &Batch) -> Traf {
        let start_us = self.start_us;
        let shown = |at_us: i64| ticks(at_us - start_us, VIDEO_HZ);
        let mut decoded: Vec<i64> = batch
            .video
            .iter()
            .map(|sample| shown(sample.at_us))
            .collect();
        decoded.sort_unstable();
        let mut least = i64::try_from(self.video_next).unwrap_or(0);
        for time in &mut decoded {
            *time = least.max(*time);
            least = *time + 1;
        }
        let first = decoded.first().copied().unwrap_or(least);
        decoded.push(shown(batch.until_us).max(least));
        let entries = batch
            .video
            .iter()
            .zip(decoded.windows(2))
            .map(|(sample, times)| TrunEntry {
                duration: u32::try_from(times[1] - times[0]).ok(),
                size: u32::try_from(sample.data.len()).ok(),
                flags: Some(if sample.key { SYNC } else { NO_SYNC }),
                cts: Some(shown(sample.at_us) - times[0]),
            });
        let entries = entries.collect();
        self.video_next = decoded.last().map_or(0, |last| last.unsigned_abs());
        let tfhd = Tfhd {
            track_id: VIDEO,
            default_base_is_moof: true,
            ..Tfhd::default()
        };
        traf(tfhd, first.unsigned_abs(), entries)
    }

    fn audio(&mut self, samples: &[Sample]) -> Option<Traf> {
        let first = samples.first()?;
        let sound = self.audio.as_mut()?;
        let at = ticks(first.at_us - self.start_us, sound.hertz)
            .max(0)
            .unsigned_abs();
        let jitter = ticks(AUDIO_JITTER_US, sound.hertz).unsigned_abs();
        let begin = match sound.next {
            Some(next) if at < next + jitter => next,
            _ => at,
        };
        sound.next = Some(begin + samples.len() as u64 * u64::from(FRAME_SAMPLES));
        let entries = samples.iter().map(|sample| TrunEntry {
            size: u32::try_from(sample.data.len()).ok(),
            ..TrunEntry::default()
        });
        let tfhd = Tfhd {
            track_id: AUDIO,
            default_base_is_moof: true,
            default_sample_duration: Some(FRAME_SAMPLES),
            default_sample_flags: Some(SYNC),
            ..Tfhd::default()
        };
        Some(traf(tfhd, begin, entries.collect()))
    }
}

const MDAT: FourCC = FourCC::new(b"mdat");

fn traf(tfhd: Tfhd, begin: u64, entries: Vec<TrunEntry>) -> Traf {
    Traf {
        tfhd,
        tfdt: Some(Tfdt {
            base_media_decode_time: begin,
        }),
        trun: vec![Trun {
            data_offset: Some(0),
            samples: TrunSamples::Explicit(entries),
        }],
        ..Traf::default()
    }
}

fn total(samples: &[Sample]) -> usize {
    samples.iter().map(|sample| sample.data.len()).sum()
}

fn encoded(atom: &impl Encode) -> Result<Vec<u8>, AtomError> {
    let mut out = Vec::with_capacity(4096);
    atom.encode(&mut out)?;
    Ok(out)
}

/// Microseconds to ticks, rounded to the nearest.
fn ticks(us: i64, hertz: u32) -> i64 {
    (us * i64::from(hertz) + 500_000).div_euclid(1_000_000)
}

fn ftyp() -> Ftyp {
    Ftyp {
        major_brand: b"iso6".into(),
        minor_version: 0,
        compatible_brands: vec![b"iso6".into(), b"cmfc".into(), b"mp41".into()],
    }
}

fn moov(tracks: &Tracks) -> Result<Moov, Error> {
    let mut trak = vec![video_trak(&tracks.video)?];
    if let Some(audio) = &tracks.audio {
        trak.push(audio_trak(audio)?);
    }
    let trex = trak.iter().map(|trak| Trex {
        track_id: trak.tkhd.track_id,
        default_sample_description_index: 1,
        ..Trex::default()
    });
    Ok(Moov {
        mvhd: Mvhd {
            rate: 1.into(),
            volume: 1.into(),
            next_track_id: AUDIO + 1,
            ..Mvhd::default()
        },
        mvex: Some(Mvex {
            mehd: None,
            trex: trex.collect(),
        }),
        trak,
        ..Moov::default()
    })
}

fn video_trak(config: &VideoConfig) -> Result<Trak, Error> {
    let pixels = |number: u32| u16::try_from(number).map_err(|_| Error::Config("picture size"));
    let (width, height) = (pixels(config.width)?, pixels(config.height)?);
    let visual = Visual {
        data_reference_index: 1,
        width,
        height,
        ..Visual::default()
    };
    let tkhd = Tkhd {
        track_id: VIDEO,
        width: width.into(),
        height: height.into(),
        ..tkhd()
    };
    let minf = Minf {
        vmhd: Some(Vmhd::default()),
        ..minf(video_codec(config, visual)?)
    };
    Ok(trak(tkhd, VIDEO_HZ, b"vide", minf))
}

fn video_codec(config: &VideoConfig, visual: Visual) -> Result<Codec, Error> {
    let wrong = |_| Error::Config("picture");
    let bytes = BASE64
        .decode(&config.description)
        .map_err(|_| Error::Config("picture"))?;
    let mut bytes = &bytes[..];
    if config.codec.starts_with("avc1") {
        let avcc = Avcc::decode_body(&mut bytes).map_err(wrong)?;
        return Ok(Avc1 {
            visual,
            avcc,
            btrt: None,
            colr: None,
            pasp: None,
            taic: None,
            fiel: None,
            spatial: None,
        }
        .into());
    }
    let hvcc = Hvcc::decode_body(&mut bytes).map_err(wrong)?;
    Ok(Hvc1 {
        visual,
        hvcc,
        lhvc: None,
        btrt: None,
        colr: None,
        pasp: None,
        taic: None,
        fiel: None,
        ccst: None,
        spatial: None,
    }
    .into())
}

fn audio_trak(config: &AudioConfig) -> Result<Trak, Error> {
    let minf = Minf {
        smhd: Some(Smhd::default()),
        ..minf(sound::codec(config)?)
    };
    let tkhd = Tkhd {
        track_id: AUDIO,
        alternate_group: 1,
        volume: 1.into(),
        ..tkhd()
    };
    Ok(trak(tkhd, config.sample_rate, b"soun", minf))
}

fn tkhd() -> Tkhd {
    Tkhd {
        enabled: true,
        in_movie: true,
        ..Tkhd::default()
    }
}

fn minf(codec: Codec) -> Minf {
    Minf {
        dinf: Dinf {
            dref: Dref {
                entries: vec![Url::default().into()],
            },
        },
        stbl: Stbl {
            stsd: Stsd {
                codecs: vec![codec],
            },
            stco: Some(Stco::default()),
            ..Stbl::default()
        },
        ..Minf::default()
    }
}

fn trak(tkhd: Tkhd, hertz: u32, handler: &[u8; 4], minf: Minf) -> Trak {
    Trak {
        tkhd,
        mdia: Mdia {
            mdhd: Mdhd {
                timescale: hertz,
                language: "und".into(),
                ..Mdhd::default()
            },
            hdlr: Hdlr {
                handler: handler.into(),
                name: String::new(),
            },
            minf,
        },
        ..Trak::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use mp4_atom::{Any, Decode};

    /// avcC of x264, 640x360, Main profile.
    const AVCC: &str = "AU1AHv/hABhnTUAe7KBQF/y4CIAAAAMAgAAAGQeLFssBAAVo6+PLIA==";

    fn tracks(audio: bool) -> Tracks {
        Tracks {
            video: VideoConfig {
                codec: "avc1.4d401e".into(),
                width: 640,
                height: 360,
                description: AVCC.into(),
            },
            audio: audio.then(|| AudioConfig {
                codec: "mp4a.40.2".into(),
                sample_rate: 48_000,
                channels: 1,
                description: "EYg=".into(),
            }),
        }
    }

    fn picture(at_ms: i64, key: bool) -> Sample {
        Sample {
            at_us: 1_000_000 + at_ms * 1000,
            key,
            data: Bytes::from_static(&[7; 10]),
        }
    }

    fn read(mut bytes: &[u8]) -> (Moof, Vec<u8>) {
        let Any::Moof(moof) = Any::decode(&mut bytes).unwrap() else {
            panic!("no moof");
        };
        let Any::Mdat(mdat) = Any::decode(&mut bytes).unwrap() else {
            panic!("no mdat");
        };
        assert!(bytes.is_empty());
        (moof, mdat.data)
    }

    fn times(traf: &Traf) -> Vec<(i64, i64)> {
        let mut decoded =
            i64::try_from(traf.tfdt.as_ref().unwrap().base_media_decode_time).unwrap();
        let entries = traf.trun[0].samples.iter().map(|entry| {
            let time = (decoded, decoded + entry.cts.unwrap_or(0));
            decoded += i64::from(entry.duration.unwrap_or(FRAME_SAMPLES));
            time
        });
        entries.collect()
    }

    #[test]
    fn pictures_stored_out_of_order_are_shown_in_order() {
        let (mut muxer, init) = Muxer::begin(&tracks(false), 1_000_000).unwrap();
        assert_eq!(&init[4..8], b"ftyp");
        let shown = [0, 120, 40, 80, 240, 160, 200];
        let video = shown.map(|at| picture(at, at == 0)).to_vec();
        let until_us = 1_280_000;
        let batch = Batch {
            video,
            audio: vec![],
            until_us,
        };
        let (moof, mdat) = read(&muxer.fragment(&batch).unwrap());
        let got = times(&moof.traf[0]);
        let expect = shown.map(|at| at * 90);
        assert_eq!(got.iter().map(|time| time.1).collect::<Vec<_>>(), expect);
        let decoded: Vec<i64> = (0..7).map(|number| number * 3600).collect();
        assert_eq!(got.iter().map(|time| time.0).collect::<Vec<_>>(), decoded);
        assert_eq!(mdat.len(), 70);
        let flags: Vec<_> = moof.traf[0].trun[0]
            .samples
            .iter()
            .map(|e| e.flags)
            .collect();
        assert_eq!(flags[..2], [Some(SYNC), Some(NO_SYNC)]);
        let next = Batch {
            video: vec![picture(280, true)],
            audio: vec![],
            until_us: 1_320_000,
        };
        let (moof, _) = read(&muxer.fragment(&next).unwrap());
        assert_eq!(times(&moof.traf[0]), [(25_200, 25_200)]);
        assert_eq!(moof.mfhd.sequence_number, 2);
    }

    #[test]
    fn sound_continues_through_jitter_and_jumps_over_a_hole() {
        let (mut muxer, _) = Muxer::begin(&tracks(true), 1_000_000).unwrap();
        let mut sound = |at_us: i64| {
            let video = vec![picture(at_us / 1000, true)];
            let until_us = 1_000_000 + at_us + 40_000;
            let sample = Sample {
                at_us: 1_000_000 + at_us,
                ..picture(0, false)
            };
            let batch = Batch {
                video,
                audio: vec![sample; 2],
                until_us,
            };
            let (moof, mdat) = read(&muxer.fragment(&batch).unwrap());
            let offset = moof.traf[1].trun[0].data_offset.unwrap();
            assert_eq!(offset - moof.traf[0].trun[0].data_offset.unwrap(), 10);
            assert_eq!(mdat.len(), 30);
            times(&moof.traf[1])[0].0
        };
        assert_eq!(sound(10_000), 480);
        assert_eq!(sound(62_000), 480 + 2048);
        assert_eq!(sound(500_000), 24_000);
    }

    #[test]
    fn a_configuration_that_is_none_is_refused() {
        for (codec, description) in [("avc1.640028", "AA=="), ("hvc1.1", "AA=="), ("avc1", "%")] {
            let mut tracks = tracks(false);
            tracks.video.codec = codec.into();
            tracks.video.description = description.into();
            assert!(Muxer::begin(&tracks, 0).is_err(), "{codec} {description}");
        }
        let mut tracks = tracks(true);
        tracks.audio.as_mut().unwrap().description = String::new();
        assert!(Muxer::begin(&tracks, 0).is_err());
    }
}
