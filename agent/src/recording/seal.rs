//! Sealing a segment to the campus key of its day. What goes in is plain, what comes out is not,
//! and this box cannot turn it back.

use crate::clock;
use crate::identity::{Epochs, Identity};
use ed25519_dalek::SigningKey;
use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;
use uuid::{NoContext, Timestamp, Uuid};
use xunke_protocol::id::{ClassroomId, DeviceId, SegmentId, SourceName};
use xunke_protocol::sealed::header::Header;
use xunke_protocol::sealed::{Damage, Sealer, epoch};

/// Seals this box's segments. Cloning shares the keys.
#[derive(Clone)]
pub struct Seal {
    device: DeviceId,
    classroom: ClassroomId,
    key: SigningKey,
    epochs: Epochs,
}

/// What a new segment says of itself.
#[derive(Debug, Clone)]
pub struct Label {
    /// Which camera.
    pub source: SourceName,
    /// When its first picture is shown, microseconds since 1970-01-01 UTC.
    pub start_us: i64,
    /// RFC 6381 names of its tracks.
    pub codecs: String,
    /// The end of the segment before it, zeros for the first.
    pub previous: [u8; 32],
}

/// Why nothing can be sealed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The hub gave no day keys at enrolment.
    #[error("the hub has given no day key to seal with")]
    NoDayKey,
    /// The key or the fragment is not usable.
    #[error("sealing failed")]
    Seal(#[from] Damage),
}

impl Seal {
    /// With the keys of this box.
    pub fn of(identity: &Identity) -> Self {
        Self {
            device: identity.device_id.clone(),
            classroom: identity.classroom_id,
            key: identity.device_signing_key.clone(),
            epochs: identity.epochs.clone(),
        }
    }

    /// Begins a segment: its name, the sealer, and the bytes to write first.
    ///
    /// # Errors
    /// There is no usable day key.
    pub fn begin(&self, label: &Label) -> Result<(SegmentId, Sealer, Vec<u8>), Error> {
        let start_ms = label.start_us.div_euclid(1000);
        let bundle = self.epochs.current();
        let day = bundle.nearest(epoch::of(start_ms)).ok_or(Error::NoDayKey)?;
        let segment = SegmentId(name(label.start_us));
        let age_ms = u64::try_from(clock::now_ms() - start_ms).unwrap_or(0);
        let header = Header {
            device: self.device.clone(),
            classroom: self.classroom,
            segment,
            source: label.source.clone(),
            epoch: day.epoch,
            start_us: label.start_us,
            boot: clock::boot_id(),
            mono_ms: clock::mono_ms().saturating_sub(age_ms),
            codecs: label.codecs.clone(),
            previous: label.previous,
        };
        // Without the kernel's randomness nothing can be sealed, and the process must not go on.
        let mut random = UnwrapErr(SysRng);
        let (sealer, preamble) = Sealer::begin(&header, day, self.key.clone(), &mut random)?;
        Ok((segment, sealer, preamble))
    }
}

/// UUIDv7 of the first picture's time, so that names sort by time.
fn name(start_us: i64) -> Uuid {
    let seconds = u64::try_from(start_us.div_euclid(1_000_000)).unwrap_or(0);
    let nanos = u32::try_from(start_us.rem_euclid(1_000_000) * 1000).unwrap_or(0);
    Uuid::new_v7(Timestamp::from_unix(NoContext, seconds, nanos))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_sort_by_the_time_of_the_first_picture() {
        let early = name(1_763_000_000_000_000);
        let late = name(1_763_000_000_001_000);
        assert!(early < late && name(1_763_000_000_000_000) != early);
        assert_eq!(early.get_version_num(), 7);
        assert!(name(-5) < early);
    }
}
