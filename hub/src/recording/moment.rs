//! When a segment really began. A box without a battery seals in 1970 until its clock is set; the
//! clock that nobody sets stands beside it in the header (X51).

use xunke_protocol::health::HealthDocument;
use xunke_protocol::sealed::header::Header;

use crate::campus::calendar::DAY_MS;
use crate::store::health::{self as rows, StatusRow};
use crate::store::{self, Db};

/// A box whose clock is ahead by more cannot be believed.
const AHEAD_MS_MAX: i64 = DAY_MS;
/// Nothing waits in a box for longer.
const BEHIND_MS_MAX: i64 = 400 * DAY_MS;

/// When a segment began, microseconds since the epoch: as its header says or, where that cannot be,
/// as the box has told of its clocks in the same start. `None`: nobody knows.
///
/// # Errors
/// When the store fails.
pub(super) async fn of(db: &Db, header: &Header, now_ms: i64) -> Result<Option<i64>, store::Error> {
    if plausible(header.start_us, now_ms) {
        return Ok(Some(header.start_us));
    }
    let status = rows::status(db, header.device.as_str()).await?;
    let told = status.and_then(|status| placed(header, &status));
    Ok(told.filter(|start_us| plausible(*start_us, now_ms)))
}

fn plausible(start_us: i64, now_ms: i64) -> bool {
    let age_ms = now_ms.saturating_sub(start_us.div_euclid(1000));
    (-AHEAD_MS_MAX..=BEHIND_MS_MAX).contains(&age_ms)
}

/// By what the box told last of its clocks, if it has not been started again since.
fn placed(header: &Header, status: &StatusRow) -> Option<i64> {
    if status.report_boot.as_deref() != Some(header.boot.to_string().as_str()) {
        return None;
    }
    let report: HealthDocument = serde_json::from_str(status.report.as_deref()?).ok()?;
    let hub_ms = status.report_ts_ms?.checked_sub(report.clock_skew_ms?)?;
    let since_ms = i64::try_from(header.mono_ms).ok()? - status.report_mono_ms?;
    hub_ms.checked_add(since_ms)?.checked_mul(1000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use uuid::Uuid;
    use xunke_protocol::id::{ClassroomId, SegmentId};

    /// 2026-11-22 08:00 in Shanghai.
    const EIGHT: i64 = 1_795_305_600_000;
    const BOOT: Uuid = Uuid::from_u128(3);

    /// Sealed by a clock that shows so many milliseconds, ten minutes after the box was started.
    fn header(start_ms: i64) -> Header {
        Header {
            device: "box-1".parse().unwrap(),
            classroom: ClassroomId(Uuid::nil()),
            segment: SegmentId(Uuid::nil()),
            source: "cam0".parse().unwrap(),
            epoch: 0,
            start_us: start_ms * 1000,
            boot: BOOT,
            mono_ms: 600_000,
            codecs: String::new(),
            previous: [0; 32],
        }
    }

    /// A report of half an hour after the start, by a clock that shows `ts_ms` then.
    fn status(boot: Uuid, ts_ms: i64, skew_ms: Option<i64>) -> StatusRow {
        let report = json!({
            "cameras": [],
            "recording": {"state": "idle", "since": 0},
            "spool": {"waiting_bytes": 0, "waiting_segments": 0, "free_bytes": 9,
                "limit_bytes": 9, "evicted_unsent": 0},
            "system": {"uptime_s": 1, "load_ratio": 0.1, "memory_available_bytes": 1,
                "agent_resident_bytes": 1},
            "clock_skew_ms": skew_ms,
        });
        StatusRow {
            device_id: "box-1".into(),
            state: "online".into(),
            since_ms: 0,
            boot: boot.to_string(),
            epoch: 1,
            agent: String::new(),
            report: Some(report.to_string()),
            report_boot: Some(boot.to_string()),
            report_mono_ms: Some(1_800_000),
            report_ts_ms: Some(ts_ms),
            reported_ms: Some(EIGHT),
        }
    }

    /// Twenty minutes before the report, whichever clock that was written by.
    #[test]
    fn a_segment_of_1970_is_placed_by_the_clock_that_nobody_sets() {
        let began_us = Some((EIGHT - 1_200_000) * 1000);
        let still_1970 = status(BOOT, 1_800_000, Some(1_800_000 - EIGHT));
        assert_eq!(placed(&header(600_000), &still_1970), began_us);
        let set_since = status(BOOT, EIGHT + 40, Some(40));
        assert_eq!(placed(&header(600_000), &set_since), began_us);
        let other_start = status(Uuid::from_u128(4), EIGHT, Some(0));
        assert_eq!(placed(&header(600_000), &other_start), None);
        assert_eq!(placed(&header(600_000), &status(BOOT, EIGHT, None)), None);
        let mut silent = status(BOOT, EIGHT, Some(0));
        silent.report_ts_ms = None;
        assert_eq!(placed(&header(600_000), &silent), None);
        let mut far = header(600_000);
        far.mono_ms = u64::MAX;
        assert_eq!(placed(&far, &set_since), None);
    }

    #[tokio::test]
    async fn a_header_that_can_be_true_is_believed() {
        let db = Db::in_memory().await;
        for start_ms in [EIGHT, EIGHT - 399 * DAY_MS, EIGHT + DAY_MS] {
            let found = of(&db, &header(start_ms), EIGHT).await.unwrap();
            assert_eq!(found, Some(start_ms * 1000));
        }
        for start_ms in [600_000, EIGHT - 401 * DAY_MS, EIGHT + DAY_MS + 1] {
            let found = of(&db, &header(start_ms), EIGHT).await.unwrap();
            assert_eq!(found, None, "{start_ms}: nothing is known of the box");
        }
    }
}
