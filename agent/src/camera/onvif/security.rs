//! How a request proves that it knows the password: by WS-Security's digest, or by HTTP's. Never by
//! the password itself.

use super::xml::escape;
use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http_auth::{PasswordClient, PasswordParams};
use time::OffsetDateTime;
use time::macros::format_description;

const WSSE: &str =
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd";
const WSU: &str =
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd";
const DIGEST: &str = "http://docs.oasis-open.org/wss/2004/01/\
    oasis-200401-wss-username-token-profile-1.0#PasswordDigest";
const BASE64: &str = "http://docs.oasis-open.org/wss/2004/01/\
    oasis-200401-wss-soap-message-security-1.0#Base64Binary";

/// User name and password.
pub type Credentials = (String, String);

/// The `Security` header of a request. `created_ms` is the time by the camera's clock, because it
/// refuses what seems old to it.
pub fn username_token((user, password): &Credentials, nonce: [u8; 16], created_ms: i64) -> String {
    let created = moment(created_ms);
    let proof = proof(&nonce, &created, password);
    let (user, nonce) = (escape(user), BASE64_STANDARD.encode(nonce));
    format!(
        "<e:Security xmlns:e=\"{WSSE}\" xmlns:u=\"{WSU}\" s:mustUnderstand=\"1\"><e:UsernameToken>\
         <e:Username>{user}</e:Username><e:Password Type=\"{DIGEST}\">{proof}</e:Password>\
         <e:Nonce EncodingType=\"{BASE64}\">{nonce}</e:Nonce><u:Created>{created}</u:Created>\
         </e:UsernameToken></e:Security>"
    )
}

fn proof(nonce: &[u8], created: &str, password: &str) -> String {
    let whole = [nonce, created.as_bytes(), password.as_bytes()].concat();
    BASE64_STANDARD.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, &whole))
}

/// As `2026-11-22T08:00:00.000Z`; far beyond our time, the beginning of it.
fn moment(ms: i64) -> String {
    let moment = OffsetDateTime::from_unix_timestamp_nanos(i128::from(ms) * 1_000_000);
    let form =
        format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
    let moment = moment.unwrap_or(OffsetDateTime::UNIX_EPOCH);
    moment.format(form).unwrap_or_default()
}

/// Takes up a camera's challenge, when it asks for HTTP's digest. `Basic` would show the password.
pub fn challenged(header: &str) -> Option<PasswordClient> {
    let challenges = http_auth::parse_challenges(header).ok()?;
    let digest = challenges
        .iter()
        .find(|one| one.scheme.eq_ignore_ascii_case("digest"))?;
    PasswordClient::builder().challenge(digest).build().ok()
}

/// The `Authorization` header for a POST.
pub fn respond(
    client: &mut PasswordClient,
    (username, password): &Credentials,
    uri: &str,
    body: &[u8],
) -> Option<String> {
    let body = Some(body);
    let method = "POST";
    let answer = client.respond(&PasswordParams {
        username,
        password,
        uri,
        method,
        body,
    });
    answer.ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::camera::onvif::xml;

    /// The example in ONVIF's application programmer's guide, 6.1.1.3.
    #[test]
    fn the_proof_is_the_one_of_the_guide() {
        let nonce = BASE64_STANDARD.decode("LKqI6G/AikKCQrN0zqZFlg==").unwrap();
        let proof = proof(&nonce, "2010-09-16T07:50:45Z", "userpassword");
        assert_eq!(proof, "tuOSpGlFlIXsozq4HFNeeGeFLEI=");
    }

    #[test]
    fn the_token_says_when_by_the_cameras_clock_and_hides_the_password() {
        let credentials = ("us&er".to_owned(), "userpassword".to_owned());
        let token = username_token(&credentials, [7; 16], 1_284_624_427_000);
        assert!(!token.contains("userpassword"));
        let top = format!("<s:Header xmlns:s=\"urn:s\">{token}</s:Header>");
        let node = xml::parse(top.as_bytes()).unwrap();
        let token = node.at(&["Security", "UsernameToken"]).unwrap();
        assert_eq!(
            token.text_at(&["Created"]),
            Some("2010-09-16T08:07:07.000Z")
        );
        assert_eq!(token.text_at(&["Username"]), Some("us&er"));
        assert!(moment(i64::MAX).starts_with("1970-"));
    }

    #[test]
    fn only_a_digest_is_answered() {
        let credentials = ("admin".to_owned(), "secret".to_owned());
        assert!(challenged("Basic realm=\"camera\"").is_none());
        assert!(challenged("nonsense \u{1}").is_none());
        let both = "Basic realm=\"c\", Digest realm=\"c\", nonce=\"n\", qop=\"auth\"";
        let mut client = challenged(both).unwrap();
        let said = respond(&mut client, &credentials, "/onvif/media", b"").unwrap();
        assert!(
            said.starts_with("Digest ") && said.contains("uri=\"/onvif/media\""),
            "{said}"
        );
        assert!(!said.contains("secret"));
    }
}
