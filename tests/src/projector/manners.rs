//! How a projector behaves, and what it answers. Each manner is one that real projectors have.

use std::time::Duration;

use md5::{Digest, Md5};

/// The number that is to be proved with; the specification's own example.
pub const NUMBER: &str = "498e4a67";

/// How a projector behaves.
#[derive(Debug, Clone)]
pub struct Manners {
    /// Asked for by MD5; none when empty.
    pub password: String,
    /// Its power: 0 off, 1 on, 2 cooling, 3 warming up.
    pub power: u8,
    /// Six digits: fan, lamp, temperature, cover, filter, other.
    pub errors: String,
    /// Hours and whether it is lit, for each lamp; empty for a laser, which does not know the
    /// question.
    pub lamps: String,
    /// Its model, in Latin-1.
    pub model: Vec<u8>,
    /// 1 or 2.
    pub class: u8,
    /// Hours of the filter, of class 2.
    pub filter_hours: u32,
    /// It takes connections in standby and says nothing.
    pub silent_in_standby: bool,
    /// It cannot tell its power now (`ERR3`).
    pub unavailable: bool,
    /// It lets nobody in (`PJLINK ERRA` for a greeting).
    pub closed: bool,
    /// It closes after each answer.
    pub one_answer: bool,
    /// It ends its lines with a line feed too.
    pub line_feed: bool,
    /// It closes a connection on which nobody has asked for so long.
    pub idle: Duration,
}

impl Default for Manners {
    /// A projector of class 1 that shines and is well.
    fn default() -> Self {
        Self {
            password: String::new(),
            power: 1,
            errors: "000000".into(),
            lamps: "812 1".into(),
            model: b"SIM-P100".to_vec(),
            class: 1,
            filter_hours: 40,
            silent_in_standby: false,
            unavailable: false,
            closed: false,
            one_answer: false,
            line_feed: false,
            idle: Duration::from_secs(30),
        }
    }
}

impl Manners {
    /// What it says to whoever connects, without its end.
    #[must_use]
    pub fn greeting(&self) -> String {
        match () {
            () if self.closed => "PJLINK ERRA".into(),
            () if self.password.is_empty() => "PJLINK 0".into(),
            () => format!("PJLINK 1 {NUMBER}"),
        }
    }

    /// What stands before the first question, in hexadecimal.
    #[must_use]
    pub fn proof(&self) -> String {
        if self.password.is_empty() {
            return String::new();
        }
        let digest = Md5::digest(format!("{NUMBER}{}", self.password));
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Whether it says nothing now.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        self.silent_in_standby && matches!(self.power, 0 | 2)
    }

    /// Switches it, and answers; `None` when the command is no order to do so. While it cools or
    /// warms up it cannot.
    pub fn obey(&mut self, command: &str) -> Option<&'static [u8]> {
        let (from, to) = match command {
            "%1POWR 0" => (1, 2),
            "%1POWR 1" => (0, 3),
            _ => return None,
        };
        match self.power {
            power if power == from => self.power = to,
            power if power == 1 - from => {}
            _ => return Some(b"%1POWR=ERR3"),
        }
        Some(b"%1POWR=OK")
    }

    /// The answer to a command such as `%1POWR ?`, without its end.
    #[must_use]
    pub fn answer(&self, command: &str) -> Vec<u8> {
        let (head, asked) = command.split_once(' ').unwrap_or((command, ""));
        let class = head
            .as_bytes()
            .get(1)
            .map_or(0, |digit| digit.wrapping_sub(b'0'));
        let unknown = asked != "?" || class > self.class;
        let value = match head.get(2..) {
            _ if unknown => b"ERR1".to_vec(),
            Some("POWR") if self.unavailable => b"ERR3".to_vec(),
            Some("POWR") => self.power.to_string().into(),
            Some("ERST") => self.errors.clone().into(),
            Some("LAMP") if self.lamps.is_empty() => b"ERR1".to_vec(),
            Some("LAMP") => self.lamps.clone().into(),
            Some("INF2") => self.model.clone(),
            Some("CLSS") => self.class.to_string().into(),
            Some("FILT") if self.class > 1 => self.filter_hours.to_string().into(),
            _ => b"ERR1".to_vec(),
        };
        [head.as_bytes(), b"=", &value].concat()
    }
}
