//! The golden vectors of `XKS1`, for whoever writes another end: docs/PROTOCOL.md says how to read
//! them. `UPDATE_GOLDEN=1` writes them anew.

use super::tests::{FRAGMENTS, SUITES, day, device, open, sealed};
use super::{Outline, Suite};
use crate::encoding;
use data_encoding::HEXLOWER as HEX;
use serde::{Deserialize, Serialize};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/vectors/xks1.json");

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Vectors {
    suites: Vec<OfSuite>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct OfSuite {
    suite: u8,
    epoch: u32,
    day_public: String,
    day_secret: String,
    #[serde(with = "encoding")]
    device_public: [u8; 32],
    /// The plain chunks of the complete segment.
    plain: Vec<String>,
    cases: Vec<Case>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Case {
    name: String,
    /// `complete`, `truncated`, or `refused`.
    outcome: String,
    /// How many plain chunks open.
    chunks: usize,
    segment: String,
}

fn case(suite: Suite, name: &str, segment: &[u8]) -> Case {
    let (outcome, chunks) = match open(suite, segment) {
        Ok((plain, true)) => ("complete", plain.len()),
        Ok((plain, false)) => ("truncated", plain.len()),
        Err(_) => ("refused", 0),
    };
    Case {
        name: name.into(),
        outcome: outcome.into(),
        chunks,
        segment: HEX.encode(segment),
    }
}

fn of(suite: Suite) -> OfSuite {
    let (whole, ends) = sealed(suite, 2);
    let changed = |at: usize| {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        bytes
    };
    let (first, second, mark) = (ends[1], ends[2], ends[4]);
    let swapped = [
        &whole[..first],
        &whole[second..ends[3]],
        &whole[first..second],
    ]
    .concat();
    let (secret, key) = day(suite);
    OfSuite {
        suite: suite.id(),
        epoch: key.epoch,
        day_public: HEX.encode(key.public.as_bytes()),
        day_secret: HEX.encode(&secret.to_bytes()[1..]),
        device_public: device().verifying_key().to_bytes(),
        plain: FRAGMENTS.map(|plain| HEX.encode(plain)).into(),
        cases: vec![
            case(suite, "complete", &whole),
            case(suite, "cut after a mark", &whole[..mark]),
            case(suite, "cut within a chunk", &whole[..second - 1]),
            case(suite, "cut within the preamble", &whole[..ends[0] - 1]),
            case(suite, "a room that was changed", &changed(5 + 2 + 6)),
            case(suite, "a length that was changed", &changed(first + 9)),
            case(suite, "a body that was changed", &changed(second - 20)),
            case(suite, "a signature that was changed", &changed(mark - 1)),
            case(suite, "chunks in another order", &swapped),
        ],
    }
}

#[test]
fn the_golden_vectors_hold() {
    let suites = SUITES.map(of).into();
    let made = serde_json::to_string_pretty(&Vectors { suites }).unwrap() + "\n";
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(FILE, &made).unwrap();
    }
    let golden = std::fs::read_to_string(FILE).unwrap();
    assert_eq!(made, golden, "{FILE}");
}

/// Each golden file by itself, as another end would read it.
#[test]
fn each_golden_segment_opens_as_its_vector_says() {
    let vectors: Vectors = serde_json::from_str(&std::fs::read_to_string(FILE).unwrap()).unwrap();
    let outcome = |case: &Case| case.outcome.clone();
    for of in vectors.suites {
        let suite = Suite::of(of.suite).unwrap();
        let outcomes: Vec<_> = of.cases.iter().map(outcome).collect();
        assert_eq!(outcomes[..3], ["complete", "truncated", "truncated"]);
        assert!(outcomes[3..].iter().all(|outcome| outcome == "refused"));
        for case in of.cases {
            let bytes = HEX.decode(case.segment.as_bytes()).unwrap();
            let Ok((plain, complete)) = open(suite, &bytes) else {
                assert_eq!(case.outcome, "refused", "{}", case.name);
                continue;
            };
            let plain: Vec<_> = plain.iter().map(|plain| HEX.encode(plain)).collect();
            assert_eq!(plain, of.plain[..case.chunks], "{}", case.name);
            assert_eq!(complete, case.outcome == "complete", "{}", case.name);
            assert_eq!(Outline::scan(&bytes).unwrap().header.epoch, of.epoch);
        }
    }
}
