//! The second factor: one-time codes by time (RFC 6238), each good once (X1, CES1-04).

use totp_rs::{Builder, Secret, Totp};
use zeroize::Zeroizing;

use super::secret;

/// As the RFC recommends for SHA-1.
const SECRET_BYTES: usize = 20;

/// A new secret.
#[must_use]
pub fn new_secret() -> Zeroizing<Vec<u8>> {
    Zeroizing::new(secret::random::<SECRET_BYTES>().to_vec())
}

/// The secret as authenticator apps take it.
#[must_use]
pub fn base32(secret: &[u8]) -> String {
    Secret::from(secret).to_base32()
}

/// The time step that `code` belongs to, one step either way for clocks that differ.
#[must_use]
pub fn step(secret: &[u8], code: &str, now_ms: i64) -> Option<i64> {
    let code = code.trim();
    if code.len() != 6 || !code.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let seconds = u64::try_from(now_ms / 1000).ok()?;
    let step = totp(secret)?.check(code, seconds)?;
    i64::try_from(step).ok()
}

fn totp(secret: &[u8]) -> Option<Totp> {
    Builder::new().with_secret(secret).build().ok()
}

/// The code of a moment, as an authenticator app shows it.
#[cfg(test)]
pub(crate) fn code(secret: &[u8], now_ms: i64) -> String {
    totp(secret)
        .unwrap()
        .generate(u64::try_from(now_ms / 1000).unwrap())
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238 appendix B, cut to six digits; X1.
    #[test]
    fn codes_are_those_of_the_rfc() {
        let secret = b"12345678901234567890";
        assert_eq!(step(secret, "287082", 59_000), Some(1));
        assert_eq!(step(secret, "081804", 1_111_111_109_000), Some(37_037_036));
        assert_eq!(step(secret, "287082", 89_000), Some(1));
        assert_eq!(step(secret, "287082", 90_000), None);
        assert_eq!(step(secret, "287083", 59_000), None);
        assert_eq!(step(secret, "", 59_000), None);
        assert_eq!(step(secret, "２８７０８２", 59_000), None);
        assert_eq!(base32(secret), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
    }

    #[test]
    fn new_secrets_work_and_differ() {
        let secret = new_secret();
        assert_ne!(*secret, *new_secret());
        assert_eq!(step(&secret, &code(&secret, 59_000), 59_000), Some(1));
    }
}
