//! Errors and refusals as answers: the only place that knows HTTP status codes.

mod by_issuer;
mod not_stored;

use std::error::Error as StdError;

use axum::extract::rejection::BytesRejection;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;
use xunke_policy::Refusal;
use xunke_policy::patrol::FieldError;

use crate::access::agreement::pdf;
use crate::access::audit::Unavailable;
use crate::access::gate::Denied;
use crate::access::grant;
use crate::access::roster::import::Unread;
use crate::access::session;
use crate::access::sign_in;
use crate::access::single_sign_on;
use crate::access::start_code;
use crate::campus;
use crate::device::enrol::Refused;
use crate::device::registry;
use crate::health;
use crate::keys;
use crate::patrol;
use crate::recording::{ingest, library, playback};
use crate::sheet::NoSheet;
use crate::store;

/// Why a request is not answered as asked.
#[derive(Debug)]
pub enum Error {
    /// Nobody is signed in.
    SignedOut,
    /// Login, password or one-time code do not fit; which of them is not said.
    WrongSignIn,
    /// Single sign-on did not come to its end.
    SingleSignOn(single_sign_on::Error),
    /// A request that does not come from our own page.
    Foreign,
    /// The regulations say no.
    Refused(Refusal),
    /// Not there, or not to be seen.
    NotFound,
    /// It is there already.
    Conflict(&'static str, &'static str),
    /// A field cannot stay as it is.
    Field(FieldError),
    /// A file that is no list: in Chinese and in English.
    NoSheet(String, String),
    /// The request cannot be read.
    Unreadable(String),
    /// A box without a certificate in force.
    UnknownBox,
    /// A certificate that is not renewed; why is not said.
    NotRenewed,
    /// An enrolment code that is unknown, used or expired; which of them is not said.
    WrongCode,
    /// There are no day keys to seal with.
    NoDayKeys,
    /// A segment that gets no receipt.
    NotStored(ingest::Error),
    /// A file that is larger than may be.
    TooLarge {
        /// The limit.
        mib_max: usize,
    },
    /// Originals of agreements cannot be made.
    NoFont(pdf::Error),
    /// Too many tries.
    TooMany {
        /// When to try again.
        retry_after_seconds: i64,
    },
    /// The trail cannot be written, so nothing goes on.
    TrailUnavailable(Unavailable),
    /// Something failed; the log knows what.
    Failed(Box<dyn StdError + Send + Sync>),
}

/// The body of every answer that is not a success.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorBody {
    /// What is wrong.
    pub error: ErrorDetail,
}

/// What is wrong, for people and programs.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ErrorDetail {
    /// Stable name for programs.
    pub code: String,
    /// For people, in Chinese.
    pub zh: String,
    /// For people, in English.
    pub en: String,
    /// The article of a refusal, such as `第十一条`.
    pub article: Option<String>,
    /// Its words.
    pub quote: Option<String>,
    /// The field that cannot stay as it is.
    pub field: Option<String>,
}

impl ErrorDetail {
    fn new(code: &str, zh: &str, en: &str) -> Self {
        let (code, zh, en) = (code.into(), zh.into(), en.into());
        Self {
            code,
            zh,
            en,
            article: None,
            quote: None,
            field: None,
        }
    }
}

impl From<Refusal> for ErrorDetail {
    fn from(refusal: Refusal) -> Self {
        Self {
            article: Some(refusal.article.into()),
            quote: Some(refusal.quote.into()),
            ..Self::new(refusal.code, refusal.zh, refusal.en)
        }
    }
}

impl Error {
    /// The status of the answer.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::SignedOut | Self::WrongSignIn | Self::UnknownBox => StatusCode::UNAUTHORIZED,
            Self::Refused(refusal) if *refusal == Refusal::SESSION_ENDED => {
                StatusCode::UNAUTHORIZED
            }
            Self::SingleSignOn(why) => by_issuer::status(why),
            Self::Foreign | Self::Refused(_) | Self::WrongCode | Self::NotRenewed => {
                StatusCode::FORBIDDEN
            }
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Conflict(..) => StatusCode::CONFLICT,
            Self::Field(_) | Self::NoSheet(..) | Self::Unreadable(_) => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            Self::NotStored(why) => not_stored::status(why),
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::NoDayKeys | Self::NoFont(_) | Self::TrailUnavailable(_) => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::Failed(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn words(&self) -> ErrorDetail {
        let new = ErrorDetail::new;
        match self {
            Self::SignedOut => new("signed_out", "请先登录。", "Sign in first."),
            Self::WrongSignIn => new(
                "wrong_sign_in",
                "账号、密码或动态验证码不正确。",
                "Login, password or one-time code do not fit.",
            ),
            Self::SingleSignOn(why) => by_issuer::words(why),
            Self::Foreign => new(
                "foreign_request",
                "请求不是从本平台页面发出的，请刷新页面后重试。",
                "The request does not come from this site's page (Origin, X-CSRF-Token); reload.",
            ),
            Self::Refused(refusal) => (*refusal).into(),
            Self::NotFound => new("not_found", "没有找到。", "There is no such thing."),
            Self::Conflict(zh, en) => new("conflict", zh, en),
            Self::Field(error) => ErrorDetail {
                field: Some(error.field.into()),
                ..new("field", error.zh, error.en)
            },
            Self::NoSheet(zh, en) => ErrorDetail {
                field: Some("file".into()),
                ..new("no_sheet", zh, en)
            },
            Self::Unreadable(why) => new("unreadable", &format!("请求内容无法识别：{why}"), why),
            Self::UnknownBox => new(
                "unknown_box",
                "设备证书无效或已停用，请重新注册入网。",
                "The box has no certificate in force; enrol it again.",
            ),
            Self::NotRenewed => new(
                "not_renewed",
                "证书不能更新，请用新注册码重新注册入网。",
                "The certificate cannot be renewed; enrol the box again with a new code.",
            ),
            Self::WrongCode => new(
                "wrong_code",
                "注册码无效、已使用或已过期，请向信息中心索取新码。",
                "The code is unknown, used or expired; ask the IT centre for a new one.",
            ),
            Self::NoDayKeys => new(
                "no_day_keys",
                "加密密钥暂时不可用，请稍后再试。",
                "There are no day keys right now; try again shortly.",
            ),
            Self::NotStored(why) => not_stored::words(why),
            Self::TooLarge { mib_max } => too_large_words(*mib_max),
            Self::NoFont(_) => no_font_words(),
            Self::TooMany {
                retry_after_seconds,
            } => too_many_words(*retry_after_seconds),
            Self::TrailUnavailable(_) => new(
                "trail_unavailable",
                "审计记录暂时无法写入，按规定停止一切查看，请联系信息中心。",
                "The audit trail cannot be written, so nothing may be seen; tell the IT centre.",
            ),
            Self::Failed(_) => new(
                "failed",
                "系统出错，请稍后再试；若仍不行，请联系信息中心。",
                "Something failed; try again shortly, then tell the IT centre.",
            ),
        }
    }

    /// The detail alone, as the live WebSocket sends it.
    #[must_use]
    pub fn detail(&self) -> ErrorDetail {
        self.log();
        self.words()
    }

    /// The log gets the whole chain, once, here at the boundary.
    fn log(&self) {
        match self {
            Self::Failed(cause) => {
                tracing::error!(error = chain(cause.as_ref()), "a request failed");
            }
            Self::NoFont(cause) => {
                tracing::error!(error = chain(cause), "an agreement has no originals");
            }
            Self::TrailUnavailable(cause) => {
                tracing::error!(error = chain(cause), "the audit trail is not available");
            }
            _ => {}
        }
    }
}

fn too_many_words(retry_after_seconds: i64) -> ErrorDetail {
    let minutes = (retry_after_seconds + 59) / 60;
    let zh = format!("尝试次数过多，请在 {minutes} 分钟后再试。");
    let en = format!("Too many tries; wait {minutes} minutes.");
    ErrorDetail::new("too_many", &zh, &en)
}

fn too_large_words(mib_max: usize) -> ErrorDetail {
    ErrorDetail::new(
        "too_large",
        &format!("文件过大，最多 {mib_max} MiB。请降低扫描分辨率后重新上传。"),
        &format!("The file is too large; {mib_max} MiB at most. Scan it smaller."),
    )
}

fn no_font_words() -> ErrorDetail {
    ErrorDetail::new(
        "no_font",
        "协议原件暂时无法生成：中文字体不可用。请联系信息中心安装 fonts-noto-cjk 后再签署。",
        "Originals cannot be made without a Chinese font; ask the IT centre to install \
         fonts-noto-cjk.",
    )
}

/// An error with its causes in one line.
#[must_use]
pub fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let body = ErrorBody {
            error: self.detail(),
        };
        let mut response = (self.status(), axum::Json(body)).into_response();
        if let Self::TooMany {
            retry_after_seconds,
        } = self
        {
            response
                .headers_mut()
                .insert("retry-after", retry_after_seconds.into());
        }
        response
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Denied> for Error {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::Refused(refusal) => Self::Refused(refusal),
            Denied::TrailUnavailable(cause) => Self::TrailUnavailable(cause),
        }
    }
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Code => Self::WrongCode,
            Refused::NotRenewed(_) => Self::NotRenewed,
            Refused::Request(why) => Self::Unreadable(why.into()),
            Refused::TooMany {
                retry_after_seconds,
            } => Self::TooMany {
                retry_after_seconds,
            },
            Refused::Keys(cause) => {
                tracing::error!(error = chain(&cause), "no day keys to hand out");
                Self::NoDayKeys
            }
            Refused::Trail(cause) => Self::TrailUnavailable(cause),
            Refused::Failed(cause) => cause.into(),
        }
    }
}

impl From<sign_in::Error> for Error {
    fn from(error: sign_in::Error) -> Self {
        match error {
            sign_in::Error::Wrong => Self::WrongSignIn,
            sign_in::Error::Wait(retry_after_seconds) => Self::TooMany {
                retry_after_seconds,
            },
            sign_in::Error::Refused(refusal) => Self::Refused(refusal),
            sign_in::Error::Trail(cause) => Self::TrailUnavailable(cause),
            failed => Self::Failed(Box::new(failed)),
        }
    }
}

impl Error {
    /// Why a signature was not taken ([`Desk::confirm`](sign_in::Desk::confirm)). Whoever mistypes
    /// stays signed in, so this is a field of the form and not 401.
    pub fn of_signature(error: sign_in::Error) -> Self {
        match error {
            sign_in::Error::Wrong => Self::Field(FieldError {
                field: "password",
                zh: "密码或动态验证码不正确。请核对后重试；验证码用过一次后须等下一个。",
                en: "Password or one-time code do not fit. Try again; a code is good once.",
            }),
            other => other.into(),
        }
    }
}

impl Error {
    /// Why a file did not arrive whole; `bytes_max` is as long as one may be.
    pub fn of_body(rejection: &BytesRejection, bytes_max: usize) -> Self {
        match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => Self::TooLarge {
                mib_max: bytes_max / (1024 * 1024),
            },
            _ => Self::Unreadable(rejection.body_text()),
        }
    }

    /// Why somebody cannot start: which of unknown, used and expired a code is, is not said.
    pub fn of_start(error: start_code::Error) -> Self {
        match error {
            start_code::Error::SignIn(sign_in::Error::Wrong) => Self::Field(FieldError {
                field: "code",
                zh: "启用码不正确、已使用或已过期。请核对；仍不行请向信息中心索取新码。",
                en: "The code is wrong, used or expired; ask the IT centre for a new one.",
            }),
            other => other.into(),
        }
    }
}

impl From<start_code::Error> for Error {
    fn from(error: start_code::Error) -> Self {
        match error {
            start_code::Error::SignIn(cause) => Self::of_signature(cause),
            start_code::Error::Refused(refusal) => Self::Refused(refusal),
            start_code::Error::Field(field) => Self::Field(field),
            start_code::Error::NotFound => Self::NotFound,
            start_code::Error::Trail(cause) => Self::TrailUnavailable(cause),
            failed => Self::Failed(Box::new(failed)),
        }
    }
}

impl From<Unread> for Error {
    fn from(error: Unread) -> Self {
        match error {
            Unread::NoSheet(NoSheet { zh, en }) => Self::NoSheet(zh, en),
            Unread::Failed(failed) => failed.into(),
        }
    }
}

impl From<grant::Error> for Error {
    fn from(error: grant::Error) -> Self {
        match error {
            grant::Error::Refused(refusal) => Self::Refused(refusal),
            grant::Error::Field(field) => Self::Field(field),
            grant::Error::NotFound => Self::NotFound,
            grant::Error::Conflict(zh, en) => Self::Conflict(zh, en),
            grant::Error::Trail(cause) => Self::TrailUnavailable(cause),
            failed => Self::Failed(Box::new(failed)),
        }
    }
}

impl From<ingest::Error> for Error {
    fn from(why: ingest::Error) -> Self {
        Self::NotStored(why)
    }
}

impl From<playback::Error> for Error {
    fn from(error: playback::Error) -> Self {
        match error {
            playback::Error::NotFound => Self::NotFound,
            playback::Error::Refused(refusal) => Self::Refused(refusal),
            playback::Error::Denied(denied) => denied.into(),
            playback::Error::Field(field) => Self::Field(field),
            failed => Self::Failed(Box::new(failed)),
        }
    }
}

impl From<Unavailable> for Error {
    fn from(cause: Unavailable) -> Self {
        Self::TrailUnavailable(cause)
    }
}

macro_rules! fails_with {
    ($($cause:ty),*) => {$(
        impl From<$cause> for Error {
            fn from(cause: $cause) -> Self {
                Self::Failed(Box::new(cause))
            }
        }
    )*};
}

fails_with!(
    health::Error,
    registry::Error,
    store::Error,
    campus::Error,
    session::Error,
    keys::Error,
    library::Error,
    patrol::Error
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_its_article_and_quotes_it() {
        let error = Error::Refused(Refusal::OTHER_UNIT);
        let detail = error.detail();
        assert_eq!(error.status(), StatusCode::FORBIDDEN);
        assert_eq!(detail.article.as_deref(), Some("第十一条"));
        assert_eq!(detail.quote.as_deref(), Some(Refusal::OTHER_UNIT.quote));
        let error = Error::Refused(Refusal::SESSION_ENDED);
        assert_eq!(error.status(), StatusCode::UNAUTHORIZED);
    }

    #[test]
    fn causes_stay_in_the_log() {
        let error = Error::Failed("secret path /var/lib".into());
        let detail = error.detail();
        assert_eq!(error.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert!(!detail.zh.contains("/var") && !detail.en.contains("/var"));
    }
}
