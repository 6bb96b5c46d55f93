//! What the light is to show, and what it is known to show. Without IO.

/// What goes on in the room, the least of it first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Scene {
    /// Nothing.
    Idle,
    /// It is recorded.
    Recording,
    /// A picture is sent to somebody who watches.
    Watched,
}

impl Scene {
    pub const ALL: [Self; 3] = [Self::Idle, Self::Recording, Self::Watched];
}

/// The board.
#[derive(Debug)]
pub(super) struct Board {
    pushes: usize,
    recording: bool,
    over: bool,
    /// Scenes that look alike on this light are the first of them.
    alike: [Scene; 3],
    /// Not while it is being changed, and not after a failure.
    shown: Option<Scene>,
    /// What could not be shown the last time.
    failed: Option<Scene>,
    attempts: u64,
}

impl Board {
    /// A light of which nothing is known.
    pub fn new(alike: [Scene; 3]) -> Self {
        Self {
            pushes: 0,
            recording: false,
            over: false,
            alike,
            shown: None,
            failed: None,
            attempts: 0,
        }
    }

    /// A push begins, which makes one more attempt where the last one failed.
    pub fn claim(&mut self) {
        self.pushes += 1;
        self.failed = None;
    }

    /// A push has ended.
    pub fn give_back(&mut self) {
        self.pushes -= 1;
    }

    /// Whether the room is recorded.
    pub fn record(&mut self, recording: bool) {
        self.recording = recording;
    }

    /// The agent stops: what is left are the pushes that have not ended yet.
    pub fn end(&mut self) {
        self.over = true;
    }

    /// What it is to show now.
    pub fn wanted(&self) -> Scene {
        let scene = if self.pushes > 0 {
            Scene::Watched
        } else if self.recording && !self.over {
            Scene::Recording
        } else {
            Scene::Idle
        };
        self.alike[scene as usize]
    }

    /// Whether it is known to show what it is to show.
    pub fn is_right(&self) -> bool {
        self.shown == Some(self.wanted())
    }

    /// Whether something is to be done before the next regular round.
    pub fn is_due(&self) -> bool {
        !self.is_right() && self.failed != Some(self.wanted())
    }

    /// The agent stops, and there is nothing left to be shown.
    pub fn is_over(&self) -> bool {
        self.over && self.pushes == 0 && !self.is_due()
    }

    /// An attempt to show this begins; until it is done nobody knows what is shown.
    pub fn begin(&mut self) -> Scene {
        self.shown = None;
        self.wanted()
    }

    /// It is done.
    pub fn done(&mut self, scene: Scene, shown: bool) {
        self.attempts += 1;
        self.shown = shown.then_some(scene);
        self.failed = (!shown).then_some(scene);
    }

    /// Whether the last attempt failed.
    pub fn has_failed(&self) -> bool {
        self.failed.is_some()
    }

    /// How many attempts there were.
    pub fn attempts(&self) -> u64 {
        self.attempts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Scene::{Idle, Recording, Watched};

    fn board() -> Board {
        Board::new(Scene::ALL)
    }

    fn shows(board: &mut Board) -> Scene {
        let scene = board.begin();
        board.done(scene, true);
        assert!(board.is_right() && !board.is_due());
        scene
    }

    #[test]
    fn a_push_is_more_than_a_recording_and_the_last_one_counts() {
        let mut board = board();
        assert_eq!(shows(&mut board), Idle);
        board.record(true);
        assert_eq!(shows(&mut board), Recording);
        board.claim();
        board.claim();
        assert!(board.is_due());
        assert_eq!(shows(&mut board), Watched);
        board.give_back();
        board.record(false);
        assert!(board.is_right(), "one is left");
        board.give_back();
        assert_eq!(shows(&mut board), Idle);
    }

    /// A push that begins while the light is being put out is not on until it was lit again.
    #[test]
    fn what_is_being_changed_shows_nothing_yet() {
        let mut board = board();
        board.claim();
        shows(&mut board);
        board.give_back();
        let going_out = board.begin();
        board.claim();
        assert!(!board.is_right());
        board.done(going_out, true);
        assert!(!board.is_right() && board.is_due());
        assert_eq!(shows(&mut board), Watched);
    }

    #[test]
    fn what_failed_is_tried_again_for_the_next_push() {
        let mut board = board();
        board.claim();
        let scene = board.begin();
        board.done(scene, false);
        assert!(!board.is_due() && board.has_failed(), "the next round");
        board.claim();
        assert!(board.is_due());
        assert_eq!(shows(&mut board), Watched);
        assert!(!board.has_failed());
    }

    #[test]
    fn scenes_that_look_alike_are_one() {
        let mut board = Board::new([Idle, Recording, Recording]);
        board.record(true);
        shows(&mut board);
        board.claim();
        assert!(board.is_right(), "nothing to wait for");
        board.record(false);
        assert!(board.is_right(), "still watched");
    }

    #[test]
    fn it_is_over_when_the_last_push_has_ended_and_the_light_is_out() {
        let mut board = board();
        board.record(true);
        board.claim();
        shows(&mut board);
        board.end();
        assert!(!board.is_over() && board.is_right());
        board.give_back();
        assert!(!board.is_over(), "it is lit");
        assert_eq!(shows(&mut board), Idle);
        assert!(board.is_over());
        board.claim();
        let scene = board.begin();
        board.done(scene, false);
        board.give_back();
        let scene = board.begin();
        board.done(scene, false);
        assert!(board.is_over(), "what cannot be put out holds nothing up");
    }
}
