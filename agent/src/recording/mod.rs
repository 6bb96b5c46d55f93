//! Recording: encoded frames in, receipts from the hub out.
//!
//! align → cut → fragment
//!
//! Invariants: nothing below `seal` sees a plain frame; the recorder is fed from memory and waits
//! for neither hub nor upload; only the hub's signed receipt, or a full disk said aloud, removes a
//! segment.

pub mod align;
pub mod cut;
pub mod fragment;
