//! Starting the machine anew. The agent has no right to do so: it asks systemd by making a file
//! that a path unit waits for (`xunke-agent-reboot.path`), which stops everything in its order.

use std::io;
use std::path::Path;
use std::time::Duration;
use tokio::time::sleep;
use xunke_protocol::envelope::{CommandAnswer, CommandState};

/// A machine that is still there after so long was not started anew.
pub(super) const STILL_THERE: Duration = Duration::from_secs(120);

/// Asks for it. Returns only if it does not come about, after `most`; if it does, the next start
/// finds what was begun.
pub(super) async fn reboot(file: &Path, most: Duration) -> CommandAnswer {
    if file.as_os_str().is_empty() {
        return CommandAnswer::new(CommandState::Rejected, Some("reboot_forbidden"));
    }
    match std::fs::write(file, b"") {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return CommandAnswer::new(CommandState::Rejected, Some("reboot_not_set_up"));
        }
        Err(error) => {
            tracing::warn!(%error, "a reboot cannot be asked for");
            return CommandAnswer::new(CommandState::Rejected, Some("reboot_not_set_up"));
        }
    }
    tracing::info!("the machine is to start anew, by order");
    sleep(most).await;
    drop(std::fs::remove_file(file));
    CommandAnswer::new(CommandState::Failed, Some("not_rebooted"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_peer::directory;

    #[tokio::test]
    async fn a_box_that_may_not_says_why() {
        let answer = reboot(Path::new(""), STILL_THERE).await;
        assert_eq!(answer.code.as_deref(), Some("reboot_forbidden"));
        let nowhere = directory("reboot").join("gone/reboot");
        let answer = reboot(&nowhere, STILL_THERE).await;
        assert_eq!(answer.state, CommandState::Rejected);
        assert_eq!(answer.code.as_deref(), Some("reboot_not_set_up"));
    }

    #[tokio::test]
    async fn a_machine_that_stays_is_told_and_asked_no_longer() {
        let file = directory("reboot").join("reboot");
        let answer = reboot(&file, Duration::ZERO).await;
        assert_eq!(answer.code.as_deref(), Some("not_rebooted"));
        assert!(!file.exists());
    }
}
