//! A program that does nothing: what it costs to be started at all.
#![no_main]

use std::ffi::c_int;

#[unsafe(no_mangle)]
extern "C" fn main() -> c_int {
    0
}
