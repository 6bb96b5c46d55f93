//! Why single sign-on did not come to its end, as an answer.

use axum::http::StatusCode;
use xunke_policy::patrol::FieldError;

use super::{Error, ErrorDetail};
use crate::access::sign_in;
use crate::access::single_sign_on::{Error as Why, issuer};

impl From<Why> for Error {
    fn from(error: Why) -> Self {
        match error {
            Why::Off => Self::NotFound,
            Why::Wait(retry_after_seconds) => Self::TooMany {
                retry_after_seconds,
            },
            Why::Trail(cause) => Self::TrailUnavailable(cause),
            Why::SignIn(sign_in::Error::Wrong) => Self::Field(FieldError {
                field: "totp",
                zh: "动态验证码不正确。请核对后重试；验证码用过一次后须等下一个。",
                en: "The one-time code does not fit. Try again; a code is good once.",
            }),
            Why::SignIn(cause) => cause.into(),
            other => Self::SingleSignOn(other),
        }
    }
}

pub(super) fn status(why: &Why) -> StatusCode {
    match why {
        Why::Declined | Why::Nobody => StatusCode::FORBIDDEN,
        Why::Issuer(issuer::Error::Unreachable(_) | issuer::Error::Resting) => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        Why::Issuer(_) => StatusCode::BAD_GATEWAY,
        _ => StatusCode::CONFLICT,
    }
}

/// Each ends with what to do next; local sign-in always remains.
pub(super) fn words(why: &Why) -> ErrorDetail {
    let new = ErrorDetail::new;
    match why {
        Why::Declined => new(
            "single_sign_on_declined",
            "统一身份认证未通过或已取消。可以重试，或改用本平台账号登录。",
            "The school's sign-in was cancelled or refused. Try again, or sign in locally.",
        ),
        Why::Nobody => new(
            "single_sign_on_nobody",
            "统一身份认证已通过，但该工号在本平台没有已启用的账号。请联系信息中心。",
            "You are known to the school, but have no active account here. Tell the IT centre.",
        ),
        Why::Issuer(issuer::Error::Unreachable(_) | issuer::Error::Resting) => new(
            "single_sign_on_unreachable",
            "统一身份认证暂时连接不上。请稍后再试，或改用本平台账号登录。",
            "The school's sign-in does not answer. Try again shortly, or sign in locally.",
        ),
        Why::Issuer(_) => new(
            "single_sign_on_untrusted",
            "统一身份认证返回的凭据无法采信，未予登录。请重试；仍不行请联系信息中心，可先用本平台账号登录。",
            "What the school's sign-in answered cannot be trusted, so nobody is signed in. Try \
             again, then tell the IT centre; local sign-in remains.",
        ),
        _ => new(
            "single_sign_on_lost",
            "这次登录已过期、已使用过，或不是从本浏览器发起的。请回到登录页重新开始。",
            "This sign-in has expired, was used, or began in another browser. Start again.",
        ),
    }
}
