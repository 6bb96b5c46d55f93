//! Good inputs, changed, before parsers that must neither panic nor hang.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::{Duration, Instant};

use crate::dice::Dice;

/// Inputs of each target in an ordinary test run; `XUNKE_FUZZ_ROUNDS` asks for more.
const ROUNDS: u64 = 3_000;
/// Longest input that is made.
const BYTES_MAX: usize = 256 * 1024;
/// No parser of ours takes a tenth of this, on a busy machine and without optimisation.
const SLOW: Duration = Duration::from_secs(20);
/// Numbers at the edges of their types, and one more.
const EDGES: [&str; 9] = [
    "0",
    "-1",
    "255",
    "65536",
    "2147483648",
    "-9223372036854775808",
    "18446744073709551616",
    "1e999",
    "",
];

/// A parser: its name, good inputs, and a function that lets it read.
pub type Target = (&'static str, fn() -> Vec<Vec<u8>>, fn(&[u8]));

/// Lets each parser read its good inputs and thousands that were made of them.
///
/// # Panics
/// A parser did, or was very slow; its input stands on standard error in hexadecimal digits.
pub fn feed(targets: &[Target]) {
    let rounds = std::env::var("XUNKE_FUZZ_ROUNDS").ok();
    let rounds = rounds.and_then(|text| text.parse().ok()).unwrap_or(ROUNDS);
    for (name, seeds, read) in targets {
        let seeds = seeds();
        assert!(!seeds.is_empty(), "{name} has nothing to begin with");
        seeds.iter().for_each(|seed| one(name, *read, seed));
        for round in 0..rounds {
            let mut dice = Dice::of(name.len() as u64, round);
            let seed = dice.pick(&seeds).clone();
            one(name, *read, &change(&mut dice, seed));
        }
    }
}

fn one(name: &str, read: fn(&[u8]), input: &[u8]) {
    let began = Instant::now();
    let read = catch_unwind(AssertUnwindSafe(|| read(input)));
    let slow = began.elapsed() > SLOW;
    if slow || read.is_err() {
        let hex: String = input.iter().map(|byte| format!("{byte:02x}")).collect();
        eprintln!("{name}: {hex}");
    }
    if let Err(panic) = read {
        resume_unwind(panic);
    }
    assert!(!slow, "{name} was slow over {} bytes", input.len());
}

/// Another input, made of a good one.
#[must_use]
pub fn change(dice: &mut Dice, mut bytes: Vec<u8>) -> Vec<u8> {
    for _ in 0..=dice.below(5) {
        let (at, other) = (dice.below(bytes.len()), dice.below(bytes.len() + 1));
        let (from, to) = (at.min(other), at.max(other));
        match dice.below(10) {
            0 | 1 => flip(dice, &mut bytes, at),
            2 => bytes.truncate(at),
            3 => drop(bytes.drain(from..to)),
            4 => drop(bytes.splice(at..at, dice.bytes(dice.clone().below(16)))),
            5 => {
                let piece = bytes[from..to].to_vec();
                let times = 1 + dice.below(64);
                drop(bytes.splice(from..from, piece.repeat(times)));
            }
            6 | 7 => number(dice, &mut bytes, at),
            8 => {
                let kind = *dice.pick(&[0, 1, 0x7f, 0x80, 0xff]);
                bytes[from..to.min(from + 4)].fill(kind);
            }
            _ => {
                let piece = bytes[from..to].to_vec();
                let end = bytes.len().min(at + piece.len());
                bytes[at..end].copy_from_slice(&piece[..end - at]);
            }
        }
        bytes.truncate(BYTES_MAX);
    }
    bytes
}

fn flip(dice: &mut Dice, bytes: &mut [u8], at: usize) {
    if let Some(byte) = bytes.get_mut(at) {
        *byte ^= 1 << dice.below(8);
    }
}

/// The next number in a text becomes one at the edge.
fn number(dice: &mut Dice, bytes: &mut Vec<u8>, at: usize) {
    let digit = |byte: &u8| byte.is_ascii_digit();
    let Some(from) = bytes[at.min(bytes.len())..].iter().position(digit) else {
        return flip(dice, bytes, at);
    };
    let from = at + from;
    let to = from + bytes[from..].iter().take_while(|byte| digit(byte)).count();
    drop(bytes.splice(from..to, dice.pick(&EDGES).bytes()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_repeat_themselves_and_reach_far() {
        let seed = b"<a n='7'>text</a>".to_vec();
        let made = |round| change(&mut Dice::of(1, round), seed.clone());
        let all: Vec<Vec<u8>> = (0..2_000).map(made).collect();
        assert_eq!(all[17], made(17));
        assert!(all.iter().any(Vec::is_empty));
        assert!(all.iter().any(|bytes| bytes.len() > 200));
        let edge = |bytes: &Vec<u8>| String::from_utf8_lossy(bytes).contains("2147483648");
        assert!(all.iter().any(edge));
    }

    #[test]
    #[should_panic(expected = "found")]
    fn a_panic_is_found() {
        let read = |bytes: &[u8]| assert!(!bytes.starts_with(b"aac"), "found");
        feed(&[("letters", || vec![b"abc".to_vec()], read)]);
    }
}
