//! What runs beside the streams when a camera has an `onvif_url`: who it is, how far its clock is
//! off, and its tamper events for as long as the worker lives. Worker process only.

use super::Error;
use super::device::{Device, Subscription};
use super::fence::Fence;
use super::topic::Tampering;
use crate::camera::intake::Outgoing;
use crate::camera::pair::{Note, Onvif, Order, Report};
use crate::camera::pause::Pause;
use crate::clock;
use std::time::Duration;
use tokio::time::sleep;

/// Workers are killed without a word, and cameras have room for few subscriptions: what is left
/// behind ends by itself soon.
const LASTS_S: u32 = 120;
/// Whatever a camera says of its subscriptions, they are not asked for more often than this allows.
const LASTS_S_MIN: i64 = 10;
const LASTS_S_MAX: i64 = 3600;
const PULL_S_MAX: u64 = 30;
const RETRY_S_MAX: u64 = 60;
/// A camera that answers at once, though nothing happened, is asked again after this.
const IDLE: Duration = Duration::from_secs(5);
const BUSY: Duration = Duration::from_secs(1);
const CLOCK_EVERY_MS: u64 = 3_600_000;
/// After this long a camera that fails again has been well between.
const WELL_MS: u64 = 300_000;

/// Never returns while the worker lives; without an `onvif_url` at once.
pub async fn attend(order: &Order, outgoing: &Outgoing) {
    let Some(onvif) = &order.onvif else {
        return;
    };
    let mut tampering = Tampering::default();
    let mut pause = Pause::up_to(RETRY_S_MAX);
    loop {
        let began_ms = clock::mono_ms();
        if let Err(error) = serve(order, onvif, &mut tampering, outgoing).await {
            let detail = error.to_string();
            tell(outgoing, Note::OnvifEnded { detail });
        }
        if clock::mono_ms() - began_ms > WELL_MS {
            pause.reset();
        }
        sleep(pause.take()).await;
    }
}

async fn serve(
    order: &Order,
    onvif: &Onvif,
    tampering: &mut Tampering,
    outgoing: &Outgoing,
) -> Result<(), Error> {
    let fence = Fence::around(&order.doors(), &onvif.networks).await;
    let mut device = Device::open(&onvif.url, fence, order.credentials.clone()).await?;
    let told = device.information().await?;
    let introduce = |device: &Device| Note::Device {
        model: told.model.clone(),
        firmware: told.firmware.clone(),
        clock_skew_ms: device.skew_ms,
    };
    tell(outgoing, introduce(&device));
    let mut read_ms = clock::mono_ms();
    loop {
        if device.has_events() {
            follow(&mut device, tampering, outgoing).await?;
        } else {
            sleep(Duration::from_millis(CLOCK_EVERY_MS)).await;
        }
        if clock::mono_ms() - read_ms >= CLOCK_EVERY_MS {
            read_ms = clock::mono_ms();
            device.read_clock().await?;
            tell(outgoing, introduce(&device));
        }
    }
}

/// Follows one subscription: for an hour when the camera renews it, else until it ends.
async fn follow(
    device: &mut Device,
    tampering: &mut Tampering,
    outgoing: &Outgoing,
) -> Result<(), Error> {
    let subscription = device.subscribe(LASTS_S).await?;
    let began_ms = clock::mono_ms();
    let mut due_ms = due_ms(began_ms, subscription.lasts_s);
    tell_events(tampering, outgoing);
    while clock::mono_ms() - began_ms < CLOCK_EVERY_MS {
        pull(device, &subscription, due_ms, tampering, outgoing).await?;
        if clock::mono_ms() < due_ms {
            continue;
        }
        match device.renew(&subscription, LASTS_S).await {
            Ok(lasts_s) => due_ms = self::due_ms(clock::mono_ms(), lasts_s),
            // Some cameras refuse by design; a new subscription serves as well.
            Err(Error::Fault { .. } | Error::Status(..) | Error::Garbage(_)) => break,
            Err(error) => return Err(error),
        }
    }
    // A camera that does not know how to end one lets it run out.
    match device.unsubscribe(&subscription).await {
        Err(error @ (Error::Unauthorized | Error::Outside(_))) => Err(error),
        _ => Ok(()),
    }
}

/// When half of what is left has passed.
fn due_ms(now_ms: u64, lasts_s: i64) -> u64 {
    let lasts_s = lasts_s.clamp(LASTS_S_MIN, LASTS_S_MAX);
    now_ms + lasts_s.unsigned_abs() * 500
}

async fn pull(
    device: &mut Device,
    subscription: &Subscription,
    due_ms: u64,
    tampering: &mut Tampering,
    outgoing: &Outgoing,
) -> Result<(), Error> {
    let asked_ms = clock::mono_ms();
    let longest_s = (due_ms.saturating_sub(asked_ms) / 1000).clamp(1, PULL_S_MAX);
    let messages = device
        .pull(subscription, Duration::from_secs(longest_s))
        .await?;
    let now_ms = clock::now_ms();
    let mut news = tampering.expire(now_ms);
    for message in &messages {
        news |= tampering.take(message, now_ms);
    }
    if news {
        tell_events(tampering, outgoing);
    }
    let quick = clock::mono_ms() - asked_ms < BUSY.as_millis() as u64;
    match (quick, messages.is_empty()) {
        (false, _) => {}
        (true, false) => sleep(BUSY).await,
        (true, true) => sleep(IDLE).await,
    }
    Ok(())
}

fn tell_events(tampering: &Tampering, outgoing: &Outgoing) {
    let events = tampering.events();
    tell(outgoing, Note::Events { events });
}

/// What the agent has no room for now is told again with the next change; pictures go before.
fn tell(outgoing: &Outgoing, note: Note) {
    let _ = outgoing.try_send(Some(Report::Note(note)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subscription_is_renewed_at_half_its_time_whatever_the_camera_says() {
        assert_eq!(due_ms(1_000, 120), 61_000);
        assert_eq!(due_ms(0, 0), 5_000);
        assert_eq!(due_ms(0, i64::MIN), 5_000);
        assert_eq!(due_ms(0, i64::MAX), 1_800_000);
    }
}
