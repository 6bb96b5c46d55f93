//! PJLink as text: greeting, proof of the password, questions and answers (JBMIA, "PJLink
//! Specifications" 5.1 for class 1 and 2.1 for class 2). No IO; one order, to switch the power.

use md5::{Digest, Md5};
use std::fmt::Write;
use xunke_protocol::envelope::Switch;
use xunke_protocol::health::{Part, Power, TroubleLevel};
use zeroize::Zeroizing;

/// Longest line either side sends: header, a parameter of 128 bytes, and what ends it, doubled.
pub(super) const LINE_BYTES_MAX: u64 = 272;
/// Parts of `ERST` in their order.
const PARTS: [Part; 6] = [
    Part::Fan,
    Part::Lamp,
    Part::Temperature,
    Part::Cover,
    Part::Filter,
    Part::Other,
];
/// Lamps of one projector.
const LAMPS_MAX: usize = 8;
/// More cannot be worked off before the house is rebuilt; so many digits the specification has.
const HOURS_DIGITS_MAX: usize = 5;
const MODEL_CHARS_MAX: usize = 24;

/// How a projector receives a controller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Greeting {
    /// Without a password.
    Open,
    /// The password is to be proved with this number.
    Challenge(String),
    /// It lets nobody in now.
    Closed,
}

/// Reads the greeting; `None` when it is nobody's that speaks PJLink.
pub(super) fn greeting(line: &[u8]) -> Option<Greeting> {
    let line = line.trim_ascii();
    let rest = line.strip_prefix(b"PJLINK ")?;
    match rest {
        b"0" => Some(Greeting::Open),
        b"ERRA" => Some(Greeting::Closed),
        [b'1', b' ', number @ ..] if number.len() == 8 => {
            let digits = number.iter().all(u8::is_ascii_hexdigit);
            let number = String::from_utf8(number.to_vec()).ok()?;
            digits.then_some(Greeting::Challenge(number))
        }
        _ => None,
    }
}

/// What stands before the first question: MD5 of number and password. It proves little, so that
/// projectors belong into a network of their own.
pub(super) fn proof(number: &str, password: &str) -> Zeroizing<String> {
    let digest = Md5::new_with_prefix(number)
        .chain_update(password)
        .finalize();
    let mut text = Zeroizing::new(String::with_capacity(32));
    for byte in digest {
        write!(text, "{byte:02x}").expect("invariant: a text takes every letter");
    }
    text
}

/// What a projector is asked. Nothing of it changes anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Question {
    /// `POWR`
    Power,
    /// `ERST`
    Errors,
    /// `LAMP`
    Lamps,
    /// `INF2`: the model.
    Model,
    /// `CLSS`
    Class,
    /// `FILT`, of class 2.
    Filter,
}

impl Question {
    /// Every one.
    pub const ALL: [Self; 6] = [
        Self::Power,
        Self::Errors,
        Self::Class,
        Self::Lamps,
        Self::Model,
        Self::Filter,
    ];

    /// As it goes out, with the carriage return.
    pub fn text(self) -> &'static str {
        match self {
            Self::Power => "%1POWR ?\r",
            Self::Errors => "%1ERST ?\r",
            Self::Lamps => "%1LAMP ?\r",
            Self::Model => "%1INF2 ?\r",
            Self::Class => "%1CLSS ?\r",
            Self::Filter => "%2FILT ?\r",
        }
    }

    /// How its answer begins.
    fn head(self) -> &'static [u8] {
        &self.text().as_bytes()[..6]
    }
}

/// The one order there is, with its carriage return.
pub(super) fn order(power: Switch) -> &'static str {
    match power {
        Switch::On => "%1POWR 1\r",
        Switch::Off => "%1POWR 0\r",
    }
}

/// What a projector answers to an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Obeyed {
    /// It does so.
    Ok,
    /// It cannot now (`ERR3`), or knows no such order.
    Unable,
    /// The projector itself has failed (`ERR4`).
    Broken,
    /// It wants another password.
    Refused,
}

/// Reads the answer to an order; `None` when it is none.
pub(super) fn obeyed(line: &[u8]) -> Option<Obeyed> {
    let line = line.trim_ascii();
    if line == b"PJLINK ERRA" {
        return Some(Obeyed::Refused);
    }
    let (head, value) = line.split_at_checked(6)?;
    let value = value.strip_prefix(b"=")?;
    if !head.eq_ignore_ascii_case(b"%1POWR") {
        return None;
    }
    match value.to_ascii_uppercase().as_slice() {
        b"OK" => Some(Obeyed::Ok),
        b"ERR1" | b"ERR2" | b"ERR3" => Some(Obeyed::Unable),
        b"ERR4" => Some(Obeyed::Broken),
        _ => None,
    }
}

/// What a projector answers.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Answer {
    /// `POWR`
    Power(Power),
    /// `ERST`: what is not well.
    Errors(Vec<(Part, TroubleLevel)>),
    /// `LAMP`: hours of the lamp that has the most; `None` without a lamp, as a laser has none.
    Lamps(Option<u32>),
    /// `INF2`, in plain letters.
    Model(String),
    /// `CLSS`
    Class(u8),
    /// `FILT`, hours.
    Filter(u32),
    /// `ERR1` to `ERR3`: it does not know the question, or cannot answer it now.
    Unable,
    /// `ERR4`: the projector itself has failed.
    Broken,
    /// `ERRA`: another password.
    Refused,
}

/// Reads the answer to a question; `None` when it is none.
pub(super) fn answer(question: Question, line: &[u8]) -> Option<Answer> {
    // Some end a line with a line feed too, which then stands before the next.
    let line = line.trim_ascii();
    if line == b"PJLINK ERRA" {
        return Some(Answer::Refused);
    }
    let (head, value) = line.split_at_checked(6)?;
    let value = value.strip_prefix(b"=")?;
    if !head.eq_ignore_ascii_case(question.head()) {
        return None;
    }
    match value.to_ascii_uppercase().as_slice() {
        b"ERR1" | b"ERR2" | b"ERR3" => return Some(Answer::Unable),
        b"ERR4" => return Some(Answer::Broken),
        _ => {}
    }
    match question {
        Question::Power => power(value).map(Answer::Power),
        Question::Errors => errors(value).map(Answer::Errors),
        Question::Lamps => lamps(value).map(Answer::Lamps),
        Question::Model => Some(Answer::Model(plain(value))),
        Question::Class => match value {
            [class @ b'1'..=b'9'] => Some(Answer::Class(class - b'0')),
            _ => None,
        },
        Question::Filter => hours(value).map(Answer::Filter),
    }
}

fn power(value: &[u8]) -> Option<Power> {
    match value {
        b"0" => Some(Power::Off),
        b"1" => Some(Power::On),
        b"2" => Some(Power::Cooling),
        b"3" => Some(Power::Warming),
        _ => None,
    }
}

fn errors(value: &[u8]) -> Option<Vec<(Part, TroubleLevel)>> {
    if value.len() != PARTS.len() || !value.iter().all(|digit| matches!(digit, b'0'..=b'2')) {
        return None;
    }
    let level = |digit: u8| match digit {
        b'1' => Some(TroubleLevel::Warning),
        b'2' => Some(TroubleLevel::Error),
        _ => None,
    };
    let parts = PARTS.into_iter().zip(value);
    let parts = parts.filter_map(|(part, digit)| Some((part, level(*digit)?)));
    Some(parts.collect())
}

/// Hours and whether it is lit, for each lamp.
fn lamps(value: &[u8]) -> Option<Option<u32>> {
    let words: Vec<_> = value.split(|byte| *byte == b' ').collect();
    if words.len() % 2 != 0 || words.len() > 2 * LAMPS_MAX {
        return None;
    }
    let all: Option<Vec<u32>> = words.chunks(2).map(|lamp| hours(lamp[0])).collect();
    Some(all?.into_iter().max())
}

fn hours(value: &[u8]) -> Option<u32> {
    let text = std::str::from_utf8(value).ok()?;
    let digits = (1..=HOURS_DIGITS_MAX).contains(&text.len());
    let digits = digits && text.bytes().all(|digit| digit.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

/// Letters of ASCII. Projectors write Latin-1 or UTF-8 beside them and do not say which.
fn plain(value: &[u8]) -> String {
    let plain = |letter: &&u8| letter.is_ascii_graphic() || **letter == b' ';
    let letters = value.iter().filter(plain).take(MODEL_CHARS_MAX);
    letters.map(|letter| char::from(*letter)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use xunke_mutate::feed;

    /// The example of the specification, 5.1: "498e4a67" and "JBMIAProjectorLink".
    #[test]
    fn the_password_is_proved_as_in_the_specification() {
        let text = proof("498e4a67", "JBMIAProjectorLink");
        assert_eq!(*text, "5d8409bc1c3fa39749434aa3a5c38682");
    }

    #[test]
    fn a_greeting_says_whether_there_is_a_password() {
        assert_eq!(greeting(b"PJLINK 0\r"), Some(Greeting::Open));
        let number = Greeting::Challenge("498e4a67".into());
        assert_eq!(greeting(b"PJLINK 1 498e4a67\r"), Some(number));
        assert_eq!(greeting(b"PJLINK ERRA\r\n"), Some(Greeting::Closed));
        let strangers: [&[u8]; 6] = [
            b"",
            b"SSH-2.0-OpenSSH_9.2\r",
            b"PJLINK 1 498e4a6\r",
            b"PJLINK 1 498e4a6g\r",
            b"PJLINK 2\r",
            b"pjlink 0\r",
        ];
        for stranger in strangers {
            assert_eq!(greeting(stranger), None, "{stranger:?}");
        }
    }

    #[test]
    fn answers_are_read_by_their_question() {
        let of = |question, line: &str| answer(question, line.as_bytes());
        let cases = [
            (Question::Power, "%1POWR=2\r", Answer::Power(Power::Cooling)),
            (Question::Power, "\n%1powr=1\r", Answer::Power(Power::On)),
            (Question::Power, "%1POWR=ERR3\r", Answer::Unable),
            (Question::Power, "%1POWR=err4\r", Answer::Broken),
            (Question::Power, "PJLINK ERRA\r", Answer::Refused),
            (Question::Errors, "%1ERST=000000\r", Answer::Errors(vec![])),
            (
                Question::Errors,
                "%1ERST=020010\r",
                Answer::Errors(vec![
                    (Part::Lamp, TroubleLevel::Error),
                    (Part::Filter, TroubleLevel::Warning),
                ]),
            ),
            (
                Question::Lamps,
                "%1LAMP=100 1 2345 0\r",
                Answer::Lamps(Some(2345)),
            ),
            (Question::Lamps, "%1LAMP=ERR1\r", Answer::Unable),
            (Question::Class, "%1CLSS=2\r", Answer::Class(2)),
            (Question::Filter, "%2FILT=812\r", Answer::Filter(812)),
        ];
        for (question, line, expect) in cases {
            assert_eq!(of(question, line), Some(expect), "{line}");
        }
        for (question, line) in [
            (Question::Power, "%1POWR=4\r"),
            (Question::Power, "%1ERST=0\r"),
            (Question::Power, "%1POWR"),
            // What an order would be answered with.
            (Question::Power, "%1POWR=OK\r"),
            (Question::Errors, "%1ERST=00000\r"),
            (Question::Errors, "%1ERST=300000\r"),
            (Question::Lamps, "%1LAMP=100\r"),
            (Question::Lamps, "%1LAMP=1000000 1\r"),
            (Question::Class, "%1CLSS=10\r"),
        ] {
            assert_eq!(of(question, line), None, "{line}");
        }
        // Latin-1: "Büro-Projektor".
        let model = answer(
            Question::Model,
            b"%1INF2=B\xfcro-Projektor EB-X49 1234567890\r",
        );
        assert_eq!(
            model,
            Some(Answer::Model("Bro-Projektor EB-X49 123".into()))
        );
    }

    #[test]
    fn an_order_is_obeyed_or_not() {
        assert_eq!(order(Switch::Off), "%1POWR 0\r");
        for (line, expect) in [
            ("%1POWR=OK\r", Some(Obeyed::Ok)),
            ("%1powr=ok\r\n", Some(Obeyed::Ok)),
            ("%1POWR=ERR3\r", Some(Obeyed::Unable)),
            ("%1POWR=ERR4\r", Some(Obeyed::Broken)),
            ("PJLINK ERRA\r", Some(Obeyed::Refused)),
            ("%1POWR=1\r", None),
            ("%1INPT=OK\r", None),
            ("", None),
        ] {
            assert_eq!(obeyed(line.as_bytes()), expect, "{line}");
        }
    }

    fn lines() -> Vec<Vec<u8>> {
        let lines = [
            "PJLINK 1 498e4a67\r",
            "%1ERST=020010\r",
            "%1LAMP=100 1 23 0\r",
        ];
        lines.map(|line| line.as_bytes().to_vec()).into()
    }

    fn read(bytes: &[u8]) {
        greeting(bytes);
        obeyed(bytes);
        for question in Question::ALL {
            if let Some(Answer::Model(model)) = answer(question, bytes) {
                assert!(model.len() <= MODEL_CHARS_MAX, "{model}");
            }
        }
    }

    #[test]
    fn whatever_a_projector_sends_is_taken_or_refused() {
        feed(&[("lines of a projector", lines, read)]);
    }
}
