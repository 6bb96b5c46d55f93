//! The ledger (K14): for every scheduled moment of a source, whether it is stored, on its way,
//! missing for a reason, destroyed on schedule, or nobody knows. Pure: what is known in, spans out.

use xunke_protocol::recording::GapReason;
use xunke_protocol::timetable::{Window, merged};

/// Less beside what is recorded is a joint between two pieces, and no hole.
const JOINT_MS: i64 = 1_500;

/// What became of a moment that was to be recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// In the library.
    Stored,
    /// Sealed in the box, which says so, until the hub has it.
    Waiting,
    /// The box has said that it is missing for good, and why.
    Missing(GapReason),
    /// It was stored, and ended as the regulations want it (R119).
    Destroyed,
    /// Nobody knows.
    Unexplained,
    /// To come, or so young that nobody had the time to tell.
    NotYet,
}

/// A stretch of one source in one state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// From when to when.
    pub window: Window,
    /// What became of it.
    pub state: State,
}

/// What is known of one source, in any order; it may overlap, and reach beyond what was scheduled.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// In the library.
    pub stored: Vec<Window>,
    /// In the box, by its newest report.
    pub waiting: Vec<Window>,
    /// Missing, as the box has signed it.
    pub missing: Vec<(Window, GapReason)>,
    /// From the first to the last moment of what was destroyed.
    pub destroyed: Vec<Window>,
}

/// How many milliseconds are in which state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sums {
    /// Scheduled, and over: all others together.
    pub due_ms: i64,
    /// In the library.
    pub stored_ms: i64,
    /// On the box.
    pub waiting_ms: i64,
    /// Destroyed on schedule.
    pub destroyed_ms: i64,
    /// Missing, in the order of [`GapReason::ALL`].
    pub missing_ms: [i64; GapReason::ALL.len()],
    /// Nobody knows.
    pub unexplained_ms: i64,
}

/// What is stronger is painted over what is weaker. What a box gave up after its last report is no
/// longer there; other gaps were told before something came after all.
const WEAK: [GapReason; 5] = [
    GapReason::Policy,
    GapReason::Power,
    GapReason::Network,
    GapReason::Camera,
    GapReason::Disk,
];

/// What became of every moment of `scheduled`: spans without overlap that leave nothing out, by
/// time. What lies after `due_ms` and is not known is not yet due.
#[must_use]
pub fn account(scheduled: &[Window], known: &Known, due_ms: i64) -> Vec<Span> {
    let span = |&window: &Window| Span {
        window,
        state: State::Unexplained,
    };
    let mut spans: Vec<Span> = merged(scheduled.to_vec()).iter().map(span).collect();
    let of = |reason: GapReason| {
        let one = known.missing.iter().filter(move |(_, why)| *why == reason);
        one.map(|(window, _)| *window).collect::<Vec<_>>()
    };
    spans = paint(&spans, known.destroyed.clone(), State::Destroyed);
    for reason in WEAK {
        spans = paint(&spans, of(reason), State::Missing(reason));
    }
    spans = paint(&spans, known.waiting.clone(), State::Waiting);
    let evicted = GapReason::Evicted;
    spans = paint(&spans, of(evicted), State::Missing(evicted));
    spans = paint(&spans, known.stored.clone(), State::Stored);
    let spans = spans.into_iter().flat_map(|span| young(span, due_ms));
    joined(without_joints(joined(spans.collect())))
}

/// Gives what lies in `windows` another state. Both are by time when this returns.
fn paint(spans: &[Span], windows: Vec<Window>, state: State) -> Vec<Span> {
    let windows = merged(windows);
    let mut all = Vec::with_capacity(spans.len() + 2 * windows.len());
    let mut first = 0;
    for span in spans {
        let over = |window: &&Window| window.to_ms <= span.window.from_ms;
        first += windows[first..].iter().take_while(over).count();
        let mut from_ms = span.window.from_ms;
        let mut put = |to_ms: i64, state: State| {
            if from_ms < to_ms {
                let window = Window { from_ms, to_ms };
                all.push(Span { window, state });
                from_ms = to_ms;
            }
        };
        for window in &windows[first..] {
            let Some(both) = window.within(&span.window) else {
                break;
            };
            put(both.from_ms, span.state);
            put(both.to_ms, state);
        }
        put(span.window.to_ms, span.state);
    }
    all
}

/// What nobody knows of and is not due cannot be missing.
fn young(span: Span, due_ms: i64) -> impl Iterator<Item = Span> {
    let Window { from_ms, to_ms } = span.window;
    let at_ms = match span.state {
        State::Unexplained => due_ms.clamp(from_ms, to_ms),
        _ => to_ms,
    };
    let part = |from_ms: i64, to_ms: i64, state: State| Span {
        window: Window { from_ms, to_ms },
        state,
    };
    let parts = [
        part(from_ms, at_ms, span.state),
        part(at_ms, to_ms, State::NotYet),
    ];
    let is_some = |span: &Span| span.window.from_ms < span.window.to_ms;
    parts.into_iter().filter(is_some)
}

/// A hole too short to be one takes the state of what it lies beside.
fn without_joints(mut spans: Vec<Span>) -> Vec<Span> {
    let recorded =
        |state: State| matches!(state, State::Stored | State::Waiting | State::Destroyed);
    for at in 0..spans.len() {
        let Window { from_ms, to_ms } = spans[at].window;
        if spans[at].state != State::Unexplained || to_ms - from_ms > JOINT_MS {
            continue;
        }
        let before = at.checked_sub(1).and_then(|before| spans.get(before));
        let before = before.filter(|one| one.window.to_ms == from_ms);
        let after = spans.get(at + 1).filter(|one| one.window.from_ms == to_ms);
        let beside = before.into_iter().chain(after).map(|one| one.state);
        if let Some(state) = beside.clone().find(|state| recorded(*state)) {
            spans[at].state = state;
        }
    }
    spans
}

/// Spans of one state that touch become one.
fn joined(spans: Vec<Span>) -> Vec<Span> {
    let mut all: Vec<Span> = Vec::with_capacity(spans.len());
    for span in spans {
        match all.last_mut() {
            Some(last) if last.state == span.state && last.window.to_ms == span.window.from_ms => {
                last.window.to_ms = span.window.to_ms;
            }
            _ => all.push(span),
        }
    }
    all
}

impl Sums {
    /// What spans amount to.
    #[must_use]
    pub fn of(spans: &[Span]) -> Self {
        let mut sums = Self::default();
        for span in spans {
            sums.add(span.state, span.window.to_ms - span.window.from_ms);
        }
        sums
    }

    fn add(&mut self, state: State, ms: i64) {
        let sum = match state {
            State::NotYet => return,
            State::Stored => &mut self.stored_ms,
            State::Waiting => &mut self.waiting_ms,
            State::Destroyed => &mut self.destroyed_ms,
            State::Missing(reason) => &mut self.missing_ms[reason.index()],
            State::Unexplained => &mut self.unexplained_ms,
        };
        *sum += ms;
        self.due_ms += ms;
    }

    /// These and others together.
    #[must_use]
    pub fn and(mut self, other: &Self) -> Self {
        self.due_ms += other.due_ms;
        self.stored_ms += other.stored_ms;
        self.waiting_ms += other.waiting_ms;
        self.destroyed_ms += other.destroyed_ms;
        self.unexplained_ms += other.unexplained_ms;
        for (sum, more) in self.missing_ms.iter_mut().zip(other.missing_ms) {
            *sum += more;
        }
        self
    }

    /// What is kept, or was until its time was over.
    #[must_use]
    pub fn kept_ms(&self) -> i64 {
        self.stored_ms + self.waiting_ms + self.destroyed_ms
    }

    /// Hundredths of a percent of what was to be recorded; `None` when nothing was. Rounded down:
    /// 100 % means every second.
    #[must_use]
    pub fn completeness(&self) -> Option<i64> {
        (self.due_ms > 0).then(|| self.kept_ms() * 10_000 / self.due_ms)
    }
}

#[cfg(test)]
mod tests;
