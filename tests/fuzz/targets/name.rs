//! libFuzzer on the reader `name` of tests/harness/fuzz.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| harness::fuzz::run("name", bytes));
