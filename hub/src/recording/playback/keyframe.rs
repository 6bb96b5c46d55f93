//! Keyframes: whether a fragment (moof, mdat) begins with a picture that is decodable alone. Pure.
//!
//! A box writes the picture as the first track of each fragment (PROTOCOL.md). What cannot be read
//! begins with none: then more is sent than is needed, never less.

/// ISO/IEC 14496-12, 8.8.3.1: the sample depends on others.
const NO_SYNC: u32 = 0x0001_0000;
/// Which optional fields a `tfhd` has.
const TFHD: [(u32, usize); 4] = [(0x1, 8), (0x2, 4), (0x8, 4), (0x10, 4)];
const TFHD_FLAGS: u32 = 0x20;
/// Which fields stand in a `trun` before its samples, and in a sample before its flags.
const TRUN_DATA_OFFSET: u32 = 0x1;
const TRUN_FIRST_FLAGS: u32 = 0x4;
const SAMPLE: [(u32, usize); 2] = [(0x100, 4), (0x200, 4)];
const SAMPLE_FLAGS: u32 = 0x400;

/// Whether the first picture of a fragment is a keyframe.
#[must_use]
pub fn begins(fragment: &[u8]) -> bool {
    let track = child(fragment, b"moof").and_then(|moof| child(moof, b"traf"));
    let flags = track.and_then(|track| {
        let run = child(track, b"trun")?;
        first_flags(run).or_else(|| default_flags(child(track, b"tfhd")?))
    });
    flags.is_some_and(|flags| flags & NO_SYNC == 0)
}

/// The body of the first box of a kind.
fn child<'a>(mut boxes: &'a [u8], kind: &[u8; 4]) -> Option<&'a [u8]> {
    loop {
        let (length, rest) = boxes.split_first_chunk::<4>()?;
        let (found, _) = rest.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let body = boxes.get(8..length)?;
        if found == kind {
            return Some(body);
        }
        boxes = boxes.get(length..)?;
    }
}

/// A number at an offset.
fn number(body: &[u8], at: usize) -> Option<u32> {
    let bytes = body.get(at..)?.first_chunk::<4>()?;
    Some(u32::from_be_bytes(*bytes))
}

/// Which optional fields a full box has; its version is of no interest.
fn fields(body: &[u8]) -> Option<u32> {
    Some(number(body, 0)? & 0x00ff_ffff)
}

fn width(fields: u32, known: &[(u32, usize)]) -> usize {
    let there = known.iter().filter(|(flag, _)| fields & flag != 0);
    there.map(|(_, bytes)| bytes).sum()
}

/// The flags of the first sample of a `trun`, if it has a sample and says them.
fn first_flags(run: &[u8]) -> Option<u32> {
    let fields = fields(run)?;
    let samples = number(run, 4)?;
    let at = 8 + width(fields, &[(TRUN_DATA_OFFSET, 4)]);
    match fields {
        _ if samples == 0 => Some(NO_SYNC),
        fields if fields & TRUN_FIRST_FLAGS != 0 => number(run, at),
        fields if fields & SAMPLE_FLAGS != 0 => number(run, at + width(fields, &SAMPLE)),
        _ => None,
    }
}

/// The flags that a `tfhd` gives every sample that says none itself.
fn default_flags(head: &[u8]) -> Option<u32> {
    let fields = fields(head)?;
    let says = fields & TFHD_FLAGS != 0;
    // After the version and the number of the track.
    says.then(|| number(head, 8 + width(fields, &TFHD)))?
}

#[cfg(test)]
pub(in crate::recording) mod tests {
    use super::*;

    const SYNC: u32 = 0x0200_0000;
    const OTHER: u32 = 0x0101_0000;

    fn boxed(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len() + 8).unwrap();
        [&length.to_be_bytes()[..], kind, body].concat()
    }

    fn full(kind: &[u8; 4], fields: u32, numbers: &[u32]) -> Vec<u8> {
        let numbers: Vec<u8> = numbers.iter().flat_map(|one| one.to_be_bytes()).collect();
        boxed(kind, &[&fields.to_be_bytes()[..], &numbers].concat())
    }

    fn fragment(tracks: &[Vec<u8>]) -> Vec<u8> {
        let tracks = tracks.iter().map(|track| boxed(b"traf", track));
        let moof = boxed(b"mfhd", &[0; 8]).into_iter().chain(tracks.flatten());
        let moof = boxed(b"moof", &moof.collect::<Vec<_>>());
        [moof, boxed(b"mdat", b"pictures")].concat()
    }

    /// As a box writes it: duration, size, flags and offset for each sample; then the sound.
    pub fn written(key: bool) -> Vec<u8> {
        let flags = if key { SYNC } else { OTHER };
        let run = full(
            b"trun",
            0xf01,
            &[2, 99, 3600, 10, flags, 0, 3600, 10, OTHER, 0],
        );
        let head = full(b"tfhd", 0x2_0000, &[1]);
        let sound = full(b"tfhd", 0x2_0028, &[2, 1024, SYNC]);
        let sounds = full(b"trun", 0x201, &[1, 99, 10]);
        fragment(&[[head, run].concat(), [sound, sounds].concat()])
    }

    #[test]
    fn a_keyframe_is_known_by_the_flags_of_the_first_picture() {
        assert!(begins(&written(true)));
        assert!(!begins(&written(false)), "sound is none");
        let first = full(b"trun", 0x5, &[2, 99, SYNC]);
        let head = full(b"tfhd", 0x2b, &[1, 0, 0, 1, 7, OTHER]);
        assert!(begins(&fragment(&[[head.clone(), first].concat()])));
        let silent = full(b"trun", 0x1, &[2, 99]);
        assert!(!begins(&fragment(&[[head, silent.clone()].concat()])));
        let head = full(b"tfhd", 0x20, &[1, SYNC]);
        assert!(begins(&fragment(&[[head.clone(), silent].concat()])));
        let none = full(b"trun", 0x1, &[0, 99]);
        assert!(
            !begins(&fragment(&[[head, none].concat()])),
            "no picture at all"
        );
    }

    /// What is cut or changed is no keyframe, and nothing breaks over it.
    #[test]
    fn what_cannot_be_read_begins_with_none() {
        let whole = written(true);
        for length in 0..whole.len() - 16 {
            let cut = &whole[..length];
            assert!(!begins(cut), "{length}");
        }
        for (at, value) in (0..whole.len()).flat_map(|at| [0, 1, 0xff].map(|value| (at, value))) {
            let mut changed = whole.clone();
            changed[at] = value;
            let _: bool = begins(&changed);
        }
        assert!(!begins(b"moof mdat one"));
    }
}
