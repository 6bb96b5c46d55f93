//! Checks the two proofs of a password, by the letter of their specifications.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use md5::{Digest, Md5};
use sha1::Sha1;

use super::manners::{Manners, Proof};

/// Cameras refuse what seems older than this to them.
const AGE_S_MAX: i64 = 60;
/// What the camera expects to see again.
pub const NONCE: &str = "3f2a9c";
/// What it protects.
pub const REALM: &str = "IP Camera";

/// Whether a request proves the password, at that second by the camera's clock.
pub fn is_proved(manners: &Manners, head: &str, body: &str, path: &str, now_s: i64) -> bool {
    match manners.proof {
        Proof::None => true,
        Proof::Token => token(manners, body, now_s).unwrap_or(false),
        Proof::Http => http(manners, head, path).unwrap_or(false),
    }
}

/// The text of the first element of that name.
pub fn text<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let open = format!(":{name}");
    let at = xml.match_indices(&open).find(|(at, _)| {
        let after = xml[at + open.len()..].chars().next();
        let before = xml[..*at].rfind('<');
        matches!(after, Some('>' | ' '))
            && before.is_some_and(|b| !xml[b..*at].contains(['/', ' ']))
    })?;
    let rest = &xml[at.0..];
    let rest = &rest[rest.find('>')? + 1..];
    rest.get(..rest.find('<')?)
}

fn token(manners: &Manners, body: &str, now_s: i64) -> Option<bool> {
    let plain = |text: &str| {
        let text = text.replace("&lt;", "<").replace("&gt;", ">");
        text.replace("&quot;", "\"").replace("&amp;", "&")
    };
    let created = text(body, "Created")?;
    let nonce = BASE64_STANDARD.decode(text(body, "Nonce")?).ok()?;
    let whole = [&nonce[..], created.as_bytes(), manners.login.1.as_bytes()].concat();
    let expect = BASE64_STANDARD.encode(Sha1::digest(whole));
    let form = &time::format_description::well_known::Rfc3339;
    let made_s = time::OffsetDateTime::parse(created, form)
        .ok()?
        .unix_timestamp();
    let fresh = (now_s - made_s).abs() <= AGE_S_MAX;
    let user = plain(text(body, "Username")?) == manners.login.0;
    Some(fresh && user && text(body, "Password")? == expect)
}

fn http(manners: &Manners, head: &str, path: &str) -> Option<bool> {
    let line = head
        .lines()
        .find(|line| line.to_ascii_lowercase().starts_with("authorization:"))?;
    let part = |name: &str| {
        let at = line.find(&format!(" {name}="))? + name.len() + 2;
        let rest = line[at..].trim_start_matches('"');
        rest.get(..rest.find(['"', ',']).unwrap_or(rest.len()))
    };
    let hex = |text: String| {
        let bytes = Md5::digest(text);
        bytes
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    let (user, password) = &manners.login;
    let first = hex(format!("{user}:{REALM}:{password}"));
    let second = hex(format!("POST:{path}"));
    let (count, own) = (part("nc")?, part("cnonce")?);
    let expect = hex(format!("{first}:{NONCE}:{count}:{own}:auth:{second}"));
    Some(part("response")? == expect && part("uri")? == path && part("nonce")? == NONCE)
}
