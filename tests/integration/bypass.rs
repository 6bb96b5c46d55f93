//! A short run of the attempts to get in without being let in; `./dev bench bypass` makes 50,000.

use std::io::Write;

use anyhow::Result;
use xunke_tests::bypass;

use crate::shared::{folder, run};

const ATTEMPTS: usize = 5_000;

/// R20, R31, X1: magic headers, path, cookie and method tricks, broken tokens, foreign pages,
/// upgrades, smuggled requests: no content.
#[test]
fn no_attempt_to_get_in_brings_content() -> Result<()> {
    run(async {
        let outcome = bypass::run(&folder("bypass")?, ATTEMPTS).await?;
        writeln!(
            std::io::stderr(),
            "bypass: {} attempts, {} with content; answers {:?}",
            outcome.tried(),
            outcome.content.len(),
            outcome.answers
        )?;
        assert_eq!(outcome.content, [""; 0]);
        assert_eq!(outcome.tried(), ATTEMPTS);
        assert!(outcome.attempts.len() >= 10, "{:?}", outcome.attempts);
        Ok(())
    })
}
