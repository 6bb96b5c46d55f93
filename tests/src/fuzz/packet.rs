//! Packets of a camera, changed as no camera should: framing, RTP, RTCP, NAL units, sound. Pure.

use xunke_mutate::Dice;

use super::plan::Act;
use super::text::flip;

/// Bytes before the RTP payload: those of interleaving and of RTP.
const HEAD: usize = 4 + 12;
/// Types of NAL units that carry others, or rule how others are read: H.264, then H.265.
const NAL: [u8; 24] = [
    0, 1, 5, 6, 7, 8, 9, 24, 25, 26, 27, 28, 29, 30, 31, 64, 66, 68, 78, 96, 98, 100, 126, 0xff,
];
/// Lengths between the lines of RTSP that no packet has.
const LENGTHS: [u16; 4] = [0, 1, 11, 65_535];
const BETWEEN: [&str; 5] = [
    "RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n",
    "RTSP/1.0 454 Session Not Found\r\nCSeq: 99999999999\r\n\r\n",
    "TEARDOWN rtsp://127.0.0.1/ RTSP/1.0\r\nCSeq: 5\r\n\r\n",
    "REDIRECT rtsp://127.0.0.1/ RTSP/1.0\r\nCSeq: 5\r\nLocation: rtsp://127.0.0.1:1/\r\n\r\n",
    "ANNOUNCE * RTSP/2.0\r\nContent-Length: 100\r\n\r\nv=0\r\n",
];

/// What is sent instead of a packet.
pub fn change(dice: &mut Dice, packet: &[u8]) -> Vec<Act> {
    let mut packet = packet.to_vec();
    let end = packet.len();
    match dice.below(26) {
        0 | 1 => flip(dice, &mut packet[4..]),
        2 => flip(dice, &mut packet),
        3 => packet[2..4].copy_from_slice(&[dice.byte(), dice.byte()]),
        4 => packet[2..4].copy_from_slice(&dice.pick(&LENGTHS).to_be_bytes()),
        5 | 6 => packet = framed(packet[1], &packet[4..4 + dice.below(end - 4)]),
        7 | 8 if end > HEAD => packet[4] = dice.byte(),
        9 if end > HEAD => packet[6..8].copy_from_slice(&dice.bytes(2)),
        10 if end > HEAD => packet[8..12].copy_from_slice(&dice.bytes(4)),
        11 if end > HEAD => packet[12..16].copy_from_slice(&dice.bytes(4)),
        12..=15 if end > HEAD + 3 => {
            packet[HEAD] = *dice.pick(&NAL);
            if dice.chance(60) {
                packet[HEAD + 1..HEAD + 3].copy_from_slice(&dice.bytes(2));
            }
        }
        16 | 17 if end > HEAD => {
            let body = dice.bytes(dice.clone().below(60));
            let nal = [*dice.pick(&NAL), dice.byte()];
            packet = framed(packet[1], &[&packet[4..HEAD], &nal[..], &body].concat());
        }
        18 if end > HEAD + 4 => {
            let head = dice.bytes(4);
            packet[HEAD..HEAD + 4].copy_from_slice(&head);
        }
        19 => packet[1] = dice.byte(),
        20 => return vec![Act::Send(packet.repeat(2 + dice.below(1_500)))],
        21 => {
            let noise = dice.bytes(65_000);
            packet = framed(packet[1], &[&packet[4..end.min(HEAD)], &noise[..]].concat());
        }
        22 => return vec![Act::Send([report(dice, packet[1] ^ 1), packet].concat())],
        23 => {
            return vec![Act::Send(
                [dice.pick(&BETWEEN).as_bytes(), &packet].concat(),
            )];
        }
        24 => return vec![Act::Send(packet[..dice.below(end)].to_vec()), Act::Close],
        25 if dice.chance(30) => return vec![Act::Nothing],
        _ => return vec![],
    }
    vec![Act::Send(packet)]
}

fn framed(channel: u8, bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    [&[b'$', channel], &length.to_be_bytes()[..], bytes].concat()
}

/// RTCP: a type that exists or not, a length that is true or not.
fn report(dice: &mut Dice, channel: u8) -> Vec<u8> {
    let body = dice.bytes(dice.clone().below(64));
    let kind = *dice.pick(&[200, 201, 202, 203, 204, 205, 255]);
    let head = [dice.byte(), kind, 0, dice.byte()];
    framed(channel, &[&head[..], &body].concat())
}
