//! H.264 and H.265 with every kind of sound, and both ways to show an account.

use anyhow::{Result, ensure};
use xunke_protocol::health::CameraState;
use xunke_tests::camera::{Codec, Options, Quirk, Scheme, SoundCodec};

use super::watched::Watched;
use crate::shared::run;

const ENOUGH: usize = 75;

async fn take(name: &str, options: Options, codec: &str) -> Result<()> {
    let watched = Watched::start(name, options).await?;
    let enough = |watched: &Watched| {
        watched.main(|seen| seen.shots.len()) >= ENOUGH
            && watched.sub(|seen| seen.shots.len()) >= ENOUGH
    };
    watched.until("enough pictures", enough).await?;
    watched.main(|seen| {
        let named = seen
            .configs
            .first()
            .is_some_and(|config| config.codec.starts_with(codec));
        ensure!(named, "{:?}", seen.configs);
        seen.is_whole(false)?;
        seen.has_sound_times(0)
    })?;
    ensure!(watched.signals().state == CameraState::Streaming, "{name}");
    if options.sound == Some(SoundCodec::Aac) {
        ensure!(watched.main(|seen| seen.sounds) > 0, "{name}: no sound");
    }
    Ok(())
}

#[test]
fn pictures_are_taken_beside_every_kind_of_sound() -> Result<()> {
    run(async {
        for sound in [SoundCodec::Alaw, SoundCodec::Mulaw, SoundCodec::Opus] {
            let options = Options {
                sound: Some(sound),
                scheme: Scheme::Basic,
                ..Options::default()
            };
            take(&format!("{sound:?}"), options, "avc1.").await?;
        }
        Ok(())
    })
}

#[test]
fn h265_is_taken_with_and_without_parameters_in_the_sdp() -> Result<()> {
    run(async {
        for quirk in [
            None,
            Some(Quirk::NoParametersInSdp),
            Some(Quirk::ParametersOnlyInSdp),
        ] {
            let options = Options {
                codec: Codec::H265,
                quirk,
                ..Options::default()
            };
            take(&format!("h265-{quirk:?}"), options, "hvc1.").await?;
        }
        Ok(())
    })
}
