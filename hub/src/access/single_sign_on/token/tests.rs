//! Tokens as an issuer makes them, and as others would like to.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{EncodingKey, Header, encode};
use serde_json::json;

use super::*;

const NOW_MS: i64 = 1_800_000_000_000;
const NOW: i64 = NOW_MS / 1000;

const EXPECTED: Expected<'static> = Expected {
    issuer: "https://sso.example.edu.cn",
    client_id: "xunke",
    nonce: "n-1",
    staff_number_claim: "staff_number",
};

/// An Ed25519 key in PKCS #8 (RFC 8410), and its public half as the issuer publishes it.
struct Key(ed25519_dalek::SigningKey, &'static str);

impl Key {
    fn new(seed: u8, kid: &'static str) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(&[seed; 32]), kid)
    }

    fn jwk(&self) -> Value {
        let x = URL_SAFE_NO_PAD.encode(self.0.verifying_key().as_bytes());
        json!({"kty": "OKP", "crv": "Ed25519", "x": x, "kid": self.1, "use": "sig"})
    }

    fn sign(&self, claims: &Value) -> String {
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = Some(self.1.into());
        self.sign_as(&header, claims)
    }

    fn sign_as(&self, header: &Header, claims: &Value) -> String {
        let prefix = [
            0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22,
            0x04, 0x20,
        ];
        let pkcs8 = [prefix.as_slice(), &self.0.to_bytes()].concat();
        encode(header, claims, &EncodingKey::from_ed_der(&pkcs8)).unwrap()
    }
}

fn keys(published: &[Value]) -> Vec<Jwk> {
    let read = |key: &Value| serde_json::from_value(key.clone()).unwrap();
    published.iter().map(read).collect()
}

fn claims() -> Value {
    json!({
        "iss": EXPECTED.issuer, "aud": "xunke", "sub": "u1", "nonce": "n-1",
        "iat": NOW, "exp": NOW + 300, "staff_number": " T2001 ",
        "acr": "mfa", "amr": ["pwd", "otp"],
    })
}

fn with(name: &str, value: Value) -> Result<Claims, Error> {
    let key = Key::new(1, "k1");
    let mut claims = claims();
    claims[name] = value;
    verify(&key.sign(&claims), &keys(&[key.jwk()]), EXPECTED, NOW_MS)
}

fn raw(header: &Value, claims: &Value, signature: &[u8]) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signature = URL_SAFE_NO_PAD.encode(signature);
    format!("{}.{}.{signature}", part(header), part(claims))
}

/// X68.
#[test]
fn a_token_of_the_issuer_is_believed() {
    let read = with("sub", json!("u1")).unwrap();
    assert_eq!(read.staff_number, "T2001");
    assert_eq!(read.acr.as_deref(), Some("mfa"));
    assert_eq!(read.amr, ["pwd", "otp"]);
    assert!(with("aud", json!(["xunke"])).is_ok());
    let mut two = claims();
    two["aud"] = json!(["other", "xunke"]);
    two["azp"] = json!("xunke");
    let key = Key::new(1, "k1");
    let token = key.sign(&two);
    assert!(verify(&token, &keys(&[key.jwk()]), EXPECTED, NOW_MS).is_ok());
}

/// X68: each comparison, broken alone.
#[test]
fn a_wrong_claim_is_refused_and_named() {
    let wrong = |name, value| with(name, value).unwrap_err();
    for (name, values) in [
        (
            "iss",
            vec![json!("https://sso.example.edu.cn/"), json!(null)],
        ),
        (
            "aud",
            vec![
                json!("other"),
                json!(["other"]),
                json!([]),
                json!(null),
                json!(["xunk"]),
            ],
        ),
        ("azp", vec![json!("other"), json!(null)]),
        ("nonce", vec![json!("n-2"), json!(""), json!(null)]),
        ("exp", vec![json!(NOW - 60), json!("never"), json!(null)]),
        ("iat", vec![json!(NOW + 61), json!(null)]),
        ("nbf", vec![json!(NOW + 61), json!("now"), json!(null)]),
    ] {
        for value in values {
            assert_eq!(wrong(name, value.clone()), Error::Claim(name), "{value}");
        }
    }
    let two = wrong("aud", json!(["xunke", "other"]));
    assert_eq!(two, Error::Claim("azp"), "for two, and not said for whom");
    let long = "9".repeat(65);
    for number in [
        json!(""),
        json!(" "),
        json!(2001),
        json!("a\nb"),
        json!(long),
    ] {
        assert_eq!(wrong("staff_number", number), Error::Claim("staff number"));
    }
}

#[test]
fn clocks_may_differ_by_a_minute() {
    assert!(with("exp", json!(NOW - 59)).is_ok());
    assert!(with("iat", json!(NOW + 60)).is_ok());
    assert!(with("nbf", json!(NOW + 60)).is_ok());
    assert!(with("exp", json!(NOW as f64 + 0.5)).is_ok());
}

/// X68: what everybody could make, and what somebody else made.
#[test]
fn only_the_issuers_signature_counts() {
    let (own, other) = (Key::new(1, "k1"), Key::new(2, "k1"));
    let published = keys(&[own.jwk()]);
    let refused = |token: &str| verify(token, &published, EXPECTED, NOW_MS).unwrap_err();
    assert_eq!(refused(&other.sign(&claims())), Error::Signature);
    for algorithm in ["none", "None", "NONE", "nOnE", ""] {
        let header = json!({"alg": algorithm, "kid": "k1"});
        assert_eq!(refused(&raw(&header, &claims(), b"")), Error::Malformed);
    }
    // A public key is known to everybody, and so is whatever is signed with it as a secret.
    for secret in [
        own.0.verifying_key().as_bytes().as_slice(),
        own.jwk().to_string().as_bytes(),
    ] {
        let mut header = Header::new(Algorithm::HS256);
        header.kid = Some("k1".into());
        let token = encode(&header, &claims(), &EncodingKey::from_secret(secret)).unwrap();
        assert_eq!(refused(&token), Error::Malformed);
    }
    // The right key under another algorithm's name.
    let header = json!({"alg": "RS256", "kid": "k1"});
    assert_eq!(
        refused(&raw(&header, &claims(), &[7; 64])),
        Error::Signature
    );
    let token = own.sign(&claims());
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let (header, _) = signed.split_once('.').unwrap();
    let mut other_claims = claims();
    other_claims["staff_number"] = json!("A1001");
    let payload = URL_SAFE_NO_PAD.encode(other_claims.to_string());
    assert_eq!(
        refused(&format!("{header}.{payload}.{signature}")),
        Error::Signature
    );
    assert_eq!(refused(&format!("{signed}.")), Error::Signature);
    for garbage in ["", "a.b", "a.b.c", "....", &"x".repeat(40_000)] {
        assert_eq!(refused(garbage), Error::Malformed, "{garbage:.20}");
    }
}

#[test]
fn a_key_is_found_by_its_name() {
    let (one, two) = (Key::new(1, "k1"), Key::new(2, "k2"));
    let both = keys(&[one.jwk(), two.jwk()]);
    let said = |token: &str, keys: &[Jwk]| verify(token, keys, EXPECTED, NOW_MS);
    assert!(said(&two.sign(&claims()), &both).is_ok());
    let unknown = Key::new(2, "k3").sign(&claims());
    assert_eq!(said(&unknown, &both), Err(Error::UnknownKey));
    // Without a name there must be no choice.
    let nameless = one.sign_as(&Header::new(Algorithm::EdDSA), &claims());
    assert_eq!(said(&nameless, &both), Err(Error::UnknownKey));
    assert!(said(&nameless, &keys(&[one.jwk()])).is_ok());
    let mut sealing = one.jwk();
    sealing["use"] = json!("enc");
    let token = one.sign(&claims());
    assert_eq!(said(&token, &keys(&[sealing])), Err(Error::UnknownKey));
    let mut bound = one.jwk();
    bound["alg"] = json!("RS256");
    assert_eq!(said(&token, &keys(&[bound])), Err(Error::UnknownKey));
    // A symmetric key that an issuer publishes by mistake opens nothing.
    let secret = json!({"kty": "oct", "k": "c2VjcmV0", "kid": "k1"});
    assert_eq!(said(&token, &keys(&[secret])), Err(Error::Signature));
}

/// X1: nothing stands for a second factor unless the school says so.
#[test]
fn two_factors_are_what_the_school_says() {
    let read = with("sub", json!("u1")).unwrap();
    let list = |words: &[&str]| {
        words
            .iter()
            .map(|word| (*word).to_owned())
            .collect::<Vec<_>>()
    };
    let trusted = |acr: &[&str], amr: &[&str]| read.stands_for_two_factors(&list(acr), &list(amr));
    assert!(!trusted(&[], &[]));
    assert!(!trusted(&["otp", "MFA"], &["mfa"]));
    assert!(trusted(&["mfa"], &[]) && trusted(&[], &["otp"]));
}
