//! Every exit as everybody: statuses and bodies are what the policy says, and 0 canaries escape.

use std::io::Write;

use anyhow::Result;
use xunke_tests::exits;

use crate::shared::{folder, run};

/// R6, R7, R8, R20, R22, R25, R30, R31, R34, R53, R58, R64, R89, X5, X6, X19: the bug this kind of
/// software has is a right that is checked in the list and forgotten at another exit.
#[test]
fn nothing_leaves_by_an_exit_that_the_policy_keeps_shut() -> Result<()> {
    run(async {
        let tally = exits::run(&folder("exits")?, None).await?;
        let exits::Tally {
            asked,
            compared,
            looked_for,
            leaks,
            wrong,
        } = tally;
        // Not by a macro that the test runner swallows: these counts are the point.
        writeln!(
            std::io::stderr(),
            "exits: {asked} requests, {compared} answers compared, {looked_for} canaries looked \
             for, {leaks} leaks"
        )?;
        assert!(
            wrong.is_empty(),
            "{} differ:\n{}",
            wrong.len(),
            wrong.join("\n")
        );
        assert_eq!(leaks, 0);
        assert!(
            asked > 1_200 && looked_for > 100_000,
            "{asked} {looked_for}"
        );
        Ok(())
    })
}
