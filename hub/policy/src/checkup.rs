//! The check-up before the first lesson (K8): what a self-test comes to, whether somebody has to go
//! there, and what they should have with them.

use xunke_protocol::selftest::{Check, Outcome, Part, Selftest};

/// How a box answered.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Answer<'a> {
    /// Not yet.
    Open,
    /// Not at all: it is off, or not on the network.
    Silent,
    /// It could not finish its self-test.
    Unfinished,
    /// With this.
    Tried(&'a Selftest),
}

/// What to take along.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Bring {
    /// A network cable.
    Cable,
    /// A power supply.
    Power,
    /// The projector's remote control.
    Remote,
    /// A microphone with its cable.
    Microphone,
    /// A disk for the box.
    Disk,
}

impl Bring {
    /// Its words, in Chinese and in English.
    #[must_use]
    pub const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Cable => ("网线", "a network cable"),
            Self::Power => ("备用电源", "a spare power supply"),
            Self::Remote => ("投影遥控器", "the projector's remote control"),
            Self::Microphone => ("备用麦克风及连接线", "a spare microphone with its cable"),
            Self::Disk => ("备用硬盘", "a spare disk"),
        }
    }
}

/// Something that is not as a lesson needs it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Wrong<'a> {
    /// Which camera or piece of equipment; empty for the box itself.
    pub name: &'a str,
    /// What, in Chinese.
    pub zh: &'static str,
    /// What, in English.
    pub en: &'static str,
    /// Whether it can only be mended in the room.
    pub person: bool,
    /// What to take along.
    pub bring: &'static [Bring],
}

/// What is wrong in a room, what only somebody there can mend first.
#[must_use]
pub fn wrong<'a>(answer: Answer<'a>) -> Vec<Wrong<'a>> {
    let mut all = match answer {
        Answer::Open => Vec::new(),
        Answer::Silent => vec![SILENT],
        Answer::Unfinished => vec![UNFINISHED],
        Answer::Tried(tried) => tried.checks.iter().filter_map(judge).collect(),
    };
    all.sort_by_key(|one| !one.person);
    all
}

/// Whether somebody has to go there.
#[must_use]
pub fn needs_person(wrong: &[Wrong<'_>]) -> bool {
    wrong.iter().any(|one| one.person)
}

/// What whoever goes there takes along, each thing once.
#[must_use]
pub fn to_bring(wrong: &[Wrong<'_>]) -> Vec<Bring> {
    let people = wrong.iter().filter(|one| one.person);
    let mut all: Vec<Bring> = people.flat_map(|one| one.bring).copied().collect();
    all.sort_unstable();
    all.dedup();
    all
}

const SILENT: Wrong<'static> = there(
    "设备没有应答：断电、断网或已关机",
    "the box does not answer: no power, no network, or switched off",
    &[Bring::Cable, Bring::Power],
);
const UNFINISHED: Wrong<'static> = remote(
    "自检没有做完，请再做一次",
    "the self-test was not finished; run it again",
);

/// One check; `None` when it is as it should be, or could not be told.
fn judge(check: &Check) -> Option<Wrong<'_>> {
    if matches!(check.outcome, Outcome::Pass | Outcome::Unknown) {
        return None;
    }
    let code = check.code.as_deref().unwrap_or_default();
    let found = match check.part {
        Part::Camera => camera(code),
        Part::Sound => sound(code),
        Part::Disk | Part::Space => disk(code),
        Part::Clock => remote(
            "设备时钟偏差过大，请检查校时服务器",
            "the box's clock is off; look at its time server",
        ),
        Part::Network => remote(
            "能连上消息端口，连不上上传端口，请检查防火墙",
            "messages arrive, but uploads cannot; look at the firewall",
        ),
        Part::Certificate => remote(
            "设备证书即将到期或已到期，请下达“更新证书”",
            "the box's certificate is ending or has ended; order its renewal",
        ),
        Part::Projector => projector(code),
        Part::Equipment => there(
            "教室设备没有应答",
            "a piece of equipment does not answer",
            &[Bring::Cable],
        ),
        Part::Unknown => return None,
    };
    Some(Wrong {
        name: &check.name,
        ..found
    })
}

fn camera(code: &str) -> Wrong<'static> {
    match code {
        "unauthorized" => remote(
            "摄像机口令不对，请更新设备上的口令文件",
            "the camera refuses its password; renew the password file on the box",
        ),
        "garbage" => remote(
            "摄像机码流不能识别，请检查其编码设置",
            "the camera's stream cannot be read; look at its settings",
        ),
        _ => there(
            "摄像机没有画面",
            "the camera sends no picture",
            &[Bring::Cable, Bring::Power],
        ),
    }
}

fn sound(code: &str) -> Wrong<'static> {
    match code {
        "no_sound" => there(
            "没有声音信号，请检查麦克风接线",
            "there is no sound signal; look at the microphone's cable",
            &[Bring::Microphone],
        ),
        "clipping" => remote("音量过大，请调低", "the sound is too loud; turn it down"),
        // An empty room is silent too.
        _ => remote(
            "一直没有听到声音，上课前请试音",
            "nothing is heard; try the microphone before class",
        ),
    }
}

fn disk(code: &str) -> Wrong<'static> {
    match code {
        "no_write" => there(
            "设备硬盘不能写入，无法录制",
            "the box's disk takes nothing; it cannot record",
            &[Bring::Disk],
        ),
        "failing" => remote(
            "硬盘即将损坏，请安排更换",
            "the disk is failing; plan its replacement",
        ),
        _ => remote(
            "硬盘空间不足，请检查上传积压",
            "the disk is nearly full; look at what waits to be uploaded",
        ),
    }
}

fn projector(code: &str) -> Wrong<'static> {
    match code {
        "unauthorized" => remote(
            "投影机口令不对，请更新设备上的口令文件",
            "the projector refuses its password; renew the password file on the box",
        ),
        "degraded" => remote(
            "投影机有警告，请安排保养",
            "the projector warns; plan its service",
        ),
        "failed" => there(
            "投影机报错",
            "the projector reports an error",
            &[Bring::Remote],
        ),
        _ => there(
            "投影机没有应答",
            "the projector does not answer",
            &[Bring::Cable, Bring::Remote],
        ),
    }
}

/// Only somebody in the room can mend it.
const fn there(zh: &'static str, en: &'static str, bring: &'static [Bring]) -> Wrong<'static> {
    Wrong {
        name: "",
        zh,
        en,
        person: true,
        bring,
    }
}

/// It can be mended from a desk, or can wait.
const fn remote(zh: &'static str, en: &'static str) -> Wrong<'static> {
    Wrong {
        name: "",
        zh,
        en,
        person: false,
        bring: &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARTS: [Part; 10] = [
        Part::Camera,
        Part::Sound,
        Part::Disk,
        Part::Space,
        Part::Clock,
        Part::Network,
        Part::Certificate,
        Part::Projector,
        Part::Equipment,
        Part::Unknown,
    ];
    const CODES: [&str; 14] = [
        "",
        "stalled",
        "connecting",
        "unreachable",
        "unauthorized",
        "garbage",
        "no_sound",
        "silent",
        "clipping",
        "no_write",
        "failing",
        "full",
        "failed",
        "a_newer_word",
    ];

    fn check(part: Part, outcome: Outcome, code: &str) -> Check {
        Check {
            part,
            name: "cam0".into(),
            outcome,
            code: Some(code.to_owned()),
            value: None,
        }
    }

    fn tried(checks: Vec<Check>) -> Selftest {
        Selftest { checks }
    }

    /// K8: "three rooms need a person before 8:00, bring a cable".
    #[test]
    fn who_goes_there_knows_what_to_bring() {
        let tried = tried(vec![
            check(Part::Clock, Outcome::Warn, "off"),
            check(Part::Camera, Outcome::Fail, "unreachable"),
            check(Part::Projector, Outcome::Fail, "unreachable"),
            check(Part::Disk, Outcome::Pass, ""),
        ]);
        let wrong = wrong(Answer::Tried(&tried));
        assert_eq!(wrong.len(), 3);
        assert!(needs_person(&wrong) && wrong[0].person && !wrong[2].person);
        assert_eq!(wrong[0].name, "cam0");
        let bring = [Bring::Cable, Bring::Power, Bring::Remote];
        assert_eq!(to_bring(&wrong), bring);
    }

    #[test]
    fn a_box_that_is_silent_needs_a_person_and_one_that_is_slow_another_try() {
        let silent = wrong(Answer::Silent);
        assert!(needs_person(&silent) && to_bring(&silent).contains(&Bring::Cable));
        let unfinished = wrong(Answer::Unfinished);
        assert!(!unfinished.is_empty() && !needs_person(&unfinished));
        assert!(wrong(Answer::Open).is_empty());
    }

    #[test]
    fn what_can_be_mended_from_a_desk_sends_nobody() {
        for (part, code) in [
            (Part::Certificate, "ending"),
            (Part::Space, "full"),
            (Part::Camera, "unauthorized"),
            (Part::Sound, "silent"),
        ] {
            let tried = tried(vec![check(part, Outcome::Fail, code)]);
            let wrong = wrong(Answer::Tried(&tried));
            assert_eq!(wrong.len(), 1, "{part:?}");
            assert!(!needs_person(&wrong) && to_bring(&wrong).is_empty());
        }
    }

    /// Over every part, outcome and word: nothing that fails is passed over, nothing that works is
    /// wrong, and nobody goes there with empty hands and no word.
    #[test]
    fn every_answer_is_judged() {
        let outcomes = [
            Outcome::Pass,
            Outcome::Warn,
            Outcome::Fail,
            Outcome::Unknown,
        ];
        for part in PARTS {
            for outcome in outcomes {
                for code in CODES {
                    let tried = tried(vec![check(part, outcome, code)]);
                    let wrong = wrong(Answer::Tried(&tried));
                    let bad = matches!(outcome, Outcome::Warn | Outcome::Fail);
                    let known = part != Part::Unknown;
                    assert_eq!(wrong.len(), usize::from(bad && known), "{part:?} {code}");
                    for one in wrong {
                        assert!(!one.zh.is_empty() && !one.en.is_empty());
                        assert_eq!(one.person, !one.bring.is_empty(), "{part:?} {code}");
                    }
                }
            }
        }
    }
}
