//! The hub in the machine room: decides who may see what, keeps the trail, relays and plays back.
//!
//! The order below is reading order and import order: a module uses only modules above it.

pub mod clock;
pub mod config;
pub mod notice;
pub mod authority;
pub mod endpoint;
pub mod store;
pub mod campus;
pub mod sheet;
pub mod access;
pub mod schedule;
pub mod keys;
pub mod device;
pub mod recording;
pub mod health;
pub mod demo;
pub mod live;
pub mod patrol;
pub mod web;
pub mod run;
pub mod console;
