//! The simulated campus: real cameras, a real hub, real boxes and people, for demo, tests and
//! benches.
//!
//! clock → classroom → camera → onvif → projector → picture → campus → asking → receiver → exits
//! → bypass → demo → first_start → load → bench → fuzz → image → powercut

pub mod clock;
pub mod classroom;
pub mod camera;
pub mod onvif;
pub mod projector;
pub mod picture;
pub mod campus;
pub mod asking;
pub mod receiver;
pub mod exits;
pub mod bypass;
pub mod demo;
pub mod first_start;
pub mod load;
pub mod bench;
pub mod fuzz;
pub mod image;
pub mod powercut;
