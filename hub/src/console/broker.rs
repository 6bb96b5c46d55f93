//! What a broker before the hub needs: papers of its own, whom to trust, and whom no more.

use std::fs;
use std::path::Path;

use anyhow::{Context, ensure};

use super::{operator, print};
use crate::access::audit::{Entry, Trail};
use crate::authority::{Ca, secret_file};
use crate::clock::now_ms;
use crate::config::Config;
use crate::notice::Notices;
use crate::run::{broker_folder, write_list};
use crate::store::Db;

/// Writes into a folder what mosquitto is configured with: `ca.pem`, `broker.pem`,
/// `broker-key.pem` (a secret, mode 0600) and `revoked.pem`. Another run replaces them.
///
/// # Errors
/// No broker is configured, or the folder cannot be written.
pub async fn papers(config: Config, to: &Path) -> anyhow::Result<()> {
    let (host, _) = config.mqtt.broker.address().context(
        "mqtt.broker: name the broker in the configuration first, such as \
         broker = { host = \"mqtt.example.edu.cn\", port = 8883 }",
    )?;
    ensure!(
        to != broker_folder(&config.data_dir),
        "the hub keeps its own list there; give another folder"
    );
    fs::create_dir_all(to).with_context(|| format!("cannot make {}", to.display()))?;
    let db = Db::open(&config.data_dir, &config.store).await?;
    let ca = Ca::open(&config.data_dir.join("authority"), now_ms())?;
    let trail = Trail::new(db.clone(), Notices::default());
    let entry = Entry {
        object: host.to_owned(),
        ..Entry::done(operator(), "make_broker_papers")
    };
    trail.append(entry, now_ms()).await?;
    let papers = ca.broker(&[host.to_owned()], now_ms())?;
    secret_file::write(&to.join("ca.pem"), ca.pem().as_bytes())?;
    secret_file::write(&to.join("broker.pem"), papers.certificate_pem.as_bytes())?;
    secret_file::write(&to.join("broker-key.pem"), papers.key_pem.as_bytes())?;
    write_list(&db, &ca, to).await?;
    db.close().await;
    print(&format!(
        "written to {}; the certificate is good for 400 days",
        to.display()
    ))
}
