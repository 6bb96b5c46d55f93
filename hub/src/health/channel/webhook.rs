//! The generic webhook: JSON in the shape of Alertmanager's version 4, so that bridges which
//! schools have already understand it, with our signature and an idempotency key
//! (docs/PROTOCOL.md).

use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::address::Allowed;
use super::letter::{Answer, Letter, Request, Secrets, Verdict, by_status, target};
use super::message::{About, Message};
use super::pace::Pace;
use super::signature;
use super::text::{Language, subject};
use crate::access::secret;

/// Alerts in one body, one for each room; more are counted in `truncatedAlerts`.
const ALERTS_MAX: usize = 100;
/// Alertmanager's word for: not over.
const NEVER: &str = "0001-01-01T00:00:00Z";

/// As fast as a receiver should have to bear.
pub const PACE: Pace = Pace {
    minute: 300,
    second: 10,
    day: usize::MAX,
    avoids_strikes: false,
};

/// The request that carries a letter.
///
/// # Errors
/// The address may not be used.
pub fn request(
    secrets: &Secrets,
    allowed: Allowed,
    letter: &Letter<'_>,
) -> Result<Request, Verdict> {
    let mut request = Request::json(target(secrets, allowed)?, &body(letter));
    let now_s = letter.now_ms / 1000;
    let signature = signature::webhook(&secrets.secret, now_s, &request.body);
    request.headers.extend([
        ("idempotency-key".into(), letter.id.into()),
        ("x-xunke-timestamp".into(), now_s.to_string()),
        ("x-xunke-signature".into(), format!("sha256={signature}")),
    ]);
    Ok(request)
}

/// What an answer says.
#[must_use]
pub fn verdict(answer: &Answer) -> Verdict {
    by_status(answer)
}

fn body(letter: &Letter<'_>) -> Value {
    let message = letter.message;
    let status = match message.about {
        About::Resolved => "resolved",
        _ => "firing",
    };
    let rooms: Vec<&str> = match message.rooms.is_empty() {
        true => vec![""],
        false => message.rooms.iter().map(String::as_str).collect(),
    };
    let shown = rooms.iter().take(ALERTS_MAX);
    let alerts: Vec<_> = shown.map(|room| alert(letter, status, room)).collect();
    json!({
        "version": "4",
        "groupKey": format!("{{}}:{{number=\"{}\"}}", message.number),
        "truncatedAlerts": rooms.len() - alerts.len(),
        "status": status,
        "receiver": "xunke",
        "groupLabels": { "number": message.number },
        "commonLabels": labels(message, None),
        "commonAnnotations": annotations(message),
        "externalURL": letter.origin,
        "alerts": alerts,
    })
}

fn alert(letter: &Letter<'_>, status: &str, room: &str) -> Value {
    let message = letter.message;
    let (number, code, part) = (&message.number, &message.code, &message.component);
    let print = secret::hash(&format!("{number}\n{code}\n{part}\n{room}"));
    json!({
        "status": status,
        "labels": labels(message, Some(room)),
        "annotations": annotations(message),
        "startsAt": moment(message.since_ms),
        "endsAt": match message.about {
            About::Resolved => moment(letter.queued_ms),
            _ => NEVER.into(),
        },
        "generatorURL": format!("{}{}", letter.origin, message.link),
        "fingerprint": &print[..16],
    })
}

fn labels(message: &Message, room: Option<&str>) -> Value {
    let mut labels = json!({
        "alertname": message.code,
        "severity": message.severity.name(),
        "number": message.number,
        "component": message.component,
    });
    if let Some(room) = room {
        labels["room"] = room.into();
    }
    labels
}

fn annotations(message: &Message) -> Value {
    json!({
        "about": message.about.word(),
        "count": message.count.to_string(),
        "summary": subject(message, Language::Zh),
        "summary_en": subject(message, Language::En),
    })
}

fn moment(at_ms: i64) -> String {
    let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(at_ms) * 1_000_000);
    let text = at.ok().and_then(|at| at.format(&Rfc3339).ok());
    text.unwrap_or_else(|| NEVER.into())
}

#[cfg(test)]
mod tests {
    use super::super::letter::example as letter;
    use super::super::message::example;
    use super::*;

    fn secrets() -> Secrets {
        Secrets {
            address: "https://bridge.example.edu.cn/hook?token=t".into(),
            secret: "hook secret".into(),
        }
    }

    #[test]
    fn a_bridge_for_alertmanager_understands_it() {
        let message = example(About::Resolved);
        let request = request(&secrets(), Allowed::default(), &letter(&message)).unwrap();
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        assert_eq!(body["version"], "4");
        assert_eq!(body["status"], "resolved");
        assert_eq!(body["groupKey"], "{}:{number=\"GJ-00001\"}");
        assert_eq!(body["truncatedAlerts"], 0);
        let rooms: Vec<_> = body["alerts"]
            .as_array()
            .unwrap()
            .iter()
            .map(|alert| alert["labels"]["room"].as_str().unwrap())
            .collect();
        assert_eq!(rooms, ["A101", "A102"]);
        let first = &body["alerts"][0];
        assert_eq!(first["labels"]["alertname"], "CAM_NO_SIGNAL");
        assert_eq!(first["labels"]["severity"], "critical");
        assert_eq!(first["startsAt"], "2026-11-18T11:06:40Z");
        assert_eq!(first["endsAt"], "2026-11-18T11:06:40Z");
        assert_eq!(first["fingerprint"].as_str().unwrap().len(), 16);
        assert_ne!(first["fingerprint"], body["alerts"][1]["fingerprint"]);
        let raised = super::body(&letter(&example(About::Raised)));
        assert_eq!(raised["alerts"][0]["endsAt"], NEVER);
        assert_eq!(
            raised["alerts"][0]["fingerprint"], first["fingerprint"],
            "the same alert"
        );
    }

    #[test]
    fn the_body_is_signed_with_its_time_and_carries_its_key() {
        let message = example(About::Raised);
        let request = request(&secrets(), Allowed::default(), &letter(&message)).unwrap();
        let header = |name: &str| {
            let found = request.headers.iter().find(|(key, _)| key == name);
            found.unwrap().1.clone()
        };
        let signed = signature::webhook("hook secret", 1_795_000_000, &request.body);
        assert_eq!(header("x-xunke-signature"), format!("sha256={signed}"));
        assert_eq!(header("x-xunke-timestamp"), "1795000000");
        assert_eq!(
            header("idempotency-key"),
            "0198f0c2-7a1e-7c3d-9b11-2f6f0f5f9a77"
        );
    }

    #[test]
    fn many_rooms_are_cut_and_counted() {
        let mut message = example(About::Raised);
        message.rooms = (0..130).map(|n| format!("A{n}")).collect();
        let body = body(&letter(&message));
        assert_eq!(body["alerts"].as_array().unwrap().len(), ALERTS_MAX);
        assert_eq!(body["truncatedAlerts"], 30);
        message.rooms.clear();
        let whole = super::body(&letter(&message));
        assert_eq!(whole["alerts"].as_array().unwrap().len(), 1);
    }
}
