//! ID tokens: signature, algorithm, issuer, audience, nonce and times, checked or refused.
//!
//! Pure: a token, the issuer's keys, what was asked and the time go in.

use jsonwebtoken::jwk::{Jwk, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation, decode, decode_header};
use serde_json::{Map, Value};

use crate::access::secret;

/// No token of an issuer is longer.
const BYTES_MAX: usize = 32 * 1024;
/// For clocks that differ.
const LEEWAY_SECONDS: i64 = 60;
/// Longest staff number that is looked at.
const STAFF_NUMBER_BYTES_MAX: usize = 64;
/// Signatures that only the issuer can make. The HMAC kinds are not among them: whoever knows a
/// public key could make those.
const ALGORITHMS: [Algorithm; 9] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

/// What the token must say.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// Who made it.
    pub issuer: &'a str,
    /// For whom.
    pub client_id: &'a str,
    /// In answer to what.
    pub nonce: &'a str,
    /// Where the staff number stands.
    pub staff_number_claim: &'a str,
}

/// What a token that was checked says.
#[derive(Debug, PartialEq, Eq)]
pub struct Claims {
    /// 工号.
    pub staff_number: String,
    /// How sure the issuer is.
    pub acr: Option<String>,
    /// By what means.
    pub amr: Vec<String>,
}

impl Claims {
    /// Whether the school has said that this `acr` or one of these `amr` stands for two factors.
    pub fn stands_for_two_factors(&self, acr: &[String], amr: &[String]) -> bool {
        let by_acr = self.acr.as_ref().is_some_and(|own| acr.contains(own));
        by_acr || self.amr.iter().any(|own| amr.contains(own))
    }
}

/// Why a token is not believed. Nothing of the token is in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It is not three parts of base64 and JSON, or has no algorithm that is taken.
    #[error("the ID token is not one, or is signed in no way that is taken")]
    Malformed,
    /// The issuer has no such key, as far as is known.
    #[error("the ID token is signed with a key that the issuer does not publish")]
    UnknownKey,
    /// The signature is wrong.
    #[error("the signature of the ID token is wrong")]
    Signature,
    /// A claim is missing or says something else; which.
    #[error("the claim `{0}` of the ID token is missing or wrong")]
    Claim(&'static str),
}

/// Checks a token.
///
/// # Errors
/// Why it is not believed; after [`Error::UnknownKey`] newer keys may help.
pub fn verify(
    token: &str,
    keys: &[Jwk],
    expected: Expected<'_>,
    now_ms: i64,
) -> Result<Claims, Error> {
    if token.len() > BYTES_MAX {
        return Err(Error::Malformed);
    }
    let header = decode_header(token).map_err(|_| Error::Malformed)?;
    if !ALGORITHMS.contains(&header.alg) {
        return Err(Error::Malformed);
    }
    let key = key(keys, &header).ok_or(Error::UnknownKey)?;
    let key = DecodingKey::from_jwk(key).map_err(|_| Error::Signature)?;
    // Times and names are compared below, against the time that was passed in.
    let mut only_signature = Validation::new(header.alg);
    only_signature.required_spec_claims.clear();
    only_signature.validate_exp = false;
    only_signature.validate_aud = false;
    let decoded = decode::<Map<String, Value>>(token, &key, &only_signature);
    let claims = decoded.map_err(|_| Error::Signature)?.claims;
    check(&claims, expected, now_ms)?;
    read(&claims, expected.staff_number_claim)
}

/// The key the header names; without a name, the only one that fits.
fn key<'a>(keys: &'a [Jwk], header: &Header) -> Option<&'a Jwk> {
    let mut fitting = keys.iter().filter(|key| {
        let common = &key.common;
        let signs = matches!(common.public_key_use, None | Some(PublicKeyUse::Signature));
        let algorithm = KeyAlgorithm::from(header.alg);
        let same = common.key_algorithm.is_none_or(|own| own == algorithm);
        let named = header.kid.is_none() || common.key_id == header.kid;
        signs && same && named
    });
    let first = fitting.next()?;
    match (&header.kid, fitting.next()) {
        (None, Some(_)) => None,
        _ => Some(first),
    }
}

fn check(claims: &Map<String, Value>, expected: Expected<'_>, now_ms: i64) -> Result<(), Error> {
    let text = |name| claims.get(name).and_then(Value::as_str);
    let seconds = |name| claims.get(name).and_then(Value::as_f64);
    let right = |holds: bool, name| {
        if holds {
            Ok(())
        } else {
            Err(Error::Claim(name))
        }
    };
    right(text("iss") == Some(expected.issuer), "iss")?;
    let own = Value::from(expected.client_id);
    let (for_us, others) = match claims.get("aud") {
        Some(Value::Array(all)) => (all.contains(&own), all.iter().any(|one| *one != own)),
        one => (one == Some(&own), false),
    };
    right(for_us, "aud")?;
    let party = claims.get("azp");
    right(party.map_or(!others, |party| *party == own), "azp")?;
    let nonce = text("nonce").unwrap_or_default();
    right(secret::equal(nonce, expected.nonce), "nonce")?;
    // Seconds are small enough for the 52 bits of a floating number, which `exp` may be.
    let leeway = LEEWAY_SECONDS as f64;
    let now = now_ms as f64 / 1000.0;
    right(seconds("exp").is_some_and(|end| now < end + leeway), "exp")?;
    right(seconds("iat").is_some_and(|at| at <= now + leeway), "iat")?;
    let begun = match claims.get("nbf") {
        None => true,
        Some(_) => seconds("nbf").is_some_and(|from| from <= now + leeway),
    };
    right(begun, "nbf")
}

fn read(claims: &Map<String, Value>, staff_number_claim: &str) -> Result<Claims, Error> {
    let number = claims.get(staff_number_claim).and_then(Value::as_str);
    let number = number.map(str::trim).filter(|number| {
        !number.is_empty()
            && number.len() <= STAFF_NUMBER_BYTES_MAX
            && !number.contains(char::is_control)
    });
    let amr = claims.get("amr").and_then(Value::as_array);
    let amr = amr.into_iter().flatten().filter_map(Value::as_str);
    Ok(Claims {
        staff_number: number.ok_or(Error::Claim("staff number"))?.to_owned(),
        acr: claims.get("acr").and_then(Value::as_str).map(str::to_owned),
        amr: amr.map(str::to_owned).collect(),
    })
}

#[cfg(test)]
mod tests;
