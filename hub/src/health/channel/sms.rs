//! Short messages (短信) through the school's gateway: a request from a template, and a rule by which
//! an answer is a success. Text of one part; what it costs has a limit for each day.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::form_urlencoded::byte_serialize;
use xunke_policy::patrol::FieldError;

use super::address::{self, Allowed};
use super::letter::{Answer, Letter, Method, Request, Secrets, Verdict, by_status, said};
use super::message::Message;
use super::pace::Pace;
use super::text::short;
use crate::campus::calendar::date_and_time;

/// Telephones of one channel.
pub const PHONES_MAX: usize = 10;
/// Headers of a template.
pub const HEADERS_MAX: usize = 10;
/// Characters of the address, a header and the body of a template.
pub const TEMPLATE_MAX: usize = 2000;
/// Requests a day that may be asked for.
pub const DAY_MAX: u32 = 1000;
/// What stands between double braces in a template.
pub const WORDS: [&str; 8] = [
    "text", "number", "code", "title", "room", "since", "phones", "secret",
];

/// How the gateway of a school is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// `post` or `get`.
    pub method: Method,
    /// Where to, with words in double braces.
    pub address: String,
    /// Names and values, with words in double braces.
    pub headers: Vec<(String, String)>,
    /// The body, with words in double braces.
    pub body: String,
    /// How words are written in the body.
    pub body_kind: BodyKind,
    /// Where in the answer, JSON, the success is told, such as `/code`; empty: any 2xx is one.
    pub success_at: String,
    /// What stands there then, such as `0`.
    pub success_is: String,
    /// Who is told.
    pub phones: Vec<String>,
    /// Requests a day.
    pub day_max: u32,
}

/// What a body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BodyKind {
    /// JSON: words stand between its quotation marks.
    Json,
    /// A form.
    Form,
}

impl BodyKind {
    /// The word on the wire.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Form => "form",
        }
    }

    /// The kind of that word.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        [Self::Json, Self::Form]
            .into_iter()
            .find(|kind| kind.word() == word)
    }

    fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json; charset=utf-8",
            Self::Form => "application/x-www-form-urlencoded; charset=utf-8",
        }
    }

    fn write(self, word: &str) -> String {
        match self {
            Self::Json => {
                let quoted = Value::from(word).to_string();
                quoted.trim_matches('"').to_owned()
            }
            Self::Form => encoded(word),
        }
    }
}

impl Settings {
    /// As fast as a gateway may be used.
    #[must_use]
    pub fn pace(&self) -> Pace {
        Pace {
            minute: 10,
            second: 1,
            day: usize::try_from(self.day_max).unwrap_or(usize::MAX),
            avoids_strikes: false,
        }
    }

    /// What does not fit.
    ///
    /// # Errors
    /// The field.
    pub fn check(&self, allowed: Allowed) -> Result<(), FieldError> {
        let short = |text: &str| text.chars().count() <= TEMPLATE_MAX;
        let known = |text: &str| short(text) && filled(text, |word| Some(word.into())).is_some();
        let probe = filled(&self.address, |_| Some("0".into())).filter(|_| known(&self.address));
        if probe.is_none_or(|probe| address::https(&probe, allowed).is_err()) {
            return Err(ADDRESS);
        }
        let token = |name: &str| {
            let letter = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
            !name.is_empty() && name.len() <= 60 && name.chars().all(letter)
        };
        let visible = |value: &str| value.chars().all(|c| c == ' ' || c.is_ascii_graphic());
        let header =
            |(name, value): &(String, String)| token(name) && known(value) && visible(value);
        if self.headers.len() > HEADERS_MAX || !self.headers.iter().all(header) {
            return Err(HEADERS);
        }
        if !known(&self.body) {
            return Err(BODY);
        }
        if !short(&self.success_at)
            || !(self.success_at.is_empty() || self.success_at.starts_with('/'))
        {
            return Err(SUCCESS);
        }
        let digits = |phone: &String| {
            let digits = phone.strip_prefix('+').unwrap_or(phone);
            (5..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
        };
        let count = self.phones.len();
        if !(1..=PHONES_MAX).contains(&count) || !self.phones.iter().all(digits) {
            return Err(PHONES);
        }
        match (1..=DAY_MAX).contains(&self.day_max) {
            true => Ok(()),
            false => Err(A_DAY),
        }
    }
}

/// The request that carries a letter.
///
/// # Errors
/// The address may not be used.
pub fn request(
    settings: &Settings,
    secrets: &Secrets,
    allowed: Allowed,
    letter: &Letter<'_>,
) -> Result<Request, Verdict> {
    let word = |name: &str| word(settings, secrets, letter.message, name);
    let wrong = || Verdict::broken("the template cannot be filled");
    let in_address = |name: &str| word(name).map(|word| encoded(&word));
    let url = filled(&settings.address, in_address).ok_or_else(wrong)?;
    let url = address::https(&url, allowed)
        .map_err(|why| Verdict::broken(format!("the address may not be used: {}", said(why))))?;
    let mut headers = Vec::new();
    for (name, value) in &settings.headers {
        headers.push((name.to_lowercase(), filled(value, word).ok_or_else(wrong)?));
    }
    let mut body = Vec::new();
    if settings.method == Method::Post {
        let kind = settings.body_kind;
        headers.push(("content-type".into(), kind.content_type().into()));
        let in_body = |name: &str| word(name).map(|word| kind.write(&word));
        body = filled(&settings.body, in_body)
            .ok_or_else(wrong)?
            .into_bytes();
    }
    Ok(Request {
        url,
        method: settings.method,
        headers,
        body,
    })
}

/// What an answer says. A gateway that answered and did not take it is not asked again: it may have
/// been paid for.
#[must_use]
pub fn verdict(settings: &Settings, answer: &Answer) -> Verdict {
    let by_status = by_status(answer);
    if by_status != Verdict::Delivered || settings.success_at.is_empty() {
        return by_status;
    }
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let found = match body.pointer(&settings.success_at) {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    };
    match found == settings.success_is {
        true => Verdict::Delivered,
        false => Verdict::Refused {
            why: format!("the answer has {found:?} at {}", settings.success_at),
        },
    }
}

fn word(settings: &Settings, secrets: &Secrets, message: &Message, name: &str) -> Option<String> {
    Some(match name {
        "text" => short(message),
        "number" => message.number.clone(),
        "code" => message.code.clone(),
        "title" => message.title_zh.clone(),
        "room" => message.rooms.first().cloned().unwrap_or_default(),
        "since" => date_and_time(message.since_ms),
        "phones" => settings.phones.join(","),
        "secret" => secrets.secret.clone(),
        _ => return None,
    })
}

/// A template with its words filled in; `None` when it has a word that there is not.
fn filled(template: &str, word: impl Fn(&str) -> Option<String>) -> Option<String> {
    let mut text = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        let (name, behind) = after.split_once("}}")?;
        if !WORDS.contains(&name.trim()) {
            return None;
        }
        text += before;
        text += &word(name.trim())?;
        rest = behind;
    }
    Some(text + rest)
}

fn encoded(word: &str) -> String {
    byte_serialize(word.as_bytes()).collect()
}

const ADDRESS: FieldError = FieldError {
    field: "address",
    zh: "网关地址须以 https:// 开头，不得指向本机、链路本地或云元数据地址；双花括号内只能是模板说明中的词。",
    en: "An https:// address with known words, not of this machine, the link or a cloud.",
};
const HEADERS: FieldError = FieldError {
    field: "headers",
    zh: "请求头最多 10 个，名称为字母、数字与连字符，值为可见的英文字符，双花括号内只能是模板说明中的词。",
    en: "10 headers at most, with plain names, visible ASCII values and known words.",
};
const BODY: FieldError = FieldError {
    field: "body",
    zh: "请求正文最多 2000 字，双花括号内只能是模板说明中的词。",
    en: "2,000 characters at most, and only known words between double braces.",
};
const SUCCESS: FieldError = FieldError {
    field: "success_at",
    zh: "成功标志的位置须以 / 开头，如 /code；留空则任何 2xx 应答都算成功。",
    en: "A place such as /code; empty: any 2xx answer is a success.",
};
const PHONES: FieldError = FieldError {
    field: "phones",
    zh: "请填写 1 至 10 个手机号，每个 5 至 15 位数字，可带 + 号。",
    en: "1 to 10 telephone numbers of 5 to 15 digits, with or without +.",
};
const A_DAY: FieldError = FieldError {
    field: "day_max",
    zh: "每日上限须为 1 至 1000 条。",
    en: "The limit of a day is 1 to 1000.",
};

#[cfg(test)]
mod tests {
    use super::super::letter::{answered, example as letter};
    use super::super::message::{About, example};
    use super::*;

    fn settings() -> Settings {
        Settings {
            method: Method::Post,
            address: "https://sms.example.edu.cn/send?app={{secret}}".into(),
            headers: vec![("Authorization".into(), "Bearer {{secret}}".into())],
            body: r#"{"to":{"list":"{{phones}}"},"text":"{{ text }}"}"#.into(),
            body_kind: BodyKind::Json,
            success_at: "/result/code".into(),
            success_is: "0".into(),
            phones: vec!["13800000001".into(), "+8613800000002".into()],
            day_max: 50,
        }
    }

    fn secrets() -> Secrets {
        Secrets {
            address: String::new(),
            secret: "a b&\"c".into(),
        }
    }

    #[test]
    fn a_template_is_filled_each_part_in_its_own_manner() {
        let mut message = example(About::Raised);
        message.title_zh = "“引号”\"与\\反斜".into();
        let sent = request(
            &settings(),
            &secrets(),
            Allowed::default(),
            &letter(&message),
        )
        .unwrap();
        assert_eq!(
            sent.url.as_str(),
            "https://sms.example.edu.cn/send?app=a+b%26%22c"
        );
        assert_eq!(
            sent.headers[0],
            ("authorization".into(), "Bearer a b&\"c".into())
        );
        let body: Value = serde_json::from_slice(&sent.body).unwrap();
        assert_eq!(body["to"]["list"], "13800000001,+8613800000002");
        assert_eq!(body["text"], short(&message));
        let form = Settings {
            body: "to={{phones}}&text={{text}}".into(),
            body_kind: BodyKind::Form,
            ..settings()
        };
        let sent = request(&form, &secrets(), Allowed::default(), &letter(&message)).unwrap();
        let pairs: Vec<_> = url::form_urlencoded::parse(&sent.body)
            .into_owned()
            .collect();
        assert_eq!(pairs[1], ("text".into(), short(&message)));
    }

    #[test]
    fn a_success_is_where_the_rule_says() {
        let said = |status, body| verdict(&settings(), &answered(status, body));
        assert_eq!(said(200, r#"{"result":{"code":0}}"#), Verdict::Delivered);
        assert_eq!(said(200, r#"{"result":{"code":"0"}}"#), Verdict::Delivered);
        let no = said(200, r#"{"result":{"code":"NO_MONEY"}}"#);
        assert!(matches!(no, Verdict::Refused { why } if why.contains("NO_MONEY")));
        assert!(matches!(said(200, "<html>"), Verdict::Refused { .. }));
        assert!(matches!(said(503, ""), Verdict::Later { .. }));
    }

    #[test]
    fn what_does_not_fit_is_named() {
        type Change = fn(&mut Settings);
        let wrong: [(&str, Change); 9] = [
            ("address", |s| {
                s.address = "http://sms.example.edu.cn/".into()
            }),
            ("address", |s| {
                s.address = "https://169.254.169.254/{{text}}".into()
            }),
            ("address", |s| {
                s.address = "https://sms.example.edu.cn/{{name}}".into()
            }),
            ("headers", |s| s.headers = vec![("a b".into(), "x".into())]),
            ("headers", |s| {
                s.headers = vec![("a".into(), "x\r\ny: z".into())]
            }),
            ("body", |s| s.body = "{{teacher}}".into()),
            ("success_at", |s| s.success_at = "code".into()),
            ("phones", |s| s.phones = vec!["138-0000".into()]),
            ("day_max", |s| s.day_max = 0),
        ];
        assert_eq!(settings().check(Allowed::default()), Ok(()));
        for (field, change) in wrong {
            let mut settings = settings();
            change(&mut settings);
            let said = settings.check(Allowed::default()).unwrap_err();
            assert_eq!(said.field, field);
        }
    }
}
