//! The forms in which conversations leave the store, and what they cost: shared by the command line and the API.
//!
//! Every form is a small writer over the plain types of [`store::read::export`]; none of them asks the store, none knows
//! where the bytes go. [`document`] asks the store, a piece at a time; [`out`] is where the bytes go: a file that appears
//! whole, or a folder that nothing leads out of.

pub mod csv;
pub mod document;
pub mod error;
pub mod jsonl;
pub mod markdown;
pub mod messages;
pub mod out;
pub mod parts;
pub mod price;
#[cfg(test)]
mod sample;
mod shape;
pub mod stats;
pub mod time;
pub mod tree;

pub use error::Error;
