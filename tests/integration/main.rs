//! The integration tests, one binary, one campus for all that can share it.

mod permissions;
