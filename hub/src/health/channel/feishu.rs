//! Feishu (飞书) custom bots: signed in the body, 100 messages a minute and 5 a second, and many
//! fewer where clocks strike (11232).

use serde_json::json;

use super::address::Allowed;
use super::letter::{
    Answer, HURRIED_REST_MS, Letter, Meaning, Request, Secrets, Verdict, coded, target,
};
use super::pace::Pace;
use super::signature;
use super::text::lines;

/// Of the text; the whole body may have 20 KB.
const TEXT_BYTES_MAX: usize = 8192;

/// As fast as a bot may be used.
pub const PACE: Pace = Pace {
    minute: 100,
    second: 5,
    day: usize::MAX,
    avoids_strikes: true,
};

/// The request that carries a letter; signed when there is a secret (签名校验).
///
/// # Errors
/// The address may not be used.
pub fn request(
    secrets: &Secrets,
    allowed: Allowed,
    letter: &Letter<'_>,
) -> Result<Request, Verdict> {
    let text = lines(
        letter.message,
        letter.language,
        letter.origin,
        TEXT_BYTES_MAX,
    );
    let mut body = json!({ "msg_type": "text", "content": { "text": text } });
    if !secrets.secret.is_empty() {
        let now_s = letter.now_ms / 1000;
        body["timestamp"] = now_s.to_string().into();
        body["sign"] = signature::feishu(&secrets.secret, now_s).into();
    }
    Ok(Request::json(target(secrets, allowed)?, &body))
}

/// What an answer says; older bots write `StatusCode` for `code`.
#[must_use]
pub fn verdict(answer: &Answer) -> Verdict {
    let old = serde_json::from_slice::<serde_json::Value>(&answer.body)
        .is_ok_and(|body| body.get("code").is_none() && body.get("StatusCode").is_some());
    let names = match old {
        true => ["StatusCode", "StatusMessage"],
        false => ["code", "msg"],
    };
    coded(answer, names, |code| match code {
        // Too many, of this bot or of everybody.
        11232 | 99991400 => Meaning::Hurried(HURRIED_REST_MS),
        // 9499 stands for a body that cannot be read; with 429, for too many.
        9499 if answer.status == 429 => Meaning::Hurried(HURRIED_REST_MS),
        9499 | 19002 => Meaning::Unfit,
        // 19001 the token, 19021 the signature or the clock, 19022 the address, 19024 the keyword.
        _ => Meaning::Broken,
    })
}

#[cfg(test)]
mod tests {
    use super::super::letter::{answered, example as letter};
    use super::super::message::{About, example};
    use super::*;

    const ADDRESS: &str = "https://open.feishu.cn/open-apis/bot/v2/hook/0a1b2c3d";

    #[test]
    fn a_bot_gets_a_text_with_the_signature_in_it() {
        let secrets = Secrets {
            address: ADDRESS.into(),
            secret: "SEC0123456789abcdef".into(),
        };
        let message = example(About::Test);
        let request = request(&secrets, Allowed::default(), &letter(&message)).unwrap();
        assert_eq!(request.url.as_str(), ADDRESS);
        let sign = signature::feishu("SEC0123456789abcdef", 1_795_000_000);
        let link = "https://xunke.example.edu.cn:8443/#/faults";
        let text = format!(r"【巡课】测试消息\n收到即说明本通道可用。\n{link}");
        let signed = format!(r#""sign":"{sign}","timestamp":"1795000000""#);
        let golden = format!(r#"{{"content":{{"text":"{text}"}},"msg_type":"text",{signed}}}"#);
        assert_eq!(String::from_utf8(request.body).unwrap(), golden);
    }

    #[test]
    fn codes_of_either_name_are_read() {
        let said = |status, body: &str| verdict(&answered(status, body));
        let ok = r#"{"code":0,"msg":"success","data":{},"StatusCode":0,"StatusMessage":"success"}"#;
        assert_eq!(said(200, ok), Verdict::Delivered);
        assert_eq!(
            said(200, r#"{"StatusCode":0,"StatusMessage":"success"}"#),
            Verdict::Delivered
        );
        let limited = said(200, r#"{"code":11232,"msg":"frequency limited","data":{}}"#);
        let why = "code 11232: frequency limited".into();
        let rest_ms = Some(HURRIED_REST_MS);
        assert_eq!(limited, Verdict::Later { why, rest_ms });
        let words = "sign match fail or timestamp is not within one hour from current time";
        let wrong = format!(r#"{{"code":19021,"msg":"{words}"}}"#);
        let wrong = said(400, &wrong);
        assert_eq!(wrong, Verdict::broken(format!("code 19021: {words}")));
        let unfit = said(400, r#"{"code":9499,"msg":"Bad Request","data":{}}"#);
        assert!(matches!(unfit, Verdict::Refused { .. }));
    }
}
