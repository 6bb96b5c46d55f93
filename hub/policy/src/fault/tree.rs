//! Root causes: hub link, then building, then room box, then what hangs on the box. What stands
//! higher explains what stands below it, so one cause is one fault.

use std::collections::{BTreeMap, BTreeSet};

/// The code of the fault of the hub's own link.
pub const HUB_LINK_LOST: &str = "HUB_LINK_LOST";
/// The code of the fault of a building.
pub const BUILDING_LOST: &str = "BUILDING_LOST";
/// The code of a lost box: it explains everything else about that box.
pub const DEVICE_LOST: &str = "DEVICE_LOST";
/// The code of a box that says nothing: nothing else is known of it either.
const DEVICE_SILENT: &str = "DEVICE_SILENT";

/// Fewer boxes than this are lost each for itself.
pub const TOGETHER_MIN: usize = 3;
/// Boxes that go within so long of each other went together: their keep-alives run out within it.
pub const TOGETHER_MS: i64 = 60_000;

/// A box in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BoxSeen<'a> {
    /// The name of its building.
    pub building: &'a str,
    /// Not connected since then, milliseconds since the epoch; `None` while it is.
    pub away_since_ms: Option<i64>,
    /// Whether that is a fault by now: held down as [`DEVICE_LOST`] is.
    pub lost: bool,
}

/// What is lost as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Shared {
    /// The hub's own link.
    pub hub: bool,
    /// Buildings; also those that the hub's link explains.
    pub buildings: BTreeSet<String>,
}

/// Boxes that come back within so long of each other come back together.
pub const RECOVER_MS: i64 = 2 * 60_000;

/// What is lost as a whole now. `before` is what was until now: it stays so while at least half of
/// its boxes are away, so that a building does not come and go with one box. `recovering` is that
/// of which a box came back within [`RECOVER_MS`]: it stays so until the last of them, or a pause.
///
/// A building is, when most of its boxes, at least [`TOGETHER_MIN`], went within [`TOGETHER_MS`]
/// and one of them for long enough; the hub's link is, when most boxes of all went so, and most
/// buildings (of two or more) are.
#[must_use]
pub fn shared(boxes: &[BoxSeen<'_>], before: &Shared, recovering: &Shared) -> Shared {
    let mut buildings: BTreeMap<&str, Vec<BoxSeen<'_>>> = BTreeMap::new();
    for seen in boxes {
        buildings.entry(seen.building).or_default().push(*seen);
    }
    let all = buildings.len();
    let gone = |(building, boxes): &(&str, Vec<BoxSeen<'_>>)| {
        let coming = recovering.buildings.contains(*building);
        went_together(boxes) || (before.buildings.contains(*building) && stays(boxes, coming))
    };
    let gone: BTreeSet<String> = buildings
        .into_iter()
        .filter(gone)
        .map(|(building, _)| building.to_owned())
        .collect();
    let most = all >= 2 && gone.len() * 2 > all;
    Shared {
        hub: (most && went_together(boxes)) || (before.hub && stays(boxes, recovering.hub)),
        buildings: gone,
    }
}

fn went_together(boxes: &[BoxSeen<'_>]) -> bool {
    let mut away: Vec<i64> = boxes.iter().filter_map(|seen| seen.away_since_ms).collect();
    away.sort_unstable();
    let needed = TOGETHER_MIN.max(boxes.len() / 2 + 1);
    let close = |window: &[i64]| window[window.len() - 1] - window[0] <= TOGETHER_MS;
    boxes.iter().any(|seen| seen.lost) && away.windows(needed).any(close)
}

fn stays(boxes: &[BoxSeen<'_>], recovering: bool) -> bool {
    let away = boxes.iter().filter(|seen| seen.away_since_ms.is_some());
    let away = away.count();
    away * 2 >= boxes.len() || (recovering && away > 0)
}

/// What explains a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Root {
    /// The hub's own link.
    Hub,
    /// Its building.
    Building,
    /// Its box.
    Box,
    /// Nothing else.
    Itself,
}

/// The root of a fault with `code` on a box in `building`. `away`: whether the box is; `box_codes`:
/// the open faults of the box itself.
#[must_use]
pub fn root(
    code: &str,
    (building, away): (&str, bool),
    box_codes: &[&str],
    shared: &Shared,
) -> Root {
    let explains = |other: &&str| {
        matches!(*other, DEVICE_LOST | DEVICE_SILENT) && *other != code && code != DEVICE_LOST
    };
    match () {
        () if shared.hub && away => Root::Hub,
        () if shared.buildings.contains(building) && away => Root::Building,
        () if box_codes.iter().any(explains) => Root::Box,
        () => Root::Itself,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boxes<'a>(building: &'a str, away: &[Option<i64>]) -> Vec<BoxSeen<'a>> {
        let seen = |away_since_ms: &Option<i64>| BoxSeen {
            building,
            away_since_ms: *away_since_ms,
            lost: away_since_ms.is_some(),
        };
        away.iter().map(seen).collect()
    }

    /// With nothing before.
    fn now(boxes: &[BoxSeen<'_>]) -> Shared {
        shared(boxes, &Shared::default(), &Shared::default())
    }

    fn lost(away: &[Option<i64>]) -> bool {
        !now(&boxes("博学楼", away)).buildings.is_empty()
    }

    /// Each limit from both sides: most of them, at least three, within a minute, long enough.
    #[test]
    fn a_building_is_lost_when_most_of_its_boxes_go_together() {
        assert!(lost(&[Some(0), Some(30_000), Some(60_000), None, None]));
        assert!(!lost(&[Some(0), Some(30_000), Some(60_001), None, None]));
        assert!(
            !lost(&[Some(0), Some(0), Some(0), None, None, None]),
            "half"
        );
        assert!(!lost(&[Some(0), Some(0)]), "too few");
        assert!(
            lost(&[Some(0), Some(-900_000), Some(5), Some(7)]),
            "one was lost before"
        );
        let mut young = boxes("博学楼", &[Some(0); 30]);
        young.iter_mut().for_each(|seen| seen.lost = false);
        assert_eq!(now(&young), Shared::default(), "not held down");
        young[7].lost = true;
        assert_eq!(now(&young).buildings.len(), 1);
    }

    #[test]
    fn it_stays_lost_until_most_are_back() {
        let before = Shared {
            hub: false,
            buildings: ["博学楼".to_owned()].into(),
        };
        let after = |away: &[Option<i64>], recovering: &Shared| {
            shared(&boxes("博学楼", away), &before, recovering)
                .buildings
                .len()
        };
        // One comes and goes: by now long apart from the others.
        let none = Shared::default();
        assert_eq!(after(&[Some(0), Some(0), Some(900_000), None], &none), 1);
        assert_eq!(after(&[Some(0), Some(0), None, None], &none), 1);
        assert_eq!(after(&[Some(0), None, None, None], &none), 0);
        // The others are coming: the last one is no fault of its own yet.
        assert_eq!(after(&[Some(0), None, None, None], &before), 1);
        assert_eq!(after(&[None, None, None, None], &before), 0);
    }

    #[test]
    fn the_hub_is_cut_off_when_most_buildings_go_together() {
        let campus = |first: &[Option<i64>], second: &[Option<i64>], third: &[Option<i64>]| {
            let all = [boxes("甲", first), boxes("乙", second), boxes("丙", third)].concat();
            now(&all)
        };
        let (gone, here) = ([Some(0); 4], [None; 4]);
        assert!(campus(&gone, &gone, &gone).hub && campus(&gone, &gone, &here).hub);
        let one = campus(&[Some(0); 30], &here, &here);
        assert!(
            !one.hub && one.buildings.contains("甲"),
            "one large building"
        );
        let later = [Some(3_600_000); 4];
        assert!(!campus(&gone, &later, &here).hub, "apart from each other");
        let all = boxes("甲", &gone);
        assert!(!now(&all).hub, "the only building");
        let before = Shared {
            hub: true,
            ..Shared::default()
        };
        let none = Shared::default();
        let half = [boxes("甲", &gone), boxes("乙", &here)].concat();
        assert!(shared(&half, &before, &none).hub);
        let less = [boxes("甲", &gone), boxes("乙", &[None; 5])].concat();
        assert!(!shared(&less, &before, &none).hub);
    }

    #[test]
    fn what_stands_higher_explains_what_stands_below() {
        let none = Shared::default();
        let building = Shared {
            hub: false,
            buildings: ["甲".to_owned()].into(),
        };
        let hub = Shared {
            hub: true,
            ..building.clone()
        };
        let root = |code, away, box_codes, shared| root(code, ("甲", away), box_codes, shared);
        assert_eq!(root("CAM_DARK", true, &["DEVICE_LOST"], &hub), Root::Hub);
        assert_eq!(root("DEVICE_LOST", true, &["DEVICE_LOST"], &hub), Root::Hub);
        assert_eq!(
            root("DEVICE_LOST", true, &["DEVICE_LOST"], &building),
            Root::Building
        );
        assert_eq!(
            root("CAM_DARK", false, &[], &building),
            Root::Itself,
            "its box is there"
        );
        assert_eq!(root("CAM_DARK", true, &["DEVICE_LOST"], &none), Root::Box);
        assert_eq!(
            root("CAM_DARK", false, &["DEVICE_SILENT"], &none),
            Root::Box
        );
        assert_eq!(
            root("DEVICE_LOST", true, &["DEVICE_LOST"], &none),
            Root::Itself
        );
        assert_eq!(
            root("DEVICE_LOST", true, &["DEVICE_SILENT"], &none),
            Root::Itself
        );
        assert_eq!(
            root("DEVICE_SILENT", false, &["DEVICE_SILENT"], &none),
            Root::Itself
        );
        assert_eq!(
            root("CLOCK_SKEW", false, &["CLOCK_SKEW"], &none),
            Root::Itself
        );
    }
}
