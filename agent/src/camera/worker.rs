//! The process that stands between a hostile camera and the agent; it holds no keys.

use std::process::ExitCode;

/// Runs as `xunke-agent camera-worker`, with a socket pair as file descriptor 0.
pub fn main() -> ExitCode {
    ExitCode::FAILURE
}
