//! Judging how long certificates are good, by the hub's own register and clock: a box that is
//! switched off, or whose clock is off, is judged all the same (X20).

use super::{Finding, of_box};

const DAY_MS: i64 = 86_400_000;
/// So long after its end a box can still renew its certificate: a school is dark for nine weeks in
/// summer, and two summers are not half a year (fleet §3.3).
pub const RENEWAL_GRACE_DAYS: i64 = 180;
/// A box renews at the middle of 400 days: at 60 left something has kept it from doing so for
/// months, at 30 somebody has to look, at 7 today.
const BOX_STEPS: [(i64, &str); 3] = [(7, "CERT_ENDING"), (30, "CERT_SOON"), (60, "CERT_EXPIRING")];
const HUB_STEPS: [(i64, &str); 3] = [
    (7, HUB_CERT_ENDING),
    (30, HUB_CERT_SOON),
    (60, HUB_CERT_EXPIRING),
];
const HUB_CERT_ENDING: &str = "HUB_CERT_ENDING";
const HUB_CERT_SOON: &str = "HUB_CERT_SOON";
const HUB_CERT_EXPIRING: &str = "HUB_CERT_EXPIRING";
/// The box must be enrolled anew.
const DEAD: &str = "CERT_DEAD";

/// What the certificate in force of a box points to, which is good until then.
#[must_use]
pub fn certificate_finding(until_ms: i64, now_ms: i64) -> Option<Finding> {
    let over = now_ms > until_ms + RENEWAL_GRACE_DAYS * DAY_MS;
    let days = days_left(until_ms, now_ms);
    let code = if over {
        Some(DEAD)
    } else {
        step(BOX_STEPS, days)
    };
    code.map(|code| of_box(code, vec![("certificate_days", days as f64)]))
}

/// Whether the fault is judged by the register, so that it begins and ends without a word of the
/// box.
#[must_use]
pub fn is_of_register(code: &str) -> bool {
    code == DEAD || BOX_STEPS.iter().any(|(_, of)| *of == code)
}

/// The fault of the hub's own certificate, which is good until then.
#[must_use]
pub fn hub_certificate(until_ms: i64, now_ms: i64) -> Option<&'static str> {
    step(HUB_STEPS, days_left(until_ms, now_ms))
}

/// Whether a fault is the hub's own certificate's: every box and every page depends on it.
#[must_use]
pub fn is_of_hub(code: &str) -> bool {
    HUB_STEPS.iter().any(|(_, of)| *of == code)
}

fn days_left(until_ms: i64, now_ms: i64) -> i64 {
    (until_ms - now_ms).div_euclid(DAY_MS)
}

fn step(steps: [(i64, &'static str); 3], days: i64) -> Option<&'static str> {
    let reached = steps.iter().find(|(most, _)| days <= *most);
    reached.map(|(_, code)| *code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::{Severity, kind};

    /// R64: 60, 30 and 7 days before the end, and what a holiday cannot mend any more.
    #[test]
    fn a_certificate_is_told_of_a_term_a_month_and_a_week_before_its_end() {
        let now_ms = 1_795_000_000_000;
        for (days, of_box, of_hub) in [
            (61, None, None),
            (60, Some("CERT_EXPIRING"), Some("HUB_CERT_EXPIRING")),
            (31, Some("CERT_EXPIRING"), Some("HUB_CERT_EXPIRING")),
            (30, Some("CERT_SOON"), Some("HUB_CERT_SOON")),
            (8, Some("CERT_SOON"), Some("HUB_CERT_SOON")),
            (7, Some("CERT_ENDING"), Some("HUB_CERT_ENDING")),
            (-63, Some("CERT_ENDING"), Some("HUB_CERT_ENDING")),
            (-180, Some("CERT_ENDING"), Some("HUB_CERT_ENDING")),
            (-181, Some("CERT_DEAD"), Some("HUB_CERT_ENDING")),
        ] {
            let until_ms = now_ms + days * DAY_MS;
            let found = certificate_finding(until_ms, now_ms);
            assert_eq!(found.map(|one| one.code), of_box, "{days}");
            assert_eq!(hub_certificate(until_ms, now_ms), of_hub, "{days}");
        }
    }

    #[test]
    fn each_step_is_in_the_catalogue_and_worse_than_the_one_before() {
        for steps in [BOX_STEPS, HUB_STEPS] {
            let at_rest = |(_, code): (i64, &str)| kind(code).unwrap().severity.idle;
            let severities = steps.map(at_rest);
            assert!(severities.is_sorted_by(|worse, next| worse > next));
            assert!(severities[0] >= Severity::Major);
        }
        assert!(is_of_register(DEAD) && kind(DEAD).is_some());
        assert!(!is_of_register("DISK_FULL") && !is_of_hub("CERT_SOON"));
        assert!(is_of_hub(HUB_CERT_SOON));
    }
}
