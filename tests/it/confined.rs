//! The suite again, with programs that are confined as our units of the system confine them: everything is read-only but the test's own
//! folder, there is no capability and no new privilege, `/tmp` and `/home` are empty but for that folder, the ingester has no network.
//! What cannot be made without systemd is held elsewhere: its list of system calls by tests/it/units.rs.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use harness::{World, bin};

/// In the place of a program, under its process id. `$TMPDIR` is the folder of the test that calls it.
const CONFINED: &str = r#"#!/bin/sh
exec unshare --mount --ipc --uts @NET@ sh -euc '
    mount --make-rprivate /
    cd "$TMPDIR"
    mkdir -p /run/user
    mount -t tmpfs -o mode=755 tmpfs /run/user
    mkdir /run/user/kept
    mount --bind "$TMPDIR" /run/user/kept
    for hidden in /home /tmp /root; do mount -t tmpfs -o mode=755 tmpfs "$hidden"; done
    mkdir -p "$TMPDIR"
    mount --bind /run/user/kept "$TMPDIR"
    mount -o remount,bind,ro /
    for place in /home /tmp /root /run/user /sys; do mount -o remount,bind,ro "$place"; done
    cd "$TMPDIR"
    exec prlimit --nproc=512 setpriv --no-new-privs --bounding-set=-all --inh-caps=-all --ambient-caps=-all \
        sh -c '\''umask 077; exec "$@"'\'' sh "$@"
' sh "@PROGRAM@" "$@"
"#;

/// Of these modules every test: the main job through the API, the queue, the archive, signals and the watchdog.
const MODULES: [&str; 4] = ["scenarios::", "queue::", "archive::", "service::"];

#[test]
fn everything_works_as_the_units_allow_it() {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: only root can make the namespaces");
        return;
    }
    if std::env::var_os("PROMPT_MANAGER_TEST_CONFINED").is_some() {
        return;
    }
    let world = World::new();
    // Where the stage puts an empty place, programs would be gone.
    let programs = Path::new("/var/lib").join(world.root().file_name().expect("a name"));
    fs::create_dir(&programs).expect("a directory");
    let done = run(&world, &programs);
    fs::remove_dir_all(&programs).expect("removed");
    let (passed, text) = done;
    assert!(passed, "{text}");
    let figure = text.lines().find(|line| line.starts_with("test result: ok")).unwrap_or_else(|| panic!("{text}"));
    println!("confined: {figure}");
    assert!(!figure.contains(" 0 passed"), "{text}");
}

fn run(world: &World, programs: &Path) -> (bool, String) {
    for name in ["ingest", "query-api", "prompt-hook"] {
        let real = programs.join(format!("{name}.real"));
        fs::copy(bin(name), &real).expect("a program");
        if name == "prompt-hook" {
            fs::rename(&real, programs.join(name)).expect("a program"); // Claude Code starts it, not a manager
            continue;
        }
        let net = if name == "ingest" { "--net" } else { "" }; // the API has the socket of systemd instead
        let text = CONFINED.replace("@NET@", net).replace("@PROGRAM@", &real.display().to_string());
        let path = programs.join(name);
        fs::write(&path, text).expect("a program");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a mode");
    }
    // Elsewhere nothing can be written, or the stage would prove nothing.
    let _ = world.command(programs.join("ingest")).arg("once").succeed();
    let refused = world.command(programs.join("ingest")).arg("backup").arg(programs.join("copy")).run();
    assert!(!refused.status.success() && refused.err().contains("ead-only file system"), "{refused}");
    let mut suite = Command::new(std::env::current_exe().expect("this program"));
    suite.args(MODULES).args(["--test-threads=2", "--quiet"]);
    suite.env("PROMPT_MANAGER_TEST_BIN", programs).env("PROMPT_MANAGER_TEST_CONFINED", "1").current_dir(world.root());
    let output = suite.output().expect("the suite runs");
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}
