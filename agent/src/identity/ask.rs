//! Asking to be let in: this box shows a code, and somebody types it at the hub's desk.

use super::enrol::{Enrolment, generate, kept, may_begin, post, request_for, verified};
use super::pin::PinnedCa;
use super::{Error, http_client, innermost};
use crate::config::Config;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use xunke_protocol::asking::{
    ASK_AGAIN_SECONDS, ASKING_MS, Admitted, AskRequest, AskResponse, SHOWN_BYTES, ShownCode,
};
use xunke_protocol::enrolment::EnrolResponse;
use zeroize::Zeroizing;

const GREETING: Duration = Duration::from_secs(30);

/// Meets the hub, has `show` tell a person the code, and asks until it was typed; then keeps the
/// identity, all of it or nothing. Whoever answers must know the code.
///
/// # Errors
/// Already enrolled and not `replace`; the hub is away at first, refuses, or answers without
/// knowing the code; nobody types it within an hour; or the disk refuses.
pub async fn ask(
    config: &Config,
    replace: bool,
    show: impl FnOnce(&ShownCode),
) -> Result<Enrolment, Error> {
    may_begin(config, replace)?;
    let (code, keys, pin) = (new_code()?, generate()?, PinnedCa::first_met());
    let ca_sha256 = meet(config, &pin).await?;
    let csr_pem = request_for(&keys.tls)?;
    let signing_key = keys.signing.verifying_key().to_bytes();
    let request = AskRequest {
        name: code.name(),
        proof: code.asks(&ca_sha256, &csr_pem, &signing_key),
        csr_pem,
        signing_key,
    };
    let admitted = admitted(config, &pin, &request, || show(&code)).await?;
    let proof = code.answers(&request.proof, &admitted.answer);
    if !code.same(&proof, &admitted.proof) {
        return Err(Error::Answer(
            "it does not know the code of this box".into(),
        ));
    }
    let answer: EnrolResponse =
        serde_json::from_str(&admitted.answer).map_err(|error| Error::Answer(error.to_string()))?;
    kept(verified(answer, &ca_sha256, &keys)?, config)
}

/// The CA of the hub at `hub.url`: it is proven later, and only this one.
async fn meet(config: &Config, pin: &Arc<PinnedCa>) -> Result<[u8; 32], Error> {
    let url = config.hub.base();
    let failed = |error: reqwest::Error| Error::Unreachable {
        url: url.to_owned(),
        why: innermost(&error),
    };
    let tls = pin
        .tls()
        .map_err(|error| Error::Crypto(error.to_string()))?;
    let client = http_client(tls, Duration::from_secs(config.hub.connect_seconds));
    let get = client.map_err(failed)?.get(url).timeout(GREETING);
    get.send().await.map_err(failed)?;
    let met = pin.sha256();
    met.ok_or_else(|| Error::Answer("it has shown no certificate".into()))
}

/// Asks again and again; the code is shown when the hub has it to wait for.
async fn admitted(
    config: &Config,
    pin: &Arc<PinnedCa>,
    request: &AskRequest,
    show: impl FnOnce(),
) -> Result<Admitted, Error> {
    let until = Instant::now() + Duration::from_millis(ASKING_MS.unsigned_abs());
    let mut show = Some(show);
    while Instant::now() < until {
        match post::<AskResponse>(config, pin, "/box/1/ask", request).await {
            Ok(AskResponse {
                admitted: Some(admitted),
            }) => return Ok(admitted),
            Ok(AskResponse { admitted: None }) => {}
            // It was there a moment ago, and a person is on the way to the desk.
            Err(Error::Unreachable { .. }) if show.is_none() => {}
            Err(error) => return Err(error),
        }
        if let Some(show) = show.take() {
            show();
        }
        sleep(Duration::from_secs(ASK_AGAIN_SECONDS)).await;
    }
    Err(Error::NotTyped)
}

fn new_code() -> Result<ShownCode, Error> {
    let mut secret = Zeroizing::new([0; SHOWN_BYTES]);
    getrandom::fill(&mut *secret).map_err(|error| Error::Crypto(error.to_string()))?;
    Ok(ShownCode::new(*secret))
}
