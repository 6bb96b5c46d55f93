//! Configuration: one TOML file; `configs/hub.toml` shows every key at its default.

mod range;

mod agreement;
mod audit;
mod broker;
mod channels;
mod checkup;
mod keys;
mod metrics;
mod origin;
mod recording;
mod single_sign_on;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use url::Url;

pub use range::Network;

pub use agreement::Agreement;
pub use audit::Audit;
pub use broker::Broker;
pub use channels::Channels;
pub use checkup::Checkup;
pub use keys::Keys;
pub use metrics::Metrics;
pub use recording::Recording;
pub use single_sign_on::SingleSignOn;

/// Everything that can be configured, one section per concern.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where the hub keeps its database, keys and media.
    pub data_dir: PathBuf,
    /// The database.
    pub store: Store,
    /// The school.
    pub college: College,
    /// The door for people.
    pub people: People,
    /// Sign-in and sessions.
    pub session: Session,
    /// Signing the confidentiality agreement.
    pub agreement: Agreement,
    /// The copy of the audit trail.
    pub audit: Audit,
    /// Signing in by the school's own issuer.
    pub single_sign_on: SingleSignOn,
    /// The door for classroom boxes.
    pub boxes: Boxes,
    /// The MQTT door for classroom boxes.
    pub mqtt: Mqtt,
    /// The keys of recordings.
    pub keys: Keys,
    /// Recordings.
    pub recording: Recording,
    /// Numbers for Prometheus.
    pub metrics: Metrics,
    /// The way out for messages.
    pub channels: Channels,
    /// The check-up before the first lesson.
    pub checkup: Checkup,
    /// The demonstration college.
    pub demo: Demo,
}

/// `[store]`
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Store {
    /// Empty for SQLite in `data_dir`, or `postgres://USER@HOST/NAME`; never with a password.
    pub url: String,
    /// The file with the password; empty when the server asks for none.
    pub password_file: PathBuf,
}

/// `[college]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct College {
    /// Printed on official forms (R73); empty: the name in the preset.
    pub name: String,
    /// `polytechnic`, `institute`, or a file; read at first start (docs/decisions/0010).
    pub preset: String,
}

/// `[people]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct People {
    /// Address and port.
    pub listen: SocketAddr,
    /// Names and addresses on the hub's certificate beside localhost.
    pub names: Vec<String>,
    /// What people type, such as `https://xunke.example.edu.cn:8443`; empty: see
    /// [`Config::origin`].
    pub origin: String,
    /// 第十一条第2项: only from these networks (R31).
    pub campus_networks: Vec<Network>,
    /// Proxies of the school whose `X-Forwarded-For` is believed (R31).
    pub trusted_proxies: Vec<Network>,
    /// Connections at the same time; more wait.
    pub connections_max: usize,
    /// Time for the TLS handshake and for the head of a request.
    pub handshake_seconds_max: u64,
}

/// `[session]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Session {
    /// Signed out after so long without a request.
    pub idle_minutes: u32,
    /// Signed out after so long in any case.
    pub absolute_hours: u32,
    /// Wrong sign-ins in a row from one address before it has to wait.
    pub failures_max: u32,
    /// How long it has to wait.
    pub locked_minutes: u32,
    /// Days until a password must be changed (第十一条第2项, R30).
    pub password_days: u32,
    /// Days before that on which the person is reminded.
    pub password_warning_days: u32,
    /// How long a one-time start code is good (X3).
    pub start_code_hours: u32,
    /// Days without a sign-in after which an account is reported (X4).
    pub stale_days: u32,
    /// Days after which it is disabled by itself; 0: never.
    pub disable_days: u32,
}

/// `[boxes]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Boxes {
    /// Address and port.
    pub listen: SocketAddr,
}

/// `[mqtt]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Mqtt {
    /// Address and port.
    pub listen: SocketAddr,
    /// A broker of the school in its place.
    pub broker: Broker,
}

/// `[demo]`
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Demo {
    /// Allows `seed-demo` and sign-in links; only with loopback listeners.
    pub enabled: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data_dir: "/var/lib/xunke-hub".into(),
            store: Store::default(),
            college: College::default(),
            people: People::default(),
            session: Session::default(),
            agreement: Agreement::default(),
            audit: Audit::default(),
            single_sign_on: SingleSignOn::default(),
            boxes: Boxes::default(),
            mqtt: Mqtt::default(),
            keys: Keys::default(),
            recording: Recording::default(),
            metrics: Metrics::default(),
            channels: Channels::default(),
            checkup: Checkup::default(),
            demo: Demo::default(),
        }
    }
}

impl Default for College {
    fn default() -> Self {
        Self {
            name: String::new(),
            preset: "polytechnic".into(),
        }
    }
}

impl Default for People {
    fn default() -> Self {
        let campus = [
            "10.0.0.0/8",
            "172.16.0.0/12",
            "192.168.0.0/16",
            "127.0.0.0/8",
            "fc00::/7",
            "::1/128",
        ];
        let network = |text: &str| text.parse().expect("invariant: a network");
        Self {
            listen: every_address(8443),
            names: Vec::new(),
            origin: String::new(),
            campus_networks: campus.map(network).to_vec(),
            trusted_proxies: Vec::new(),
            connections_max: 2000,
            handshake_seconds_max: 10,
        }
    }
}

impl Default for Session {
    fn default() -> Self {
        Self {
            idle_minutes: 30,
            absolute_hours: 12,
            failures_max: 5,
            locked_minutes: 30,
            password_days: 90,
            password_warning_days: 14,
            start_code_hours: 72,
            stale_days: 90,
            disable_days: 180,
        }
    }
}

impl Default for Boxes {
    fn default() -> Self {
        Self {
            listen: every_address(8444),
        }
    }
}

impl Default for Mqtt {
    fn default() -> Self {
        Self {
            listen: every_address(8883),
            broker: Broker::default(),
        }
    }
}

fn every_address(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::UNSPECIFIED, port))
}

/// Why a configuration was not accepted; the text names file, line and key.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The text is not a configuration.
    #[error("{path}:{line}: {key}: {message}")]
    Parse {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// The key on that line.
        key: String,
        /// What is wrong with it.
        message: String,
    },
    /// Two settings contradict each other.
    #[error("{path}:{line}: {key}: {message}")]
    Forbidden {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// The key.
        key: &'static str,
        /// Why not.
        message: &'static str,
    },
}

impl Config {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// One line naming file, line and key.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let text = std::fs::read_to_string(path).map_err(|source| Error::Read {
            path: path.into(),
            source,
        })?;
        Self::parse(&text, path)
    }

    fn parse(text: &str, path: &Path) -> Result<Self, Error> {
        let config: Self = toml::from_str(text).map_err(|error| {
            let start = error.span().map_or(0, |span| span.start);
            let (line, key) = line_and_key(text, start);
            let message = error.message().replace('\n', " ");
            Error::Parse {
                path: path.into(),
                line,
                key,
                message,
            }
        })?;
        config.check().map_err(|(key, message)| {
            let line = line_of_key(text, key);
            Error::Forbidden {
                path: path.into(),
                line,
                key,
                message,
            }
        })?;
        Ok(config)
    }

    /// A demonstration never faces a network, so a production configuration cannot enable it.
    fn check(&self) -> Result<(), (&'static str, &'static str)> {
        self.store.check()?;
        self.audit.check(&self.data_dir)?;
        self.channels.check()?;
        self.mqtt.broker.check()?;
        self.checkup.check()?;
        let listeners = [self.people.listen, self.boxes.listen, self.mqtt.listen];
        if self.demo.enabled && !listeners.iter().all(|address| address.ip().is_loopback()) {
            return Err((
                "demo.enabled",
                "the demonstration runs on loopback only: set people.listen, boxes.listen and \
                 mqtt.listen to 127.0.0.1, or take this key out",
            ));
        }
        if self
            .people
            .trusted_proxies
            .iter()
            .any(|one| one.is_everything())
        {
            return Err((
                "people.trusted_proxies",
                "every address would be a proxy; name the school's proxies one by one",
            ));
        }
        self.check_origin()?;
        self.recording.check()?;
        self.metrics.check()?;
        self.single_sign_on.check(&self.people.origin)?;
        if self.people.connections_max == 0 {
            return Err(("people.connections_max", "must be 1 or more"));
        }
        if self.session.idle_minutes == 0 || self.session.absolute_hours == 0 {
            return Err((
                "session.idle_minutes",
                "a session must last 1 minute or more",
            ));
        }
        let days = self.session.password_days;
        if !(1..=366).contains(&days) || self.session.password_warning_days >= days {
            return Err((
                "session.password_days",
                "must be 1 to 366, and more than session.password_warning_days",
            ));
        }
        if !(1..=24 * 30).contains(&self.session.start_code_hours) {
            return Err(("session.start_code_hours", "must be 1 to 720"));
        }
        self.session.check()?;
        self.keys.check()?;
        if self.recording.uploads_max == 0 {
            return Err(("recording.uploads_max", "must be 1 or more"));
        }
        Ok(())
    }

    /// 第十一条第2项: whether `address` is on the campus.
    #[must_use]
    pub fn on_campus(&self, address: IpAddr) -> bool {
        let networks = &self.people.campus_networks;
        networks.iter().any(|network| network.contains(address))
    }
}

impl Session {
    /// X4: an account is reported before it is disabled.
    fn check(&self) -> Result<(), (&'static str, &'static str)> {
        if !(30..=3660).contains(&self.stale_days) {
            return Err(("session.stale_days", "must be 30 to 3660"));
        }
        if self.disable_days > 0 && self.disable_days <= self.stale_days {
            return Err((
                "session.disable_days",
                "must be more than session.stale_days, or 0 for never",
            ));
        }
        Ok(())
    }
}

impl Store {
    /// Passwords stand in files; what goes to another machine is encrypted, and that machine known.
    fn check(&self) -> Result<(), (&'static str, &'static str)> {
        if self.url.is_empty() {
            return Ok(());
        }
        let wrong = |why| Err(("store.url", why));
        let Ok(url) = Url::parse(&self.url) else {
            return wrong("not a URL such as postgres://xunke@localhost/xunke");
        };
        if !matches!(url.scheme(), "postgres" | "postgresql") {
            return wrong("only postgres://…; leave it empty for SQLite in data_dir");
        }
        let parameter = |name| url.query_pairs().any(|(key, _)| key == name);
        if url.password().is_some() || parameter("password") {
            return wrong("never with the password; name its file in store.password_file");
        }
        let host = url.host_str().unwrap_or_default();
        let here = parameter("host")
            || matches!(host, "" | "localhost" | "[::1]")
            || host.starts_with("127.");
        let verified = ("sslmode".into(), "verify-full".into());
        if !here && !url.query_pairs().any(|pair| pair == verified) {
            return wrong("a PostgreSQL on another machine needs ?sslmode=verify-full");
        }
        Ok(())
    }
}

impl Config {
    /// Where a request really comes from: `peer`, or whoever a named proxy says (R31). `None` when
    /// it does not say.
    #[must_use]
    pub fn client(&self, peer: IpAddr, forwarded_for: &str) -> Option<IpAddr> {
        let proxies = &self.people.trusted_proxies;
        xunke_policy::network::client(peer, forwarded_for, |address| {
            proxies.iter().any(|proxy| proxy.contains(address))
        })
    }
}

/// The line (from 1) at byte `start`, and the dotted key there.
fn line_and_key(text: &str, start: usize) -> (usize, String) {
    let before = &text[..start.min(text.len())];
    let line = before.matches('\n').count() + 1;
    let is_section = |line: &&str| line.trim_start().starts_with('[');
    let content = text.lines().nth(line - 1).unwrap_or_default();
    let word = content.split(['=', '#']).next().unwrap_or_default().trim();
    if is_section(&content) {
        return (line, word.to_owned());
    }
    let section = text.lines().take(line).filter(is_section).last();
    let key = match section {
        Some(section) => format!("{}.{word}", section.trim().trim_matches(['[', ']'])),
        None => word.to_owned(),
    };
    (line, key)
}

/// The line (from 1) where a dotted key of this file is written, or its section, or 1.
fn line_of_key(text: &str, dotted: &str) -> usize {
    let lines = 1..=text.lines().count();
    let found = lines.clone().find(|line| {
        let start: usize = text
            .split_inclusive('\n')
            .take(line - 1)
            .map(str::len)
            .sum();
        line_and_key(text, start).1 == dotted
    });
    found.unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = include_str!("../../configs/hub.toml");

    fn refusal(text: &str) -> String {
        Config::parse(text, Path::new("hub.toml"))
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn the_shipped_file_shows_every_key_at_its_default() {
        let parsed = Config::parse(FILE, Path::new("hub.toml")).unwrap();
        assert_eq!(parsed, Config::default());
        let keys: toml::Table = toml::from_str(FILE).unwrap();
        assert_eq!(keys, toml::Table::try_from(Config::default()).unwrap());
    }

    #[test]
    fn a_wrong_key_is_named_with_file_and_line() {
        let text = "# hub\n[people]\nlisten = \"127.0.0.1:1\"\nlisen = 5\n";
        let line = refusal(text);
        assert!(
            line.starts_with("hub.toml:4: people.lisen: unknown field `lisen`"),
            "{line}"
        );
        let line = refusal("data_dir = 5");
        assert!(
            line.starts_with("hub.toml:1: data_dir: invalid type"),
            "{line}"
        );
        let line = refusal("[people]\ncampus_networks = [\"10.0.0.0/33\"]\n");
        assert!(
            line.starts_with("hub.toml:2: people.campus_networks: \"10.0.0.0/33\""),
            "{line}"
        );
    }

    #[test]
    fn a_demonstration_that_faces_a_network_is_refused() {
        let line = refusal("[people]\nlisten = \"0.0.0.0:8443\"\n[demo]\nenabled = true\n");
        assert!(
            line.starts_with("hub.toml:4: demo.enabled: the demonstration"),
            "{line}"
        );
        let loopback = "[people]\nlisten = \"127.0.0.1:0\"\n[boxes]\nlisten = \"[::1]:0\"\n\
                        [mqtt]\nlisten = \"127.0.0.1:0\"\n[demo]\nenabled = true\n";
        assert!(
            Config::parse(loopback, Path::new("hub.toml"))
                .unwrap()
                .demo
                .enabled
        );
    }

    /// No secret in a URL, and nothing in the clear to another machine.
    #[test]
    fn a_store_on_another_machine_is_named_without_its_password() {
        let said = |url: &str| match Config::parse(
            &format!("[store]\nurl = \"{url}\"\n"),
            Path::new("hub.toml"),
        ) {
            Ok(_) => "accepted".to_owned(),
            Err(why) => why.to_string(),
        };
        for good in [
            "postgres://xunke@localhost/xunke",
            "postgres://xunke@127.0.0.1:5433/xunke",
            "postgresql://xunke@localhost/xunke?host=/run/postgresql",
            "postgres://xunke@db.school.edu.cn/xunke?sslmode=verify-full&sslrootcert=/etc/ca.pem",
        ] {
            assert_eq!(said(good), "accepted", "{good}");
        }
        for (bad, why) in [
            (
                "postgres://xunke:secret@localhost/xunke",
                "never with the password",
            ),
            (
                "postgres://xunke@localhost/xunke?password=secret",
                "never with the password",
            ),
            (
                "postgres://xunke@db.school.edu.cn/xunke",
                "a PostgreSQL on another machine",
            ),
            (
                "postgres://xunke@10.0.0.9/xunke?sslmode=require",
                "a PostgreSQL on another",
            ),
            ("mysql://xunke@localhost/xunke", "only postgres"),
            ("hub.sqlite", "not a URL"),
        ] {
            let start = format!("hub.toml:2: store.url: {why}");
            assert!(
                said(bad).starts_with(&start) && !said(bad).contains("secret"),
                "{}",
                said(bad)
            );
        }
    }

    /// R31: a forwarding header is believed from named proxies; who names everybody names nobody.
    #[test]
    fn only_named_proxies_speak_for_others() {
        let text = "[people]\ntrusted_proxies = [\"10.0.0.2\", \"10.0.9.0/24\"]\n";
        let config = Config::parse(text, Path::new("hub.toml")).unwrap();
        let client = |peer: &str, header| config.client(peer.parse().unwrap(), header);
        let address = |text: &str| text.parse::<IpAddr>().ok();
        assert_eq!(client("10.0.0.2", "10.1.1.1"), address("10.1.1.1"));
        assert_eq!(
            client("10.0.9.77", "10.1.1.1, 10.0.0.2"),
            address("10.1.1.1")
        );
        assert_eq!(client("10.0.0.3", "10.1.1.1"), address("10.0.0.3"));
        assert_eq!(client("10.0.0.2", "somebody"), None);
        for everybody in ["0.0.0.0/0", "::/0"] {
            let line = refusal(&format!("[people]\ntrusted_proxies = [\"{everybody}\"]\n"));
            assert!(
                line.starts_with("hub.toml:2: people.trusted_proxies: every"),
                "{line}"
            );
        }
    }

    /// R31.
    #[test]
    fn networks_contain_their_addresses_and_no_others() {
        let contains = |network: &str, address: &str| {
            let network: Network = network.parse().unwrap();
            network.contains(address.parse().unwrap())
        };
        assert!(contains("10.0.0.0/8", "10.255.0.1") && !contains("10.0.0.0/8", "11.0.0.1"));
        assert!(contains("10.0.0.0/8", "::ffff:10.1.2.3"));
        assert!(contains("192.0.2.7/32", "192.0.2.7") && !contains("192.0.2.7/32", "192.0.2.6"));
        assert!(contains("0.0.0.0/0", "8.8.8.8") && !contains("0.0.0.0/0", "2001:db8::1"));
        assert!(contains("::/0", "2001:db8::1") && contains("::1/128", "::1"));
        assert!(!contains("fc00::/7", "fe80::1"));
        assert!(contains("10.0.0.2", "10.0.0.2") && !contains("10.0.0.2", "10.0.0.3"));
        assert!(contains("::1", "::1") && !contains("::1", "::2"));
    }
}
