//! Numbers that some machines have and others have not: temperature, throttling, voltage, and the
//! wear of the disk, from `/sys`. Reading them needs no privilege; what needs one (SMART by ioctl)
//! is said to be absent.

use rustix::fs::{StatVfsMountFlags, major, minor, stat, statvfs};
use std::fs::{canonicalize, read_dir, read_to_string};
use std::path::{Path, PathBuf};
use xunke_protocol::health::{DiskSignals, MachineSignals, Sensor};

/// Outside of this a sensor is not connected.
const TEMPERATURE_C: std::ops::RangeInclusive<f32> = -30.0..=150.0;
/// `get_throttled` of the Raspberry Pi: under-voltage now.
const PI_UNDERVOLTAGE: u32 = 1;
/// Frequency capped, throttled, or soft temperature limit now.
const PI_THROTTLED: u32 = 0b1110;
/// eMMC `PRE_EOL_INFO`: the reserved blocks are nearly used up (JEDEC JESD84-B51, 7.4.34).
const EMMC_URGENT: u32 = 3;

/// Reads the sensors below a root, which is `/` but in tests.
#[derive(Debug)]
pub(super) struct Sensors {
    sys: PathBuf,
    /// How often the processor had slowed down when it was last looked at.
    slowed: Option<u64>,
}

impl Sensors {
    pub fn below(root: &Path) -> Self {
        Self {
            sys: root.join("sys"),
            slowed: None,
        }
    }

    /// What the processor's surroundings say.
    pub fn machine(&mut self) -> MachineSignals {
        let pi = hexadecimal(
            &self
                .sys
                .join("devices/platform/soc/soc:firmware/get_throttled"),
        );
        let mut machine = MachineSignals {
            temperature_c: self.temperature(),
            throttled: pi.map(|bits| bits & PI_THROTTLED != 0),
            undervoltage: pi.map(|bits| bits & PI_UNDERVOLTAGE != 0),
            ..MachineSignals::default()
        };
        machine.throttled = machine.throttled.or_else(|| self.slowed_down());
        machine.undervoltage = machine.undervoltage.or_else(|| self.low_voltage());
        let sensors = [
            (Sensor::TemperatureC, machine.temperature_c.is_none()),
            (Sensor::Throttled, machine.throttled.is_none()),
            (Sensor::Undervoltage, machine.undervoltage.is_none()),
        ];
        machine.absent = missing(sensors);
        machine
    }

    /// The hottest thermal zone, or where there is none the hottest monitor that is not a disk's.
    fn temperature(&self) -> Option<f32> {
        let zones = entries(&self.sys.join("class/thermal"), "thermal_zone");
        let zones = zones.iter().filter_map(|zone| celsius(&zone.join("temp")));
        zones.reduce(f32::max).or_else(|| {
            let monitors = entries(&self.sys.join("class/hwmon"), "hwmon");
            let of_disk = |monitor: &PathBuf| {
                matches!(
                    word(&monitor.join("name")).as_deref(),
                    Some("nvme" | "drivetemp")
                )
            };
            let inputs = monitors.iter().filter(|monitor| !of_disk(monitor));
            let inputs = inputs.flat_map(|monitor| entries(monitor, "temp"));
            let inputs = inputs.filter(|file| file.to_string_lossy().ends_with("_input"));
            inputs.filter_map(|file| celsius(&file)).reduce(f32::max)
        })
    }

    /// x86 counts how often the processor was slowed down since its start.
    fn slowed_down(&mut self) -> Option<bool> {
        let folder = self.sys.join("devices/system/cpu/cpu0/thermal_throttle");
        let count = number(&folder.join("package_throttle_count"));
        let count = count.or_else(|| number(&folder.join("core_throttle_count")))?;
        let before = self.slowed.replace(count).unwrap_or(count);
        Some(count > before)
    }

    fn low_voltage(&self) -> Option<bool> {
        let monitors = entries(&self.sys.join("class/hwmon"), "hwmon");
        let mut monitors = monitors.iter();
        let voltage =
            monitors.find(|monitor| word(&monitor.join("name")).as_deref() == Some("rpi_volt"))?;
        Some(number(&voltage.join("in0_lcrit_alarm"))? != 0)
    }

    /// The disk below a folder; `None` when it does not tell anything, as one that is gone.
    pub fn disk(&self, folder: &Path) -> Option<DiskSignals> {
        let space = statvfs(folder).ok()?;
        let free = |free: u64, all: u64| (all > 0).then(|| free as f32 / all as f32);
        let mut disk = DiskSignals {
            free_bytes: space.f_bavail.saturating_mul(space.f_frsize),
            size_bytes: space.f_blocks.saturating_mul(space.f_frsize),
            inodes_free_ratio: free(space.f_favail, space.f_files),
            read_only: space.f_flag.contains(StatVfsMountFlags::RDONLY),
            ..DiskSignals::default()
        };
        if let Some(device) = self.device(folder) {
            disk.disk_temperature_c = disk_temperature(&device);
            disk.wear_ratio = worn(&device);
            disk.disk_failing = failing(&device);
        }
        let sensors = [
            (Sensor::DiskTemperatureC, disk.disk_temperature_c.is_none()),
            (Sensor::WearRatio, disk.wear_ratio.is_none()),
            (Sensor::DiskFailing, disk.disk_failing.is_none()),
        ];
        disk.absent = missing(sensors);
        Some(disk)
    }

    /// `device` of the whole disk that a folder lies on: below partition and encryption.
    fn device(&self, folder: &Path) -> Option<PathBuf> {
        let number = stat(folder).ok()?.st_dev;
        let name = format!("dev/block/{}:{}", major(number), minor(number));
        self.whole_disk(&self.sys.join(name))
    }

    fn whole_disk(&self, block: &Path) -> Option<PathBuf> {
        let mut block = canonicalize(block).ok()?;
        if let Some(below) = entries(&block.join("slaves"), "").first() {
            block = canonicalize(below).ok()?;
        }
        if block.join("partition").exists() {
            block.pop();
        }
        Some(block.join("device"))
    }
}

/// Of an NVMe or, by `drivetemp`, of a SATA disk.
fn disk_temperature(device: &Path) -> Option<f32> {
    let monitors = [
        entries(device, "hwmon"),
        entries(&device.join("hwmon"), "hwmon"),
    ];
    let inputs = monitors.iter().flatten();
    let inputs = inputs.filter_map(|monitor| celsius(&monitor.join("temp1_input")));
    inputs.reduce(f32::max)
}

/// eMMC tells for two kinds of cells in steps of a tenth; the worse one counts.
fn worn(device: &Path) -> Option<f32> {
    let text = read_to_string(device.join("life_time")).ok()?;
    let tenths = text.split_whitespace().filter_map(hexadecimal_word);
    let worst = tenths.max().filter(|&tenths| (1..=11).contains(&tenths))?;
    Some(worst as f32 / 10.0)
}

/// By an eMMC's own word, or by the kernel's about an NVMe or SATA disk.
fn failing(device: &Path) -> Option<bool> {
    if let Some(left) = hexadecimal(&device.join("pre_eol_info")).filter(|&left| left != 0) {
        return Some(left >= EMMC_URGENT);
    }
    match word(&device.join("state"))?.as_str() {
        "dead" | "offline" | "deleting" => Some(true),
        "live" | "running" => Some(false),
        _ => None,
    }
}

fn missing<const N: usize>(sensors: [(Sensor, bool); N]) -> Vec<Sensor> {
    let missing = sensors.into_iter().filter(|(_, missing)| *missing);
    missing.map(|(sensor, _)| sensor).collect()
}

/// What in a folder begins so, in the order of names.
fn entries(folder: &Path, begins: &str) -> Vec<PathBuf> {
    let found = read_dir(folder).into_iter().flatten().flatten();
    let found = found.filter(|entry| entry.file_name().to_string_lossy().starts_with(begins));
    let mut found: Vec<_> = found.map(|entry| entry.path()).collect();
    found.sort();
    found
}

fn word(file: &Path) -> Option<String> {
    let text = read_to_string(file).ok()?;
    text.split_whitespace().next().map(str::to_owned)
}

fn number(file: &Path) -> Option<u64> {
    word(file)?.parse().ok()
}

fn hexadecimal(file: &Path) -> Option<u32> {
    hexadecimal_word(&word(file)?)
}

fn hexadecimal_word(word: &str) -> Option<u32> {
    u32::from_str_radix(word.trim_start_matches("0x"), 16).ok()
}

/// The kernel counts in thousandths of a degree.
fn celsius(file: &Path) -> Option<f32> {
    let degrees = word(file)?.parse::<f32>().ok()? / 1000.0;
    TEMPERATURE_C.contains(&degrees).then_some(degrees)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A `/sys` of these files; removed at the end.
    struct Sys(PathBuf);

    impl Sys {
        fn of(name: &str, files: &[(&str, &str)]) -> Self {
            let root = std::env::temp_dir().join(format!("xunke-{name}-{}", std::process::id()));
            let sys = Self(root);
            sys.set(files);
            sys
        }

        fn set(&self, files: &[(&str, &str)]) {
            for (file, text) in files {
                let file = self.0.join("sys").join(file);
                std::fs::create_dir_all(file.parent().unwrap()).unwrap();
                std::fs::write(file, text).unwrap();
            }
        }
    }

    impl Drop for Sys {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_machine_without_sensors_says_which_it_has_not() {
        let machine = Sensors::below(Path::new("/nowhere")).machine();
        let all = [
            Sensor::TemperatureC,
            Sensor::Throttled,
            Sensor::Undervoltage,
        ];
        assert_eq!(machine.absent, all);
        assert_eq!((machine.temperature_c, machine.throttled), (None, None));
    }

    #[test]
    fn a_raspberry_pi_tells_of_its_supply() {
        let file = "devices/platform/soc/soc:firmware/get_throttled";
        let zone = "class/thermal/thermal_zone0/temp";
        let sys = Sys::of("pi", &[(file, "0x50005\n"), (zone, "61234\n")]);
        let mut sensors = Sensors::below(&sys.0);
        let machine = sensors.machine();
        assert_eq!(machine.temperature_c, Some(61.234));
        assert_eq!(
            (machine.undervoltage, machine.throttled),
            (Some(true), Some(true))
        );
        assert!(machine.absent.is_empty());
        // What has been but is over stands in the upper bits.
        sys.set(&[(file, "0x50000\n")]);
        let machine = sensors.machine();
        assert_eq!(
            (machine.undervoltage, machine.throttled),
            (Some(false), Some(false))
        );
    }

    #[test]
    fn a_processor_is_throttled_while_its_count_grows() {
        let count = "devices/system/cpu/cpu0/thermal_throttle/package_throttle_count";
        let files = [
            (count, "7\n"),
            ("class/hwmon/hwmon0/name", "nvme\n"),
            ("class/hwmon/hwmon0/temp1_input", "90000\n"),
            ("class/hwmon/hwmon1/name", "coretemp\n"),
            ("class/hwmon/hwmon1/temp1_input", "55000\n"),
            ("class/hwmon/hwmon1/temp2_input", "58000\n"),
            ("class/hwmon/hwmon1/temp3_input", "-273000\n"),
            ("class/hwmon/hwmon2/name", "rpi_volt\n"),
            ("class/hwmon/hwmon2/in0_lcrit_alarm", "1\n"),
        ];
        let sys = Sys::of("x86", &files);
        let mut sensors = Sensors::below(&sys.0);
        let machine = sensors.machine();
        assert_eq!(machine.temperature_c, Some(58.0), "a disk is no processor");
        assert_eq!(
            (machine.throttled, machine.undervoltage),
            (Some(false), Some(true))
        );
        sys.set(&[(count, "9\n")]);
        assert_eq!(sensors.machine().throttled, Some(true));
        assert_eq!(sensors.machine().throttled, Some(false));
    }

    #[test]
    fn a_disk_tells_of_its_wear_below_partition_and_encryption() {
        let emmc = "devices/mmcblk0";
        let files = [
            ("devices/mmcblk0/device/life_time", "0x02 0x04\n"),
            ("devices/mmcblk0/device/pre_eol_info", "0x01\n"),
            ("devices/mmcblk0/mmcblk0p2/partition", "2\n"),
            ("devices/dm-0/dm/name", "state\n"),
        ];
        let sys = Sys::of("emmc", &files);
        let at = |name: &str| sys.0.join("sys").join(name);
        let link = |from: &str, to: &str| {
            std::fs::create_dir_all(at(from).parent().unwrap()).unwrap();
            std::os::unix::fs::symlink(at(to), at(from)).unwrap();
        };
        link("dev/block/179:2", "devices/mmcblk0/mmcblk0p2");
        link("dev/block/254:0", "devices/dm-0");
        link("devices/dm-0/slaves/mmcblk0p2", "devices/mmcblk0/mmcblk0p2");
        let sensors = Sensors::below(&sys.0);
        let whole = canonicalize(at(emmc)).unwrap().join("device");
        for name in ["dev/block/179:2", "dev/block/254:0"] {
            assert_eq!(
                sensors.whole_disk(&at(name)).as_ref(),
                Some(&whole),
                "{name}"
            );
        }
        assert_eq!((worn(&whole), failing(&whole)), (Some(0.4), Some(false)));
        assert_eq!(disk_temperature(&whole), None);
        sys.set(&[("devices/mmcblk0/device/pre_eol_info", "0x03\n")]);
        assert_eq!(failing(&whole), Some(true));
        sys.set(&[
            ("devices/nvme0/state", "dead\n"),
            ("devices/nvme0/hwmon3/temp1_input", "41850"),
        ]);
        let nvme = at("devices/nvme0");
        assert_eq!((failing(&nvme), worn(&nvme)), (Some(true), None));
        assert_eq!(disk_temperature(&nvme), Some(41.85));
    }

    #[test]
    fn this_disk_has_space_and_says_what_it_does_not_measure() {
        let folder = std::env::temp_dir();
        let disk = Sensors::below(Path::new("/nowhere")).disk(&folder).unwrap();
        assert!(
            disk.free_bytes > 0 && disk.free_bytes <= disk.size_bytes,
            "{disk:?}"
        );
        assert!(!disk.read_only && disk.absent.len() == 3, "{disk:?}");
        assert_eq!(
            Sensors::below(Path::new("/")).disk(Path::new("/nowhere")),
            None
        );
    }
}
