//! What a camera says of a stream before it is played (RFC 8866).

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use std::fmt::Write;

use super::clip::{Clip, Codec, SoundCodec, Tune};
use super::quirk::Quirk;

/// Payload types of picture, sound and what nobody asked for.
pub const PAYLOAD_TYPES: [u8; 3] = [96, 97, 107];

/// The description. `control` is what stands before the number of each track.
pub fn describe(clip: &Clip, tune: Option<&Tune>, quirk: Option<Quirk>, control: &str) -> String {
    let mut sdp = String::from(
        "v=0\r\no=- 1109162014219182 1 IN IP4 0.0.0.0\r\ns=Media Presentation\r\n\
         c=IN IP4 0.0.0.0\r\nt=0 0\r\na=control:*\r\n",
    );
    if quirk == Some(Quirk::OddHeaders) {
        sdp = sdp.replace("Media Presentation", "教室一");
    }
    if quirk == Some(Quirk::UnknownTracks) {
        // Before the picture, so that nobody may count on its number.
        sdp.push_str("m=application 0 RTP/AVP 107\r\na=rtpmap:107 vnd.onvif.metadata/90000\r\n");
        let _ = write!(sdp, "a=control:{control}3\r\n");
    }
    picture(&mut sdp, clip, quirk != Some(Quirk::NoParametersInSdp));
    let _ = write!(sdp, "a=control:{control}1\r\n");
    if let Some(tune) = tune {
        sound(&mut sdp, tune);
        let _ = write!(sdp, "a=control:{control}2\r\n");
    }
    if quirk == Some(Quirk::UnknownTracks) {
        sdp.push_str("m=video 0 RTP/AVP 108\r\na=rtpmap:108 x-vendor-smart/90000\r\n");
        let _ = write!(sdp, "a=control:{control}4\r\n");
    }
    sdp
}

fn picture(sdp: &mut String, clip: &Clip, with_parameters: bool) {
    let name = match clip.codec {
        Codec::H264 => "H264",
        Codec::H265 => "H265",
    };
    let _ = write!(sdp, "m=video 0 RTP/AVP 96\r\na=rtpmap:96 {name}/90000\r\n");
    let sets: Vec<String> = clip
        .parameters
        .iter()
        .map(|set| BASE64.encode(set))
        .collect();
    let _ = match (clip.codec, sets.as_slice()) {
        (Codec::H264, _) if !with_parameters => {
            write!(sdp, "a=fmtp:96 packetization-mode=1\r\n")
        }
        (Codec::H264, [sps, pps]) => write!(
            sdp,
            "a=fmtp:96 packetization-mode=1;sprop-parameter-sets={sps},{pps}\r\n"
        ),
        (Codec::H265, [vps, sps, pps]) if with_parameters => write!(
            sdp,
            "a=fmtp:96 sprop-vps={vps};sprop-sps={sps};sprop-pps={pps}\r\n"
        ),
        _ => Ok(()),
    };
}

fn sound(sdp: &mut String, tune: &Tune) {
    let text = match tune.codec {
        SoundCodec::Aac => {
            let config: String = tune
                .config
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect();
            format!(
                "m=audio 0 RTP/AVP 97\r\na=rtpmap:97 mpeg4-generic/48000/1\r\n\
                 a=fmtp:97 streamtype=5;profile-level-id=1;mode=AAC-hbr;sizelength=13;\
                 indexlength=3;indexdeltalength=3;config={config}\r\n"
            )
        }
        SoundCodec::Alaw => "m=audio 0 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n".into(),
        SoundCodec::Mulaw => "m=audio 0 RTP/AVP 0\r\n".into(),
        SoundCodec::Opus => "m=audio 0 RTP/AVP 97\r\na=rtpmap:97 opus/48000/2\r\n".into(),
    };
    sdp.push_str(&text);
}

/// The payload type of a kind of sound.
pub fn sound_payload_type(codec: SoundCodec) -> u8 {
    match codec {
        SoundCodec::Alaw => 8,
        SoundCodec::Mulaw => 0,
        SoundCodec::Aac | SoundCodec::Opus => PAYLOAD_TYPES[1],
    }
}
