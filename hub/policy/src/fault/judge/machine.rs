//! Judging the box as a machine, its disk and its network.

use xunke_protocol::health::{
    DiskSignals, HealthDocument, MachineSignals, PathEnd, PathSignals, SpoolSignals,
};

use super::{Finding, of_box};

/// Processors slow themselves down from about 90 °C, and boards age from there.
const TEMPERATURE_C_MAX: f32 = 85.0;
/// A day under repair and a night; a box that sends at night alone is never so far behind.
const BACKLOG_S_MAX: u64 = 48 * 3600;
/// Of the rated life; what is left is for buying another one.
const WEAR_RATIO_MAX: f32 = 0.9;
/// Outbox and identity need a little of what recordings leave free.
const FREE_BYTES_MIN: u64 = 128 * 1024 * 1024;
const INODES_RATIO_MIN: f32 = 0.02;
/// Video over TCP stutters from a few per cent on.
const LOSS_RATIO_MAX: f32 = 0.1;
/// With fewer attempts one of them is too much of the whole.
const ATTEMPTS_MIN: u32 = 10;

/// What machine, disk and network point to.
pub(super) fn findings(report: &HealthDocument) -> Vec<Finding> {
    let machine = report.machine.iter();
    let mut found: Vec<Finding> = machine
        .flat_map(|machine| of_machine(machine, &report.spool))
        .collect();
    found.extend(report.disk.iter().flat_map(of_disk));
    found.extend(of_network(&report.network));
    found
}

fn of_machine(machine: &MachineSignals, spool: &SpoolSignals) -> Vec<Finding> {
    let mut found = Vec::new();
    if let Some(hot) = machine
        .temperature_c
        .filter(|&now| now >= TEMPERATURE_C_MAX)
    {
        found.push(of_box("TEMP_HIGH", vec![("temperature_c", hot.into())]));
    }
    let temperature = machine
        .temperature_c
        .map(|now| ("temperature_c", now.into()));
    if machine.throttled == Some(true) {
        found.push(of_box("CPU_THROTTLED", temperature.into_iter().collect()));
    }
    if machine.undervoltage == Some(true) {
        found.push(of_box("POWER_UNDERVOLT", Vec::new()));
    }
    let behind = machine.backlog_age_s.filter(|&age_s| age_s > BACKLOG_S_MAX);
    if let Some(age_s) = behind {
        let evidence = vec![
            ("backlog_age_s", age_s as f64),
            ("waiting_bytes", spool.waiting_bytes as f64),
        ];
        found.push(of_box("UPLOAD_BEHIND", evidence));
    }
    found
}

fn of_disk(disk: &DiskSignals) -> Vec<Finding> {
    let mut found = Vec::new();
    if disk.read_only {
        found.push(of_box("STORE_RO", Vec::new()));
    }
    let inodes = disk.inodes_free_ratio;
    if disk.free_bytes < FREE_BYTES_MIN || inodes.is_some_and(|left| left < INODES_RATIO_MIN) {
        let mut evidence = vec![("free_bytes", disk.free_bytes as f64)];
        evidence.extend(inodes.map(|left| ("inodes_free_ratio", left.into())));
        found.push(of_box("DISK_FULL", evidence));
    }
    let worn = disk.wear_ratio.map(|ratio| ("wear_ratio", ratio.into()));
    if disk.disk_failing == Some(true) {
        found.push(of_box("DISK_FAILING", worn.into_iter().collect()));
    } else if disk.wear_ratio.is_some_and(|ratio| ratio >= WEAR_RATIO_MAX) {
        found.push(of_box("DISK_WORN", worn.into_iter().collect()));
    }
    found
}

/// What gets lost on the way to the hub; how much of it on the way to the next router stands
/// beside it, for it tells where to look.
fn of_network(network: &[PathSignals]) -> Option<Finding> {
    let to = |end| {
        let path = network.iter().find(|path| path.to == end)?;
        path.loss_ratio.filter(|_| path.attempts >= ATTEMPTS_MIN)
    };
    let loss = to(PathEnd::Hub).filter(|&loss| loss >= LOSS_RATIO_MAX)?;
    let mut evidence = vec![("loss_ratio", loss.into())];
    evidence.extend(to(PathEnd::Gateway).map(|loss| ("gateway_loss_ratio", loss.into())));
    Some(of_box("NET_LOSS", evidence))
}

#[cfg(test)]
mod tests {
    use super::*;
    use xunke_protocol::health::PathMethod;

    fn spool() -> SpoolSignals {
        SpoolSignals {
            waiting_bytes: 9,
            waiting_segments: 1,
            free_bytes: 1,
            limit_bytes: 10,
            evicted_unsent: 0,
        }
    }

    fn codes(found: impl IntoIterator<Item = Finding>) -> Vec<&'static str> {
        found.into_iter().map(|one| one.code).collect()
    }

    fn machine(change: impl FnOnce(&mut MachineSignals)) -> Vec<&'static str> {
        let mut machine = MachineSignals::default();
        change(&mut machine);
        codes(of_machine(&machine, &spool()))
    }

    /// R64: each number of the machine has its limit, and the last good one is no fault.
    #[test]
    fn a_machine_is_judged_by_its_numbers() {
        assert!(machine(|_| ()).is_empty(), "absent is no fault");
        assert!(machine(|one| one.temperature_c = Some(84.9)).is_empty());
        assert_eq!(machine(|one| one.temperature_c = Some(85.0)), ["TEMP_HIGH"]);
        assert_eq!(machine(|one| one.throttled = Some(true)), ["CPU_THROTTLED"]);
        assert_eq!(
            machine(|one| one.undervoltage = Some(true)),
            ["POWER_UNDERVOLT"]
        );
        assert!(machine(|one| one.undervoltage = Some(false)).is_empty());
        assert!(machine(|one| one.backlog_age_s = Some(48 * 3600)).is_empty());
        assert_eq!(
            machine(|one| one.backlog_age_s = Some(48 * 3600 + 1)),
            ["UPLOAD_BEHIND"]
        );
    }

    #[test]
    fn a_disk_is_judged_by_its_numbers() {
        let disk = |change: fn(&mut DiskSignals)| {
            let mut disk = DiskSignals {
                free_bytes: FREE_BYTES_MIN,
                ..DiskSignals::default()
            };
            change(&mut disk);
            codes(of_disk(&disk))
        };
        assert!(disk(|_| ()).is_empty());
        assert_eq!(disk(|one| one.read_only = true), ["STORE_RO"]);
        assert_eq!(disk(|one| one.free_bytes -= 1), ["DISK_FULL"]);
        assert_eq!(
            disk(|one| one.inodes_free_ratio = Some(0.01)),
            ["DISK_FULL"]
        );
        assert!(disk(|one| one.wear_ratio = Some(0.8)).is_empty());
        assert_eq!(disk(|one| one.wear_ratio = Some(0.9)), ["DISK_WORN"]);
        let failing = disk(|one| (one.wear_ratio, one.disk_failing) = (Some(1.1), Some(true)));
        assert_eq!(failing, ["DISK_FAILING"], "the worse one alone");
    }

    #[test]
    fn loss_is_judged_when_there_were_attempts_enough() {
        let path = |to, loss, attempts| PathSignals {
            to,
            method: PathMethod::Icmp,
            rtt_ms: None,
            jitter_ms: None,
            loss_ratio: Some(loss),
            attempts,
        };
        let judged = |paths: &[PathSignals]| codes(of_network(paths));
        assert!(judged(&[]).is_empty());
        assert!(judged(&[path(PathEnd::Hub, 0.099, 30)]).is_empty());
        assert!(judged(&[path(PathEnd::Hub, 1.0, 9)]).is_empty());
        assert!(
            judged(&[path(PathEnd::Gateway, 1.0, 30)]).is_empty(),
            "it may be deaf"
        );
        let both = [path(PathEnd::Hub, 0.1, 10), path(PathEnd::Gateway, 0.5, 10)];
        let found = of_network(&both).unwrap();
        assert_eq!(found.code, "NET_LOSS");
        assert_eq!(found.evidence[1], ("gateway_loss_ratio", 0.5));
    }
}
