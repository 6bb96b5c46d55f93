//! The two regulations as pure functions: facts in, an answer or a refusal out.
//!
//! refusal → level → agreement → password → patrol → access → fault
//!
//! Each function cites its article in the original words. Nothing here does IO or asks the time;
//! what is not expressly allowed is refused (R20).

pub mod refusal;
pub mod level;
pub mod agreement;
pub mod password;
pub mod patrol;
pub mod access;
pub mod fault;

pub use access::decide;
pub use refusal::Refusal;
