//! What makes programs and runs them: counts of instructions can only be compared where all of it is the same.

use std::fs;
use std::process::Command;

use super::hook;

/// Each part and what it is here, in the order of the baseline.
pub(super) fn found() -> Vec<(String, String)> {
    let flags = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let flags = flags.lines().find(|line| line.starts_with("flags")).unwrap_or_default().to_owned();
    // What libraries choose their code by, as far as valgrind knows it.
    let cpu: Vec<_> = ["sse4_2", "avx2", "bmi2", "sha_ni"]
        .into_iter()
        .filter(|name| flags.split_whitespace().any(|flag| flag == *name))
        .collect();
    let profile = if std::env::var_os("PROMPT_MANAGER_TEST_BIN").is_some() { "given" } else { "dev" };
    [
        ("rustc", said("rustc", &["-V"])),
        ("cc", said("cc", &["--version"])),
        ("libc", said("ldd", &["--version"])),
        ("valgrind", said("valgrind", &["--version"])),
        ("cpu", format!("{} {}", std::env::consts::ARCH, cpu.join(" "))),
        ("programs", profile.to_owned()),
        ("hook", hook::target()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .to_vec()
}

/// The first line of what a program says of itself.
fn said(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).output();
    let text = output.map_or_else(|_| String::new(), |output| String::from_utf8_lossy(&output.stdout).into_owned());
    text.lines().next().map_or_else(|| "none".to_owned(), |line| line.trim().to_owned())
}
