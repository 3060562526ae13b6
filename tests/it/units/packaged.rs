//! Units that came with a package, of which nothing stands on record; and a port that somebody has.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use super::Machine;

/// Has a package's units run and be enabled. Gives the links that start them, one of which leads to a unit that is gone.
fn enable(machine: &Machine) -> Vec<PathBuf> {
    let package = machine.world.root().join("package");
    fs::create_dir_all(&package).expect("a directory");
    let unit = package.join("prompt-manager.service");
    fs::write(&unit, "# Of the package. And more.\n[Service]\n").expect("a unit");
    let shown = format!(
        "case \"$*\" in *FragmentPath*) printf 'ActiveState=active\\nFragmentPath={0}\\nId=prompt-manager.service\\n\\nFragmentPath=\\nId=prompt-manager-once.service\\nActiveState=inactive\\n\\nActiveState=inactive\\nId=prompt-manager-notify.path\\nFragmentPath={0}\\n';; *ActiveState*) echo ActiveState=inactive;; esac",
        unit.display()
    );
    machine.tool("systemctl", &shown);
    let links =
        [("default.target.wants", "prompt-manager.service"), ("sockets.target.wants", "prompt-manager-api.socket")];
    let links = links.map(|(wants, name)| {
        let wants = machine.units().join(wants);
        fs::create_dir_all(&wants).expect("a directory");
        let link = wants.join(name);
        let _ = fs::remove_file(&link);
        std::os::unix::fs::symlink(package.join(name), &link).expect("a link");
        link
    });
    links.to_vec() // sorted
}

/// What systemd was asked to do.
fn told(machine: &Machine) -> Vec<String> {
    let asked = machine.asked().into_iter().filter(|line| !line.contains(" show "));
    asked.map(|line| line.replace("systemctl --user --no-ask-password ", "")).collect()
}

#[test]
fn they_are_taken_out_too() {
    let machine = Machine::new("home");
    for word in [&["remove"][..], &["service", "--remove"], &["service", "--systemd", "--remove"]] {
        let links = enable(&machine);
        let setup = |more: &[&str]| machine.ingest(&[&["setup"], word, more].concat()).succeed();
        let done = setup(&["--dry-run"]);
        assert!(done.out().contains("would stop and disable the units of the package"), "{done}");
        // They start things for the usual data directory.
        let done = setup(&["--home", "/elsewhere"]);
        assert!(done.out().contains("nothing to do"), "{done}");
        assert_eq!((told(&machine), sorted(machine.left())), (vec![], links), "{word:?}");
        let done = setup(&[]);
        assert!(done.out().contains("stopped and disabled the units of the package"), "{done}");
        assert_eq!(told(&machine), ["stop prompt-manager.service", "daemon-reload"], "{word:?}");
        assert_eq!(machine.left(), Vec::<PathBuf>::new(), "{word:?}");
    }
    // Where systemd cannot be asked, what starts them goes, and the rest is said.
    let _ = enable(&machine);
    machine.tool("systemctl", "exit 1");
    let done = machine.ingest(&["setup", "remove"]).succeed();
    assert!(done.out().contains("  systemctl --user stop prompt-manager.service "), "{done}");
    assert_eq!(machine.left(), Vec::<PathBuf>::new());
}

fn sorted(mut paths: Vec<PathBuf>) -> Vec<PathBuf> {
    paths.sort();
    paths
}

#[test]
fn they_make_way_and_are_renewed() {
    let machine = Machine::new("home");
    let _ = enable(&machine);
    let _ = machine.ingest(&["setup", "refresh"]).succeed();
    assert_eq!(told(&machine), ["daemon-reload", "try-restart prompt-manager.service"]);
    let other = machine.home.join("other");
    let done = machine.ingest(&["setup", "service", "--systemd", "--home"]).arg(&other).run().code(1);
    assert!(done.err().contains("first take that out: prompt-manager setup service --remove --home "), "{done}");
    assert_eq!(told(&machine), Vec::<String>::new());
    let _ = machine.ingest(&["setup", "service", "--systemd"]).succeed();
    let asked = told(&machine);
    assert_eq!((asked[0].as_str(), asked[1].as_str()), ("stop prompt-manager.service", "daemon-reload"), "{asked:?}");
}

/// systemd says "Job failed" of it, and nothing else.
#[test]
fn a_port_that_is_taken_is_named() {
    let machine = Machine::new("home");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let listen = taken.local_addr().expect("an address").to_string();
    machine.tool(
        "systemctl",
        "case \"$*\" in *ActiveState*) echo ActiveState=inactive;; *enable*) echo 'Created symlink a → b.' >&2; echo 'Job failed. See \"journalctl -xe\" for details.' >&2; exit 1;; esac",
    );
    let setup = |listen: &str| machine.ingest(&["setup", "service", "--systemd", "--listen", listen]).run().code(1);
    let done = setup(&listen);
    let expected = format!(
        "{listen}: another program of yours listens there already; name another place for the API, such as --listen 127.0.0.1:"
    );
    assert!(Path::new("/proc/net/tcp").exists() && done.err().contains(&expected), "{expected}\n{done}");
    drop(taken);
    let done = setup(&listen);
    assert!(
        done.err().ends_with("prompt-manager-notify.path: Job failed. See \"journalctl -xe\" for details.\n"),
        "{done}"
    );
}
