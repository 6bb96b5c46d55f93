//! The calendar: days, weekdays and teaching weeks in Asia/Shanghai (UTC+8, no summer time).

const SHANGHAI_MS: i64 = 8 * 60 * 60 * 1000;
const MINUTE_MS: i64 = 60 * 1000;
/// One day.
pub const DAY_MS: i64 = 24 * 60 * MINUTE_MS;

/// The day of a moment: days since the epoch, in Asia/Shanghai.
#[must_use]
pub fn day(at_ms: i64) -> i64 {
    (at_ms + SHANGHAI_MS).div_euclid(DAY_MS)
}

/// The moment of a minute of a day.
#[must_use]
pub fn moment(day: i64, minute: i64) -> i64 {
    day * DAY_MS - SHANGHAI_MS + minute * MINUTE_MS
}

/// 星期一 is 1, 星期日 is 7.
#[must_use]
pub fn weekday(day: i64) -> i64 {
    // The epoch was a Thursday.
    (day + 3).rem_euclid(7) + 1
}

/// The Monday of the week of a day.
#[must_use]
pub fn monday(day: i64) -> i64 {
    day - (weekday(day) - 1)
}

/// The teaching week of a day when week 1 begins on the Monday `week_one` (R74).
/// 0 and less lie before the term.
#[must_use]
pub fn teaching_week(day: i64, week_one: i64) -> i64 {
    (day - week_one).div_euclid(7) + 1
}

/// The day of a date such as `2026-11-22`; `None` if there is no such day.
#[must_use]
pub fn parse_day(text: &str) -> Option<i64> {
    let format = time::macros::format_description!("[year]-[month]-[day]");
    let date = time::Date::parse(text, &format).ok()?;
    Some(i64::from(date.to_julian_day()) - i64::from(epoch_julian_day()))
}

/// The year, month and day of a day.
#[must_use]
pub fn date(day: i64) -> (i32, u8, u8) {
    let julian = i32::try_from(day).ok().map(|day| day + epoch_julian_day());
    let date = julian.and_then(|julian| time::Date::from_julian_day(julian).ok());
    let date = date.expect("invariant: a day of the calendar");
    (date.year(), date.month().into(), date.day())
}

/// `hh:mm:ss` of a moment.
#[must_use]
pub fn time_of_day(at_ms: i64) -> String {
    let seconds = (at_ms - moment(day(at_ms), 0)) / 1000;
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    format!("{hours:02}:{minutes:02}:{:02}", seconds % 60)
}

/// `yyyy-mm-dd` of a day.
#[must_use]
pub fn date_text(day: i64) -> String {
    let (year, month, day) = date(day);
    format!("{year:04}-{month:02}-{day:02}")
}

/// `yyyy-mm-dd hh:mm:ss` of a moment.
#[must_use]
pub fn date_and_time(at_ms: i64) -> String {
    format!("{} {}", date_text(day(at_ms)), time_of_day(at_ms))
}

const fn epoch_julian_day() -> i32 {
    time::macros::date!(1970 - 01 - 01).to_julian_day()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// R74, Q8: the day ends at 24:00 in Shanghai, 16:00 UTC.
    #[test]
    fn the_day_turns_at_midnight_in_shanghai() {
        let day_20779 = parse_day("2026-11-22").unwrap();
        assert_eq!(moment(day_20779, 0), 1_795_276_800_000);
        assert_eq!(day(1_795_276_800_000), day_20779);
        assert_eq!(day(1_795_276_799_999), day_20779 - 1);
        assert_eq!(date(day_20779), (2026, 11, 22));
        assert_eq!(weekday(day_20779), 7);
        assert_eq!(parse_day("2026-02-30"), None);
    }

    #[test]
    fn moments_read_as_the_wall_clock_in_the_room() {
        let midnight = moment(parse_day("2026-11-22").unwrap(), 0);
        assert_eq!(time_of_day(midnight), "00:00:00");
        assert_eq!(time_of_day(midnight + 37_382_999), "10:23:02");
        assert_eq!(date_and_time(midnight - 1), "2026-11-21 23:59:59");
    }

    /// R74.
    #[test]
    fn weeks_count_from_the_anchor_the_school_sets() {
        let week_one = parse_day("2026-08-31").unwrap();
        assert_eq!(weekday(week_one), 1);
        assert_eq!(monday(week_one + 6), week_one);
        assert_eq!(teaching_week(week_one, week_one), 1);
        assert_eq!(teaching_week(week_one + 6, week_one), 1);
        assert_eq!(teaching_week(week_one + 7, week_one), 2);
        assert_eq!(teaching_week(week_one - 1, week_one), 0);
    }
}
