//! A box behind a line that loses packets catches up after an outage; `./dev bench upload` does it
//! for minutes, with figures.

use anyhow::{Result, ensure};
use xunke_tests::bench::upload::impossible;

use crate::powercut::{figures, value};

/// X55, P6: after an outage everything is at the hub, once, as it was sealed, each segment going on
/// where the one before it ended, and the box was watched meanwhile. How fast depends on the
/// machine: that is for the bench.
#[test]
fn after_an_outage_everything_is_at_the_hub_once_and_whole() -> Result<()> {
    if let Some(why) = impossible() {
        eprintln!("NOT TESTED, there can be no line between box and hub here: {why}");
        return Ok(());
    }
    let wishes = ["upload", "--outage-seconds", "20", "--quiet-seconds", "5"];
    let figures = figures("bench", &wishes)?;
    for metric in [
        "segments missing",
        "breaks in the chain from segment to segment",
        "segments that are not as the box sealed them",
        "rows without their one file, or twice",
    ] {
        ensure!(value(&figures, metric)? == 0.0, "{metric}: {figures:?}");
    }
    ensure!(
        value(&figures, "segments that waited")? >= 2.0,
        "{figures:?}"
    );
    Ok(())
}
