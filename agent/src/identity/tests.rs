//! Identity files and answers that cannot be trusted.
