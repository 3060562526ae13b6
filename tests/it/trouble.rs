//! Trouble as an operator meets it.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

mod clock; // a clock that jumps, and what goes for its age
