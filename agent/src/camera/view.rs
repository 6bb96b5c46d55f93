//! View: what a camera usually shows, learnt from its own numbers, so that a camera that was turned
//! can be told from people, lamps and clouds.
//!
//! Kept in memory only: after a start of the agent it is learnt anew.

use super::sight::{COLUMNS, DARK_LUMA_MAX, ROWS, Sight};

const CELLS: usize = COLUMNS * ROWS;
/// So many looks make a view: half a minute.
const LOOKS_MIN: u32 = 8;
/// Each later look counts for so much: it follows the day's light, not a camera being turned.
const PACE: f32 = 0.01;
/// A part of the room whose edges waver by this much says half as much as one that stands still.
const WAVER: f32 = 12.0;
/// An edge at least this strong is missed when it is gone …
const EDGE_MIN: f32 = 40.0;
/// … and it is gone when less than this share of it is left.
const LEFT_RATIO: f32 = 0.4;
/// The picture is compared in so many zones …
const ZONES_ACROSS: usize = 4;
const ZONES_DOWN: usize = 3;
/// … of which at least so many must have edges …
const ZONES_MIN: usize = 4;
/// … namely so many strong ones.
const ZONE_EDGES_MIN: usize = 8;
/// With more of the room in the dark than this, what is left says nothing about the camera.
const GONE_DARK_MAX: f32 = 0.6;

/// A learnt view.
#[derive(Debug, Clone, Default)]
pub struct View {
    looks: u32,
    cells: Vec<f32>,
    edges: Vec<f32>,
    /// How much each edge wavers: people, screens, leaves before the window.
    waver: Vec<f32>,
    sharpness: Option<f32>,
}

/// What a look shares with the usual view.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Likeness {
    /// Of the places of edges, −1 to 1.
    pub edges: f32,
    /// Of bright and dark places, −1 to 1.
    pub shading: f32,
    /// Share of usual edges that are gone, 0 to 1.
    pub lost_ratio: f32,
}

impl View {
    /// Takes a look at which nothing was wrong.
    pub fn learn(&mut self, sight: &Sight) {
        if sight.cells.len() != CELLS || sight.edges.len() != 2 * CELLS {
            return;
        }
        self.cells.resize(CELLS, 0.0);
        self.edges.resize(2 * CELLS, 0.0);
        self.waver.resize(2 * CELLS, 0.0);
        let pace = PACE.max(1.0 / (self.looks + 1) as f32);
        let toward = |usual: &mut f32, now: f32| *usual += (now - *usual) * pace;
        for (usual, &now) in self.cells.iter_mut().zip(&sight.cells) {
            toward(usual, now.into());
        }
        let edges = self.edges.iter_mut().zip(&mut self.waver);
        for ((usual, waver), &now) in edges.zip(&sight.edges) {
            let off = (f32::from(now) - *usual).abs();
            toward(usual, now.into());
            if self.looks > 0 {
                toward(waver, off);
            }
        }
        if let Some(now) = sight.sharpness {
            toward(self.sharpness.get_or_insert(now), now);
        }
        self.looks = self.looks.saturating_add(1);
    }

    /// Usual sharpness, once there is a view.
    #[must_use]
    pub fn sharpness(&self) -> Option<f32> {
        self.sharpness.filter(|_| self.is_known())
    }

    /// Compares; `None` while there is no view, or when the room is too dark to tell.
    #[must_use]
    pub fn likeness(&self, sight: &Sight) -> Option<Likeness> {
        let fits = sight.cells.len() == CELLS && sight.edges.len() == 2 * CELLS;
        if !fits || !self.is_known() {
            return None;
        }
        let dark = f32::from(DARK_LUMA_MAX);
        let lit: Vec<bool> = self
            .cells
            .iter()
            .zip(&sight.cells)
            .map(|(&usual, &now)| usual <= dark || now > DARK_LUMA_MAX)
            .collect();
        let gone_dark = lit.iter().filter(|lit| !**lit).count() as f32 / CELLS as f32;
        if gone_dark > GONE_DARK_MAX {
            return None;
        }
        let everywhere = self.edges_alike(sight, &lit, |_| true);
        let shading = (0..CELLS)
            .filter(|&at| lit[at])
            .map(|at| (self.cells[at], sight.cells[at].into(), 1.0));
        Some(Likeness {
            edges: everywhere.max(self.zones_alike(sight, &lit)),
            shading: correlation(shading),
            lost_ratio: self.lost_ratio(sight, &lit),
        })
    }

    /// Of the cells that stand in the light and that are `part` of what is asked for.
    fn edges_alike(&self, sight: &Sight, lit: &[bool], part: impl Fn(usize) -> bool) -> f32 {
        let asked = (0..2 * CELLS).filter(|at| lit[at % CELLS] && part(at % CELLS));
        correlation(asked.map(|at| {
            let weight = 1.0 / (1.0 + (self.waver[at] / WAVER).powi(2));
            (self.edges[at], sight.edges[at].into(), weight)
        }))
    }

    /// Learners who come or go change many zones, a camera that is turned changes all of them: the
    /// likeness that one zone in four exceeds, of the zones that have edges. −1 with too few.
    fn zones_alike(&self, sight: &Sight, lit: &[bool]) -> f32 {
        let mut alike: Vec<f32> = (0..ZONES_ACROSS * ZONES_DOWN)
            .filter(|&zone| self.varies(zone))
            .map(|zone| self.edges_alike(sight, lit, |at| zone_of(at) == zone))
            .collect();
        alike.sort_by(f32::total_cmp);
        let few = alike.len() < ZONES_MIN;
        let quarter = alike.get(alike.len() * 3 / 4).copied();
        quarter.filter(|_| !few).unwrap_or(-1.0)
    }

    /// Whether a zone has edges to compare.
    fn varies(&self, zone: usize) -> bool {
        let edges = (0..2 * CELLS).filter(|at| zone_of(at % CELLS) == zone);
        let strong = edges.filter(|&at| self.edges[at] >= EDGE_MIN).count();
        strong >= ZONE_EDGES_MIN
    }

    fn is_known(&self) -> bool {
        self.looks >= LOOKS_MIN
    }

    /// Of the edges that are always there and stand in the light.
    fn lost_ratio(&self, sight: &Sight, lit: &[bool]) -> f32 {
        let (mut usual, mut lost) = (0_u32, 0_u32);
        for (at, &now) in sight.edges.iter().enumerate() {
            let before = self.edges[at];
            if lit[at % CELLS] && before >= EDGE_MIN && self.waver[at] < before / 2.0 {
                usual += 1;
                lost += u32::from(f32::from(now) < before * LEFT_RATIO);
            }
        }
        lost as f32 / usual.max(1) as f32
    }
}

fn zone_of(cell: usize) -> usize {
    let (column, row) = (cell % COLUMNS, cell / COLUMNS);
    row * ZONES_DOWN / ROWS * ZONES_ACROSS + column * ZONES_ACROSS / COLUMNS
}

/// How alike two maps of edges are, −1 to 1; 0 when they cannot be compared.
#[must_use]
pub fn alike(one: &[u8], other: &[u8]) -> f32 {
    if one.len() != other.len() {
        return 0.0;
    }
    let pairs = one.iter().zip(other);
    correlation(pairs.map(|(&one, &other)| (one.into(), other.into(), 1.0)))
}

/// Pearson's, of pairs with weights; 0 when one side does not vary.
fn correlation(pairs: impl Iterator<Item = (f32, f32, f32)>) -> f32 {
    let (mut n, mut x, mut y, mut xx, mut yy, mut xy) = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0);
    for (one, other, weight) in pairs {
        let (one, other, weight) = (f64::from(one), f64::from(other), f64::from(weight));
        n += weight;
        x += weight * one;
        y += weight * other;
        xx += weight * one * one;
        yy += weight * other * other;
        xy += weight * one * other;
    }
    let spread = (n * xx - x * x) * (n * yy - y * y);
    if spread <= f64::EPSILON {
        return 0.0;
    }
    ((n * xy - x * y) / spread.sqrt()) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A lit room with edges where `is` says.
    fn sight(luma: u8, is: impl Fn(usize) -> bool) -> Sight {
        let edges = (0..2 * CELLS).map(|at| if is(at % CELLS) { 90 } else { 5 });
        Sight {
            cells: (0..CELLS).map(|at| luma + (at % 7) as u8).collect(),
            edges: edges.collect(),
            sharpness: Some(80.0),
            ..Sight::default()
        }
    }

    fn learnt(sight: &Sight) -> View {
        let mut view = View::default();
        (0..LOOKS_MIN).for_each(|_| view.learn(sight));
        view
    }

    #[test]
    fn a_view_takes_half_a_minute_to_learn() {
        let room = sight(100, |at| at % 3 == 0);
        let mut view = View::default();
        for _ in 1..LOOKS_MIN {
            view.learn(&room);
            assert_eq!((view.likeness(&room), view.sharpness()), (None, None));
        }
        view.learn(&room);
        let likeness = view.likeness(&room).unwrap();
        assert!(
            likeness.edges > 0.99 && likeness.lost_ratio == 0.0,
            "{likeness:?}"
        );
        assert_eq!(view.sharpness(), Some(80.0));
    }

    #[test]
    fn a_turned_camera_is_unlike_and_a_brighter_room_is_not() {
        let view = learnt(&sight(100, |at| at % 3 == 0));
        let turned = view.likeness(&sight(100, |at| at % 3 == 1)).unwrap();
        assert!(turned.edges < 0.0 && turned.lost_ratio > 0.9, "{turned:?}");
        let brighter = view.likeness(&sight(180, |at| at % 3 == 0)).unwrap();
        assert!(
            brighter.edges > 0.99 && brighter.shading > 0.99,
            "{brighter:?}"
        );
    }

    /// A screen whose pictures change says little; the same change where nothing ever changed does.
    #[test]
    fn a_part_that_always_wavers_says_little() {
        let screen = |at: usize| at < 200;
        let post = |at: usize| at.is_multiple_of(5);
        let mut view = View::default();
        for look in 0..60 {
            let is = move |at: usize| (post(at) && !screen(at)) || (screen(at) && look & 1 == 0);
            view.learn(&sight(100, is));
        }
        let on = |at: usize| (post(at) && !screen(at)) || screen(at);
        let off = |at: usize| post(at) && !screen(at);
        for shown in [
            view.likeness(&sight(100, on)),
            view.likeness(&sight(100, off)),
        ] {
            let shown = shown.unwrap();
            assert!(shown.edges > 0.6 && shown.lost_ratio == 0.0, "{shown:?}");
        }
    }

    #[test]
    fn a_dark_room_says_nothing_about_the_camera() {
        let view = learnt(&sight(100, |at| at % 3 == 0));
        assert_eq!(view.likeness(&sight(10, |_| false)), None);
    }

    #[test]
    fn numbers_of_a_worker_that_was_taken_over_are_left_out() {
        let mut view = learnt(&sight(100, |at| at % 3 == 0));
        let short = Sight::default();
        view.learn(&short);
        assert_eq!(view.likeness(&short), None);
        assert_eq!((alike(&[1], &[]), alike(&[3, 3], &[1, 2])), (0.0, 0.0));
    }
}
