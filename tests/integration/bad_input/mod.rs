//! Bad input: each gets one clear line, nothing crashes, nothing that was recorded is lost.

mod config;
mod messages;
pub mod alone;
mod cameras;
mod hub_away;
mod full_disk;
mod full_trail;
mod killed;
mod live;
