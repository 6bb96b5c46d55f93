//! Alerts over whole stories: a switch, a loose plug, a night, a duty that nobody takes; and what
//! holds whatever happens, over random stories (fleet M14).

use std::collections::{BTreeMap, BTreeSet};

use super::book::{self, Alert, Scene};
use super::duty::{self, Shift, Step};
use super::facts::{self, BOX, BoxFacts, FaultFacts};
use super::group::{Part, Place};
use super::notify::*;
use super::silence::{self, Matcher, Silence, Target};
use crate::fault::{Moment, Severity};

const MINUTE: i64 = 60;

/// A campus told second by second; keeps what was said.
struct Story {
    boxes: Vec<BoxFacts>,
    faults: Vec<FaultFacts>,
    alerts: Vec<Alert>,
    silences: Vec<Silence>,
    now_s: i64,
    next: u32,
    said: Vec<(i64, String, Word, usize)>,
}

fn steps() -> Vec<Step> {
    let step = |title: &str, after_minutes| Step {
        title: title.into(),
        after_minutes,
    };
    vec![step("值班", 0), step("负责人", 15), step("主任", 45)]
}

impl Story {
    /// Buildings of so many rooms each.
    fn of(buildings: &[(&str, usize)], moment: Moment) -> Self {
        let room = |building: &str, number| BoxFacts {
            device: format!("{building}-{number}"),
            place: Place {
                room: format!("{building}{number}"),
                building: building.to_owned(),
                moment,
            },
            away_since_ms: None,
        };
        let all = buildings.iter();
        let boxes = all.flat_map(|(building, rooms)| (0..*rooms).map(|n| room(building, n)));
        Self {
            boxes: boxes.collect(),
            faults: vec![],
            alerts: vec![],
            silences: vec![],
            now_s: 0,
            next: 0,
            said: vec![],
        }
    }

    fn raise(&mut self, at: usize, component: &str, code: &str) {
        self.faults.push(FaultFacts {
            part: self.part(at, component),
            code: code.into(),
            opened_ms: self.now_s * 1000,
            open: true,
        });
    }

    fn clear(&mut self, at: usize, component: &str, code: &str) {
        let part = self.part(at, component);
        let is = |fault: &&mut FaultFacts| fault.part == part && fault.code == code;
        self.faults
            .iter_mut()
            .filter(is)
            .for_each(|fault| fault.open = false);
    }

    fn part(&self, at: usize, component: &str) -> Part {
        Part {
            device: self.boxes[at].device.clone(),
            component: component.into(),
        }
    }

    /// Its connection goes; the fault follows by `run`, after its hold-down of 20 s.
    fn leave(&mut self, at: usize) {
        self.boxes[at].away_since_ms = Some(self.now_s * 1000);
    }

    fn back(&mut self, at: usize) {
        self.boxes[at].away_since_ms = None;
        self.clear(at, BOX, "DEVICE_LOST");
    }

    fn run(&mut self, seconds: i64) {
        for _ in 0..seconds {
            for at in 0..self.boxes.len() {
                let away_ms = self.boxes[at].away_since_ms;
                if away_ms == Some((self.now_s - 20) * 1000) {
                    self.raise(at, BOX, "DEVICE_LOST");
                }
            }
            self.step();
            self.now_s += 1;
        }
    }

    fn step(&mut self) {
        let now_ms = self.now_s * 1000;
        let wrongs = facts::wrongs(&self.boxes, &self.faults, &self.alerts, now_ms);
        let (silences, steps) = (self.silences.clone(), steps());
        let scene = Scene {
            wrongs: &wrongs,
            silences: &silences,
            steps: &steps,
            now_ms,
        };
        let next = &mut self.next;
        let outcome = book::step(&mut self.alerts, scene, || {
            *next += 1;
            next.to_string()
        });
        for (id, word) in &outcome.said {
            let alert = self.alerts.iter().find(|alert| alert.id == *id).unwrap();
            let rooms = alert.wrong_parts().count();
            self.said
                .push((self.now_s, alert.subject.code.clone(), *word, rooms));
        }
        self.alerts
            .retain(|alert| !outcome.over.contains(&alert.id));
    }

    /// What was said, by code and word.
    fn words(&self) -> Vec<(i64, &str, Word)> {
        let said = self.said.iter();
        said.map(|(at_s, code, word, _)| (*at_s, code.as_str(), *word))
            .collect()
    }
}

/// M14: a switch with 30 rooms is one message with 30 rooms inside, and one when it is over.
#[test]
fn a_switch_with_thirty_rooms_is_one_message() {
    let mut story = Story::of(&[("博学楼", 30), ("求知楼", 10)], Moment::InClass);
    story.raise(3, "cam0", "CAM_DARK");
    story.run(2 * MINUTE);
    story.said.clear();
    // Keep-alives run out within half a minute of each other.
    for at in 0..30 {
        story.leave(at);
        story.run(1);
    }
    story.run(10 * MINUTE);
    let raised = (story.said[0].0, "BUILDING_LOST", Word::Raised);
    assert_eq!(story.words(), [raised]);
    assert!((20..=40).contains(&(raised.0 - 120)), "{raised:?}");
    let building = story
        .alerts
        .iter()
        .find(|alert| alert.subject.code == "BUILDING_LOST");
    assert_eq!(building.unwrap().wrong_parts().count(), 30);
    for at in 0..30 {
        story.back(at);
        story.run(1);
    }
    story.run(10 * MINUTE);
    let words: Vec<_> = story.words()[1..]
        .iter()
        .map(|(_, code, word)| (*code, *word))
        .collect();
    assert_eq!(words, [("BUILDING_LOST", Word::Resolved)]);
}

/// Two rooms that stay dark when the building is back are one more message.
#[test]
fn what_stays_lost_is_told_when_the_building_is_back() {
    let mut story = Story::of(&[("博学楼", 10)], Moment::InClass);
    (0..10).for_each(|at| story.leave(at));
    story.run(5 * MINUTE);
    (2..10).for_each(|at| story.back(at));
    story.run(5 * MINUTE);
    let said: Vec<_> = story
        .said
        .iter()
        .map(|(_, code, word, n)| (code.as_str(), *word, *n))
        .collect();
    let expect = [
        ("BUILDING_LOST", Word::Raised, 10),
        ("DEVICE_LOST", Word::Raised, 2),
        ("BUILDING_LOST", Word::Resolved, 0),
    ];
    assert_eq!(said, expect);
}

/// The hub's own link: every building goes, and none of them is named.
#[test]
fn the_hub_that_is_cut_off_is_one_message() {
    let mut story = Story::of(&[("甲", 10), ("乙", 5), ("丙", 3)], Moment::InClass);
    (0..18).for_each(|at| story.leave(at));
    story.run(10 * MINUTE);
    assert_eq!(story.words(), [(25, "HUB_LINK_LOST", Word::Raised)]);
    assert_eq!(story.said[0].3, 18);
}

/// M14: a camera in a lesson is one immediate word; what clears within the wait is none.
#[test]
fn a_camera_in_a_lesson_is_told_at_once() {
    let mut story = Story::of(&[("博学楼", 4)], Moment::InClass);
    story.raise(0, "cam0", "CAM_NO_SIGNAL");
    story.run(4);
    story.clear(0, "cam0", "CAM_NO_SIGNAL");
    story.run(3 * MINUTE);
    assert_eq!(story.words(), [], "it cleared inside the wait");
    assert!(story.alerts.is_empty(), "and nothing is kept of it");
    let from_s = story.now_s;
    story.raise(0, "cam0", "CAM_NO_SIGNAL");
    story.run(3 * MINUTE);
    story.clear(0, "cam0", "CAM_NO_SIGNAL");
    story.run(2 * MINUTE + 1);
    let expect = [
        (from_s + 5, "CAM_NO_SIGNAL", Word::Raised),
        (from_s + 300, "CAM_NO_SIGNAL", Word::Resolved),
    ];
    assert_eq!(story.words(), expect);
}

/// A camera without its cable stalls, and then does not answer: one thing, told once, and over when
/// it is.
#[test]
fn faults_that_take_turns_are_one_alert() {
    let mut story = Story::of(&[("博学楼", 4)], Moment::InClass);
    story.raise(0, "cam0", "CAM_STALLED");
    story.run(MINUTE);
    story.clear(0, "cam0", "CAM_STALLED");
    story.run(5);
    story.raise(0, "cam0", "CAM_NO_SIGNAL");
    story.run(5 * MINUTE);
    assert_eq!(story.words(), [(5, "CAM_NO_SIGNAL", Word::Raised)]);
    story.clear(0, "cam0", "CAM_NO_SIGNAL");
    story.run(2 * MINUTE + 1);
    assert_eq!(story.words().len(), 2, "{:?}", story.words());
    assert_eq!(story.words()[1].2, Word::Resolved);
}

/// Idle, the same waits a minute and is said again by the summary of the day alone.
#[test]
fn at_night_the_same_waits_and_is_not_repeated() {
    let mut story = Story::of(&[("博学楼", 4)], Moment::Idle);
    story.raise(0, "cam0", "CAM_NO_SIGNAL");
    story.run(6 * 60 * MINUTE);
    assert_eq!(story.words(), [(60, "CAM_NO_SIGNAL", Word::Raised)]);
    // The first lesson of the morning: now it is felt, and told as what it is.
    story.boxes[0].place.moment = Moment::BeforeClass;
    let from_s = story.now_s;
    story.run(MINUTE);
    assert_eq!(
        story.words()[1..],
        [(from_s + 5, "CAM_NO_SIGNAL", Word::Raised)]
    );
    assert_eq!(story.alerts[0].told.unwrap().severity, Severity::Critical);
}

/// M14: a flapping box is one word, then one that says so; quiet for half an hour ends it.
#[test]
fn a_flapping_box_is_one_and_a_summary() {
    let mut story = Story::of(&[("博学楼", 4)], Moment::InClass);
    for _ in 0..40 {
        story.leave(0);
        story.run(45);
        story.back(0);
        story.run(30);
    }
    let told: Vec<_> = story
        .words()
        .iter()
        .map(|(_, code, word)| (*code, *word))
        .collect();
    assert_eq!(
        told,
        [("DEVICE_LOST", Word::Raised), ("FLAPPING", Word::Raised)]
    );
    story.run(60 * MINUTE);
    let ends: Vec<_> = story.words()[2..]
        .iter()
        .map(|(_, code, word)| (*code, *word))
        .collect();
    assert_eq!(
        ends,
        [
            ("DEVICE_LOST", Word::Resolved),
            ("FLAPPING", Word::Resolved)
        ]
    );
    assert!(story.alerts.is_empty());
}

/// M14: nobody takes it for 15 minutes: the next duty, and the one after that; then again.
#[test]
fn what_nobody_takes_goes_to_the_next_step() {
    let mut story = Story::of(&[("博学楼", 4)], Moment::InClass);
    story.raise(0, "cam0", "CAM_NO_SIGNAL");
    story.run(62 * MINUTE);
    let (first, code) = (5, "CAM_NO_SIGNAL");
    let expect = [
        (first, code, Word::Raised),
        (first + 15 * MINUTE, code, Word::Escalated(1)),
        (first + 30 * MINUTE, code, Word::Repeated),
        (first + 45 * MINUTE, code, Word::Escalated(2)),
        (first + 60 * MINUTE, code, Word::Repeated),
    ];
    assert_eq!(story.words(), expect);
}

/// Taken: neither repeated nor passed on, until that expires; a new room is said all the same.
#[test]
fn an_acknowledged_alert_is_quiet_until_it_expires() {
    let mut story = Story::of(&[("博学楼", 4)], Moment::InClass);
    story.raise(0, "cam0", "CAM_NO_SIGNAL");
    story.run(11);
    story.alerts[0].acknowledged_until_ms = Some(3_600_000);
    story.run(3_589);
    assert_eq!(story.words().len(), 1);
    story.run(2);
    assert_eq!(
        story.words()[1],
        (3_600, "CAM_NO_SIGNAL", Word::Escalated(1))
    );
    story.alerts[0].acknowledged_until_ms = Some(9_000_000);
    story.raise(1, "cam0", "CAM_NO_SIGNAL");
    story.run(15);
    let others = story.alerts.iter().map(|alert| alert.wrong_parts().count());
    assert_eq!(
        others.collect::<Vec<_>>(),
        [1, 1],
        "what is taken stays what it is"
    );
    assert_eq!(story.words()[2].2, Word::Raised);
}

/// Rooms that follow are one more word, one interval later.
#[test]
fn rooms_that_follow_are_told_together() {
    let mut story = Story::of(&[("博学楼", 20)], Moment::InClass);
    for at in 0..5 {
        story.raise(at, "cam0", "CAM_NO_SIGNAL");
        story.run(15);
    }
    story.run(3 * MINUTE);
    let said: Vec<_> = story
        .said
        .iter()
        .map(|(at_s, _, _, rooms)| (*at_s, *rooms))
        .collect();
    assert_eq!(said, [(5, 1), (125, 5)]);
}

/// A silence is for what it names, for as long as it says.
#[test]
fn a_silenced_room_is_quiet_until_the_silence_ends() {
    let mut story = Story::of(&[("博学楼", 4)], Moment::InClass);
    story.silences.push(Silence {
        matcher: Matcher {
            room: Some("博学楼0".into()),
            ..Matcher::default()
        },
        from_ms: 0,
        until_ms: 600_000,
    });
    story.raise(0, "cam0", "CAM_NO_SIGNAL");
    story.run(599);
    assert_eq!(story.words(), []);
    story.run(2);
    assert_eq!(story.words(), [(600, "CAM_NO_SIGNAL", Word::Raised)]);
    story.silences[0].until_ms = 9_000_000;
    story.clear(0, "cam0", "CAM_NO_SIGNAL");
    story.run(10 * MINUTE);
    assert_eq!(
        story.words()[1].2,
        Word::Resolved,
        "whoever was told hears the end"
    );
}

/// What the box explains is not said beside it, and is over with it.
#[test]
fn a_lost_box_explains_its_camera() {
    let mut story = Story::of(&[("博学楼", 4)], Moment::InClass);
    story.raise(0, "cam0", "CAM_NO_SIGNAL");
    story.raise(0, BOX, "DEVICE_LOST");
    story.boxes[0].away_since_ms = Some(0);
    story.run(5 * MINUTE);
    assert_eq!(story.words(), [(5, "DEVICE_LOST", Word::Raised)]);
    story.back(0);
    story.run(2 * MINUTE + 1);
    let expect = [
        (305, "CAM_NO_SIGNAL", Word::Raised),
        (420, "DEVICE_LOST", Word::Resolved),
    ];
    assert_eq!(story.words()[1..], expect);
}

/// A generator of stories: the same seed tells the same story.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % limit).unwrap()
    }
}

/// Whatever happens: nothing before its wait, nothing twice within the interval but worse news,
/// resolved once and last, and a hub that stops at any second goes on as if it had not.
#[test]
fn properties_over_random_stories() {
    let moments = [
        Moment::InClass,
        Moment::BeforeClass,
        Moment::Idle,
        Moment::Holiday,
    ];
    let codes = ["CAM_NO_SIGNAL", "CAM_DARK", "MIC_SILENT", "REC_EVICTED"];
    let mut words = 0;
    for seed in 0..12 {
        let mut dice = Dice(seed);
        let mut story = Story::of(&[("甲", 6), ("乙", 4)], Moment::Idle);
        let mut told: BTreeMap<String, (i64, Severity)> = BTreeMap::new();
        let mut over = BTreeSet::new();
        for _ in 0..800 {
            let at = dice.below(10);
            match dice.below(40) {
                0 => story.raise(at, "cam0", codes[dice.below(4)]),
                1..=3 => story.clear(at, "cam0", codes[dice.below(4)]),
                4 if story.boxes[at].away_since_ms.is_none() => story.leave(at),
                5 | 6 => story.back(at),
                7 => story.boxes[at].place.moment = moments[dice.below(4)],
                8 if !story.alerts.is_empty() => {
                    let taken = dice.below(story.alerts.len() as u64);
                    let until_ms = (story.now_s + 600) * 1000;
                    story.alerts[taken].acknowledged_until_ms = Some(until_ms);
                }
                _ => {}
            }
            let before = story.alerts.clone();
            let said = story.said.len();
            story.run(1 + dice.below(20) as i64);
            words += story.said.len() - said;
            check(&before, &story, &mut told, &mut over);
        }
    }
    assert!(words > 100, "only {words} were said");
}

fn check(
    before: &[Alert],
    story: &Story,
    told: &mut BTreeMap<String, (i64, Severity)>,
    over: &mut BTreeSet<String>,
) {
    let known: BTreeSet<_> = story.alerts.iter().map(|alert| alert.id.clone()).collect();
    for alert in &story.alerts {
        assert!(!over.contains(&alert.id), "what is over stays over");
        let Some(is) = alert.told else { continue };
        assert!(is.first_ms - alert.opened_ms >= URGENT.wait_ms);
        assert!(is.step < steps().len() && is.last_ms >= is.first_ms);
        if let Some((last_ms, severity)) = told.insert(alert.id.clone(), (is.last_ms, is.severity))
        {
            let apart = is.last_ms == last_ms || is.last_ms - last_ms >= URGENT.interval_ms;
            let passed_on = alert.severity == Severity::Critical;
            assert!(apart || is.severity > severity || passed_on, "{alert:?}");
            assert!(is.severity >= severity);
        }
    }
    for alert in before.iter().filter(|alert| !known.contains(&alert.id)) {
        over.insert(alert.id.clone());
    }
}

/// Restart: what is kept in `Alert` is all there is, so a story told in two halves is the same.
#[test]
fn the_decision_needs_nothing_but_what_is_kept() {
    let alert = |newest_ms, severity, urgent| Standing {
        opened_ms: 0,
        newest_ms,
        cleared_ms: None,
        severity,
        severity_since_ms: 0,
        urgent,
        quiet: false,
        acknowledged: false,
    };
    let told = |last_ms, severity| Told {
        first_ms: 10_000,
        last_ms,
        severity,
        step: 0,
    };
    let (critical, minor) = (Severity::Critical, Severity::Minor);
    let (raised, nothing) = (Decision::Tell(Word::Raised), Decision::Nothing);
    let repeated = Decision::Tell(Word::Repeated);
    let table = [
        (alert(0, critical, true), None, 4_999, nothing),
        (alert(0, critical, true), None, 5_000, raised),
        (alert(0, minor, false), None, 59_999, nothing),
        (alert(0, minor, false), None, 60_000, raised),
        (
            alert(0, critical, true),
            Some(told(10_000, critical)),
            909_999,
            nothing,
        ),
        (
            alert(0, critical, true),
            Some(told(10_000, critical)),
            910_000,
            repeated,
        ),
        (
            alert(0, minor, false),
            Some(told(10_000, minor)),
            i64::MAX / 2,
            nothing,
        ),
        (
            alert(20_000, critical, true),
            Some(told(10_000, critical)),
            129_999,
            nothing,
        ),
        (
            alert(20_000, critical, true),
            Some(told(10_000, critical)),
            130_000,
            raised,
        ),
        (
            alert(20_000, minor, false),
            Some(told(10_000, minor)),
            609_999,
            nothing,
        ),
        (
            alert(20_000, minor, false),
            Some(told(10_000, minor)),
            610_000,
            raised,
        ),
        (
            alert(0, critical, true),
            Some(told(10_000, minor)),
            10_001,
            raised,
        ),
    ];
    let one = &steps()[..1];
    for (number, (standing, told, now_ms, expect)) in table.into_iter().enumerate() {
        let is = decide(&standing, told.as_ref(), one, now_ms);
        assert_eq!(is, expect, "row {number}");
        let quiet = Standing {
            quiet: true,
            ..standing
        };
        assert_eq!(
            decide(&quiet, told.as_ref(), one, now_ms),
            nothing,
            "row {number}, quiet"
        );
        let over = Standing {
            cleared_ms: Some(now_ms),
            ..standing
        };
        let early = decide(&over, told.as_ref(), one, now_ms);
        assert!(
            early == nothing || told.is_none(),
            "row {number}, just over"
        );
        let is = decide(&over, told.as_ref(), one, now_ms + 700_000);
        let expect = if told.is_some() {
            Decision::Tell(Word::Resolved)
        } else {
            Decision::Drop
        };
        assert_eq!(is, expect, "row {number}, over");
        let taken = Standing {
            acknowledged: true,
            ..standing
        };
        let is = decide(&taken, told.as_ref(), &steps(), now_ms);
        assert!(
            !matches!(is, Decision::Tell(Word::Repeated | Word::Escalated(_))),
            "{number}"
        );
    }
}

#[test]
fn the_summary_is_due_once_a_day_at_eight() {
    assert!(!digest_due(None, 7, 479) && digest_due(None, 7, 480));
    assert!(!digest_due(Some(7), 7, 1_439) && !digest_due(Some(7), 8, 479));
    assert!(digest_due(Some(7), 8, 480) && digest_due(Some(3), 8, 900));
}

#[test]
fn a_silence_names_something_ends_and_says_why() {
    let silence = |matcher, until_ms| Silence {
        matcher,
        from_ms: 0,
        until_ms,
    };
    let building = Matcher {
        building: Some("博学楼".into()),
        ..Matcher::default()
    };
    let field = |one: &Silence, reason| silence::valid(one, reason, 5).err().map(|e| e.field);
    let good = silence(building.clone(), 10);
    assert_eq!(field(&good, "施工"), None);
    assert_eq!(
        field(&silence(Matcher::default(), 10), "施工"),
        Some("code")
    );
    assert_eq!(field(&silence(building.clone(), 5), "施工"), Some("until"));
    let long = silence(building.clone(), silence::SILENCE_MS_MAX + 1);
    assert_eq!(field(&long, "施工"), Some("until"));
    assert_eq!(field(&good, " 施 "), Some("reason"));
    assert_eq!(field(&good, &"长".repeat(201)), Some("reason"));
    let target = |building, room| Target {
        code: "CAM_DARK",
        building,
        room,
    };
    let both = [target("博学楼", "1"), target("求知楼", "2")];
    let quiet = |targets, now_ms| silence::silenced(std::slice::from_ref(&good), targets, now_ms);
    assert!(quiet(&both[..1], 9) && !quiet(&both[..1], 10) && !quiet(&both[..1], -1));
    assert!(!quiet(&both, 9), "one room is not silenced");
    assert!(!quiet(&[], 9));
}

/// A camera that stalls and then does not answer is one alert: whoever silences either by its code
/// hears of neither.
#[test]
fn a_silence_names_what_is_told_together() {
    let quiet = |named: &str, code| {
        let matcher = Matcher {
            code: Some(named.to_owned()),
            ..Matcher::default()
        };
        matcher.matches(Target {
            code,
            building: "博学楼",
            room: "1",
        })
    };
    for (named, code, expect) in [
        ("CAM_STALLED", "CAM_NO_SIGNAL", true),
        ("CAM_STALLED", "CAM_STALLED", true),
        ("CAM_NO_SIGNAL", "CAM_STALLED", true),
        ("CAM_DARK", "CAM_NO_SIGNAL", false),
        ("CAM_STALLED", "CAM_DARK", false),
        ("OF_A_NEWER_HUB", "OF_A_NEWER_HUB", true),
    ] {
        assert_eq!(quiet(named, code), expect, "{named} {code}");
    }
}

#[test]
fn a_hole_in_the_roster_keeps_no_word_back() {
    let shift = |step, person, from_ms, until_ms| Shift {
        step,
        person,
        from_ms,
        until_ms,
    };
    let shifts = [
        shift(0, 'a', 0, 10),
        shift(0, 'b', 5, 15),
        shift(1, 'c', 0, 99),
        shift(0, 'x', 0, 99),
    ];
    let everyone = ['a', 'b', 'c', 'd'];
    let on = |step, now_ms| duty::on_duty(&shifts, &everyone, step, now_ms);
    assert_eq!(on(0, 4), ['a']);
    assert_eq!(on(0, 9), ['a', 'b']);
    assert_eq!(on(0, 10), ['b']);
    assert_eq!(on(0, 15), everyone, "nobody: everybody");
    assert_eq!(on(1, 15), ['c']);
    assert_eq!(on(2, 15), everyone);
    let valid = |step, from_ms, until_ms| {
        duty::valid_shift(&shift(step, 'a', from_ms, until_ms), 2, 5)
            .err()
            .map(|e| e.field)
    };
    assert_eq!(valid(1, 0, 6), None);
    assert_eq!(valid(2, 0, 6), Some("step"));
    assert_eq!(valid(0, 0, 5), Some("until"));
    assert_eq!(valid(0, 7, 7), Some("until"));
    assert_eq!(valid(0, 0, duty::SHIFT_MS_MAX + 1), Some("until"));
}

#[test]
fn steps_begin_at_once_and_rise() {
    let field = |minutes: &[i64]| {
        let step = |after_minutes: &i64| Step {
            title: "值班".into(),
            after_minutes: *after_minutes,
        };
        let steps: Vec<_> = minutes.iter().map(step).collect();
        duty::valid(&steps).err().map(|e| e.field)
    };
    assert_eq!(field(&[0, 15, 1_440]), None);
    assert_eq!(field(&[]), Some("steps"));
    assert_eq!(field(&[0, 1, 2, 3, 4, 5]), Some("steps"));
    for wrong in [&[1][..], &[0, 0], &[0, 15, 10], &[0, 1_441]] {
        assert_eq!(field(wrong), Some("after_minutes"), "{wrong:?}");
    }
    let mut nameless = steps();
    nameless[1].title = " ".into();
    assert_eq!(duty::valid(&nameless).err().map(|e| e.field), Some("title"));
}
