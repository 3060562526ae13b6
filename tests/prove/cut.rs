//! Power cuts on ext4 and XFS, while hooks write and ingesters commit.
//!
//! A disk of our own is cut off by the file system's own shutdown call in the middle of the work, with its journal written or
//! lost, and mounted again. What had been committed must be there, whatever the cut; what a hook had said is safe and nobody had
//! committed yet may be lost only if it is younger than the file system's own habit of writing (the stated window), and with
//! `--strict` not at all. Not simulated: a drive that forgets its cache, and torn sectors.

use std::collections::BTreeSet;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use harness::{Seed, World};
use store::read::Reader;

use crate::disk::{Cut, Disk, Kind};
use crate::each::each;
use crate::figures::Figures;
use crate::ledger::{Fate, Ledger};
use crate::part::Run;
use crate::stage;

/// Cuts in the life of one file system.
const LIVES: u64 = 10;
/// Of how many cuts one comes after so long a time without an ingester that the file system alone had to write.
const LATE: [(Kind, usize); 2] = [(Kind::Ext4, 25), (Kind::Xfs, 60)];

pub(crate) fn run(run: &Run) -> Figures {
    let (mut figures, mut seed) = (Figures::default(), Seed::new(run.seed));
    let kinds = [Kind::Ext4, Kind::Xfs].map(|kind| (kind, seed.number()));
    // Side by side: most of the time each waits for its disk.
    each(
        &kinds,
        &mut figures,
        || (),
        |_, (kind, seed), figures| {
            let (own, cuts) = (format!("on {}", kind.name()), run.of(25, 250));
            let mut seed = Seed::new(*seed);
            while figures.get(&own) < cuts {
                let life = u64::min(LIVES, cuts - figures.get(&own));
                let Some(of_life) = live(*kind, life, &mut seed) else {
                    run.left_out("no disk to cut off");
                    break;
                };
                figures.add(&of_life);
                figures.count(&own, life);
                println!("{} cuts {own}", figures.get("cuts"));
            }
        },
    );
    figures
}

/// Some cuts of one file system; `None` where there is none.
fn live(kind: Kind, cuts: u64, seed: &mut Seed) -> Option<Figures> {
    let world = World::new();
    let disk = Disk::new(kind, 320, world.root().join("image"), world.data().root())?;
    stage::drain(&world);
    let (mut figures, mut ledger) = (Figures::default(), Ledger::of_cuts());
    for _ in 0..cuts {
        let strict = seed.below(2) == 0;
        let late = !strict && LATE.iter().any(|(of, one_of)| *of == kind && seed.below(*one_of) == 0);
        let cut = if seed.below(2) == 0 { Cut::JournalWritten } else { Cut::JournalLost };
        let said = work(&world, &disk, Work { kind, strict, late, cut }, seed);
        disk.again();
        for given in said.given {
            let committed = said.committed.contains(blake3::hash(&given.bytes).as_bytes().as_slice());
            let before = given.ended < said.before;
            let old = said.before.saturating_duration_since(given.ended) > window(kind);
            figures.count("acked", 1);
            figures.count("committed before a cut", u64::from(committed));
            figures.count("older than the window", u64::from(old && !committed && !strict));
            // Begun after the cut, it went to the spill place, on another disk.
            let safe = committed || before && (strict || old) || given.begun > said.after;
            ledger.enter(given.bytes, if safe { Fate::Acked } else { Fate::Window });
        }
        figures.count("cuts", 1);
        figures.count("of them with --strict", u64::from(strict));
        stage::drain(&world);
        stage::ingest(&world, &["retry", "--all", "--reason", "crashes"]);
        stage::drain(&world);
        let (of_cut, left) = ledger.after(&world);
        // What is safe is counted above, once, not after each cut again.
        figures.add(&of_cut.without("acked").without("not acked and there all the same"));
        ledger = left;
    }
    stage::check_derived(&world);
    Some(figures)
}

/// How old an acked file may be that a cut loses: how long the file system keeps names to itself, and a second.
fn window(kind: Kind) -> Duration {
    Duration::from_secs(if kind == Kind::Xfs { 35 } else { 6 })
}

#[derive(Clone, Copy, Debug)]
struct Work {
    kind: Kind,
    strict: bool,
    late: bool,
    cut: Cut,
}

/// What happened until a cut.
struct Said {
    given: Vec<Given>,
    /// Hashes of what could be read from the store before the cut.
    committed: BTreeSet<Vec<u8>>,
    /// The cut came between these two.
    before: Instant,
    after: Instant,
}

/// A payload, and between which times its hook lived, which said then that it is safe.
struct Given {
    bytes: Vec<u8>,
    begun: Instant,
    ended: Instant,
}

/// Hooks and ingesters at work, and the cut. All have ended when this returns.
fn work(world: &World, disk: &Disk, work: Work, seed: &mut Seed) -> Said {
    let over = AtomicBool::new(false);
    let own = Seed::new(seed.number());
    let run_for = Duration::from_millis(50 + seed.below(900) as u64);
    thread::scope(|scope| {
        let hooks = scope.spawn(|| hooks(world, work, own, &over));
        let mut ingesters = Vec::new();
        for _ in 0..if work.late { 0 } else { 1 + seed.below(2) } {
            // With small batches one thread reads while another commits.
            let batch = if seed.below(2) == 0 { "7" } else { "1024" };
            let command =
                world.bin("ingest").args(["run", "--every", "20ms", "--batch", batch, "--quiet", "--projects"]);
            let mut command = command.arg(world.projects_root()).into_command();
            let spawned = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
            ingesters.push(spawned.unwrap_or_else(|error| panic!("start an ingester: {error}")));
        }
        thread::sleep(if work.late { window(work.kind) + Duration::from_secs(2) } else { run_for });
        let kept = Reader::open(world.data()).and_then(|mut reader| reader.kept_events());
        let kept = kept.unwrap_or_else(|error| panic!("the store before the cut: {error}"));
        let before = Instant::now();
        disk.cut(work.cut);
        let after = Instant::now();
        over.store(true, Ordering::Relaxed);
        let given = hooks.join().unwrap_or_else(|_| panic!("hooks"));
        for mut ingester in ingesters {
            // It may have ended: a disk that is gone is a reason.
            let _ = ingester.kill();
            let _ = ingester.wait();
        }
        Said { given, committed: kept.into_iter().map(|kept| kept.hash).collect(), before, after }
    })
}

/// Hooks one after another until it is over.
fn hooks(world: &World, work: Work, mut seed: Seed, over: &AtomicBool) -> Vec<Given> {
    let mut given = Vec::new();
    let first = Instant::now();
    while !over.load(Ordering::Relaxed) {
        // Before a late cut there is nothing new for a while.
        if work.late && first.elapsed() > Duration::from_millis(500) {
            thread::sleep(Duration::from_millis(20));
            continue;
        }
        let text = "x".repeat(seed.below(6_000));
        let n = seed.number();
        let payload = format!(
            r#"{{"session_id":"5f1f2a90-0000-4000-8000-00000000000c","cwd":"/src","prompt_id":"p{n}","hook_event_name":"UserPromptSubmit","prompt":"{n} {text}"}}"#
        );
        let hook = world.bin("prompt-hook").arg("UserPromptSubmit");
        let hook = if work.strict { hook.arg("--strict") } else { hook };
        let begun = Instant::now();
        let _ = hook.stdin(payload.clone()).run().code(0).silent();
        given.push(Given { bytes: payload.into_bytes(), begun, ended: Instant::now() });
        thread::sleep(Duration::from_millis(seed.below(8) as u64));
    }
    given
}
