//! Debian's nginx before a hub, with the configurations of `configs/nginx`.

use std::fs;
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::hub::Hub;
use super::process::Process;
use super::programs::free_port;

const PROGRAM: &str = "/usr/sbin/nginx";
const STREAM: &str = "/usr/lib/nginx/modules/ngx_stream_module.so";
const UP_MAX: Duration = Duration::from_secs(10);
/// Where the configuration expects its papers.
const PLACE: &str = "/etc/nginx/xunke/";

/// A proxy of one hub's own. Dropping it kills it.
pub struct Nginx {
    /// Its address for browsers.
    pub url: String,
    /// What browsers must trust, PEM.
    pub ca_pem: String,
    /// Its port for boxes that push, upload and enrol.
    pub boxes: u16,
    /// Its port for boxes that speak MQTT.
    pub mqtt: u16,
    _process: Process,
}

impl Nginx {
    /// Starts one in `folder` before a hub that is running; it asks the hub from `own`, an address
    /// of this machine.
    ///
    /// # Errors
    /// It is not installed, or does not start.
    pub fn start(folder: &Path, hub: &Hub, own: Ipv4Addr) -> Result<Self> {
        for file in [PROGRAM, STREAM] {
            let there = Path::new(file).is_file();
            ensure!(there, "{file} is missing: ./dev setup installs it");
        }
        fs::create_dir_all(folder)?;
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()])?;
        let ca_pem = made.cert.pem();
        fs::write(folder.join("fullchain.pem"), &ca_pem)?;
        fs::write(folder.join("key.pem"), made.signing_key.serialize_pem())?;
        fs::write(folder.join("hub-ca.pem"), hub.ca_pem()?)?;
        let [people, boxes, mqtt] = [free_port()?, free_port()?, free_port()?];
        let from = format!("proxy_http_version 1.1;\n        proxy_bind {own};");
        let changes = [
            ("proxy_http_version 1.1;", from),
            ("listen 443 ", format!("listen 127.0.0.1:{people} ")),
            ("server 127.0.0.1:8443;", at("server", hub.ports.people)),
            ("listen 8444;", at("listen", boxes)),
            ("listen 8883;", at("listen", mqtt)),
            (
                "proxy_pass 127.0.0.1:18444;",
                at("proxy_pass", hub.ports.boxes),
            ),
            (
                "proxy_pass 127.0.0.1:18883;",
                at("proxy_pass", hub.ports.mqtt),
            ),
            (PLACE, format!("{}/", folder.display())),
            ("/var/log/nginx/", format!("{}/", folder.display())),
        ];
        let configs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../configs/nginx");
        for name in ["xunke.conf", "xunke-boxes.conf"] {
            let text = fs::read_to_string(configs.join(name))?;
            let own = changes
                .iter()
                .fold(text, |text, (from, to)| text.replace(from, to));
            fs::write(folder.join(name), own)?;
        }
        let config = folder.join("nginx.conf");
        fs::write(&config, around(folder))?;
        let arguments = ["-c".as_ref(), config.as_os_str()];
        let mut process = Process::start("nginx", Path::new(PROGRAM), arguments, folder)?;
        let deadline = Instant::now() + UP_MAX;
        for port in [people, boxes, mqtt] {
            while TcpStream::connect(("127.0.0.1", port)).is_err() {
                let up = !process.ended() && Instant::now() < deadline;
                ensure!(up, "nginx did not start\n{}", process.last_words());
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        Ok(Self {
            url: format!("https://localhost:{people}"),
            ca_pem,
            boxes,
            mqtt,
            _process: process,
        })
    }
}

fn at(word: &str, port: u16) -> String {
    format!("{word} 127.0.0.1:{port};")
}

/// What Debian's own `nginx.conf` says around the two files, in a folder of the test's own.
fn around(folder: &Path) -> String {
    let folder = folder.display();
    let paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let paths = paths.map(|name| format!("{name}_temp_path {folder}/{name};"));
    format!(
        "daemon off;\nmaster_process off;\npid {folder}/nginx.pid;\n\
         error_log {folder}/nginx.log warn;\nload_module {STREAM};\n\
         events {{ worker_connections 256; }}\n\
         http {{\n{}\ninclude {folder}/xunke.conf;\n}}\ninclude {folder}/xunke-boxes.conf;\n",
        paths.join("\n")
    )
}
