//! Access: who somebody is, what was decided, and the trail of both.
//!
//! secret → code → workbook → audit → institution → person → session → password → second_factor
//! → recovery → passkey → lockout → sign_in → single_sign_on → place → gate → grant → document
//! → paper → departure → sanction → interference → exam_lock → keeping → roster → start_code
//! → start → account → stale → release → agreement → inspection → risk → incident
//!
//! Invariant: a [`gate::Permit`] exists only after its line in the trail is durable.

pub mod secret;
pub mod code;
pub mod workbook;
pub mod audit;
pub mod institution;
pub mod person;
pub mod session;
pub mod password;
pub mod second_factor;
pub mod recovery;
pub mod passkey;
pub mod lockout;
pub mod sign_in;
pub mod single_sign_on;
pub mod place;
pub mod gate;
pub mod grant;
pub mod document;
pub mod paper;
pub mod departure;
pub mod sanction;
pub mod interference;
pub mod exam_lock;
pub mod keeping;
pub mod roster;
pub mod start_code;
pub mod start;
pub mod account;
pub mod stale;
pub mod release;
pub mod agreement;
pub mod inspection;
pub mod risk;
pub mod incident;
