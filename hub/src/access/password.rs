//! Password hashes: argon2id, a few at a time, equally slow whether or not the login exists.

use std::sync::Arc;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use super::secret;

/// Each takes 19 MiB and a processor for some 30 ms (OWASP's first choice of parameters).
const AT_THE_SAME_TIME: usize = 2;

/// Hashes and verifies passwords off the threads that serve.
#[derive(Debug, Clone)]
pub struct Hasher {
    cipher: Argon2<'static>,
    places: Arc<Semaphore>,
    /// Verified when there is no such login, so that strangers cannot tell by the time it takes.
    nobody: Arc<str>,
}

impl Default for Hasher {
    fn default() -> Self {
        Self::with(Argon2::default())
    }
}

impl Hasher {
    fn with(cipher: Argon2<'static>) -> Self {
        Self {
            places: Arc::new(Semaphore::new(AT_THE_SAME_TIME)),
            nobody: hash_now(&cipher, &secret::token()).into(),
            cipher,
        }
    }

    /// With next to no work, for tests about something else.
    #[cfg(test)]
    pub(crate) fn quick() -> Self {
        let params = argon2::Params::new(8, 1, 1, None).unwrap();
        Self::with(Argon2::new(
            argon2::Algorithm::Argon2id,
            argon2::Version::V0x13,
            params,
        ))
    }

    /// The hash of a new password, in PHC form.
    pub async fn hash(&self, password: Zeroizing<String>) -> String {
        let cipher = self.cipher.clone();
        self.work(move || hash_now(&cipher, &password)).await
    }

    /// Whether `password` fits `hash`; without a hash it never does, after the same time.
    pub async fn verify(&self, password: Zeroizing<String>, hash: Option<String>) -> bool {
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.nobody.to_string());
        let fits = self.work(move || fits_now(&password, &hash)).await;
        fits && known
    }

    async fn work<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> T {
        let place = self.places.clone().acquire_owned().await;
        let _place = place.expect("invariant: the semaphore is never closed");
        let done = tokio::task::spawn_blocking(work).await;
        done.expect("invariant: hashing does not panic")
    }
}

fn hash_now(cipher: &Argon2<'_>, password: &str) -> String {
    let salt = secret::random::<16>();
    let hash = cipher.hash_password_with_salt(password.as_bytes(), &salt);
    hash.expect("invariant: the default parameters are good")
        .to_string()
}

fn fits_now(password: &str, hash: &str) -> bool {
    let Ok(hash) = PasswordHash::new(hash) else {
        return false;
    };
    Argon2::default()
        .verify_password(password.as_bytes(), &hash)
        .is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(text: &str) -> Zeroizing<String> {
        Zeroizing::new(text.into())
    }

    /// R32, CES1-01.
    #[tokio::test]
    async fn only_the_right_password_fits() {
        let hasher = Hasher::default();
        let hash = hasher.hash(password("Xk7#wide-Lake")).await;
        assert!(
            hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{hash}"
        );
        assert_ne!(hash, hasher.hash(password("Xk7#wide-Lake")).await);
        assert!(
            hasher
                .verify(password("Xk7#wide-Lake"), Some(hash.clone()))
                .await
        );
        assert!(!hasher.verify(password("Xk7#wide-lake"), Some(hash)).await);
        assert!(!hasher.verify(password("Xk7#wide-Lake"), None).await);
        assert!(
            !hasher
                .verify(password("x"), Some("not a hash".into()))
                .await
        );
    }
}
