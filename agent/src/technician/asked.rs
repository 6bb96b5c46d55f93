//! Which camera a technician means: an address on the command line, or a name of `agent.toml`.

use crate::camera::program::Program;
use crate::camera::visit::Target;
use crate::config::{self, Config, Network, Sha256Hex};
use anyhow::{Context, Result, bail};
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// What stands on the command line.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// `rtsp://…`, `rtsps://…`, `http://…` of its ONVIF service, or a name of `config`.
    pub camera: String,
    /// User name and password, one a line.
    pub credentials_file: Option<PathBuf>,
    /// For `rtsps://`.
    pub tls_sha256: Option<String>,
    /// For `rtsps://`.
    pub tls_ca_file: Option<PathBuf>,
    /// `agent.toml`
    pub config: Option<PathBuf>,
    /// Where the camera's answers may point.
    pub networks: Vec<Network>,
}

/// A camera that can be visited. Dropping it removes what was made for it.
pub struct Found {
    /// Which, and how.
    pub target: Target,
    scratch: Option<PathBuf>,
}

impl Drop for Found {
    fn drop(&mut self) {
        if let Some(folder) = &self.scratch {
            drop(std::fs::remove_dir_all(folder));
        }
    }
}

impl Asked {
    /// Finds it.
    ///
    /// # Errors
    /// The configuration cannot be read, has no camera of that name, or the address is none.
    pub async fn find(&self) -> Result<Found> {
        let config = self.config.as_deref().map(config::load).transpose()?;
        let known = config.is_some();
        let mut config = config.unwrap_or_default();
        config.intake.camera_networks.extend(&self.networks);
        let camera = if self.camera.contains("://") {
            self.stranger()?
        } else if known {
            self.named(&config)?
        } else {
            bail!("a camera's name needs --config FILE; an address begins with rtsp:// or http://");
        };
        let (program, scratch) = program(&config.state_dir).await?;
        let target = Target {
            camera,
            intake: config.intake,
            program,
        };
        Ok(Found { target, scratch })
    }

    fn named(&self, config: &Config) -> Result<config::Camera> {
        let is = |camera: &&config::Camera| camera.name.as_str() == self.camera;
        let found = config.cameras.iter().find(is).cloned();
        let mut camera = found.with_context(|| {
            let names = config.cameras.iter().map(|camera| camera.name.as_str());
            let names: Vec<_> = names.collect();
            format!(
                "no [[camera]] has this name; there are: {}",
                names.join(", ")
            )
        })?;
        if self.credentials_file.is_some() {
            camera.credentials_file.clone_from(&self.credentials_file);
        }
        Ok(camera)
    }

    fn stranger(&self) -> Result<config::Camera> {
        let is_onvif = self.camera.starts_with("http");
        let pin = self.tls_sha256.clone().map(Sha256Hex::try_from);
        let pin = pin
            .transpose()
            .map_err(|why| anyhow::anyhow!("--tls-sha256 {why}"))?;
        let camera = config::Camera {
            name: "camera".parse()?,
            shows: config::Shows::Room,
            device: None,
            main_url: if is_onvif {
                String::new()
            } else {
                self.camera.clone()
            },
            sub_url: None,
            onvif_url: is_onvif.then(|| self.camera.clone()),
            credentials_file: self.credentials_file.clone(),
            tls_sha256: pin,
            tls_ca_file: self.tls_ca_file.clone(),
        };
        // The address is not repeated: somebody may have put a password into it.
        let check = camera.check();
        check.map_err(|(key, why)| anyhow::anyhow!("the camera's address ({key}) {why}"))?;
        Ok(camera)
    }
}

/// The list of GStreamer's plugins is that of the box's agent, or one of this command's own.
async fn program(state_dir: &Path) -> Result<(Program, Option<PathBuf>)> {
    let program = Program::own(state_dir);
    if std::fs::File::open(&program.registry).is_ok() {
        return Ok((program, None));
    }
    let folder = std::env::temp_dir().join(format!("xunke-agent-{}", Uuid::now_v7()));
    let made = DirBuilder::new().mode(0o700).create(&folder);
    made.with_context(|| format!("{} cannot be made", folder.display()))?;
    let program = Program::own(&folder);
    program.prepare().await;
    Ok((program, Some(folder)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(camera: &str) -> Asked {
        Asked {
            camera: camera.into(),
            ..Asked::default()
        }
    }

    /// A password in an address is neither used nor repeated.
    #[test]
    fn an_address_is_taken_as_the_configuration_takes_it() {
        let url = |camera: &str| asked(camera).stranger().map(|camera| camera.main_url);
        assert_eq!(url("rtsp://10.0.0.2/main").unwrap(), "rtsp://10.0.0.2/main");
        for (bad, why) in [
            ("rtsp://admin:hush@10.0.0.2/main", "credentials_file"),
            ("rtsps://10.0.0.2/main", "tls_sha256"),
            ("ftp://10.0.0.2", "rtsp://"),
            ("https://10.0.0.2", "http://"),
        ] {
            let said = url(bad).unwrap_err().to_string();
            assert!(
                said.contains(why) && !said.contains("hush"),
                "{bad}: {said}"
            );
        }
        let onvif = asked("http://10.0.0.2/onvif").stranger().unwrap();
        assert_eq!(onvif.onvif_url.as_deref(), Some("http://10.0.0.2/onvif"));
        let mut pinned = asked("rtsps://10.0.0.2/main");
        pinned.tls_sha256 = Some("ab".repeat(32));
        assert_eq!(
            pinned.stranger().unwrap().tls_sha256,
            Some(Sha256Hex([0xab; 32]))
        );
        pinned.tls_sha256 = Some("ab".into());
        assert!(
            pinned
                .stranger()
                .unwrap_err()
                .to_string()
                .contains("--tls-sha256")
        );
    }

    #[tokio::test]
    async fn a_name_is_looked_up_in_the_configuration() {
        let said = asked("cam0")
            .find()
            .await
            .map(drop)
            .unwrap_err()
            .to_string();
        assert!(said.contains("needs --config"), "{said}");
        let mut config = Config::default();
        config
            .cameras
            .push(asked("rtsp://10.0.0.2/main").stranger().unwrap());
        let found = asked("camera").named(&config).unwrap();
        assert_eq!(found.main_url, "rtsp://10.0.0.2/main");
        let said = asked("cam7").named(&config).unwrap_err().to_string();
        assert!(said.contains("there are: camera"), "{said}");
    }
}
