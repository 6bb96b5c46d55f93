//! What real cameras do, one at a time: the table that the agent is tested against.

/// One thing that a camera does otherwise than the specifications, or than one would hope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Quirk {
    /// SDP without parameter sets.
    NoParametersInSdp,
    /// Parameter sets in the SDP only.
    ParametersOnlyInSdp,
    /// Pictures are sent before their parameter sets are.
    ParametersLate,
    /// Another resolution in mid-stream.
    ParametersChange,
    /// Each keyframe is sent twice.
    RepeatedKeyframes,
    /// A keyframe every ten seconds.
    LongGop,
    /// Keyframes now close together, now far apart.
    SmartGop,
    /// Pictures refer to later ones.
    Reordered,
    /// RTP time jumps an hour ahead.
    TimeJumpsAhead,
    /// RTP time jumps an hour back.
    TimeJumpsBack,
    /// RTP time stands still for four seconds.
    TimeStandsStill,
    /// RTP time runs ten per cent too slow.
    TimeRunsSlow,
    /// Sender reports of 1970.
    ClockIn1970,
    /// `PLAY` is answered without `RTP-Info`.
    NoRtpInfo,
    /// `RTP-Info` names times and numbers that never come.
    WrongRtpInfo,
    /// Bytes that are neither RTSP nor a packet.
    Garbage,
    /// Packets on channels that nobody set up.
    StrangeChannels,
    /// A second session is refused.
    NotEnoughBandwidth,
    /// Every session is refused for a while after one has ended.
    SessionsLinger,
    /// `SETUP` wants a new nonce.
    StaleNonce,
    /// Keep-alives want a new nonce.
    NonceChanges,
    /// The session number changes with each `SETUP`.
    SessionIdChanges,
    /// Nothing more is sent, and everything still answered.
    GoesSilent,
    /// Sessions without a keep-alive are closed.
    WantsKeepAlive,
    /// URLs name another host.
    NamesOtherHost,
    /// Headers in lower case, with spaces, unknown ones, a date of 1970, and a Chinese name.
    OddHeaders,
    /// Packets are missing.
    LosesPackets,
    /// No sound although it is wanted.
    NoSound,
    /// Sound is announced, and comes after three seconds.
    LateSound,
    /// Metadata and vendors' tracks around the picture.
    UnknownTracks,
    /// Packets before `PLAY` is answered.
    EarlyPackets,
    /// A whole keyframe in one packet.
    HugePackets,
    /// Packets of an earlier session in a new one.
    OldSession,
}

/// A line of the table.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// Which.
    pub quirk: Quirk,
    /// What real cameras do, and why it matters.
    pub what: &'static str,
    /// Where that is known from.
    pub known_from: &'static str,
}

const fn entry(quirk: Quirk, what: &'static str, known_from: &'static str) -> Entry {
    Entry {
        quirk,
        what,
        known_from,
    }
}

/// Every quirk once.
pub const TABLE: [Entry; 33] = [
    entry(
        Quirk::NoParametersInSdp,
        "Parameter sets come only in-band, before each keyframe.",
        "RFC 6184, 8.2.1 makes sprop-parameter-sets optional; common with cheap H.265 firmware",
    ),
    entry(
        Quirk::ParametersOnlyInSdp,
        "Parameter sets stand in the SDP and are never repeated.",
        "RFC 6184, 8.4 allows it; hardware encoders with `repeat headers` switched off",
    ),
    entry(
        Quirk::ParametersLate,
        "A session begins in the middle of a GOP, and the sets come with its next keyframe.",
        "cameras that serve all viewers from one encoder and send no keyframe on PLAY",
    ),
    entry(
        Quirk::ParametersChange,
        "Somebody changes the resolution in the camera's page while it is being recorded.",
        "RFC 6184, 8.4; the next segment needs its own header",
    ),
    entry(
        Quirk::RepeatedKeyframes,
        "Each keyframe comes twice with a picture's distance between them.",
        "encoders that answer a key frame request beside their own rhythm",
    ),
    entry(
        Quirk::LongGop,
        "One keyframe in ten seconds, to save bandwidth.",
        "a usual default of recorders' vendors (I-frame interval 250 at 25 a second)",
    ),
    entry(
        Quirk::SmartGop,
        "The distance of keyframes follows what moves in the picture.",
        "H.264+/H.265+ (Hikvision), Smart Codec (Dahua), Zipstream dynamic GOP (Axis)",
    ),
    entry(
        Quirk::Reordered,
        "Pictures are stored in another order than they are shown.",
        "H.264 main and high profile with B-frames",
    ),
    entry(
        Quirk::TimeJumpsAhead,
        "RTP time follows the camera's clock, which has just been set forward.",
        "retina's `enforce_timestamps_with_max_jump_secs` exists for such cameras",
    ),
    entry(
        Quirk::TimeJumpsBack,
        "RTP time follows the camera's clock, which has just been set back.",
        "the same",
    ),
    entry(
        Quirk::TimeStandsStill,
        "Several pictures bear the same time.",
        "retina's depacketizers note `same timestamp as previous access unit`",
    ),
    entry(
        Quirk::TimeRunsSlow,
        "Time is counted in pictures that were meant, not in those that came.",
        "cameras that lower their frame rate in the dark and go on adding 3600",
    ),
    entry(
        Quirk::ClockIn1970,
        "Sender reports count from the camera's start, because it knows no time.",
        "cameras without a battery before their first NTP answer",
    ),
    entry(
        Quirk::NoRtpInfo,
        "PLAY is answered without RTP-Info.",
        "RFC 2326, 12.33 calls it a response header only; retina's `Permissive` policy",
    ),
    entry(
        Quirk::WrongRtpInfo,
        "RTP-Info names a time and a packet number that never come.",
        "retina: Hikvision DS-2CD2032-I sends seq=0, Tapo C320WS seq=1, others invent rtptime",
    ),
    entry(
        Quirk::Garbage,
        "Bytes between two packets that are neither RTSP nor a packet.",
        "firmware that loses the end of a packet when its buffer is full",
    ),
    entry(
        Quirk::StrangeChannels,
        "Packets on interleaved channels that were never set up.",
        "retina's `UnassignedChannelDataPolicy::Ignore` exists for such cameras",
    ),
    entry(
        Quirk::NotEnoughBandwidth,
        "A second session is answered 453.",
        "RFC 2326, 11.3.14; cameras that serve one or two viewers",
    ),
    entry(
        Quirk::SessionsLinger,
        "A session that was lost is counted until its timeout; new ones are answered 453.",
        "live555 before 2017 and its descendants",
    ),
    entry(
        Quirk::StaleNonce,
        "SETUP is answered 401 with a new nonce, although DESCRIBE was admitted.",
        "RFC 7616, 3.3 `stale`; nonces that live for seconds",
    ),
    entry(
        Quirk::NonceChanges,
        "Keep-alives are answered 401 with a new nonce.",
        "the same",
    ),
    entry(
        Quirk::SessionIdChanges,
        "Each SETUP is answered with another session number.",
        "retina's `SessionIdPolicy::UseFirst`: required for some broken cameras",
    ),
    entry(
        Quirk::GoesSilent,
        "Requests are answered, and no packet comes any more.",
        "an encoder process that died beside its RTSP server",
    ),
    entry(
        Quirk::WantsKeepAlive,
        "A session is closed when no request came within its timeout.",
        "RFC 2326, 12.37: 60 seconds by default",
    ),
    entry(
        Quirk::NamesOtherHost,
        "Content-Base and control URLs name the address the camera believes to have.",
        "cameras behind port forwarding, or with two interfaces",
    ),
    entry(
        Quirk::OddHeaders,
        "Header names in lower case, spaces, unknown headers, a name in Chinese in the SDP.",
        "RFC 2326, 4.2 makes names case-insensitive; retina's `mostly_ascii`",
    ),
    entry(
        Quirk::LosesPackets,
        "Packet numbers have gaps although TCP loses nothing.",
        "retina: servers sometimes drop packets internally even when sending via TCP",
    ),
    entry(
        Quirk::NoSound,
        "No sound track, although the box would take one.",
        "cameras without a microphone",
    ),
    entry(
        Quirk::LateSound,
        "The sound track is there and stays empty for seconds.",
        "a microphone that is switched on in the camera's page",
    ),
    entry(
        Quirk::UnknownTracks,
        "An ONVIF metadata track before the picture, a vendor's own behind it.",
        "ONVIF Streaming Specification, 5.2.1.1",
    ),
    entry(
        Quirk::EarlyPackets,
        "RTP and RTCP come before PLAY is answered.",
        "retina `ResponseMode::Play`: recent Reolink cameras",
    ),
    entry(
        Quirk::HugePackets,
        "Packets far beyond 1500 bytes, because TCP takes them.",
        "interleaved lengths go up to 65,535: RFC 2326, 10.12",
    ),
    entry(
        Quirk::OldSession,
        "The first packets of a session belong to an earlier one.",
        "moonfire-nvr on the Reolink RLC-410; live555's file descriptor bug (retina issue 17)",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_quirk_stands_in_the_table_once_and_says_what_and_from_where() {
        let quirks: BTreeSet<Quirk> = TABLE.iter().map(|entry| entry.quirk).collect();
        assert_eq!(quirks.len(), TABLE.len());
        assert_eq!(quirks.last(), Some(&Quirk::OldSession));
        assert_eq!(Quirk::OldSession as usize + 1, TABLE.len());
        for entry in TABLE {
            assert!(entry.what.ends_with('.') && entry.known_from.len() > 5);
        }
    }
}
