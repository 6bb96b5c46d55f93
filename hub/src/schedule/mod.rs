//! The school's timetable as it comes from elsewhere: read, compared with what is there, taken over
//! as a whole or not at all (R74; requirements §3.3).
//!
//! weeks → course → table → kb_list → expand → conflict → plan → import

pub mod weeks;
pub mod course;
pub mod table;
pub mod kb_list;
pub mod expand;
pub mod conflict;
pub mod plan;
pub mod import;
