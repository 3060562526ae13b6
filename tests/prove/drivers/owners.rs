//! Whose a file is: of the living it is taken by nobody, and what a death counts is counted to the file that it was about.

use std::fs::{self, File};
use std::io::Write;
use std::time::{Duration, SystemTime};

use harness::law;
use ingest::pass::Effort;
use ingest::step::Step;
use queue::place::rename_new;

use super::Breach;
use super::stage::Stage;

/// Four ingesters come to one file, each while those before it are still at it. Nobody dies.
pub(crate) fn four_that_live() -> Result<(), Breach> {
    let stage = Stage::new();
    stage.put(1);
    let mut ingesters = [(); 4].map(|()| stage.ingester());
    let mut at_it = 0;
    for ingester in &mut ingesters {
        ingester.begin(SystemTime::now(), Effort::Everything);
        at_it += usize::from(ingester.go_to(Step::Claimed));
    }
    for ingester in ingesters.iter_mut().filter(|ingester| ingester.step().is_some()) {
        let _ = ingester.finish();
    }
    if !stage.failed().is_empty() {
        return Err("a prompt is in failed for three deaths, and nobody died".to_owned());
    }
    stage.drain();
    assert_eq!((at_it, stage.stored().len()), (1, 1), "one of them has it, and stores it");
    Ok(())
}

/// One file kills whoever claims it. Those around it are stored.
pub(crate) fn neighbours_of_a_killer() -> Result<(), Breach> {
    const KILLER: u64 = 2;
    let stage = Stage::new();
    (0..5).for_each(|n| stage.put(n));
    let (mut attempt, mut deaths) = (0, 0);
    loop {
        let mut ingester = stage.ingester();
        ingester.begin(SystemTime::now(), Effort::Everything);
        while ingester.step().is_some() {
            let begun = law::names(&stage.world.data().processing());
            let tried = begun.iter().filter_map(|name| name.strip_prefix(&Stage::name(KILLER))?.strip_prefix(".a"));
            let tried = tried.filter_map(|n| n.parse::<u32>().ok()).max().unwrap_or(attempt);
            if tried > attempt {
                (attempt, deaths) = (tried, deaths + 1);
                ingester.die();
                break;
            }
            ingester.go_on();
        }
        if stage.failed().contains(&Stage::name(KILLER)) {
            break;
        }
        assert!(deaths <= 3, "a file that killed three goes to failed");
    }
    stage.drain();
    match (stage.failed().len(), stage.stored().len()) {
        (1, 4) => Ok(()),
        (failed, stored) if failed > 1 && failed + stored == 5 => {
            Err(format!("{} neighbours of a file that kills its reader are in failed with it", failed - 1))
        }
        other => panic!("failed and stored: {other:?} of 5"),
    }
}

/// A hook is held up for two days in the middle of its payload, as by a machine that sleeps, and then goes on.
pub(crate) fn a_hook_that_pauses() -> Result<(), Breach> {
    let stage = Stage::new();
    let (data, name, payload) = (stage.world.data(), Stage::name(1), Stage::payload(1));
    let (tmp, incoming) = (data.tmp().join(&name), stage.incoming(&name));
    let mut hook = File::create_new(&tmp).expect("a file in tmp");
    hook.try_lock_shared().expect("a lock that nobody has");
    let (begin, end) = payload.split_at(payload.len() / 2);
    hook.write_all(begin).expect("the first half");
    stage.live_at(SystemTime::now() + Duration::from_secs(40 * 3600));
    if !fs::exists(&tmp).expect("look for the file") {
        return Err("the file of a hook that lives was taken from it, with half a prompt".to_owned());
    }
    hook.write_all(end).expect("the second half");
    rename_new(&tmp, &incoming).expect("the file is where the hook left it");
    drop(hook);
    stage.drain();
    assert_eq!((stage.failed().len(), stage.stored().len()), (0, 1), "it is stored whole");
    Ok(())
}
