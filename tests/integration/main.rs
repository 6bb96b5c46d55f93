//! The integration tests, one binary, one campus for all that can share it.

mod shared;
mod watching;
mod bad_input;
mod doors;
mod mqtt;
mod flows;
mod records;
mod audit;
mod demo;
mod crash;
mod grants;
mod agreement;
mod inspections;
mod proxies;
mod accounts;
mod people;
mod revocation;
mod single_sign_on;
mod exits;
mod postgres;
mod bypass;
mod cameras;
mod fuzz;
mod onvif;
mod powercut;
mod catching_up;
