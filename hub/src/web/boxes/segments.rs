//! `PUT /box/1/segments/{id}`: a box hands a sealed segment over, or the rest of one that broke
//! off; `GET`: how much is here; and the day keys to seal with.

use std::time::Duration;

use axum::Json;
use axum::body::{Body, BodyDataStream};
use axum::extract::State;
use axum::http::{HeaderMap, header};
use futures_util::StreamExt;
use tokio::time::timeout;
use xunke_protocol::id::SegmentId;
use xunke_protocol::recording::{OFFSET_HEADER, Progress, Receipt, SEGMENT_BYTES_MAX};
use xunke_protocol::sealed::epoch::SignedBundle;

use crate::clock::now_ms;
use crate::device::registry::BoxIdentity;
use crate::recording::ingest::{self, Sender};
use crate::recording::media;
use crate::web::App;
use crate::web::error::{Error, chain};
use crate::web::input::Id;

const HEAR_OUT_MAX: Duration = Duration::from_secs(30);

/// Stores a segment. Only with the receipt in its hands may the box forget it.
pub async fn upload(
    State(app): State<App>,
    identity: BoxIdentity,
    Id(id): Id,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Receipt>, Error> {
    let (device, segment) = (identity.device.clone(), SegmentId(id));
    match store(&app, identity, segment, &headers, body).await {
        Ok(receipt) => {
            let bytes = receipt.bytes;
            tracing::debug!(device.id = %device, segment.id = %segment, bytes, "segment stored");
            Ok(Json(receipt))
        }
        Err(why) => {
            let error = chain(&why);
            tracing::warn!(device.id = %device, segment.id = %segment, error, "no receipt");
            Err(why.into())
        }
    }
}

async fn store(
    app: &App,
    identity: BoxIdentity,
    segment: SegmentId,
    headers: &HeaderMap,
    body: Body,
) -> Result<Receipt, ingest::Error> {
    let mut body = body.into_data_stream();
    let offset = number(headers, OFFSET_HEADER).unwrap_or(0);
    if number(headers, header::CONTENT_LENGTH.as_str())
        .is_some_and(|bytes| bytes > SEGMENT_BYTES_MAX)
    {
        hear_out(body).await;
        return Err(media::Error::TooLarge.into());
    }
    let sender = Sender {
        device: identity.device,
        classrooms: vec![identity.classroom],
        signing_keys: identity.signing_keys,
    };
    let ingest = &app.ingest;
    let received = ingest.receive(segment, &sender.device, offset, &mut body);
    let received = match received.await {
        Ok(received) => received,
        Err(why) => {
            hear_out(body).await;
            return Err(why);
        }
    };
    ingest.accept(segment, sender, received, now_ms()).await
}

/// Reads on and forgets: who hangs up in the middle of an upload is not heard, and the box would
/// not learn why it gets no receipt.
async fn hear_out(mut body: BodyDataStream) {
    let listen = async {
        let mut bytes = 0;
        while let Some(Ok(piece)) = body.next().await {
            bytes += piece.len() as u64;
            if bytes > SEGMENT_BYTES_MAX {
                return;
            }
        }
    };
    drop(timeout(HEAR_OUT_MAX, listen).await);
}

/// Where an upload may go on, or the receipt of a segment that is stored already.
pub async fn progress(
    State(app): State<App>,
    identity: BoxIdentity,
    Id(id): Id,
) -> Result<Json<Progress>, Error> {
    let progress = app.ingest.progress(SegmentId(id), &identity.device);
    Ok(Json(progress.await?))
}

/// The day keys of the coming weeks.
pub async fn epoch_bundle(
    State(app): State<App>,
    _identity: BoxIdentity,
) -> Result<Json<SignedBundle>, Error> {
    Ok(Json(app.keys.bundle(now_ms()).await?))
}

fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.parse().ok()
}
