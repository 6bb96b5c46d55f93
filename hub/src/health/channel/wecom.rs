//! WeCom (企业微信) group robots: the key stands in the address, texts of 2,048 bytes, 20 a minute.

use serde_json::json;

use super::address::Allowed;
use super::letter::{
    Answer, HURRIED_REST_MS, Letter, Meaning, Request, Secrets, Verdict, coded, target,
};
use super::pace::Pace;
use super::text::lines;

const TEXT_BYTES_MAX: usize = 2048;

/// As fast as a robot may be used.
pub const PACE: Pace = Pace {
    minute: 20,
    second: 20,
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
    let text = lines(
        letter.message,
        letter.language,
        letter.origin,
        TEXT_BYTES_MAX,
    );
    let body = json!({ "msgtype": "text", "text": { "content": text } });
    Ok(Request::json(target(secrets, allowed)?, &body))
}

/// What an answer says.
#[must_use]
pub fn verdict(answer: &Answer) -> Verdict {
    coded(answer, ["errcode", "errmsg"], |code| match code {
        // Used more often than allowed.
        45009 | 45033 => Meaning::Hurried(HURRIED_REST_MS),
        -1 => Meaning::Busy,
        // Parameters, an empty or too long text.
        40008 | 40058 | 44004 | 45002 => Meaning::Unfit,
        _ => Meaning::Broken,
    })
}

#[cfg(test)]
mod tests {
    use super::super::letter::{answered, example as letter};
    use super::super::message::{About, example};
    use super::*;

    const ADDRESS: &str = "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=0a1b2c3d";

    #[test]
    fn a_robot_gets_a_text() {
        let secrets = Secrets {
            address: ADDRESS.into(),
            secret: String::new(),
        };
        let message = example(About::Raised);
        let request = request(&secrets, Allowed::default(), &letter(&message)).unwrap();
        assert_eq!(request.url.as_str(), ADDRESS);
        let lines = [
            "【巡课】新告警 GJ-00001 紧急 摄像机无信号",
            "代码：CAM_NO_SIGNAL",
            "教室：A101、A102",
            "部位：cam0",
            "开始：2026-11-18 19:06:40",
            "数量：2",
            "https://xunke.example.edu.cn:8443/#/faults",
        ];
        let text = lines.join("\\n");
        let golden = format!(r#"{{"msgtype":"text","text":{{"content":"{text}"}}}}"#);
        assert_eq!(String::from_utf8(request.body).unwrap(), golden);
    }

    #[test]
    fn a_success_is_a_code_and_not_a_status() {
        let said = |body| verdict(&answered(200, body));
        assert_eq!(said(r#"{"errcode":0,"errmsg":"ok"}"#), Verdict::Delivered);
        let hurried = said(r#"{"errcode":45009,"errmsg":"api freq out of limit"}"#);
        let why = "errcode 45009: api freq out of limit".into();
        let rest_ms = Some(HURRIED_REST_MS);
        assert_eq!(hurried, Verdict::Later { why, rest_ms });
        let wrong = said(r#"{"errcode":93000,"errmsg":"invalid webhook url"}"#);
        assert_eq!(wrong, Verdict::broken("errcode 93000: invalid webhook url"));
        let long = said(r#"{"errcode":45002,"errmsg":"content size out of limit"}"#);
        assert!(matches!(long, Verdict::Refused { .. }));
        assert!(
            matches!(said("<html>"), Verdict::Later { .. }),
            "a portal's page"
        );
        assert!(matches!(verdict(&answered(502, "")), Verdict::Later { .. }));
    }
}
