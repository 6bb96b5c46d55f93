//! Judging equipment: projectors by their own word, addresses by their silence.

use xunke_protocol::health::{
    EquipmentKind, EquipmentSignals, EquipmentState, Part, Trouble, TroubleLevel,
};

use super::{Evidence, Finding};

/// Attempts are a minute apart, or five in standby: one that is missed is no silence.
const MISSES_MIN: u32 = 3;
/// Some projectors report an error while their lamp is lit, and take it back.
const TIMES_MIN: u32 = 3;

/// What one piece points to.
pub(super) fn findings(piece: &EquipmentSignals) -> Vec<Finding> {
    let of_it = |(code, evidence)| Finding {
        code,
        component: piece.name.as_str().to_owned(),
        evidence,
        since_ms: Some(piece.since),
    };
    let found = match piece.kind {
        EquipmentKind::Projector => projector(piece),
        EquipmentKind::Unknown => Vec::new(),
        _ => address(piece).into_iter().collect(),
    };
    found.into_iter().map(of_it).collect()
}

type Found = (&'static str, Evidence);

fn silent(piece: &EquipmentSignals) -> bool {
    piece.state == EquipmentState::Unreachable && piece.misses >= MISSES_MIN
}

fn misses(piece: &EquipmentSignals) -> Evidence {
    vec![("misses", piece.misses.into())]
}

fn projector(piece: &EquipmentSignals) -> Vec<Found> {
    match piece.state {
        EquipmentState::Unauthorized => vec![("PJ_UNAUTHORIZED", Vec::new())],
        EquipmentState::Unreachable if silent(piece) => vec![("PJ_NO_ANSWER", misses(piece))],
        EquipmentState::Unreachable | EquipmentState::Unknown => Vec::new(),
        // It says that it has failed, and not what of it.
        EquipmentState::Failed if piece.troubles.is_empty() => vec![("PJ_ERR", Vec::new())],
        _ => troubles(piece),
    }
}

/// At most one of each code, with the hours where the lamp is concerned.
fn troubles(piece: &EquipmentSignals) -> Vec<Found> {
    let lasting: Vec<&Trouble> = piece
        .troubles
        .iter()
        .filter(|trouble| trouble.times >= TIMES_MIN)
        .collect();
    let mut found: Vec<Found> = Vec::new();
    for code in ["PJ_ERR", "PJ_LAMP", "PJ_WARNING"] {
        let of_code = lasting
            .iter()
            .filter(|trouble| code_of(trouble) == Some(code));
        let Some(times) = of_code.map(|trouble| trouble.times).max() else {
            continue;
        };
        let mut evidence = vec![("times", times.into())];
        let hours = piece.lamp_hours.filter(|_| code == "PJ_LAMP");
        evidence.extend(hours.map(|hours| ("lamp_hours", hours.into())));
        found.push((code, evidence));
    }
    found
}

fn code_of(trouble: &Trouble) -> Option<&'static str> {
    match (trouble.part, trouble.level) {
        (Part::Unknown, _) | (_, TroubleLevel::Unknown) => None,
        (Part::Lamp, _) => Some("PJ_LAMP"),
        (_, TroubleLevel::Error) => Some("PJ_ERR"),
        (_, TroubleLevel::Warning) => Some("PJ_WARNING"),
    }
}

fn address(piece: &EquipmentSignals) -> Option<Found> {
    let status = piece
        .http_status
        .map(|status| ("http_status", status.into()));
    match piece.state {
        EquipmentState::Unreachable if silent(piece) => Some(("EQUIPMENT_DOWN", misses(piece))),
        EquipmentState::Failed => Some(("EQUIPMENT_DOWN", status.into_iter().collect())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(kind: EquipmentKind, state: EquipmentState, misses: u32) -> EquipmentSignals {
        EquipmentSignals {
            name: "piece".parse().unwrap(),
            kind,
            state,
            since: 5,
            misses,
            rtt_ms: None,
            http_status: None,
            power: None,
            troubles: Vec::new(),
            lamp_hours: Some(2345),
            filter_hours: None,
            model: None,
        }
    }

    fn codes(piece: &EquipmentSignals) -> Vec<&'static str> {
        findings(piece).into_iter().map(|one| one.code).collect()
    }

    /// M16: silence counts from the third poll on; what silence means nothing for comes as unknown.
    #[test]
    fn a_projector_is_judged_by_its_word_and_by_lasting_silence() {
        use EquipmentState::{Failed, Off, Ok, Unauthorized, Unknown, Unreachable};
        let of = |state, misses| codes(&piece(EquipmentKind::Projector, state, misses));
        assert!(of(Ok, 0).is_empty() && of(Off, 0).is_empty() && of(Unknown, 9).is_empty());
        assert!(of(Unreachable, 2).is_empty());
        assert_eq!(of(Unreachable, 3), ["PJ_NO_ANSWER"]);
        assert_eq!(of(Unauthorized, 0), ["PJ_UNAUTHORIZED"]);
        assert_eq!(of(Failed, 0), ["PJ_ERR"], "ERR4");
        let silent = findings(&piece(EquipmentKind::Projector, Unreachable, 3));
        assert_eq!(
            (silent[0].component.as_str(), silent[0].since_ms),
            ("piece", Some(5))
        );
    }

    /// Fleet rule: three answers in a row.
    #[test]
    fn a_trouble_is_a_fault_when_it_was_told_three_times() {
        use TroubleLevel::{Error, Warning};
        let of = |troubles: &[(Part, TroubleLevel, u32)]| {
            let mut piece = piece(EquipmentKind::Projector, EquipmentState::Failed, 0);
            let trouble = |&(part, level, times)| Trouble { part, level, times };
            piece.troubles = troubles.iter().map(trouble).collect();
            codes(&piece)
        };
        assert!(of(&[(Part::Lamp, Error, 2)]).is_empty());
        assert_eq!(of(&[(Part::Lamp, Error, 3)]), ["PJ_LAMP"]);
        assert_eq!(of(&[(Part::Lamp, Warning, 3)]), ["PJ_LAMP"]);
        assert_eq!(
            of(&[(Part::Fan, Error, 3), (Part::Cover, Error, 4)]),
            ["PJ_ERR"]
        );
        assert_eq!(of(&[(Part::Filter, Warning, 3)]), ["PJ_WARNING"]);
        assert!(
            of(&[
                (Part::Unknown, Error, 9),
                (Part::Fan, TroubleLevel::Unknown, 9)
            ])
            .is_empty()
        );
    }

    #[test]
    fn an_address_is_down_when_it_is_silent_or_answers_with_an_error() {
        use EquipmentState::{Failed, Ok, Unknown, Unreachable};
        let of = |state, misses| codes(&piece(EquipmentKind::Http, state, misses));
        assert!(of(Ok, 0).is_empty() && of(Unknown, 0).is_empty() && of(Unreachable, 2).is_empty());
        assert_eq!(of(Unreachable, 3), ["EQUIPMENT_DOWN"]);
        assert_eq!(of(Failed, 0), ["EQUIPMENT_DOWN"]);
        let newer = piece(EquipmentKind::Unknown, Failed, 9);
        assert!(codes(&newer).is_empty());
    }
}
