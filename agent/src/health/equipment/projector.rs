//! When a projector is asked what, and what its answers come to. Pure: the time is passed in.
//!
//! The rules keep projectors alive that were never meant to be watched: one connection for each
//! poll and one question after the other; the power each time, errors every five minutes, hours
//! and names once a day (asking those more often has hung projectors); five minutes between polls
//! in standby; silence in standby means nothing; a wrong password is tried again after ten
//! minutes. By order it is switched, but never within ten minutes of having been switched the other
//! way, by whomever, nor while it cools or warms up.

use super::pjlink::{Answer, Question};
use super::standing::Standing;
use xunke_protocol::envelope::Switch;
use xunke_protocol::health::{
    EquipmentKind, EquipmentSignals, EquipmentState, Part, Power, Trouble, TroubleLevel,
};
use xunke_protocol::id::EquipmentName;

const POLL_MS: u64 = 60_000;
const STANDBY_POLL_MS: u64 = 300_000;
const ERRORS_MS: u64 = 300_000;
const DAY_MS: u64 = 86_400_000;
/// A password that was refused may be locked out when it is tried again and again.
const REFUSED_MS: u64 = 600_000;
/// A lamp that is switched off and on again while it is hot may burst.
const SWITCHED_MS: u64 = 600_000;
/// Class 2 is the first that knows of filters.
const CLASS_OF_FILTERS: u8 = 2;

/// What became of one connection.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Outcome {
    /// It answered these.
    Answered {
        answers: Vec<(Question, Answer)>,
        /// The first answer's.
        rtt_ms: f32,
        /// Whether it closed the connection before all was asked.
        cut: bool,
    },
    /// Nobody answered within the limit, or nobody is there.
    Silent,
    /// It is somebody else's now: closed before a greeting, or with one that lets nobody in.
    Busy,
    /// It wants a password, or another one.
    Refused,
    /// Whatever answers is no projector.
    Stranger,
}

/// What an order comes to before it is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    /// It may be given.
    Give,
    /// It is so already.
    AlreadySo,
    /// Not now; a stable word.
    Not(&'static str),
}

/// One projector under watch.
#[derive(Debug)]
pub(super) struct Projector {
    name: EquipmentName,
    standing: Standing,
    power: Option<Power>,
    troubles: Vec<Trouble>,
    rtt_ms: Option<f32>,
    lamp_hours: Option<u32>,
    filter_hours: Option<u32>,
    model: Option<String>,
    class: u8,
    /// It closes after each answer, so that a connection is good for one question.
    one_answer: bool,
    /// By the clock that never steps.
    errors_asked_ms: Option<u64>,
    daily_asked_ms: Option<u64>,
    /// When it was last seen to be switched, or was.
    switched_ms: Option<u64>,
    /// What of the daily questions a projector of one answer was not asked yet.
    daily_left: Vec<Question>,
}

impl Projector {
    pub fn new(name: EquipmentName, now_ms: i64) -> Self {
        Self {
            name,
            standing: Standing::new(now_ms),
            power: None,
            troubles: Vec::new(),
            rtt_ms: None,
            lamp_hours: None,
            filter_hours: None,
            model: None,
            class: 1,
            one_answer: false,
            errors_asked_ms: None,
            daily_asked_ms: None,
            switched_ms: None,
            daily_left: Vec::new(),
        }
    }

    /// What to ask in the connection that is opened now, in this order.
    pub fn questions(&mut self, mono_ms: u64) -> Vec<Question> {
        let due = |asked_ms: Option<u64>, period_ms| {
            asked_ms.is_none_or(|asked_ms| mono_ms.saturating_sub(asked_ms) >= period_ms)
        };
        let mut questions = vec![Question::Power];
        // While it changes its state it may take seconds for every answer.
        if matches!(self.power, Some(Power::Cooling | Power::Warming)) {
            return questions;
        }
        if due(self.errors_asked_ms, ERRORS_MS) {
            questions.push(Question::Errors);
        }
        if self.power == Some(Power::On) && due(self.daily_asked_ms, DAY_MS) {
            self.daily_asked_ms = Some(mono_ms);
            self.daily_left = vec![Question::Class, Question::Lamps, Question::Model];
        }
        if self.power == Some(Power::On) {
            questions.append(&mut self.daily_left);
        }
        if self.one_answer {
            self.daily_left = questions.split_off(1);
            let errors = self
                .daily_left
                .iter()
                .position(|one| *one == Question::Errors);
            let other = errors.or((!self.daily_left.is_empty()).then_some(0));
            // The power waits for the next poll: that it answers says that it lives.
            if let Some(at) = other {
                questions = vec![self.daily_left.remove(at)];
            }
        }
        if questions.contains(&Question::Errors) {
            self.errors_asked_ms = Some(mono_ms);
        }
        questions
    }

    /// Takes in what came of it, and says how long to wait before the next connection.
    pub fn heard(&mut self, outcome: Outcome, now_ms: i64) -> u64 {
        match outcome {
            Outcome::Answered {
                answers,
                rtt_ms,
                cut,
            } => {
                self.one_answer |= cut;
                self.rtt_ms = Some(rtt_ms);
                let broken = answers.iter().any(|(_, answer)| *answer == Answer::Broken);
                answers.into_iter().for_each(|one| self.learn(one));
                let state = if broken {
                    EquipmentState::Failed
                } else {
                    self.state()
                };
                self.standing.answered(state, now_ms);
            }
            Outcome::Silent => {
                self.rtt_ms = None;
                let standby = self.in_standby();
                self.standing.silent(standby, now_ms);
            }
            Outcome::Busy => self.standing.answered(EquipmentState::Unknown, now_ms),
            Outcome::Refused => {
                self.standing.answered(EquipmentState::Unauthorized, now_ms);
                return REFUSED_MS;
            }
            Outcome::Stranger => self.standing.silent(false, now_ms),
        }
        if self.in_standby() {
            STANDBY_POLL_MS
        } else {
            POLL_MS
        }
    }

    /// Whether it may be switched now; its power was just asked. `ordered_ms` is how long ago this
    /// box last gave such an order, if it ever did.
    pub fn may_switch(&self, power: Switch, ordered_ms: Option<u64>, mono_ms: u64) -> Wish {
        match (power, self.power) {
            _ if !matches!(
                self.standing.state,
                EquipmentState::Ok
                    | EquipmentState::Off
                    | EquipmentState::Degraded
                    | EquipmentState::Failed
            ) =>
            {
                Wish::Not(match self.standing.state {
                    EquipmentState::Unauthorized => "unauthorized",
                    _ => "not_reached",
                })
            }
            (_, None | Some(Power::Unknown)) => Wish::Not("not_reached"),
            (Switch::On, Some(Power::On | Power::Warming))
            | (Switch::Off, Some(Power::Off | Power::Cooling)) => Wish::AlreadySo,
            (Switch::On, Some(Power::Cooling)) => Wish::Not("cooling"),
            (Switch::Off, Some(Power::Warming)) => Wish::Not("warming"),
            _ => {
                let seen = self.switched_ms.map(|at_ms| mono_ms.saturating_sub(at_ms));
                let recent = [seen, ordered_ms].into_iter().flatten().min();
                match recent.is_some_and(|ago_ms| ago_ms < SWITCHED_MS) {
                    true => Wish::Not("too_soon"),
                    false => Wish::Give,
                }
            }
        }
    }

    /// It was switched now, by order.
    pub fn switched(&mut self, mono_ms: u64) {
        self.switched_ms = Some(mono_ms);
    }

    /// Takes in what came of it at that moment of the clock that never steps; see [`Self::heard`].
    pub fn heard_at(&mut self, outcome: Outcome, now_ms: i64, mono_ms: u64) -> u64 {
        let lit = |power| matches!(power, Some(Power::On | Power::Warming));
        let before = self.power;
        let wait_ms = self.heard(outcome, now_ms);
        if before.is_some() && lit(before) != lit(self.power) {
            self.switched_ms = Some(mono_ms);
        }
        wait_ms
    }

    fn in_standby(&self) -> bool {
        matches!(self.power, Some(Power::Off | Power::Cooling))
    }

    fn learn(&mut self, (question, answer): (Question, Answer)) {
        match answer {
            Answer::Power(power) => self.power = Some(power),
            Answer::Errors(found) => self.count(&found),
            Answer::Lamps(hours) => self.lamp_hours = hours,
            Answer::Model(model) => self.model = (!model.is_empty()).then_some(model),
            Answer::Class(class) => {
                self.class = class;
                if class >= CLASS_OF_FILTERS {
                    self.daily_left.push(Question::Filter);
                }
            }
            Answer::Filter(hours) => self.filter_hours = Some(hours),
            // What it does not know it is asked again tomorrow; power and errors at their time.
            Answer::Unable | Answer::Broken | Answer::Refused => {
                tracing::debug!(equipment = %self.name, ?question, ?answer, "no answer to this");
            }
        }
    }

    /// The same trouble again counts on; a part that is well again begins anew.
    fn count(&mut self, found: &[(Part, TroubleLevel)]) {
        let before = std::mem::take(&mut self.troubles);
        let again = |&(part, level): &(Part, TroubleLevel)| {
            let known = before
                .iter()
                .find(|one| one.part == part && one.level == level);
            let times = known.map_or(0, |known| known.times).saturating_add(1);
            Trouble { part, level, times }
        };
        self.troubles = found.iter().map(again).collect();
    }

    fn state(&self) -> EquipmentState {
        let worst = self.troubles.iter().map(|trouble| trouble.level).max();
        match (worst, self.power) {
            (Some(TroubleLevel::Error), _) => EquipmentState::Failed,
            (Some(_), _) => EquipmentState::Degraded,
            (None, Some(Power::Off)) => EquipmentState::Off,
            (None, _) => EquipmentState::Ok,
        }
    }

    pub fn signals(&self) -> EquipmentSignals {
        EquipmentSignals {
            name: self.name.clone(),
            kind: EquipmentKind::Projector,
            state: self.standing.state,
            since: self.standing.since_ms,
            misses: self.standing.misses,
            rtt_ms: self.rtt_ms,
            http_status: None,
            power: self.power,
            troubles: self.troubles.clone(),
            lamp_hours: self.lamp_hours,
            filter_hours: self.filter_hours,
            model: self.model.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE_MS: u64 = 60_000;

    fn projector() -> Projector {
        Projector::new("projector".parse().unwrap(), 0)
    }

    fn answered(answers: Vec<(Question, Answer)>) -> Outcome {
        Outcome::Answered {
            answers,
            rtt_ms: 12.0,
            cut: false,
        }
    }

    fn power(power: Power) -> Outcome {
        answered(vec![(Question::Power, Answer::Power(power))])
    }

    /// M16 and issue 6, item 4: never on and off in a row, whoever did the first of it.
    #[test]
    fn a_projector_is_never_switched_back_within_ten_minutes() {
        let mut one = projector();
        assert_eq!(
            one.may_switch(Switch::On, None, 0),
            Wish::Not("not_reached")
        );
        one.heard_at(power(Power::On), 0, 0);
        assert_eq!(one.may_switch(Switch::On, None, 0), Wish::AlreadySo);
        assert_eq!(
            one.may_switch(Switch::Off, None, 0),
            Wish::Give,
            "on for long"
        );
        let recent = Some(SWITCHED_MS - 1);
        assert_eq!(
            one.may_switch(Switch::Off, recent, 0),
            Wish::Not("too_soon")
        );
        // Somebody switches it off by hand.
        let by_hand_ms = 5 * MINUTE_MS;
        one.heard_at(power(Power::Cooling), 0, by_hand_ms);
        let on = |one: &Projector, mono_ms| one.may_switch(Switch::On, None, mono_ms);
        assert_eq!(on(&one, by_hand_ms), Wish::Not("cooling"));
        one.heard_at(power(Power::Off), 0, by_hand_ms + MINUTE_MS);
        assert_eq!(
            on(&one, by_hand_ms + SWITCHED_MS - 1),
            Wish::Not("too_soon")
        );
        assert_eq!(on(&one, by_hand_ms + SWITCHED_MS), Wish::Give);
        one.switched(by_hand_ms + SWITCHED_MS);
        assert_eq!(
            on(&one, by_hand_ms + SWITCHED_MS + 1),
            Wish::Not("too_soon")
        );
        one.heard_at(power(Power::Warming), 0, by_hand_ms + SWITCHED_MS + 2);
        let off = one.may_switch(Switch::Off, None, 1 << 40);
        assert_eq!(off, Wish::Not("warming"));
        one.heard_at(Outcome::Refused, 0, 0);
        let off = one.may_switch(Switch::Off, None, 1 << 40);
        assert_eq!(off, Wish::Not("unauthorized"));
    }

    /// Asks for so many minutes, each minute at which it is due; counts each question.
    fn asked(projector: &mut Projector, minutes: u64, cut: bool) -> Vec<(u64, Question)> {
        let (mut due_ms, mut asked) = (0, Vec::new());
        for mono_ms in (0..minutes * MINUTE_MS).step_by(10_000) {
            if mono_ms < due_ms {
                continue;
            }
            let questions = projector.questions(mono_ms);
            asked.extend(
                questions
                    .iter()
                    .map(|question| (mono_ms / MINUTE_MS, *question)),
            );
            let answer = |question: &Question| match question {
                Question::Power => (*question, Answer::Power(Power::On)),
                Question::Errors => (*question, Answer::Errors(vec![])),
                Question::Lamps => (*question, Answer::Lamps(Some(812))),
                Question::Model => (*question, Answer::Model("PT-VW360".into())),
                Question::Class => (*question, Answer::Class(2)),
                Question::Filter => (*question, Answer::Filter(40)),
            };
            let said = Outcome::Answered {
                answers: questions
                    .iter()
                    .take(if cut { 1 } else { 9 })
                    .map(answer)
                    .collect(),
                rtt_ms: 9.0,
                cut: cut && questions.len() > 1,
            };
            due_ms = mono_ms + projector.heard(said, 0);
        }
        asked
    }

    fn times(asked: &[(u64, Question)], question: Question) -> Vec<u64> {
        let of = asked.iter().filter(|(_, one)| *one == question);
        of.map(|(minute, _)| *minute).collect()
    }

    /// M16: the power each minute, errors each five, hours once a day.
    #[test]
    fn a_projector_is_asked_no_more_than_it_bears() {
        let mut one = projector();
        let asked = asked(&mut one, 24 * 60 + 5, false);
        assert_eq!(times(&asked, Question::Power).len(), 24 * 60 + 5);
        assert_eq!(times(&asked, Question::Errors).len(), 24 * 12 + 1);
        assert_eq!(times(&asked, Question::Errors)[..3], [0, 5, 10]);
        assert_eq!(times(&asked, Question::Lamps), [1, 24 * 60 + 1]);
        assert_eq!(times(&asked, Question::Filter), [2, 24 * 60 + 2], "class 2");
        let signals = one.signals();
        assert_eq!(
            (signals.lamp_hours, signals.filter_hours),
            (Some(812), Some(40))
        );
        assert_eq!(signals.model.as_deref(), Some("PT-VW360"));
        assert_eq!(
            (signals.state, signals.power),
            (EquipmentState::Ok, Some(Power::On))
        );
    }

    /// Panasonic closes after each answer: no question is starved, and still one connection a poll.
    #[test]
    fn a_projector_of_one_answer_is_asked_one_thing_a_poll() {
        let mut one = projector();
        let asked = asked(&mut one, 60, true);
        let after_the_first: Vec<u64> = asked.iter().skip(2).map(|(minute, _)| *minute).collect();
        let mut once = after_the_first.clone();
        once.dedup();
        assert_eq!(
            after_the_first, once,
            "one question a connection: {asked:?}"
        );
        let errors = times(&asked, Question::Errors);
        assert!(
            errors
                .windows(2)
                .all(|two| (5..=6).contains(&(two[1] - two[0]))),
            "{errors:?}"
        );
        assert!(times(&asked, Question::Power).len() > 30, "{asked:?}");
        assert_eq!(times(&asked, Question::Lamps).len(), 1, "{asked:?}");
        assert_eq!(one.signals().lamp_hours, Some(812));
    }

    /// M16: silence in standby is no fault, and standby is left alone for five minutes.
    #[test]
    fn silence_in_standby_means_nothing() {
        for rest in [Power::Off, Power::Cooling] {
            let mut one = projector();
            assert_eq!(one.heard(power(rest), 1), STANDBY_POLL_MS);
            for _ in 0..20 {
                assert_eq!(one.heard(Outcome::Silent, 2), STANDBY_POLL_MS);
            }
            let signals = one.signals();
            assert_eq!(
                (signals.state, signals.misses),
                (EquipmentState::Unknown, 0)
            );
            assert_eq!(one.heard(power(Power::Warming), 3), POLL_MS);
            assert_eq!(
                one.questions(0),
                [Question::Power],
                "it is busy with itself"
            );
        }
        let mut one = projector();
        one.heard(power(Power::On), 1);
        assert_eq!(one.heard(Outcome::Silent, 2), POLL_MS);
        one.heard(Outcome::Stranger, 3);
        let signals = one.signals();
        assert_eq!(
            (signals.state, signals.misses),
            (EquipmentState::Unreachable, 2)
        );
        assert_eq!(signals.since, 2);
    }

    /// M16: a wrong password waits ten minutes; a second controller is no fault.
    #[test]
    fn a_refusal_waits_and_another_controller_counts_for_nothing() {
        let mut one = projector();
        assert_eq!(one.heard(Outcome::Refused, 1), 10 * MINUTE_MS);
        assert_eq!(one.signals().state, EquipmentState::Unauthorized);
        one.heard(power(Power::On), 2);
        for _ in 0..9 {
            assert_eq!(one.heard(Outcome::Busy, 3), POLL_MS);
        }
        let signals = one.signals();
        assert_eq!(
            (signals.state, signals.misses),
            (EquipmentState::Unknown, 0)
        );
    }

    /// Fleet rule: one error alone is no proof; the answers are counted, and the hub judges.
    #[test]
    fn troubles_are_counted_as_long_as_they_last() {
        let mut one = projector();
        let lamp = |level| {
            answered(vec![(
                Question::Errors,
                Answer::Errors(vec![(Part::Lamp, level)]),
            )])
        };
        let times = |one: &Projector| one.signals().troubles.first().map(|one| one.times);
        one.heard(lamp(TroubleLevel::Error), 1);
        one.heard(power(Power::On), 2);
        one.heard(lamp(TroubleLevel::Error), 3);
        assert_eq!(
            (times(&one), one.signals().state),
            (Some(2), EquipmentState::Failed)
        );
        one.heard(lamp(TroubleLevel::Warning), 4);
        assert_eq!(
            (times(&one), one.signals().state),
            (Some(1), EquipmentState::Degraded)
        );
        one.heard(
            answered(vec![(Question::Errors, Answer::Errors(vec![]))]),
            5,
        );
        assert_eq!(
            (times(&one), one.signals().state),
            (None, EquipmentState::Ok)
        );
        one.heard(answered(vec![(Question::Power, Answer::Unable)]), 6);
        assert_eq!(
            one.signals().state,
            EquipmentState::Ok,
            "it cannot tell just now"
        );
        one.heard(answered(vec![(Question::Power, Answer::Broken)]), 7);
        assert_eq!(one.signals().state, EquipmentState::Failed);
        one.heard(power(Power::Off), 8);
        assert_eq!(one.signals().state, EquipmentState::Off);
    }
}
