//! libFuzzer on the reader `search` of tests/harness/fuzz.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| harness::fuzz::run("search", bytes));
