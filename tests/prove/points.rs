//! Death before each system call: of the hook, and of everything in `ingest` that changes something on the disk.
//!
//! A run that nothing hinders tells which calls there are. Then each is a run of its own on the same beginning, killed right
//! before that call; what it left is taken up by a pass that lives, and held to the books and to the rows of the run that
//! nothing hindered. Then double deaths: the pass that takes it up is killed too, somewhere.

pub(crate) mod prepare;
mod subject;

use std::fs;

use harness::{Cmd, Seed, World, rows};

use crate::each::each;
use crate::figures::Figures;
use crate::ledger::{Fate, Ledger};
use crate::part::{Run, Scale};
use crate::points::subject::{SUBJECTS, Subject};
use crate::stage;
use crate::stand::Stand;
use crate::strace::{self, Point};

/// Double deaths in full; some of them do not come to their second one, and R5 wants 5,000 that do.
const DOUBLE: usize = 6_500;

pub(crate) fn run(run: &Run) -> Figures {
    let mut seed = Seed::new(run.seed);
    let mut figures = hooks();
    for subject in SUBJECTS {
        let of_subject = Round::new(subject).run(run, &mut seed);
        println!("{of_subject}");
        figures.add(&of_subject);
    }
    for count in ["lost", "doubled"] {
        figures.count(count, 0);
    }
    figures
}

/// The hook's, all of them in every run: with its defaults, with each sync, and where the queue is closed to it.
fn hooks() -> Figures {
    let closed = |world: &World| {
        let path = world.root().join("a file");
        fs::write(&path, "").unwrap_or_else(|error| panic!("a file: {error}"));
        world.bin("prompt-hook").args(["Stop", "--queue"]).arg(path)
    };
    let ways: [&(dyn Fn(&World) -> Cmd + Sync); 3] = [
        &|world| world.bin("prompt-hook").arg("Stop"),
        &|world| world.bin("prompt-hook").args(["Stop", "--strict"]),
        &closed,
    ];
    let bytes = br#"{"session_id":"s","hook_event_name":"Stop","last_assistant_message":"1"}"#;
    let mut figures = Figures::default();
    for way in ways {
        let world = World::new();
        let points = strace::in_order(way(&world), bytes, world.root());
        let renamed = points.iter().rposition(|point| point.call.starts_with("rename"));
        let renamed = renamed.unwrap_or_else(|| panic!("the hook renames nothing: {points:?}"));
        let points: Vec<_> = points.into_iter().enumerate().collect();
        each(
            &points,
            &mut figures,
            || (),
            |(), (at, point), figures| {
                // Its folders are not there yet, so it makes them.
                let (world, mut ledger) = (World::new(), Ledger::default());
                let killed = strace::kill(way(&world), bytes, point);
                assert!(killed, "the hook does not come to {point:?} again");
                // Behind the rename it is safe, whether the hook came to say so or not.
                ledger.enter(bytes.to_vec(), if *at > renamed { Fate::Acked } else { Fate::Unsaid });
                stage::drain(&world);
                figures.count("of a hook", 1);
                figures.count("of them behind its rename", u64::from(*at > renamed));
                figures.add(&ledger.check(&world));
            },
        );
    }
    figures
}

/// A subject, and what it makes of its beginning when nothing hinders it.
struct Round {
    subject: &'static Subject,
    expected: Vec<String>,
    points: Vec<Point>,
}

impl Round {
    fn new(subject: &'static Subject) -> Self {
        let stand = Stand::new(subject.prepare);
        let points = strace::points((subject.command)(&stand.world), b"", stand.world.root());
        stage::drain(&stand.world);
        (subject.check)(&stand.world, &stand.ledger);
        Self { subject, expected: rows::natural(stand.world.data()), points }
    }

    /// Each point once, or some of them; then as many deaths again in the pass that follows.
    fn run(&self, run: &Run, seed: &mut Seed) -> Figures {
        let points = strace::some(self.points.clone(), run.of(14, usize::MAX), seed);
        let recovery = {
            let stand = Stand::new(self.subject.prepare);
            let _ = strace::kill((self.subject.command)(&stand.world), b"", &points[points.len() / 2]);
            strace::points(once(&stand.world), b"", stand.world.root())
        };
        let twice = run.of(4, DOUBLE / SUBJECTS.len());
        let mut some = |of: &[Point]| of[seed.below(of.len())].clone();
        let double: Vec<_> = (0..twice).map(|_| (some(&self.points), Some(some(&recovery)))).collect();
        let deaths: Vec<_> = points.into_iter().map(|point| (point, None)).chain(double).collect();

        let mut figures = Figures::default();
        let stand = || Stand::new(self.subject.prepare);
        each(&deaths, &mut figures, stand, |stand, (first, second), own| {
            stand.begin_again();
            self.die(stand, first, second.as_ref(), own);
            if run.scale == Scale::Full && own.get("rebuilds that change nothing") < 20 {
                stage::check_derived(&stand.world);
                own.count("rebuilds that change nothing", 1);
            }
        });
        figures
    }

    fn die(&self, stand: &Stand, first: &Point, second: Option<&Point>, figures: &mut Figures) {
        let (subject, world) = (self.subject, &stand.world);
        let what = || format!("{}, killed before {first:?}, then {second:?}", subject.name);
        let struck = strace::kill((subject.command)(world), b"", first);
        let again = second.is_some_and(|point| strace::kill(once(world), b"", point));
        figures.count(&format!("of {}", subject.name), u64::from(struck));
        figures.count("double deaths", u64::from(struck && again));
        figures.count("points that the run did not come to, as threads share them", u64::from(!struck));
        stage::drain(world);
        if subject.again {
            let _ = (subject.command)(world).run().code(0);
            stage::drain(world);
        }
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            (subject.check)(world, &stand.ledger);
            rows::assert_same("conversations", &rows::natural(world.data()), &self.expected);
        }));
        assert!(caught.is_ok(), "{}", what());
    }
}

/// A pass over everything, as a person would start it.
fn once(world: &World) -> Cmd {
    world.bin("ingest").args(["once", "--quiet", "--projects"]).arg(world.projects_root())
}
