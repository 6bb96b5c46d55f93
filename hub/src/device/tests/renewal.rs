//! Renewal through the seasons: before the end, after it, long after it, and by nobody else (X20).

use super::*;
use rcgen::KeyPair;
use xunke_protocol::renewal::{RenewalRequest, RenewalResponse};

const DAY: i64 = 24 * 60 * MINUTE;
/// A certificate's life.
const LIFE: i64 = 400 * DAY;

fn csr() -> String {
    let key = KeyPair::generate().unwrap();
    let request = CertificateParams::default().serialize_request(&key);
    request.unwrap().pem().unwrap()
}

fn serial(certificate: &CertificateDer<'_>) -> Vec<u8> {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate).unwrap();
    parsed.raw_serial().to_vec()
}

/// What box-1 asks with its recording key of this seed.
fn asked(held: &CertificateDer<'_>, seed: u8) -> RenewalRequest {
    let key = SigningKey::from_bytes(&[seed; 32]);
    RenewalRequest::sign(id("box-1"), &serial(held), csr(), &key)
}

fn next(response: &RenewalResponse) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(response.certificate_pem.as_bytes()).unwrap()
}

impl House {
    async fn enrolled(&self) -> CertificateDer<'static> {
        let code = self.code("box-1", 1, NOW).await.unwrap();
        certificate(&self.enrol(&request(&code, 1), NOW).await.unwrap())
    }

    async fn renew(
        &self,
        request: &RenewalRequest,
        now_ms: i64,
    ) -> Result<RenewalResponse, Refused> {
        let enrolment = &self.devices.enrolment;
        enrolment.renew(request, address(1), now_ms).await
    }

    /// Whether a certificate opens the doors, and whether another has followed it.
    async fn known(&self, certificate: &CertificateDer<'_>, now_ms: i64) -> Option<bool> {
        let known = self.devices.identify(certificate, now_ms).await.unwrap();
        known.map(|known| known.renewed)
    }
}

/// The old certificate goes when the new one has been used, and not before: whatever gets lost on
/// the way, the box is never without one.
#[tokio::test]
async fn the_next_certificate_counts_from_its_first_use() {
    let house = House::new().await;
    let (old, half) = (house.enrolled().await, NOW + LIFE / 2);
    let lost = next(&house.renew(&asked(&old, 1), half).await.unwrap());
    let new = next(&house.renew(&asked(&old, 1), half).await.unwrap());
    assert_eq!(house.known(&old, half).await, Some(false));
    assert_eq!(
        house.known(&lost, half).await,
        None,
        "another was made since"
    );
    assert_eq!(house.known(&new, half).await, Some(false));
    assert_eq!(house.known(&new, half).await, Some(false), "again");
    assert_eq!(house.known(&old, half + 11 * 60 * MINUTE).await, Some(true));
    assert_eq!(house.known(&old, half + 12 * 60 * MINUTE).await, None);
    let late = house.renew(&asked(&old, 1), half).await;
    assert!(
        matches!(late, Err(Refused::NotRenewed(_))),
        "it was followed"
    );
    assert!(house.renew(&asked(&new, 1), half).await.is_ok());
}

/// fleet 3.3: a holiday-proof grace of 180 days after the end of a certificate.
#[tokio::test]
async fn an_expired_certificate_is_renewed_for_half_a_year() {
    for (days, renewed) in [
        (399, true),
        (410, true),
        (579, true),
        (581, false),
        (600, false),
    ] {
        let house = House::new().await;
        let old = house.enrolled().await;
        let answer = house.renew(&asked(&old, 1), NOW + days * DAY).await;
        assert_eq!(answer.is_ok(), renewed, "after {days} days");
        let (outcome, detail) = house.trail().await.pop().unwrap();
        let said = match renewed {
            true => detail.starts_with("late, ") == (days > 400),
            false => detail == "its certificate expired more than 180 days ago",
        };
        assert!(said && (outcome == "permitted") == renewed, "{detail}");
    }
}

#[tokio::test]
async fn nobody_else_renews_and_the_trail_says_why_not() {
    let house = House::new().await;
    let old = house.enrolled().await;
    let mut changed = asked(&old, 1);
    changed.csr_pem = csr();
    let mut unknown = asked(&old, 1);
    unknown.device_id = id("box-9");
    let foreign = {
        let key = SigningKey::from_bytes(&[1; 32]);
        RenewalRequest::sign(id("box-1"), &[0x40; 16], csr(), &key)
    };
    let unsigned = "it is not signed by that box";
    for (request, why) in [
        (asked(&old, 2), unsigned),
        (changed, unsigned),
        (unknown, unsigned),
        (foreign, "its certificate is not the one in force"),
    ] {
        let refused = house.renew(&request, NOW).await;
        assert!(matches!(refused, Err(Refused::NotRenewed(_))), "{why}");
        let (outcome, detail) = house.trail().await.pop().unwrap();
        assert_eq!((outcome.as_str(), detail.as_str()), ("refused", why));
    }
    assert!(house.step(&id("box-1"), State::Retired).await);
    let retired = house.renew(&asked(&old, 1), NOW).await;
    assert!(matches!(
        retired,
        Err(Refused::NotRenewed("the box is not in use"))
    ));
    let guessing = house.renew(&asked(&old, 1), NOW).await;
    assert!(
        matches!(guessing, Err(Refused::TooMany { .. })),
        "five are enough"
    );
}

/// A new code for the same box ends everything that was made for the old one.
#[tokio::test]
async fn a_replaced_box_does_not_come_back_by_renewal() {
    let house = House::new().await;
    let old = house.enrolled().await;
    let next = next(&house.renew(&asked(&old, 1), NOW).await.unwrap());
    let code = house.code("box-1", 1, NOW).await.unwrap();
    house.enrol(&request(&code, 2), NOW + 1).await.unwrap();
    assert_eq!(house.known(&next, NOW + 1).await, None);
    assert_eq!(house.known(&old, NOW + 1).await, None);
    let by_the_old_key = house.renew(&asked(&old, 1), NOW + 1).await;
    assert!(matches!(by_the_old_key, Err(Refused::NotRenewed(_))));
}
