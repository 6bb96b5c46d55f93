//! Recordings: found, played, and what is known about them.

use xunke_policy::access::Action;

use super::canary::{LESSON, NOTHING, RECORDING, ROOM, SEGMENT};
use super::rows::{Ask, Case, Row, Seen, Want, exactly, one_room, oneself, row};

/// The rows.
pub fn all() -> Vec<Row> {
    use Ask::{Once, Recording, Segment};
    vec![
        row("GET /api/recordings", Once, Box::new(recordings)),
        row("GET /api/recordings/choices", Once, Box::new(choices)),
        row("GET /api/recordings/{id}", Recording, Box::new(recording)),
        row(
            "GET /api/recordings/{id}/ledger",
            Recording,
            Box::new(ledger),
        ),
        row(
            "GET /api/plays/{play}/segments/{segment}",
            Segment,
            Box::new(segment),
        ),
        row("POST /api/plays/{play}/jumps", Segment, Box::new(jump)),
        row("POST /api/plays/{play}/marks", Segment, Box::new(mark)),
        row(
            "GET /api/recordings/{id}/marks",
            Recording,
            Box::new(ledger),
        ),
        row("GET /api/marks", Once, oneself()),
        row("POST /api/marks/{id}/withdraw", Once, oneself()),
        row("POST /api/marks/check", Once, oneself()),
        // After the segments: who opens more than four ends the first.
        row("POST /api/recordings/{id}/plays", Recording, Box::new(play)),
    ]
}

fn recordings(case: &Case<'_>) -> (Want, Seen) {
    let (world, subject) = (case.world, case.subject);
    let shown = |room| match subject.may_play(world, room) {
        Ok(()) => ROOM | LESSON | RECORDING,
        Err(_) => 0,
    };
    let answer = subject.may(world, Action::SeeRecordings);
    exactly(answer, std::array::from_fn(shown))
}

/// Rooms, courses, teachers and classes of what may be watched, and of nothing else.
fn choices(case: &Case<'_>) -> (Want, Seen) {
    let (world, subject) = (case.world, case.subject);
    let shown = |room| match subject.may_play(world, room) {
        Ok(()) => ROOM | LESSON,
        Err(_) => 0,
    };
    let answer = subject.may(world, Action::SeeRecordings);
    exactly(answer, std::array::from_fn(shown))
}

fn recording(case: &Case<'_>) -> (Want, Seen) {
    let answer = case.subject.may_play(case.world, case.room);
    exactly(answer, one_room(case, ROOM | LESSON | RECORDING))
}

/// Times and reasons.
fn ledger(case: &Case<'_>) -> (Want, Seen) {
    exactly(case.subject.may_play(case.world, case.room), NOTHING)
}

fn play(case: &Case<'_>) -> (Want, Seen) {
    let answer = case.subject.may_play(case.world, case.room);
    exactly(answer, one_room(case, SEGMENT))
}

/// Plays belong to the session that opened them; to others they do not exist.
fn segment(case: &Case<'_>) -> (Want, Seen) {
    let (world, subject) = (case.world, case.subject);
    let own = world.sees(case.room).cookie() == subject.person.cookie();
    match own {
        true => exactly(subject.may_play(world, case.room), NOTHING),
        false => (Want::Is(404), Seen::Exactly(NOTHING)),
    }
}

/// Nothing is shown, and nothing is noted of who may not watch.
fn jump(case: &Case<'_>) -> (Want, Seen) {
    match segment(case) {
        (Want::Is(200), seen) => (Want::Is(204), seen),
        other => other,
    }
}

/// Without a note there is none, and whoever may not watch is told nothing else.
fn mark(case: &Case<'_>) -> (Want, Seen) {
    match segment(case) {
        (Want::Is(200), seen) => (Want::Is(422), seen),
        other => other,
    }
}
