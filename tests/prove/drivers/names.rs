//! What a name stands for: hooks of one nanosecond, events of one name, and a file that took the place of another meanwhile.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use harness::law;

use super::Breach;
use super::stage::Stage;
use super::traced;

/// Both hooks whose clock shows the same have left their file.
pub(crate) fn two_hooks_of_one_nanosecond() -> Result<(), Breach> {
    let stage = Stage::new();
    for n in [1, 2] {
        let hook = stage.world.command(std::env::current_exe().expect("this program's own path"));
        let hook = hook.args(["hook", "Stop"]).env("PROMPT_MANAGER_CLOCK_NS", "1795350951000000000");
        let broken = std::env::var_os("PROMPT_MANAGER_TEST_BREAK").unwrap_or_default();
        let _ = hook.env("PROMPT_MANAGER_TEST_BREAK", broken).stdin(Stage::payload(n)).run().code(0).silent();
    }
    let names = law::names(&stage.world.data().incoming());
    match names.len() {
        2 => Ok(()),
        1 => Err("the file of a hook took the place of another's, whose prompt is gone".to_owned()),
        _ => panic!("two hooks left {names:?}"),
    }
}

/// Both events are stored, though they have one name and one size.
pub(crate) fn two_events_of_one_name() -> Result<(), Breach> {
    let stage = Stage::new();
    for n in [1, 2] {
        stage.put_as(&Stage::name(1), n);
        stage.drain();
    }
    match stage.stored().len() {
        2 => Ok(()),
        1 => Err("of two prompts that came under one name, the second passed for the first and is gone".to_owned()),
        n => panic!("{n} of 2 are stored"),
    }
}

/// A file is taken from incoming and another put under its name, between an ingester's opening and its lock.
pub(crate) fn another_file_behind_the_name() -> Result<(), Breach> {
    let stage = Stage::new();
    let (home, name) = (stage.world.data().root(), Stage::name(1));
    stage.put_as(&name, 1);
    let path = stage.incoming(&name).canonicalize().expect("the file that was just put there");
    let watched = path.display().to_string();
    // Longer than all that happens meanwhile, on a machine that is busy with other things too.
    let delay = "inject=flock:delay_enter=2000000:when=1";
    let (mut command, _log) = traced::passes(home, 1, &["-P", &watched, "-e", "trace=flock", "-e", delay]);
    let mut slow = command.spawn().expect("strace is installed");
    let begin = Instant::now();
    while !traced::has_open(&slow, &path) {
        assert!(begin.elapsed() < Duration::from_secs(30), "an ingester opens the file");
        thread::sleep(Duration::from_millis(1));
    }
    let opened = Instant::now();
    assert_eq!(stage.live().stored, 1, "another ingester takes the first file in");
    stage.put_as(&name, 2);
    assert!(opened.elapsed() < Duration::from_millis(1_800), "too slow to show anything; try again");
    assert!(slow.wait().expect("strace ends").success(), "a pass that was held up");
    stage.drain();
    assert_eq!(fs::read_dir(stage.world.data().failed()).expect("failed").count(), 0, "nothing is wrong with either");
    match stage.stored().len() {
        2 => Ok(()),
        1 => Err("an ingester held the lock of one file and moved another, which is gone".to_owned()),
        n => panic!("{n} of 2 are stored"),
    }
}
