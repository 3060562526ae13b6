//! Makes the store that looks like somebody's, in a folder: `show-world DIR`, then `query-api serve --home DIR`.
#![expect(clippy::print_stdout, reason = "it says what to type next")]

use std::process::Command;

fn main() {
    let home = std::env::args().nth(1).expect("show-world DIR: a folder that does not exist yet");
    let world = harness::show::world();
    let copied = Command::new("cp").arg("-r").arg(world.data().root()).arg(&home).status();
    assert!(copied.is_ok_and(|status| status.success()), "it cannot be copied to {home}");
    println!("query-api serve --no-token --listen 127.0.0.1:8765 --home {home}");
}
