//! Noticing: from looks at a camera's pictures to what they point to, held down (R65). The box
//! reports; only the hub judges that something is a fault, and a person confirms it.
//!
//! Names follow the tamper topics of the ONVIF imaging service; docs/PROTOCOL.md has the table.

use super::hold::{Hold, Times};
use super::sight::Sight;
use super::view::{View, alike};
use xunke_protocol::health::{SightKind, Sighting};

/// Order of the holds below, and of what is reported.
const KINDS: [SightKind; 5] = [
    SightKind::Covered,
    SightKind::Dark,
    SightKind::Blurred,
    SightKind::Frozen,
    SightKind::Moved,
];
/// Somebody who walks close by the camera is gone again; a picture that repeats itself by chance
/// changes again.
const TIMES: [Times; 5] = [
    times(10_000, 6_000),
    times(10_000, 6_000),
    times(10_000, 10_000),
    times(8_000, 4_000),
    times(12_000, 10_000),
];
/// A report has room for so many of each camera; the rest waits until one is over.
const SIGHTINGS_MAX: usize = 2;
/// A view that has stood so long after the camera was turned is the new usual one.
const SETTLED_MS: i64 = 3_600_000;

/// No light: the mean of an unlit room …
const DARK_MEAN_MAX: f32 = 40.0;
/// … without a lamp, a window or a projector, which all are brighter than this.
const DARK_HIGHLIGHT_MAX: f32 = 80.0;
/// A covered lens shows no shapes in the dark either: only noise, of about this variance.
const BLACK_VARIANCE_MAX: f32 = 6.0;
/// With fewer cells than this showing an edge, there is no picture …
const BLANK_TEXTURE_MAX: f32 = 0.03;
/// … unless its large shapes still vary this much: then it is out of focus.
const BLANK_VARIANCE_MAX: f32 = 150.0;
/// So many of the usual edges are gone behind something that hangs before the lens …
const COVERED_LOST_MIN: f32 = 0.75;
/// … and the large shapes are others too.
const COVERED_SHADING_MAX: f32 = 0.6;
/// Edges half as steep as usual are out of focus; above six tenths they are back.
const BLURRED_USUAL_RATIO: f32 = 0.5;
const BLURRED_OVER_RATIO: f32 = 0.6;
/// This soft, no camera was ever in focus.
const BLURRED_SHARPNESS_MAX: f32 = 24.0;
/// A sensor never makes the same picture twice; what a camera writes over it, a clock for one, may
/// go on. Measured with the weakest noise: none.
const FROZEN_SAME_MIN: f32 = 0.95;
/// So many looks in a row that repeat nothing, and the picture is alive again.
const FROZEN_UNLIKE_MAX: u32 = 2;
/// Edges this unlike the usual ones are of another view; above six tenths it is back.
const MOVED_LIKENESS_MAX: f32 = 0.45;
const MOVED_OVER_LIKENESS: f32 = 0.55;
/// A view that stands still is this much like the look before: people before the lens are not.
const STEADY_LIKENESS_MIN: f32 = 0.7;

const fn times(begin_ms: i64, end_ms: i64) -> Times {
    Times { begin_ms, end_ms }
}

/// What the looks at one camera point to.
#[derive(Debug, Clone, Default)]
pub struct Notice {
    view: View,
    /// The edges of the look before.
    before: Vec<u8>,
    holds: [Hold; 5],
    numbers: [(f32, Option<f32>); 5],
    /// Looks since a picture repeated an earlier one.
    unlike: u32,
}

/// One kind: whether it is seen, with the number that says so and the usual one.
type Verdict = (Option<bool>, f32, Option<f32>);
const AWAY: Verdict = (Some(false), 0.0, None);
const UNTOLD: Verdict = (None, 0.0, None);

impl Notice {
    /// Takes one look.
    pub fn take(&mut self, sight: &Sight, now_ms: i64) {
        let verdicts = self.verdicts(sight);
        for (at, (seen, value, usual)) in verdicts.into_iter().enumerate() {
            self.holds[at].take(seen, TIMES[at], now_ms);
            if seen == Some(true) {
                self.numbers[at] = (value, usual);
            }
        }
        let dark = lacks_light(sight) || sight.texture_ratio < BLANK_TEXTURE_MAX;
        if !dark && !self.holds.iter().any(Hold::is_suspected) {
            self.view.learn(sight);
        }
        self.unlike = match sight.same_ratio {
            Some(same) if same >= FROZEN_SAME_MIN => 0,
            _ => self.unlike.saturating_add(1),
        };
        self.settle(now_ms);
        self.before.clone_from(&sight.edges);
    }

    /// The camera has stopped: what was seen is over, what was learnt stays.
    pub fn interrupt(&mut self) {
        self.holds = Default::default();
        self.before.clear();
    }

    /// What counts now, with the first look that saw it.
    #[must_use]
    pub fn sightings(&self) -> Vec<Sighting> {
        let counts = |at: usize| {
            let (value, usual) = self.numbers[at];
            Some(Sighting {
                kind: KINDS[at],
                since: self.holds[at].since_ms()?,
                value: hundredths(value),
                usual: usual.map(hundredths),
            })
        };
        (0..KINDS.len())
            .filter_map(counts)
            .take(SIGHTINGS_MAX)
            .collect()
    }

    fn settle(&mut self, now_ms: i64) {
        let moved = &mut self.holds[4];
        if moved
            .since_ms()
            .is_some_and(|since_ms| now_ms - since_ms >= SETTLED_MS)
        {
            *moved = Hold::default();
            self.view = View::default();
        }
    }

    /// In the order of [`KINDS`]. What hides the rest says nothing about the rest.
    fn verdicts(&self, sight: &Sight) -> [Verdict; 5] {
        let dark = lacks_light(sight);
        let covered = self.covered(sight, dark);
        if dark || covered.0 == Some(true) {
            let black = covered.0 == Some(true);
            let dim = (Some(dark && !black), sight.mean, None);
            return [covered, dim, UNTOLD, UNTOLD, UNTOLD];
        }
        let blurred = self.blurred(sight);
        let moved = if blurred.0 == Some(true) {
            UNTOLD
        } else {
            self.moved(sight)
        };
        [AWAY, AWAY, blurred, self.frozen(sight), moved]
    }

    fn covered(&self, sight: &Sight, dark: bool) -> Verdict {
        let blank = sight.texture_ratio < BLANK_TEXTURE_MAX;
        let flat = if dark {
            BLACK_VARIANCE_MAX
        } else {
            BLANK_VARIANCE_MAX
        };
        if blank && sight.variance < flat {
            return (Some(true), 1.0 - sight.texture_ratio, None);
        }
        let behind = |lost, shading| lost >= COVERED_LOST_MIN && shading < COVERED_SHADING_MAX;
        match self.view.likeness(sight).filter(|_| !dark) {
            Some(seen) if behind(seen.lost_ratio, seen.shading) => {
                // Another view has edges of its own; what hangs before the lens has few.
                let few = sight.texture_ratio < 0.25;
                (Some(few), seen.lost_ratio, None)
            }
            _ => AWAY,
        }
    }

    fn blurred(&self, sight: &Sight) -> Verdict {
        let usual = self.view.sharpness();
        let limit = |ratio| usual.map_or(BLURRED_SHARPNESS_MAX, |usual| usual * ratio);
        let worst = limit(BLURRED_USUAL_RATIO).max(BLURRED_SHARPNESS_MAX);
        // No edge is left to measure.
        let sharpness = sight.sharpness.unwrap_or(0.0);
        if sight.sharpness.is_none() && sight.texture_ratio >= BLANK_TEXTURE_MAX {
            return UNTOLD;
        }
        let over = limit(BLURRED_OVER_RATIO).max(BLURRED_SHARPNESS_MAX);
        let seen = (sharpness < worst)
            .then_some(true)
            .or((sharpness > over).then_some(false));
        (seen, sharpness, usual)
    }

    fn moved(&self, sight: &Sight) -> Verdict {
        let Some(seen) = self.view.likeness(sight) else {
            return UNTOLD;
        };
        if seen.edges > MOVED_OVER_LIKENESS {
            return (Some(false), seen.edges, None);
        }
        let steady = alike(&sight.edges, &self.before) >= STEADY_LIKENESS_MIN;
        let counts = self.holds[4].since_ms().is_some();
        let verdict = match (seen.edges < MOVED_LIKENESS_MAX, steady) {
            (false, _) => None,
            (true, true) => Some(true),
            // People before the lens are unlike the room too, but they do not stand still.
            (true, false) => (!counts).then_some(false),
        };
        (verdict, seen.edges, None)
    }

    /// The pictures repeat although frames flow. How many bytes the frames in between take says
    /// nothing: an encoder that keeps its bit rate spends it on refining the same picture. It also
    /// changes its quantiser, so that not every look repeats an earlier one; a sensor's never do.
    fn frozen(&self, sight: &Sight) -> Verdict {
        sight.same_ratio.map_or(UNTOLD, |same| {
            let repeats = same >= FROZEN_SAME_MIN;
            let over = self.unlike >= FROZEN_UNLIKE_MAX;
            ((repeats || over).then_some(repeats), same, None)
        })
    }
}

fn lacks_light(sight: &Sight) -> bool {
    sight.mean <= DARK_MEAN_MAX && sight.highlight <= DARK_HIGHLIGHT_MAX
}

fn hundredths(value: f32) -> f32 {
    (value * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests;
