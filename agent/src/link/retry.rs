//! What a lost connection is called, and how long to wait for the next.

use rumqttc::{ConnectionError, StateError, TlsError};
use std::time::Duration;

/// 1, 2, 4 … seconds with full jitter, so that 500 boxes after a power cut do not stampede.
pub(super) fn pause(failures: u32, longest: Duration) -> Duration {
    let limit = Duration::from_secs(1 << failures.min(10)).min(longest);
    let mut random = [0; 4];
    // Without randomness the full pause is as good.
    let share = match getrandom::fill(&mut random) {
        Ok(()) => f64::from(u32::from_be_bytes(random)) / f64::from(u32::MAX),
        Err(_) => 1.0,
    };
    limit.mul_f64(share).max(Duration::from_millis(100))
}

/// What happened, without the library's layers around it.
pub(super) fn reason(error: &ConnectionError) -> String {
    use StateError::{AwaitPingResp, ConnectionAborted, Deserialization};
    match error {
        ConnectionError::Io(error)
        | ConnectionError::Tls(TlsError::Io(error))
        | ConnectionError::MqttState(StateError::Io(error)) => error.to_string(),
        ConnectionError::MqttState(ConnectionAborted | Deserialization(_)) => {
            "the connection was closed".into()
        }
        ConnectionError::MqttState(AwaitPingResp) => "it has fallen silent".into(),
        ConnectionError::NetworkTimeout => "it does not answer".into(),
        other => other.to_string(),
    }
}
