//! The two regulations as pure functions: facts in, an answer or a refusal out.
//!
//! refusal → level → network → agreement → password → purpose → recusal → retention
//! → institution → preset → sanction → administrators → appointment → application → departure
//! → review → inspection → patrol → access → label → fault → alert → history → command → checkup
//!
//! Each function cites its article in the original words. Nothing here does IO or asks the time;
//! what is not expressly allowed is refused (R20). Departments, duties, levels and units are data.

pub mod refusal;
#[cfg(test)]
mod regulation;
pub mod level;
pub mod network;
pub mod agreement;
pub mod password;
pub mod purpose;
pub mod recusal;
pub mod retention;
pub mod institution;
pub mod preset;
pub mod sanction;
pub mod administrators;
pub mod appointment;
pub mod application;
pub mod review;
pub mod departure;
pub mod inspection;
pub mod patrol;
pub mod access;
pub mod label;
pub mod fault;
pub mod alert;
pub mod history;
pub mod command;
pub mod checkup;

pub use access::decide;
pub use refusal::Refusal;
