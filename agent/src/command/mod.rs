//! Commands: what the hub orders beside live views, carried out once and told whatever happens.
//!
//! diary → ledger → selftest → diagnosis → reboot → runner
//!
//! Invariants: the intention is on disk before the effect and the result before the answer; one at
//! a time of those that exclude each other; each ends within its limit. Nothing here reads a file
//! by name, starts a program, or takes a picture or a sound.

mod diary;
mod ledger;
mod selftest;
mod diagnosis;
mod reboot;
mod runner;

pub use diary::Diary;
pub use ledger::Ledger;
pub use runner::{Runner, Ways};
