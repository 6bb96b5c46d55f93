//! Answers of RTSP and ONVIF, changed as no camera should. Pure.

use xunke_mutate::Dice;

use super::plan::Act;

/// Longest that is made of one answer.
const BYTES_MAX: usize = 4 * 1024 * 1024;
const NUMBERS: [&str; 12] = [
    "0",
    "-1",
    "1",
    "255",
    "65535",
    "65536",
    "2147483648",
    "4294967296",
    "18446744073709551616",
    "1e308",
    "00000000000000000000000000000000000000007",
    "",
];
const STATUS: [&str; 14] = [
    "100", "200", "204", "301", "302", "307", "400", "401", "403", "404", "453", "503", "999", "-5",
];

/// What is sent instead of an answer.
pub fn change(dice: &mut Dice, head: &[u8], body: &[u8]) -> Vec<Act> {
    let (mut head, mut body) = (head.to_vec(), body.to_vec());
    match dice.below(24) {
        0 | 1 => flip(dice, &mut head),
        2 | 3 => flip(dice, &mut body),
        4 => return cut(dice, [head, body].concat()),
        5 => return vec![Act::Send([head, body].concat().repeat(2 + dice.below(40)))],
        6 => return vec![],
        7 => {
            let count = dice.below(600);
            let noise = dice.bytes(count);
            return vec![Act::Send([noise, head, body].concat())];
        }
        8 | 9 => head = numbers(dice, &head),
        10 | 11 => {
            body = numbers(dice, &body);
            head = with_length(&head, &body.len().to_string());
        }
        12 => head = repeated(dice, &head),
        13 => {
            return vec![Act::Endlessly(
                unended(&head),
                b"X-More: and more\r\n".into(),
            )];
        }
        14 => {
            let length: &&str = dice.pick(&NUMBERS);
            head = with_length(&head, length);
        }
        15 => {
            let twice = format!("{}\r\nContent-Length: 7", body.len());
            head = with_length(&head, &twice);
        }
        16 => {
            let times = 2 + dice.below(2_000);
            body = body.repeat(times.min(BYTES_MAX / body.len().max(1)).max(1));
            head = with_length(&head, &body.len().to_string());
        }
        17 | 18 => {
            body = lines(dice, &body);
            head = with_length(&head, &body.len().to_string());
        }
        19 => {
            body = document(dice);
            head = with_length(&head, &body.len().to_string());
        }
        20 => {
            let filler = body.clone();
            head = with_length(&head, "999999999999");
            return vec![Act::Endlessly(
                [head, body].concat(),
                [&filler[..], b"\r\n"].concat(),
            )];
        }
        21 => return vec![Act::Slowly([head, body].concat())],
        22 => return vec![dice.pick(&[Act::Close, Act::Nothing]).clone()],
        _ => head = status(dice, &head),
    }
    vec![Act::Send([head, body].concat())]
}

/// Up to a dozen bytes become others.
pub fn flip(dice: &mut Dice, bytes: &mut [u8]) {
    for _ in 0..=dice.below(12) {
        let at = dice.below(bytes.len());
        if let Some(byte) = bytes.get_mut(at) {
            *byte ^= 1 << dice.below(8);
        }
    }
}

fn cut(dice: &mut Dice, mut whole: Vec<u8>) -> Vec<Act> {
    whole.truncate(dice.below(whole.len()));
    vec![Act::Send(whole), Act::Close]
}

/// One to three numbers become such as nobody expects.
fn numbers(dice: &mut Dice, text: &[u8]) -> Vec<u8> {
    let mut text = text.to_vec();
    for _ in 0..=dice.below(3) {
        let begin = |at: &usize| {
            text[*at].is_ascii_digit() && (*at == 0 || !text[*at - 1].is_ascii_digit())
        };
        let begins: Vec<usize> = (0..text.len()).filter(begin).collect();
        if begins.is_empty() {
            break;
        }
        let at = *dice.pick(&begins);
        let digits = text[at..].iter().take_while(|byte| byte.is_ascii_digit());
        let end = at + digits.count();
        text.splice(at..end, dice.pick(&NUMBERS).bytes());
    }
    text
}

/// One header many times, or very long.
fn repeated(dice: &mut Dice, head: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(head).into_owned();
    let mut lines: Vec<&str> = text.trim_end().split("\r\n").collect();
    let line = lines[dice.below(lines.len())].to_owned();
    let long = line.repeat(1 + dice.below(20_000));
    if dice.chance(50) {
        lines.push(&long);
    } else {
        let times = dice.below(3_000);
        lines.extend(std::iter::repeat_n(line.as_str(), times));
    }
    format!("{}\r\n\r\n", lines.join("\r\n")).into_bytes()
}

fn unended(head: &[u8]) -> Vec<u8> {
    head.strip_suffix(b"\r\n").unwrap_or(head).to_vec()
}

fn with_length(head: &[u8], value: &str) -> Vec<u8> {
    let text = String::from_utf8_lossy(head).into_owned();
    let is_length = |line: &&str| line.to_ascii_lowercase().starts_with("content-length:");
    let mut lines: Vec<&str> = text.trim_end().split("\r\n").collect();
    lines.retain(|line| !is_length(line));
    format!("{}\r\nContent-Length: {value}\r\n\r\n", lines.join("\r\n")).into_bytes()
}

/// Lines, or elements, go, come twice, change places, are torn.
fn lines(dice: &mut Dice, body: &[u8]) -> Vec<u8> {
    let mark = if body.starts_with(b"<") { b'>' } else { b'\n' };
    let pieces = body.split_inclusive(|byte| *byte == mark);
    let mut pieces: Vec<Vec<u8>> = pieces.map(<[u8]>::to_vec).collect();
    for _ in 0..=dice.below(6) {
        let (one, other) = (dice.below(pieces.len()), dice.below(pieces.len()));
        if pieces.is_empty() {
            break;
        }
        match dice.below(5) {
            0 => drop(pieces.remove(one)),
            1 => pieces.insert(other, pieces[one].clone()),
            2 => pieces.swap(one, other),
            3 => flip(dice, &mut pieces[one]),
            _ => {
                let end = dice.below(pieces[one].len());
                pieces[one].truncate(end);
            }
        }
    }
    pieces.concat()
}

/// Documents that grow when they are read.
fn document(dice: &mut Dice) -> Vec<u8> {
    let levels = 1 + dice.below(200_000);
    match dice.below(5) {
        0 => "<a>".repeat(levels).into_bytes(),
        1 => format!("{}{}", "<a>".repeat(levels / 2), "</a>".repeat(levels / 2)).into_bytes(),
        2 => {
            let mut text = String::from("<?xml version=\"1.0\"?><!DOCTYPE l [<!ENTITY a0 \"ha\">");
            for level in 1..40 {
                let below = format!("&a{};", level - 1).repeat(10);
                text.push_str(&format!("<!ENTITY a{level} \"{below}\">"));
            }
            text.push_str("]><l>&a39;</l>");
            text.into_bytes()
        }
        3 => format!(
            "v=0\r\n{}",
            "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n".repeat(levels / 20)
        )
        .into_bytes(),
        _ => {
            let keys: String = (0..levels / 20)
                .map(|n| format!(" k{n}='&#x41;'"))
                .collect();
            format!("<a{keys}/>").into_bytes()
        }
    }
}

fn status(dice: &mut Dice, head: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(head).into_owned();
    let (first, rest) = text.split_once("\r\n").unwrap_or((&text, "\r\n"));
    let version = first.split(' ').next().unwrap_or_default();
    let target = dice.pick(&[
        "http://127.0.0.1:1/",
        "rtsp://127.0.0.1:1/",
        "//",
        "/x",
        "\u{0}",
    ]);
    let status = dice.pick(&STATUS);
    format!("{version} {status} Changed\r\nLocation: {target}\r\n{rest}").into_bytes()
}
