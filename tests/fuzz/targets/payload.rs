//! libFuzzer on the reader `payload` of tests/harness/fuzz.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| harness::fuzz::run("payload", bytes));
