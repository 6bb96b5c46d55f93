//! The three flows, each from the camera to the person.

mod live;
mod health;
mod recording;
mod timetable;
