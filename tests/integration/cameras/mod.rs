//! Real camera workers before simulated cameras that behave as real ones do.

mod watched;
mod quirks;
mod codecs;
mod sides;
mod secure;
mod killed;
mod visits;
