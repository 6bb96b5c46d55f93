//! Chance that can be repeated, and inputs changed by it: a parser takes whatever comes.
//!
//! dice → change

mod dice;
mod change;

pub use change::{Target, change, feed};
pub use dice::Dice;
