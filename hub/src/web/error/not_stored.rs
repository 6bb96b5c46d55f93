//! What a box is told whose segment gets no receipt.

use axum::http::StatusCode;

use super::{Error, ErrorDetail};
use crate::recording::{ingest, media};

pub(super) fn status(why: &ingest::Error) -> StatusCode {
    match why {
        ingest::Error::Refused(_) => StatusCode::UNPROCESSABLE_ENTITY,
        ingest::Error::Conflict => StatusCode::CONFLICT,
        ingest::Error::Media(media::Error::TooLarge) => StatusCode::PAYLOAD_TOO_LARGE,
        ingest::Error::Media(media::Error::BrokenOff(_)) => StatusCode::REQUEST_TIMEOUT,
        ingest::Error::Media(media::Error::Offset(_)) => StatusCode::RANGE_NOT_SATISFIABLE,
        why if why.is_full() => StatusCode::INSUFFICIENT_STORAGE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// Boxes log the English sentence; what failed inside stays in the hub's own log.
pub(super) fn words(why: &ingest::Error) -> ErrorDetail {
    let told = |code, zh| ErrorDetail::new(code, zh, &why.to_string());
    match why {
        ingest::Error::Refused(refused) => ErrorDetail::new(
            "segment_refused",
            "录像分段被拒收，重传无效。",
            &format!("The segment is refused for good: {refused}."),
        ),
        ingest::Error::Conflict => told("segment_conflict", "同一编号的另一分段已入库。"),
        ingest::Error::Media(media::Error::TooLarge) => told("segment_too_large", "分段过大。"),
        ingest::Error::Media(media::Error::BrokenOff(_)) => told("broken_off", "上传中断。"),
        ingest::Error::Media(media::Error::Offset(_)) => {
            told("other_offset", "续传起点与已收到的不符。")
        }
        why if why.is_full() => ErrorDetail::new(
            "no_room",
            "中心端录像空间已满，请信息中心处理。",
            "The hub has no room for recordings; the IT centre must make some.",
        ),
        _ => Error::Failed("".into()).words(),
    }
}
