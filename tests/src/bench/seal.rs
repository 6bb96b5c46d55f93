//! What sealing costs in each suite: a fragment of half a mebibyte, sealed, checked and opened, and
//! the wrapping of a segment's key. In memory: the disk is `bench spool`'s business.

use std::time::Instant;

use anyhow::Result;
use ed25519_dalek::SigningKey;
use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;
use uuid::Uuid;
use xunke_protocol::id::{ClassroomId, SegmentId};
use xunke_protocol::sealed::epoch::DaySecret;
use xunke_protocol::sealed::header::Header;
use xunke_protocol::sealed::{Outline, Sealer, Suite};

use super::figure::{Figure, report};

const BENCH: &str = "seal";
/// One second at 4 Mbit/s.
const FRAGMENT_BYTES: usize = 512 * 1024;
const FRAGMENTS: u32 = 60;
const KEYS: u32 = 50;
/// A camera of 4 Mbit/s, in MB.
const CAMERA_MB_PER_SECOND: f64 = 0.5;

/// Prints the figures; whether every aim was met.
///
/// # Errors
/// A suite refuses its own work.
pub fn run() -> Result<bool> {
    let mut figures = suite("aes", Suite::International)?;
    figures.extend(suite("sm", Suite::National)?);
    println!("{}", report(&figures));
    Ok(!figures.iter().any(Figure::misses))
}

fn suite(name: &str, suite: Suite) -> Result<Vec<Figure>> {
    let mut rng = UnwrapErr(SysRng);
    let (secret, day) = DaySecret::generate(suite, 20_000, &mut rng);
    let device = SigningKey::from_bytes(&[7; 32]);
    let begun = Instant::now();
    for _ in 0..KEYS {
        Sealer::begin(&header(), &day, device.clone(), &mut rng)?;
    }
    let wrap_ms = begun.elapsed().as_secs_f64() * 1000.0 / f64::from(KEYS);

    let plain = vec![0x5a; FRAGMENT_BYTES];
    let (mut sealer, preamble) = Sealer::begin(&header(), &day, device.clone(), &mut rng)?;
    // Written to once: fresh pages are no part of sealing.
    let mut sealed = vec![1; (FRAGMENT_BYTES + 1024) * (FRAGMENTS as usize + 1)];
    sealed.clear();
    sealed.extend(preamble);
    let begun = Instant::now();
    for index in 0..FRAGMENTS {
        sealed.extend(sealer.chunk(&plain, index * 1_000_000)?);
        sealed.extend(sealer.checkpoint());
    }
    sealed.extend(sealer.finish().0);
    let sealing = begun.elapsed().as_secs_f64();

    let begun = Instant::now();
    let outline = Outline::scan(&sealed)?;
    outline.verify(&device.verifying_key())?;
    let checking = begun.elapsed().as_secs_f64();
    let begun = Instant::now();
    outline.open(&sealed, &outline.unwrap_key(&secret)?)?;
    let opening = begun.elapsed().as_secs_f64();

    let mb = f64::from(FRAGMENTS) * FRAGMENT_BYTES as f64 / 1e6;
    let figure =
        |metric: &str, value, unit| Figure::new(BENCH, &format!("{name}: {metric}"), value, unit);
    Ok(vec![
        figure("a segment's key wrapped", wrap_ms, "ms"),
        figure("sealed", mb / sealing, "MB/s"),
        figure("checked without its key", mb / checking, "MB/s"),
        figure("opened", mb / opening, "MB/s"),
        figure(
            "a camera of 4 Mbit/s",
            100.0 * sealing / mb * CAMERA_MB_PER_SECOND,
            "% core",
        ),
    ])
}

fn header() -> Header {
    Header {
        device: "box-1".parse().expect("invariant: a device id"),
        classroom: ClassroomId(Uuid::nil()),
        segment: SegmentId(Uuid::now_v7()),
        source: "cam0".parse().expect("invariant: a source name"),
        epoch: 20_000,
        start_us: 1_763_000_000_000_000,
        boot: Uuid::nil(),
        mono_ms: 42,
        codecs: "avc1.640028".into(),
        previous: [0; 32],
    }
}
