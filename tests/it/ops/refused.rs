//! What ops/up cannot do is one clear line that names what is in the way, and nothing is replaced.

use std::fs;
use std::net::TcpListener;

use super::Installed;

#[test]
fn a_taken_port_is_one_clear_line() {
    let installed = Installed::new();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port().to_string();
    let done = installed.script(&["--port", &port]).run().code(1);
    assert_eq!(done.err().lines().count(), 1, "{done}");
    assert!(done.err().contains(&port) && done.err().contains("--port"), "{done}");
}

#[test]
fn a_wrong_setting_is_one_clear_line() {
    let installed = Installed::new();
    fs::create_dir_all(installed.home(".config/prompt-manager")).expect("a directory");
    fs::write(installed.home(".config/prompt-manager/config.toml"), "bacth = 1\n").expect("a file");
    // At the first start and when there is a store already.
    for _ in 0..2 {
        let done = installed.script(&["--port", "0"]).run().code(1);
        assert!(done.err().lines().count() == 1 && done.err().contains("bacth"), "{done}");
        fs::create_dir_all(installed.data("database")).expect("a directory");
        fs::write(installed.data("database/prompts.db"), "").expect("a file");
    }
}

/// A rename would have moved the program into it.
#[test]
fn a_folder_in_the_place_of_a_program_is_named() {
    for place in [".local/lib/prompt-manager/ingest", ".local/bin/prompt-manager"] {
        let installed = Installed::new();
        fs::create_dir_all(installed.home(place)).expect("a directory");
        let done = installed.script(&["--port", "0"]).run().code(1);
        assert!(done.err().lines().count() == 1 && done.err().contains(place), "{done}");
        assert!(fs::read_dir(installed.home(place)).expect("the folder").next().is_none(), "{done}");
    }
}

#[test]
fn wrong_words_are_refused() {
    let installed = Installed::new();
    for (args, named) in [
        (&["--prot", "1"][..], "--prot"),
        (&["--port"], "--port"),
        (&["--port", "x"], "'x'"),
        (&["--port", "70000"], "65535"),
        (&["--rate"], "--hooks"),
    ] {
        let done = installed.script(args).run().code(2);
        assert!(done.err().lines().count() == 1 && done.err().contains(named), "{done}");
    }
    assert!(!installed.home(".local").exists(), "nothing is installed by a wrong word");
}
