//! The limits that types alone do not hold.

use super::complaint::Key;
use super::{CAMERAS_MAX, Camera, Config, EQUIPMENT_MAX, HubAddress};
use std::collections::HashSet;
use std::path::{Component, Path};
use url::Url;

/// More would no longer be a list of where cameras are.
const NETWORKS_MAX: u64 = 16;
/// Under this name the on-air light stands among the equipment.
const LIGHT_NAME: &str = "light";
/// Slower, a camera's footage would never be sent.
const RATE_KIB_MIN: u64 = 64;
const RATE_KIB_MAX: u64 = 1 << 20;

type Check = Result<(), (Key, String)>;

impl Config {
    /// The limits that types alone do not hold.
    pub(super) fn check(&self) -> Check {
        if !self.state_dir.is_absolute() {
            return wrong("", "state_dir", "must be an absolute path");
        }
        if HubAddress::parse(&self.hub.url).is_none() {
            return wrong(
                "hub",
                "url",
                "must look like https://host:port, with a name or an IPv4 address",
            );
        }
        self.check_connections()?;
        self.commands
            .check()
            .or_else(|(key, why)| wrong("commands", key, why))?;
        self.check_upload()?;
        self.check_media()?;
        self.check_cameras()?;
        let light = self.light.check();
        light.map_err(|(key, why)| (Key("light", 0, key), why.to_owned()))?;
        self.check_equipment()
    }

    /// What goes to the hub.
    fn check_connections(&self) -> Check {
        let window = u64::from(self.link.window);
        let pushes = self.live.pushes_max as u64;
        within("hub", "connect_seconds", self.hub.connect_seconds, 1, 120)?;
        within(
            "link",
            "keep_alive_seconds",
            self.link.keep_alive_seconds,
            5,
            300,
        )?;
        within("link", "window", window, 1, 1024)?;
        within(
            "link",
            "retry_seconds_max",
            self.link.retry_seconds_max,
            1,
            600,
        )?;
        within(
            "outbox",
            "record_mib_max",
            self.outbox.record_mib_max,
            1,
            1024,
        )?;
        within("outbox", "note_mib_max", self.outbox.note_mib_max, 1, 1024)?;
        let days = [
            ("record_days_max", self.outbox.record_days_max),
            ("note_days_max", self.outbox.note_days_max),
        ];
        for (key, days) in days {
            within("outbox", key, u64::from(days), 1, 3650)?;
        }
        within(
            "health",
            "period_seconds",
            self.health.period_seconds,
            5,
            600,
        )?;
        within(
            "health",
            "spacing_seconds",
            self.health.spacing_seconds,
            1,
            60,
        )?;
        within("live", "pushes_max", pushes, 1, 64)
    }

    /// How segments go to the hub.
    fn check_upload(&self) -> Check {
        let upload = &self.upload;
        let check = |key, value, min, max| within("upload", key, value, min, max);
        let rates = [
            ("kib_per_second_max", upload.kib_per_second_max),
            ("live_kib_per_second_max", upload.live_kib_per_second_max),
        ];
        for (key, rate) in rates.into_iter().filter(|(_, rate)| *rate != 0) {
            if !(RATE_KIB_MIN..=RATE_KIB_MAX).contains(&rate) {
                let limits = format!("between {RATE_KIB_MIN} and {RATE_KIB_MAX}");
                let why = format!("{rate} must be 0 (no limit) or {limits}");
                return wrong("upload", key, &why);
            }
        }
        check("in_flight_max", upload.in_flight_max as u64, 1, 8)?;
        let percent = upload.hours_spool_percent_max;
        check("hours_spool_percent_max", percent, 0, 90)?;
        check("spread_seconds", upload.spread_seconds, 0, 600)?;
        check("retry_seconds_max", upload.retry_seconds_max, 1, 600)
    }

    /// What comes from cameras and lies on the disk.
    fn check_media(&self) -> Check {
        within(
            "intake",
            "connect_seconds",
            self.intake.connect_seconds,
            1,
            120,
        )?;
        within("intake", "stall_seconds", self.intake.stall_seconds, 1, 120)?;
        within(
            "intake",
            "retry_seconds_max",
            self.intake.retry_seconds_max,
            1,
            600,
        )?;
        within(
            "intake",
            "worker_mib_max",
            self.intake.worker_mib_max,
            64,
            4096,
        )?;
        within(
            "recording",
            "segment_seconds",
            self.recording.segment_seconds,
            2,
            60,
        )?;
        within(
            "recording",
            "fragment_seconds",
            self.recording.fragment_seconds,
            1,
            2,
        )?;
        within("spool", "mib_max", self.spool.mib_max, 64, 64 * 1024 * 1024)?;
        within(
            "spool",
            "free_mib_min",
            self.spool.free_mib_min,
            0,
            1024 * 1024,
        )?;
        within("spool", "slot_mib", self.spool.slot_mib, 1, 64)?;
        self.check_slots()?;
        let networks = self.intake.camera_networks.len() as u64;
        within("intake", "camera_networks", networks, 0, NETWORKS_MAX)
    }

    /// A camera writes into one slot while another one waits; one more is on its way to the hub.
    fn check_slots(&self) -> Check {
        let slots = 2 * self.cameras.len() as u64 + 2;
        let mib = slots * self.spool.slot_mib;
        if self.spool.mib_max >= mib {
            return Ok(());
        }
        let why = format!(
            "{} is too little for {} cameras: {mib} or more ({slots} slots), or a smaller slot_mib",
            self.spool.mib_max,
            self.cameras.len()
        );
        wrong("spool", "mib_max", &why)
    }

    fn check_cameras(&self) -> Check {
        let camera = |number, key, why: &str| Err((Key("camera", number, key), why.to_owned()));
        if self.cameras.len() > CAMERAS_MAX {
            return camera(CAMERAS_MAX, "name", "a box takes at most 16 cameras");
        }
        let mut names = HashSet::new();
        for (number, one) in self.cameras.iter().enumerate() {
            if !names.insert(&one.name) {
                return camera(number, "name", "is used twice");
            }
            if let Err((key, why)) = one.check() {
                return camera(number, key, why);
            }
        }
        self.check_devices()
    }

    /// A component of a box has one name, and all together have room in one document.
    fn check_equipment(&self) -> Check {
        let cameras: HashSet<&str> = self.cameras.iter().map(|one| one.name.as_str()).collect();
        let lights = usize::from(self.light.is_there());
        let mut names = HashSet::new();
        for (number, one) in self.equipment.iter().enumerate() {
            let wrong = |key, why: &str| Err((Key("equipment", number, key), why.to_owned()));
            if number + lights >= EQUIPMENT_MAX {
                let why = "a box asks at most 8 pieces of equipment, the on-air light among them";
                return wrong("name", why);
            }
            if cameras.len() + number + lights >= CAMERAS_MAX {
                return wrong("name", "a box takes at most 16 cameras and pieces together");
            }
            if lights > 0 && one.name.as_str() == LIGHT_NAME {
                return wrong("name", "is the name of the on-air light");
            }
            if cameras.contains(one.name.as_str()) || !names.insert(&one.name) {
                return wrong("name", "is used twice");
            }
            if let Err((key, why)) = one.check() {
                return wrong(key, why);
            }
        }
        Ok(())
    }

    /// Two workers cannot open one camera on USB.
    fn check_devices(&self) -> Check {
        let mut devices = HashSet::new();
        for (number, one) in self.cameras.iter().enumerate() {
            if one
                .device
                .as_ref()
                .is_some_and(|file| !devices.insert(file))
            {
                let why = "is used twice".to_owned();
                return Err((Key("camera", number, "device"), why));
            }
        }
        Ok(())
    }
}

impl Camera {
    /// Whether it can stand in a configuration.
    ///
    /// # Errors
    /// The key, and what is wrong with it.
    pub fn check(&self) -> Result<(), (&'static str, &'static str)> {
        if let Some(file) = &self.device {
            return check_device(file, self);
        }
        let onvif = self.onvif_url.as_deref().map(check_onvif_url);
        onvif.transpose().map_err(|why| ("onvif_url", why))?;
        check_streams(self)?;
        check_trust(self)
    }
}

/// A camera on USB has no address, no password and no certificate.
fn check_device(file: &Path, one: &Camera) -> Result<(), (&'static str, &'static str)> {
    let plain = |part| matches!(part, Component::RootDir | Component::Normal(_));
    if !file.starts_with("/dev/") || !file.components().all(plain) {
        let why = "must be a device file such as /dev/v4l/by-path/...-video-index0 or /dev/video0";
        return Err(("device", why));
    }
    let others = [
        ("main_url", !one.main_url.is_empty()),
        ("sub_url", one.sub_url.is_some()),
        ("onvif_url", one.onvif_url.is_some()),
        ("credentials_file", one.credentials_file.is_some()),
        ("tls_sha256", one.tls_sha256.is_some()),
        ("tls_ca_file", one.tls_ca_file.is_some()),
    ];
    match others.into_iter().find(|(_, given)| *given) {
        Some((key, _)) => Err((key, "is of no use beside device; keep one")),
        None => Ok(()),
    }
}

/// Without addresses of its own a camera is asked for them by ONVIF, for both or none.
fn check_streams(one: &Camera) -> Result<(), (&'static str, &'static str)> {
    if one.main_url.is_empty() {
        return match (&one.onvif_url, &one.sub_url) {
            (None, _) => Err((
                "main_url",
                "is missing: write it, or onvif_url to ask the camera, or device for one on USB",
            )),
            (_, Some(_)) => Err((
                "sub_url",
                "needs main_url; without both the camera is asked",
            )),
            (Some(_), None) => Ok(()),
        };
    }
    check_url(&one.main_url).map_err(|why| ("main_url", why))?;
    let sub = one.sub_url.as_deref().map(check_url).transpose();
    sub.map(drop).map_err(|why| ("sub_url", why))
}

fn check_onvif_url(text: &str) -> Result<(), &'static str> {
    let url = Url::parse(text).map_err(|_| "is no address")?;
    if url.scheme() != "http" {
        return Err("must begin with http:// (ONVIF over TLS is not supported)");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not carry a password; put it into credentials_file");
    }
    url.host().map(drop).ok_or("names no host")
}

fn check_url(url: &str) -> Result<(), &'static str> {
    let rest = url.strip_prefix("rtsp://");
    let rest = rest.or_else(|| url.strip_prefix("rtsps://"));
    let rest = rest.ok_or("must begin with rtsp:// or rtsps://")?;
    let host = rest.split('/').next().unwrap_or_default();
    if host.contains('@') {
        return Err("must not carry a password; put it into credentials_file");
    }
    if host.is_empty() {
        return Err("names no host");
    }
    Ok(())
}

/// TLS with whomever answers would be no better than none, and trust without TLS a mistake.
fn check_trust(camera: &Camera) -> Result<(), (&'static str, &'static str)> {
    let secure = |url: &String| url.starts_with("rtsps://");
    let main = secure(&camera.main_url);
    let sub = camera.sub_url.as_ref().is_some_and(secure);
    match (&camera.tls_sha256, &camera.tls_ca_file) {
        (None, None) if main => Err((
            "main_url",
            "rtsps:// needs tls_sha256 (the camera's certificate) or tls_ca_file",
        )),
        (None, None) if sub => Err((
            "sub_url",
            "rtsps:// needs tls_sha256 (the camera's certificate) or tls_ca_file",
        )),
        (Some(_), Some(_)) => Err(("tls_ca_file", "is of no use beside tls_sha256; keep one")),
        (Some(_), None) if !main && !sub => {
            Err(("tls_sha256", "is of no use without an rtsps:// address"))
        }
        (None, Some(_)) if !main && !sub => {
            Err(("tls_ca_file", "is of no use without an rtsps:// address"))
        }
        _ => Ok(()),
    }
}

fn wrong(table: &'static str, key: &'static str, why: &str) -> Check {
    Err((Key(table, 0, key), why.to_owned()))
}

fn within(table: &'static str, key: &'static str, value: u64, min: u64, max: u64) -> Check {
    if (min..=max).contains(&value) {
        return Ok(());
    }
    wrong(
        table,
        key,
        &format!("{value} must be between {min} and {max}"),
    )
}
