//! What an authenticator app is given: a QR code for its camera, and the secret as text.

use qrcode::render::svg;
use qrcode::{EcLevel, QrCode};
use serde::Serialize;
use utoipa::ToSchema;
use zeroize::Zeroizing;

use super::error::Error;
use crate::access::second_factor;

/// What an authenticator app shows beside its codes.
const ISSUER: &str = "xunke";
const QR_PIXELS: u32 = 220;

/// A second factor to be put into an authenticator. Only ever in the body of an answer.
#[derive(Serialize, ToSchema)]
pub struct Enrolment {
    /// A picture, SVG.
    pub qr_svg: String,
    /// The secret in groups of four, for apps without a camera.
    pub secret: String,
}

impl Enrolment {
    /// For the account of this name.
    ///
    /// # Errors
    /// When the name is far too long for a QR code.
    pub fn new(factor: &[u8], account: &str) -> Result<Self, Error> {
        let secret = Zeroizing::new(second_factor::base32(factor));
        let label = encoded(account);
        let uri = Zeroizing::new(format!(
            "otpauth://totp/{ISSUER}:{label}?secret={}&issuer={ISSUER}",
            *secret
        ));
        let code = QrCode::with_error_correction_level(uri.as_bytes(), EcLevel::M);
        let code = code.map_err(|error| Error::Failed(Box::new(error)))?;
        let mut picture = code.render::<svg::Color<'_>>();
        let picture = picture.min_dimensions(QR_PIXELS, QR_PIXELS).build();
        let groups: Vec<&str> = (0..secret.len())
            .step_by(4)
            .map(|from| &secret[from..secret.len().min(from + 4)])
            .collect();
        Ok(Self {
            qr_svg: picture,
            secret: groups.join(" "),
        })
    }
}

/// Percent-encoded, so that any staff number can stand in the label.
fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let encode = |byte: u8| match plain(byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
}

/// Never the secret.
impl std::fmt::Debug for Enrolment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Enrolment")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// X1: the picture is a drawing; the secret is nowhere in it as text.
    #[test]
    fn a_picture_and_a_text() {
        let enrolment = Enrolment::new(b"12345678901234567890", "D1001").unwrap();
        assert_eq!(enrolment.secret, "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ");
        assert!(enrolment.qr_svg.contains("<svg"));
        assert!(!enrolment.qr_svg.contains("GEZD"));
    }

    #[test]
    fn odd_staff_numbers_stand_in_the_label() {
        assert_eq!(encoded("D-1001"), "D-1001");
        assert_eq!(encoded("督 1&x"), "%E7%9D%A3%201%26x");
    }
}
