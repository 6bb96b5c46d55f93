//! How sound is described in the init segment: AAC, and FLAC made of G.711.

use super::Error;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use mp4_atom::esds::{DecoderConfig, DecoderSpecific, EsDescriptor, SLConfig};
use mp4_atom::{Atom, Audio, Codec, Dfla, Esds, Flac, Mp4a};
use xunke_protocol::live::AudioConfig;

/// ISO/IEC 14496-1: AAC, and an audio stream.
const OBJECT_AAC: u8 = 0x40;
const STREAM_AUDIO: u8 = 5;
/// What a description of FLAC begins with; in its box stand a version and flags instead.
const FLAC_MARK: &[u8] = b"fLaC";
const VERSION_AND_FLAGS: [u8; 4] = [0; 4];

/// The sample entry.
///
/// # Errors
/// The camera's description is none.
pub fn codec(config: &AudioConfig) -> Result<Codec, Error> {
    let wrong = Error::Config("sound");
    let Ok(description) = BASE64.decode(&config.description) else {
        return Err(wrong);
    };
    if description.len() < 2 || config.sample_rate == 0 {
        return Err(wrong);
    }
    let audio = Audio {
        data_reference_index: 1,
        channel_count: u16::try_from(config.channels).unwrap_or(2),
        sample_size: 16,
        sample_rate: u16::try_from(config.sample_rate).unwrap_or(0).into(),
    };
    match &*config.codec {
        "flac" => flac(audio, &description),
        name if name.starts_with("mp4a") => Ok(aac(audio, description)),
        _ => Err(wrong),
    }
}

fn flac(audio: Audio, description: &[u8]) -> Result<Codec, Error> {
    let blocks = description.strip_prefix(FLAC_MARK);
    let bytes = [&VERSION_AND_FLAGS, blocks.unwrap_or_default()].concat();
    let dfla = Dfla::decode_body(&mut &bytes[..]).map_err(|_| Error::Config("sound"))?;
    Ok(Flac { audio, dfla }.into())
}

fn aac(audio: Audio, raw: Vec<u8>) -> Codec {
    let dec_config = DecoderConfig {
        object_type_indication: OBJECT_AAC,
        stream_type: STREAM_AUDIO,
        dec_specific: Some(DecoderSpecific {
            raw,
            ..DecoderSpecific::default()
        }),
        ..DecoderConfig::default()
    };
    let esds = Esds {
        es_desc: EsDescriptor {
            dec_config,
            sl_config: SLConfig::default(),
            ..EsDescriptor::default()
        },
    };
    let mp4a = Mp4a {
        audio,
        esds,
        btrt: None,
        taic: None,
    };
    mp4a.into()
}
