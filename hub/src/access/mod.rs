//! Access: who somebody is, what was decided, and the trail of both.
//!
//! secret → audit → institution → person → session → password → second_factor → lockout
//! → sign_in → place → gate → grant → departure → roster
//!
//! Invariant: a [`gate::Permit`] exists only after its line in the trail is durable.

pub mod secret;
pub mod audit;
pub mod institution;
pub mod person;
pub mod session;
pub mod password;
pub mod second_factor;
pub mod lockout;
pub mod sign_in;
pub mod place;
pub mod gate;
pub mod grant;
pub mod departure;
pub mod roster;
