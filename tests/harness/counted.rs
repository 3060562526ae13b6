//! What a test counted, in a line that `ops/prove` adds up.

/// The beginning of such a line.
pub const COUNTED: &str = "counted: ";

/// Says that there were `n` of `what`; words as a reader of PROOF.md reads them.
#[expect(clippy::print_stdout, reason = "figures are what it is for")]
pub fn counted(n: usize, what: &str) {
    println!("{COUNTED}{n} {what}");
}
