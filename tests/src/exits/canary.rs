//! Canaries: strings that stand for one kind of secret of one room and for nothing else.

/// How many rooms there are, in two units.
pub const ROOMS: usize = 6;

/// Name and id of a room.
pub const ROOM: u8 = 1;
/// Course, class groups, teacher and id of a lesson in it.
pub const LESSON: u8 = 2;
/// Id of a recording.
pub const RECORDING: u8 = 4;
/// Ids of its segments.
pub const SEGMENT: u8 = 8;
/// Id of a patrol record.
pub const RECORD: u8 = 16;
/// What the record says in words.
pub const TEXT: u8 = 32;

/// Which kinds, room by room.
pub type Shown = [u8; ROOMS];
/// None of any room.
pub const NOTHING: Shown = [0; ROOMS];

/// The kinds by their names.
pub fn names(kinds: u8) -> String {
    let all = [
        (ROOM, "room"),
        (LESSON, "lesson"),
        (RECORDING, "recording"),
        (SEGMENT, "segment"),
        (RECORD, "record"),
        (TEXT, "text"),
    ];
    let named = all.iter().filter(|(kind, _)| kinds & kind != 0);
    let named: Vec<_> = named.map(|(_, name)| *name).collect();
    named.join(", ")
}

/// Every canary.
#[derive(Debug, Default)]
pub struct Canaries(Vec<(usize, u8, String)>);

impl Canaries {
    /// One more, which must be long enough to be no accident.
    pub fn add(&mut self, room: usize, kind: u8, text: &str) {
        assert!(text.len() >= 12, "{text:?} is no canary");
        self.0.push((room, kind, text.to_owned()));
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Of which room which kinds are in a text.
    pub fn found_in(&self, text: &str) -> Shown {
        let mut found = NOTHING;
        for (room, kind, canary) in &self.0 {
            if found[*room] & kind == 0 && text.contains(canary.as_str()) {
                found[*room] |= kind;
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_canary_tells_its_room_and_kind() {
        let mut canaries = Canaries::default();
        canaries.add(2, TEXT, "canary-text-2");
        canaries.add(2, LESSON, "canary-course-2");
        let found = canaries.found_in("..canary-course-2..canary-text-1");
        assert_eq!(found, [0, 0, LESSON, 0, 0, 0]);
        assert_eq!(names(LESSON | TEXT), "lesson, text");
    }
}
