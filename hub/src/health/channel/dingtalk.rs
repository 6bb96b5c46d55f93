//! DingTalk (钉钉) group robots: signed in the address, 20 messages a minute and then none for ten.

use serde_json::json;

use super::address::Allowed;
use super::letter::{Answer, Letter, Meaning, Request, Secrets, Verdict, coded, target};
use super::pace::Pace;
use super::signature;
use super::text::lines;

const TEXT_BYTES_MAX: usize = 4096;
/// 超过 20 条限流 10 分钟.
const LIMITED_REST_MS: i64 = 10 * 60_000;

/// As fast as a robot may be used.
pub const PACE: Pace = Pace {
    minute: 20,
    second: 20,
    day: usize::MAX,
    avoids_strikes: false,
};

/// The request that carries a letter; signed when there is a secret (加签), and otherwise secured by
/// the keyword 巡课 or the hub's address.
///
/// # Errors
/// The address may not be used.
pub fn request(
    secrets: &Secrets,
    allowed: Allowed,
    letter: &Letter<'_>,
) -> Result<Request, Verdict> {
    let mut url = target(secrets, allowed)?;
    if !secrets.secret.is_empty() {
        let sign = signature::dingtalk(&secrets.secret, letter.now_ms);
        url.query_pairs_mut()
            .append_pair("timestamp", &letter.now_ms.to_string())
            .append_pair("sign", &sign);
    }
    let text = lines(
        letter.message,
        letter.language,
        letter.origin,
        TEXT_BYTES_MAX,
    );
    let body = json!({ "msgtype": "text", "text": { "content": text } });
    Ok(Request::json(url, &body))
}

/// What an answer says.
#[must_use]
pub fn verdict(answer: &Answer) -> Verdict {
    coded(answer, ["errcode", "errmsg"], |code| match code {
        130101 | 90030 | 410100 => Meaning::Hurried(LIMITED_REST_MS),
        -1 => Meaning::Busy,
        // A kind of message or a field that it does not know.
        40035 | 43004 | 400105 | 460101 => Meaning::Unfit,
        // 310000: keyword, signature or address; 300001: the token.
        _ => Meaning::Broken,
    })
}

#[cfg(test)]
mod tests {
    use super::super::letter::{answered, example as letter};
    use super::super::message::{About, example};
    use super::*;

    const ADDRESS: &str = "https://oapi.dingtalk.com/robot/send?access_token=0a1b2c3d";

    fn secrets(secret: &str) -> Secrets {
        Secrets {
            address: ADDRESS.into(),
            secret: secret.into(),
        }
    }

    #[test]
    fn a_robot_gets_a_signed_text() {
        let message = example(About::Resolved);
        let signed = secrets("SEC0123456789abcdef");
        let sent = request(&signed, Allowed::default(), &letter(&message)).unwrap();
        let pairs: Vec<_> = sent.url.query_pairs().into_owned().collect();
        let sign = signature::dingtalk("SEC0123456789abcdef", 1_795_000_000_123);
        let expected = [
            ("access_token".into(), "0a1b2c3d".into()),
            ("timestamp".into(), "1795000000123".into()),
            ("sign".into(), sign),
        ];
        assert_eq!(pairs, expected);
        let query = sent.url.query().unwrap();
        assert!(!query.contains(['+', '/']), "encoded: {query}");
        let lines = [
            "【巡课】已恢复 GJ-00001 紧急 摄像机无信号",
            "代码：CAM_NO_SIGNAL",
            "教室：A101、A102",
            "部位：cam0",
            "开始：2026-11-18 19:06:40",
            "数量：2",
            "https://xunke.example.edu.cn:8443/#/faults",
        ];
        let text = lines.join("\\n");
        let golden = format!(r#"{{"msgtype":"text","text":{{"content":"{text}"}}}}"#);
        assert_eq!(String::from_utf8(sent.body).unwrap(), golden);
        let plain = request(&secrets(""), Allowed::default(), &letter(&message)).unwrap();
        assert_eq!(plain.url.as_str(), ADDRESS);
    }

    #[test]
    fn the_limit_and_a_wrong_signature_are_told_apart() {
        let said = |body: &str| verdict(&answered(200, body));
        assert_eq!(said(r#"{"errcode":0,"errmsg":"ok"}"#), Verdict::Delivered);
        let words = "send too fast, exceed 20 times per minute";
        let limited = format!(r#"{{"errcode":130101,"errmsg":"{words}"}}"#);
        let limited = said(&limited);
        let (why, rest_ms) = (format!("errcode 130101: {words}"), Some(LIMITED_REST_MS));
        assert_eq!(limited, Verdict::Later { why, rest_ms });
        let wrong = said(r#"{"errcode":310000,"errmsg":"sign not match"}"#);
        assert_eq!(wrong, Verdict::broken("errcode 310000: sign not match"));
        assert!(matches!(
            said(r#"{"errcode":40035,"errmsg":"x"}"#),
            Verdict::Refused { .. }
        ));
        assert!(matches!(
            said(r#"{"errcode":-1,"errmsg":"x"}"#),
            Verdict::Later { .. }
        ));
    }
}
