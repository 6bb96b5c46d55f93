//! 学习网第十六条: how long a recording may be watched.

use time::{Date, Duration, Month, OffsetDateTime, UtcOffset};

use crate::refusal::Refusal;

/// “原则上一般课堂教学保存六个月”: kept to the end of the day that many months after the day of
/// recording, in Asia/Shanghai; where that month has no such day, of its last day (R119, Q12).
/// A moment outside the calendar is kept no longer than itself.
#[must_use]
pub fn kept_until_ms(recorded_ms: i64, months: u32) -> i64 {
    last_day(recorded_ms, months).map_or(recorded_ms, end_of_day_ms)
}

/// “保存六个月” (R67): past its retention nobody watches a recording.
///
/// # Errors
/// The refusal of 学习网第十六条.
pub fn kept(kept_until_ms: i64, now_ms: i64) -> Result<(), Refusal> {
    if now_ms < kept_until_ms {
        Ok(())
    } else {
        Err(Refusal::RECORDING_EXPIRED)
    }
}

fn shanghai() -> UtcOffset {
    UtcOffset::from_hms(8, 0, 0).expect("invariant: UTC+8")
}

fn last_day(recorded_ms: i64, months: u32) -> Option<Date> {
    let moment = OffsetDateTime::from_unix_timestamp(recorded_ms.div_euclid(1000)).ok()?;
    let day = moment.checked_to_offset(shanghai())?.date();
    let month = i64::from(u8::from(day.month())) - 1 + i64::from(months);
    let year = i32::try_from(i64::from(day.year()) + month / 12).ok()?;
    let month = Month::try_from(u8::try_from(month % 12 + 1).ok()?).ok()?;
    Date::from_calendar_date(year, month, day.day().min(month.length(year))).ok()
}

fn end_of_day_ms(day: Date) -> i64 {
    let midnight = day.midnight().assume_offset(shanghai());
    let next = midnight.saturating_add(Duration::DAY);
    next.unix_timestamp().saturating_mul(1000)
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    fn ms(moment: OffsetDateTime) -> i64 {
        moment.unix_timestamp() * 1000
    }

    /// R119: six calendar months, and the months that are too short.
    #[test]
    fn six_months_end_with_the_day() {
        let check = |recorded, months, until| {
            assert_eq!(kept_until_ms(ms(recorded), months), ms(until), "{recorded}");
        };
        let lesson = datetime!(2026-03-10 15:00 +8);
        check(lesson, 6, datetime!(2026-09-11 00:00 +8));
        check(lesson, 0, datetime!(2026-03-11 00:00 +8));
        check(lesson, 10, datetime!(2027-01-11 00:00 +8));
        check(
            datetime!(2026-08-31 09:00 +8),
            6,
            datetime!(2027-03-01 00:00 +8),
        );
        check(
            datetime!(2027-08-31 09:00 +8),
            6,
            datetime!(2028-03-01 00:00 +8),
        );
        check(
            datetime!(2027-08-28 09:00 +8),
            6,
            datetime!(2028-02-29 00:00 +8),
        );
        check(
            datetime!(2026-12-01 00:30 +8),
            6,
            datetime!(2027-06-02 00:00 +8),
        );
        check(
            datetime!(2026-06-15 23:59 +8),
            6,
            datetime!(2026-12-16 00:00 +8),
        );
    }

    /// What is no moment of the calendar is not kept for ever.
    #[test]
    fn a_senseless_moment_is_not_kept() {
        assert_eq!(kept_until_ms(i64::MAX, 6), i64::MAX);
        assert_eq!(kept_until_ms(i64::MIN, 6), i64::MIN);
        let last = ms(datetime!(9999-12-31 12:00 +8));
        assert_eq!(kept_until_ms(last, 6), last);
    }

    /// R67.
    #[test]
    fn past_its_retention_nobody_watches() {
        assert_eq!(kept(10, 9), Ok(()));
        assert_eq!(kept(10, 10), Err(Refusal::RECORDING_EXPIRED));
    }
}
