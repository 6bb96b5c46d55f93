//! The addresses of a camera's streams, asked for when the configuration names none. Worker
//! process only.

use super::Error;
use super::choice::choose;
use super::device::Device;
use super::fence::Fence;
use crate::camera::pair::{Onvif, Order};
use std::time::Duration;
use tokio::time::timeout;
use xunke_protocol::health::CameraState;

/// The same order with addresses of streams in it.
///
/// # Errors
/// How the camera then stands, and what to write in the log.
pub async fn find(order: Order) -> Result<Order, (CameraState, String)> {
    let Some(onvif) = order.onvif.clone().filter(|_| order.main_url.is_empty()) else {
        return Ok(order);
    };
    let longest = Duration::from_secs(order.connect_seconds);
    let found = timeout(longest, ask(order, &onvif)).await;
    let slow = || Error::Slow(onvif.url.clone(), longest.as_secs());
    let found = found.unwrap_or_else(|_| Err(slow()));
    found.map_err(|error| (state(&error), error.to_string()))
}

async fn ask(mut order: Order, onvif: &Onvif) -> Result<Order, Error> {
    let fence = Fence::around(&order.doors(), &onvif.networks).await;
    let mut device = Device::open(&onvif.url, fence, order.credentials.clone()).await?;
    let profiles = device.profiles().await?;
    let none = || Error::Garbage("no profile has a picture of H.264 or H.265".into());
    let choice = choose(&profiles).ok_or_else(none)?;
    let (main, mut own) = device.stream(&profiles[choice.main]).await?;
    if let Some(number) = choice.sub {
        let (sub, is_own) = device.stream(&profiles[number]).await?;
        // Cameras that give every profile the same address send one stream; one session is enough.
        order.sub_url = (sub != main).then_some(sub);
        own &= is_own;
    }
    order.main_url = main;
    // The password is the camera's; nobody else in its network is shown what proves it.
    order.credentials = order.credentials.filter(|_| own);
    Ok(order)
}

fn state(error: &Error) -> CameraState {
    match error {
        Error::Unauthorized => CameraState::Unauthorized,
        Error::Unreachable(..) | Error::Slow(..) => CameraState::Unreachable,
        _ => CameraState::Garbage,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_order_that_names_its_streams_is_left_as_it_is() {
        let order = Order {
            device: None,
            main_url: "rtsp://10.0.0.2/main".into(),
            sub_url: None,
            onvif: Some(Onvif {
                url: "http://10.0.0.3/onvif".into(),
                networks: Vec::new(),
            }),
            credentials: None,
            trust: None,
            audio: true,
            connect_seconds: 1,
            stall_seconds: 1,
            look_ms: 4_000,
            mib_max: 256,
            brokered: true,
            greet: false,
        };
        let kept = find(order).await.ok().map(|order| order.main_url);
        assert_eq!(kept.as_deref(), Some("rtsp://10.0.0.2/main"));
    }

    #[test]
    fn each_failure_says_which_side_it_is() {
        let long = Error::Long("x".into());
        assert_eq!(state(&Error::Unauthorized), CameraState::Unauthorized);
        assert_eq!(state(&Error::Slow("x".into(), 1)), CameraState::Unreachable);
        assert_eq!(state(&long), CameraState::Garbage);
    }
}
