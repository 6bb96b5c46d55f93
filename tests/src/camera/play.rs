//! One session being played: what is sent for each tick of a twenty-fifth of a second. Pure.

use std::sync::Arc;

use super::clip::{Clip, FRAMES_PER_SECOND, Tune, Unit};
use super::packets::{Number, PAYLOAD_HUGE, PAYLOAD_MAX, Packets};
use super::quirk::Quirk;

/// RTP ticks of a picture.
const TICKS: u32 = 90_000 / FRAMES_PER_SECOND;
/// Things befall a session at this picture: after two seconds.
pub const TURN: u32 = 2 * FRAMES_PER_SECOND;
/// A sender report this often: every four seconds.
const REPORT_EVERY: u32 = 4 * FRAMES_PER_SECOND;
/// An hour.
const HOUR_SECONDS: u32 = 3600;
/// Seconds from 1900, where NTP begins, to 1970.
const NTP_1970: u64 = 2_208_988_800;

/// What a stream shows and sounds like.
#[derive(Debug, Clone)]
pub struct Programme {
    /// One after the other, and again.
    pub clips: Vec<Arc<Clip>>,
    /// The sound beside it.
    pub tune: Option<Arc<Tune>>,
}

impl Programme {
    /// Picture number `at` of the endless loop, its clip, and its number in display order.
    fn picture(&self, at: u32) -> (&Clip, &Unit, u32) {
        let round: u32 = self.clips.iter().map(|clip| length(clip)).sum();
        let mut rest = at % round.max(1);
        let mut begin = at - rest;
        for clip in &self.clips {
            if rest < length(clip) {
                let unit = &clip.units[rest as usize];
                return (clip, unit, begin + unit.shown);
            }
            rest -= length(clip);
            begin += length(clip);
        }
        unreachable!("invariant: a programme has a clip")
    }
}

fn length(clip: &Clip) -> u32 {
    u32::try_from(clip.units.len()).unwrap_or(u32::MAX)
}

/// A session.
pub struct Play {
    programme: Programme,
    quirk: Option<Quirk>,
    /// Which session of its stream this is, from 1.
    session: u32,
    picture: Packets,
    sound: Packets,
    with_sound: bool,
    /// RTP time of the first picture.
    base: u32,
    /// Pictures sent.
    pub pictures: u32,
    /// Of these, those with packets left out.
    pub spoiled: u32,
    /// Place in the programme.
    at: u32,
    sounds: u32,
    repeat: bool,
}

impl Play {
    /// The channels are those of `SETUP`; `None` is a track that was not set up.
    pub fn new(
        programme: Programme,
        quirk: Option<Quirk>,
        session: u32,
        (picture, sound): (u8, Option<u8>),
    ) -> Self {
        let payload_max = if quirk == Some(Quirk::HugePackets) {
            PAYLOAD_HUGE
        } else {
            PAYLOAD_MAX
        };
        let track = |channel, payload_type, ssrc| Packets {
            channel,
            payload_type,
            ssrc: ssrc ^ session << 8,
            sequence: 40_000,
            payload_max,
            sent: (0, 0),
        };
        let kind = programme.tune.as_ref().map(|tune| tune.codec);
        let sound_type = kind.map_or(97, super::sdp::sound_payload_type);
        // From the middle of a GOP.
        let at = if quirk == Some(Quirk::ParametersLate) {
            5
        } else {
            0
        };
        Self {
            quirk,
            session,
            picture: track(picture, super::sdp::PAYLOAD_TYPES[0], 0x1234_0001),
            sound: track(sound.unwrap_or(2), sound_type, 0x1234_0002),
            with_sound: sound.is_some(),
            base: 0xffff_0000,
            pictures: 0,
            spoiled: 0,
            at,
            sounds: 0,
            repeat: false,
            programme,
        }
    }

    /// Which session of its stream this is, from 1.
    pub fn session(&self) -> u32 {
        self.session
    }

    /// Numbers and times of the first packets of picture and sound, for `RTP-Info`.
    pub fn first(&self) -> [(u16, u32); 2] {
        let stamp = self.base.wrapping_add(self.at * TICKS);
        [(self.picture.sequence, stamp), (self.sound.sequence, 0)]
    }

    /// What is sent at the next tick; `now_ms` is the wall clock.
    pub fn tick(&mut self, now_ms: i64, out: &mut Vec<u8>) {
        if self.quirk == Some(Quirk::OldSession) && self.session == 1 && self.pictures == TURN {
            let mut old = self.picture.clone();
            old.ssrc = 99;
            old.packet(out, 7, true, &[&[0x41, 1, 2, 3]]);
        }
        if self.quirk == Some(Quirk::StrangeChannels) && self.pictures.is_multiple_of(10) {
            let mut strange = self.sound.clone();
            strange.channel = 6;
            strange.packet(out, 7, true, &[b"<MetadataStream/>"]);
        }
        let stamp = self.send_picture(out);
        self.send_sound(out);
        if self.pictures % REPORT_EVERY == 1 {
            self.picture.report(out, stamp, self.ntp(now_ms));
        }
    }

    fn send_picture(&mut self, out: &mut Vec<u8>) -> u32 {
        let (clip, unit, shown) = self.programme.picture(self.at);
        let number = Number {
            session: self.session,
            picture: self.pictures,
        };
        let sei = number.sei(clip.codec);
        let mut nals: Vec<&[u8]> = vec![];
        if unit.key && self.quirk != Some(Quirk::ParametersOnlyInSdp) {
            nals.extend(clip.parameters.iter().map(AsRef::<[u8]>::as_ref));
        }
        nals.push(&sei);
        nals.extend(unit.nals.iter().map(AsRef::<[u8]>::as_ref));
        let (codec, key) = (clip.codec, unit.key);
        let stamp = self.stamp(shown);
        let before = out.len();
        self.picture.picture(out, stamp, codec, &nals);
        // One of the packets of a picture that no other begins with.
        let spoils = self.quirk == Some(Quirk::LosesPackets) && self.pictures % 70 == 60;
        if spoils {
            out.truncate(before);
            self.spoiled += 1;
        }
        let again = self.quirk == Some(Quirk::RepeatedKeyframes) && key && !self.repeat;
        self.repeat = again;
        self.at += u32::from(!again);
        self.pictures += 1;
        stamp
    }

    /// RTP time of the picture that is shown as number `shown`.
    fn stamp(&self, shown: u32) -> u32 {
        let passed = self.pictures;
        let shown = match self.quirk {
            Some(Quirk::RepeatedKeyframes) => passed,
            Some(Quirk::TimeStandsStill) if (TURN..3 * TURN).contains(&passed) => TURN,
            _ => shown,
        };
        let ticks = match self.quirk {
            Some(Quirk::TimeRunsSlow) => shown * (TICKS - TICKS / 10),
            _ => shown * TICKS,
        };
        self.base
            .wrapping_add(ticks)
            .wrapping_add(self.jump(90_000))
    }

    /// By how many ticks the time has jumped.
    fn jump(&self, hertz: u32) -> u32 {
        let hour = HOUR_SECONDS.wrapping_mul(hertz);
        match self.quirk {
            Some(Quirk::TimeJumpsAhead) if self.pictures >= TURN => hour,
            Some(Quirk::TimeJumpsBack) if self.pictures >= TURN => hour.wrapping_neg(),
            _ => 0,
        }
    }

    /// All sound up to the end of the picture that was just sent.
    fn send_sound(&mut self, out: &mut Vec<u8>) {
        let Some(tune) = self.programme.tune.as_ref().filter(|_| self.with_sound) else {
            return;
        };
        let (hertz, ticks) = (tune.codec.hertz(), tune.codec.ticks());
        let until = u64::from(self.pictures) * u64::from(hertz / FRAMES_PER_SECOND);
        while u64::from(self.sounds) * u64::from(ticks) < until {
            let frame = &tune.frames[self.sounds as usize % tune.frames.len()];
            let stamp = self.sounds.wrapping_mul(ticks);
            let stamp = stamp.wrapping_add(self.jump(hertz));
            let late = self.quirk == Some(Quirk::LateSound);
            if !late || self.pictures > 3 * FRAMES_PER_SECOND {
                self.sound.sound(out, stamp, tune.codec, frame);
            }
            self.sounds += 1;
        }
    }

    fn ntp(&self, now_ms: i64) -> u64 {
        let ms = if self.quirk == Some(Quirk::ClockIn1970) {
            u64::from(self.pictures) * 40
        } else {
            now_ms.unsigned_abs()
        };
        let seconds = NTP_1970 + ms / 1000;
        (seconds << 32) | (((ms % 1000) << 32) / 1000)
    }
}
