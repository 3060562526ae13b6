//! `setup service` as the pages print it, without a manager named.

use std::path::Path;

use super::Machine;
use super::kept::crontab;

#[test]
#[cfg(not(target_os = "macos"))]
fn the_manager_of_the_machine_is_taken() {
    let machine = Machine::new("home");
    let _ = crontab(&machine);
    let is_booted = Path::new("/run/systemd/system").is_dir();
    let expected = if is_booted { "by systemd, which booted this machine" } else { "by cron, as systemd did not boot" };
    let done = machine.ingest(&["setup", "service", "--dry-run"]).succeed();
    assert!(done.out().starts_with(expected), "{done}");
    let done = machine.ingest(&["setup", "service"]).succeed();
    assert!(done.out().starts_with(expected), "{done}");
    assert_eq!(is_booted, machine.units().is_dir());
    // Once more it is the one that was taken.
    let done = machine.ingest(&["setup", "service", "--dry-run"]).succeed();
    assert!(done.out().contains(", as before"), "{done}");
    let into = machine.world.root().join("into");
    let done = machine.ingest(&["setup", "service", "--into"]).arg(&into).run();
    assert_eq!(done.err().contains("the files of which manager? --systemd or --launchd"), !is_booted, "{done}");
    // A flag chooses.
    let done = machine.ingest(&["setup", "service", "--systemd", "--dry-run"]).succeed();
    assert!(!done.out().starts_with("by "), "{done}");
    let _ = machine.ingest(&["setup", "service", "--remove"]).succeed();
}
