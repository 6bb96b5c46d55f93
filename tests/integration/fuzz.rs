//! Some hundreds of sessions with hostile cameras; `./dev fuzz camera` makes thousands.

use anyhow::{Context, Result, ensure};
use xunke_tests::fuzz::camera::{Wishes, sessions};

use crate::shared::{folder, run};

/// X62: whatever a camera says, no worker crashes, the agent goes on, and the good cameras beside
/// the hostile ones lose no picture.
#[test]
fn hostile_cameras_harm_nobody() -> Result<()> {
    run(async {
        let wishes = Wishes {
            sessions: 240,
            seed: 1,
            session: None,
        };
        let found = sessions(&folder("fuzz")?, wishes).await?;
        ensure!(found.wrong.is_empty(), "{}", found.wrong.join("\n"));
        ensure!(found.direct > 60 && found.asked > 15, "{found:?}");
        let outcome = found.outcome.context("no box")?;
        ensure!(
            outcome.made > 10,
            "the box met no hostile camera: {outcome:?}"
        );
        ensure!((outcome.lost, outcome.again) == (0, 0), "{outcome:?}");
        Ok(())
    })
}
