//! What of a document has changed enough to be told before the next full minute.

use xunke_protocol::health::{
    DiskSignals, EquipmentSignals, HealthDocument, MachineSignals, PathSignals,
};

/// What an administrator must see at once.
pub(super) fn states(document: &HealthDocument) -> Vec<u8> {
    let read_only = document.disk.as_ref().is_some_and(|disk| disk.read_only);
    let mut states = vec![document.recording.state as u8, u8::from(read_only)];
    for camera in &document.cameras {
        let seen = camera.sight.iter().flatten();
        let heard = camera.sound.as_ref().and_then(|sound| sound.found);
        states.push(camera.state as u8);
        states.extend(seen.map(|seen| 32 + seen.kind as u8));
        states.extend(heard.map(|heard| 64 + heard as u8));
    }
    states
}

/// The numbers, coarse: a step means something has changed, noise does not.
pub(super) fn numbers(document: &HealthDocument) -> Vec<u64> {
    let mut numbers = Vec::new();
    for camera in &document.cameras {
        numbers.extend([
            u64::from(camera.restarts),
            u64::from(camera.audio),
            camera
                .clock_skew_ms
                .map_or(0, |skew| skew.unsigned_abs() / 5000 + 1),
            camera
                .events
                .iter()
                .fold(0, |all, event| all | 1 << event.topic as u64),
            u64::from(camera.model.is_some()),
            u64::from(camera.clock_steps),
            doublings(camera.frames_per_second),
            camera.luma_mean.map_or(0, |mean| mean as u64 / 32 + 1),
            camera
                .luma_variance
                .map_or(0, |variance| doublings(variance) / 2 + 1),
        ]);
    }
    let spool = &document.spool;
    let quarters = (4 * spool.waiting_bytes)
        .checked_div(spool.limit_bytes)
        .unwrap_or(0);
    let skew_s = document
        .clock_skew_ms
        .map_or(0, |skew| skew.unsigned_abs() / 5000 + 1);
    let steps = u64::from(document.clock_steps);
    numbers.extend([spool.evicted_unsent, quarters, skew_s, steps]);
    numbers.extend(document.machine.iter().flat_map(machine));
    numbers.extend(document.disk.iter().flat_map(disk));
    numbers.extend(document.network.iter().map(loss));
    numbers.extend(document.equipment.iter().flat_map(piece));
    numbers
}

fn machine(machine: &MachineSignals) -> [u64; 4] {
    [
        // A fan keeps within twenty degrees.
        machine
            .temperature_c
            .map_or(0, |degrees| degrees.max(0.0) as u64 / 20 + 1),
        u64::from(machine.throttled == Some(true)),
        u64::from(machine.undervoltage == Some(true)),
        machine
            .certificate_days
            .map_or(0, |days| u64::from(days.max(0).unsigned_abs())),
    ]
}

fn disk(disk: &DiskSignals) -> [u64; 2] {
    let wear = disk
        .wear_ratio
        .map_or(0, |ratio| (ratio.max(0.0) * 100.0) as u64 + 1);
    [wear, u64::from(disk.disk_failing == Some(true))]
}

fn loss(path: &PathSignals) -> u64 {
    path.loss_ratio
        .map_or(0, |ratio| (ratio.max(0.0) * 10.0) as u64 + 1)
}

fn piece(piece: &EquipmentSignals) -> [u64; 4] {
    let troubles = piece.troubles.iter();
    [
        piece.state as u64,
        piece.power.map_or(0, |power| power as u64 + 1),
        // The hub judges by the third miss and by the third trouble.
        u64::from(piece.misses.min(3)),
        troubles.fold(0, |all, one| {
            all * 64 + one.part as u64 * 4 + u64::from(one.times.min(3))
        }),
    ]
}

/// A number that doubled or halved has changed.
fn doublings(value: f32) -> u64 {
    u64::from((value.max(0.0) as u64 + 1).ilog2())
}
