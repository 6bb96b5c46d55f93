//! What the hub may order.

use serde::Deserialize;
use std::path::PathBuf;

/// What the hub may order.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Commands {
    /// The file by which systemd is asked to start the machine anew; empty: the hub may not order
    /// that. `xunke-agent-reboot.path` waits for the file of the default.
    pub reboot_file: PathBuf,
}

impl Default for Commands {
    fn default() -> Self {
        Self {
            reboot_file: "/run/xunke-agent/reboot".into(),
        }
    }
}

impl Commands {
    /// Whether it can stand in a configuration.
    ///
    /// # Errors
    /// The key, and what is wrong with it.
    pub(super) fn check(&self) -> Result<(), (&'static str, &'static str)> {
        let file = &self.reboot_file;
        if file.as_os_str().is_empty() || file.is_absolute() {
            return Ok(());
        }
        Err(("reboot_file", "must be an absolute path, or empty"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_named_as_a_whole_or_not_at_all() {
        let check = |file: &str| {
            let reboot_file = file.into();
            Commands { reboot_file }.check().map_err(|(key, _)| key)
        };
        assert_eq!(Commands::default().check(), Ok(()));
        assert_eq!(check(""), Ok(()));
        assert_eq!(check("run/reboot"), Err("reboot_file"));
    }
}
