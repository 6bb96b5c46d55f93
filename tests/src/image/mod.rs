//! A box of a real Debian kernel with cameras on USB, as near as a machine without sockets comes to
//! it: the agent's package installed in a virtual machine, `vivid` for cameras, a hub outside.
//!
//! guest → recorded
//!
//! `vivid` is a driver of the kernel that behaves as a camera and as a grabber of HDMI; unbinding
//! it is what pulling the plug looks like from above.

mod guest;
mod recorded;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use tokio::time::sleep;

use crate::bench::figure::{Figure, report};
use crate::campus::{Hub, Person, Room};
use guest::Guest;
use recorded::{Segment, look, segments};

const BENCH: &str = "image-camera";
/// As the package's configuration names them.
const SOURCES: [&str; 2] = ["cam0", "screen"];
/// Where a machine of QEMU sees loopback of this one.
const HOST: &str = "10.0.2.2";
/// `vivid` gives both its devices the same place, which real sockets do not have.
const LINKS: [&str; 2] = ["/dev/video0", "/dev/v4l/by-id/grabber"];
const RULE: &str = "SUBSYSTEM==\"video4linux\", ATTR{name}==\"vivid-001-vid-cap\", \
                    SYMLINK+=\"v4l/by-id/grabber\"\n";
const DRIVER: &str = "/sys/bus/platform/drivers/vivid";
/// For a box whose processor is emulated.
const SLOW: &str = "[intake]\\nconnect_seconds = 60\\nstall_seconds = 30\\n";
const ROUNDS: usize = 3;
/// Processor time is measured over this.
const MEASURE: Duration = Duration::from_secs(20);
/// Longest wait for anything.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// Where things are.
#[derive(Debug)]
pub struct Wishes {
    /// What `images/camera-disk.sh` made.
    pub image: PathBuf,
    /// What `images/agent-deb.sh` made.
    pub package: PathBuf,
}

/// The whole run; says whether every aim was met.
///
/// # Errors
/// A step failed; the error carries what the machine said.
pub async fn run(wishes: &Wishes) -> Result<bool> {
    let name = format!("xunke-image-{}", uuid::Uuid::now_v7().simple());
    let folder = std::env::temp_dir().join(name);
    fs::create_dir_all(&folder)?;
    let figures = measure(wishes, &folder).await;
    if figures.is_ok() {
        fs::remove_dir_all(&folder)?;
    } else {
        eprintln!("what was written is in {}", folder.display());
    }
    let figures = figures?;
    print!("{}", report(&figures));
    Ok(!figures.iter().any(Figure::misses))
}

async fn measure(wishes: &Wishes, folder: &Path) -> Result<Vec<Figure>> {
    let hub = start_hub(folder)?;
    let room = hub.rooms.first().context("no room")?.clone();
    let share = share(wishes, &hub, &room, folder)?;
    let mut guest = Guest::boot(&wishes.image, &share, folder)?;
    eprintln!("  the box is up: {}", guest.tell("uname -sr")?);
    let mut bench = Bench {
        technician: sign_in(&hub, "technician").await?,
        supervisor: sign_in(&hub, "school_supervisor").await?,
        patience: guest.patience(),
        room,
        figures: Vec::new(),
    };
    let said = bench.install(&mut guest);
    let ended = match said {
        Ok(()) => bench.all(&mut guest).await,
        Err(error) => Err(error),
    };
    if let Err(error) = ended {
        let log = guest.tell("journalctl -b --no-pager -o cat -u xunke-agent | tail -n 40");
        return Err(error.context(log.unwrap_or_default()));
    }
    Ok(bench.figures)
}

/// A hub with this machine's address, as the box sees it, on its certificate.
fn start_hub(folder: &Path) -> Result<Hub> {
    let mut hub = Hub::start(folder, 1, None)?;
    hub.end()?;
    let names = format!(
        "names = [\"{HOST}\"]\norigin = \"https://localhost:{}\"\n[boxes]",
        hub.ports.people
    );
    hub.configure(|text| text.replacen("[boxes]", &names, 1))?;
    hub.run()?;
    Ok(hub)
}

async fn sign_in(hub: &Hub, role: &str) -> Result<Person> {
    let found = hub.accounts.iter().find(|account| account.role == role);
    let account = found.with_context(|| format!("nobody is {role}"))?;
    let base = format!("https://localhost:{}", hub.ports.people);
    Person::nobody(&base, &hub.ca_pem()?)?
        .sign_in(account)
        .await
}

/// A disk with the package, the box's configuration and its code.
fn share(wishes: &Wishes, hub: &Hub, room: &Room, folder: &Path) -> Result<PathBuf> {
    let files = folder.join("share");
    fs::create_dir_all(&files)?;
    fs::copy(&wishes.package, files.join("xunke-agent.deb"))?;
    fs::write(files.join("agent.toml"), configuration(hub.ports.boxes))?;
    fs::write(files.join("code"), &room.enrolment_code)?;
    fs::write(files.join("99-grabber.rules"), RULE)?;
    let disk = folder.join("share.img");
    let status = Command::new("mke2fs")
        .args(["-q", "-t", "ext4", "-d"])
        .args([&files, &disk])
        .arg("192M")
        .status()
        .context("mke2fs cannot be run")?;
    ensure!(status.success(), "the second disk cannot be made");
    Ok(disk)
}

fn configuration(port: u16) -> String {
    let camera = |number: usize, shows: &str| {
        let name = SOURCES[number];
        let link = LINKS[number];
        format!("[[camera]]\nname = \"{name}\"\nshows = \"{shows}\"\ndevice = \"{link}\"\n")
    };
    format!(
        "state_dir = \"/var/lib/xunke-agent\"\n[hub]\nurl = \"https://{HOST}:{port}\"\n\
         [link]\nkeep_alive_seconds = 5\nretry_seconds_max = 2\n[recording]\nsegment_seconds = 4\n\
         [health]\nperiod_seconds = 5\nspacing_seconds = 1\n[spool]\nmib_max = 256\n\
         free_mib_min = 64\n[upload]\nspread_seconds = 0\n{}{}",
        camera(0, "room"),
        camera(1, "screen")
    )
}

struct Bench {
    technician: Person,
    supervisor: Person,
    patience: u32,
    room: Room,
    figures: Vec<Figure>,
}

impl Bench {
    /// As a technician installs a box: package, configuration, code, start.
    fn install(&self, guest: &mut Guest) -> Result<()> {
        for command in [
            "mkdir -p /mnt && mount -o ro /dev/vdb /mnt",
            "install -m 644 /mnt/99-grabber.rules /etc/udev/rules.d/ && udevadm control --reload",
            "dpkg -i /mnt/xunke-agent.deb",
            "install -m 644 /mnt/agent.toml /etc/xunke/agent.toml",
            "runuser -u xunke-agent -- xunke-agent enrol --config /etc/xunke/agent.toml \
             --code-file - </mnt/code",
        ] {
            guest.tell(command)?;
        }
        if self.patience > 1 {
            guest.tell(&format!("printf '{SLOW}' >>/etc/xunke/agent.toml"))?;
        }
        guest.tell("systemctl start xunke-agent").map(drop)
    }

    async fn all(&mut self, guest: &mut Guest) -> Result<()> {
        self.wait_for("unreachable").await?;
        let plugged_ms = guest.now_ms()?;
        // The first is a webcam, the second a grabber of HDMI, too much for an emulated processor.
        let second = if self.patience > 1 { 0 } else { 3 };
        guest.tell(&format!(
            "modprobe vivid n_devs=2 node_types=1,1 num_inputs=1,1 input_types=0,{second}"
        ))?;
        self.note_keyframes(plugged_ms, "plugged in").await?;
        eprintln!(
            "{}",
            guest.tell("xunke-agent camera discover --seconds 1 --lang en")?
        );
        self.note_usage(guest).await?;
        self.note_pictures().await?;
        for _ in 0..ROUNDS {
            self.replug(guest).await?;
        }
        self.note_confinement(guest)
    }

    /// Pulls both plugs, and puts them back.
    async fn replug(&mut self, guest: &mut Guest) -> Result<()> {
        let pulled = Instant::now();
        guest.tell(&format!("echo vivid.0 >{DRIVER}/unbind"))?;
        self.wait_for("unreachable").await?;
        let seconds = pulled.elapsed().as_secs_f64();
        let aim = 5.0 * f64::from(self.patience);
        self.figure("unplugged: both known to the hub", seconds, "s", aim);
        // Long enough away for a pause that grows to show.
        sleep(Duration::from_secs(8)).await;
        let plugged_ms = guest.now_ms()?;
        guest.tell(&format!("echo vivid.0 >{DRIVER}/bind"))?;
        self.note_keyframes(plugged_ms, "plugged in again").await
    }

    /// Waits until both cameras stand so.
    async fn wait_for(&self, state: &str) -> Result<()> {
        let deadline = Instant::now() + WAIT_MAX * self.patience;
        loop {
            let states = self.states().await?;
            let all = SOURCES
                .iter()
                .all(|name| states.get(*name).is_some_and(|is| is == state));
            if all {
                return Ok(());
            }
            if Instant::now() > deadline {
                bail!("not {state}: {states:?}");
            }
            sleep(Duration::from_millis(100)).await;
        }
    }

    async fn states(&self) -> Result<BTreeMap<String, String>> {
        let (status, body) = self.technician.get("/api/devices").await?;
        ensure!(status.is_success(), "{status} {body}");
        let devices = body["devices"].as_array().context("no devices")?;
        let own = |device: &&Value| device["id"] == *self.room.device_id;
        let device = devices.iter().find(own).context("no such box")?;
        let cameras = device["health"]["cameras"].as_array();
        let state = |camera: &Value| {
            let name = camera["source"].as_str()?.to_owned();
            Some((name, camera["state"].as_str()?.to_owned()))
        };
        Ok(cameras.into_iter().flatten().filter_map(state).collect())
    }

    /// How long it took from the plug to the first keyframe that is recorded and has arrived.
    async fn note_keyframes(&mut self, plugged_ms: i64, what: &str) -> Result<()> {
        for name in SOURCES {
            let first = self.segment_after(name, plugged_ms).await?;
            let seconds = (first.start_ms - plugged_ms) as f64 / 1000.0;
            let metric = format!("{what}: first recorded keyframe, {name}");
            let aim = 5.0 * f64::from(self.patience);
            self.figure(&metric, seconds, "s", aim);
        }
        Ok(())
    }

    async fn segment_after(&self, name: &str, after_ms: i64) -> Result<Segment> {
        let deadline = Instant::now() + WAIT_MAX * self.patience;
        loop {
            let all = segments(&self.supervisor, &self.room.id).await?;
            let mut new = all.into_iter();
            if let Some(found) = new.find(|one| one.source == name && one.start_ms >= after_ms) {
                return Ok(found);
            }
            if Instant::now() > deadline {
                bail!("nothing of {name} arrives: {:?}", self.states().await?);
            }
            sleep(Duration::from_millis(500)).await;
        }
    }

    /// Decodes a segment of each source.
    async fn note_pictures(&mut self) -> Result<()> {
        let all = segments(&self.supervisor, &self.room.id).await?;
        for name in SOURCES {
            let found = all.iter().filter(|one| one.source == name).nth(1);
            let picture = look(&self.supervisor, found.context("one segment only")?).await?;
            eprintln!("  {name}: {picture:?}");
            ensure!(picture.codec == "h264", "{name}: {picture:?}");
            ensure!(picture.size.1 >= 480, "{name}: {picture:?}");
            let moving = picture.different as f64 / picture.pictures.max(1) as f64 * 100.0;
            let metric = format!("pictures unlike the others in a segment, {name}");
            self.figures
                .push(Figure::new(BENCH, &metric, moving, "%").at_least(90.0));
        }
        Ok(())
    }

    async fn note_usage(&mut self, guest: &mut Guest) -> Result<()> {
        let ask = "systemctl show -P CPUUsageNSec xunke-agent";
        let before: f64 = guest.tell(ask)?.parse()?;
        let began = Instant::now();
        sleep(MEASURE).await;
        let used_s = (guest.tell(ask)?.parse::<f64>()? - before) / 1e9;
        let share = used_s / began.elapsed().as_secs_f64() * 100.0;
        let memory: f64 = guest
            .tell("systemctl show -P MemoryCurrent xunke-agent")?
            .parse()?;
        let metric = "agent and both workers, two pictures of each camera";
        self.figures
            .push(Figure::new(BENCH, metric, share, "% of a core"));
        let metric = "the same, memory with what the kernel caches for it";
        self.figures
            .push(Figure::new(BENCH, metric, memory / 1e6, "MB"));
        Ok(())
    }

    /// What the kernel could not take from the workers, by the agent's own word.
    fn note_confinement(&mut self, guest: &mut Guest) -> Result<()> {
        let log = guest.tell("journalctl -b --no-pager -o cat -u xunke-agent")?;
        ensure!(log.contains("camera streams"), "{log}");
        let lacking = log.lines().filter(|line| line.contains("cannot confine"));
        let lacking: Vec<_> = lacking.collect();
        lacking.iter().for_each(|line| eprintln!("  {line}"));
        let metric = "workers that could not be confined wholly";
        self.figure(metric, lacking.len() as f64, "", 0.0);
        let denied = guest.tell("systemctl show -P NRestarts xunke-agent")?;
        self.figure("restarts of the agent", denied.parse()?, "", 0.0);
        Ok(())
    }

    fn figure(&mut self, metric: &str, value: f64, unit: &'static str, aim: f64) {
        let figure = Figure::new(BENCH, metric, value, unit);
        self.figures.push(figure.at_most(aim));
    }
}
