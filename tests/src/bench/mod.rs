//! Benches: figures with their aims, measured on the simulated campus.
//!
//! usage → figure → thread → access → noticing → camera → time → seal → spool
//! → upload → playback → endpoint → alarms

pub mod usage;
pub mod figure;
pub mod thread;
pub mod access;
pub mod noticing;
pub mod camera;
pub mod time;
pub mod seal;
pub mod spool;
pub mod upload;
pub mod playback;
pub mod endpoint;
pub mod alarms;
