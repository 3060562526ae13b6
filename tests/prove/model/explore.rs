//! Random sequences until it is enough, or until one of them breaks the law: that one is made short and told.

use std::any::Any;
use std::collections::HashSet;
use std::panic;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use harness::Seed;
use ingest::step::Step;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use queue::DataDir;
use store::write::Writer;

use super::action::{self, Action};
use super::log::Image;
use super::machine::Machine;
use crate::figures::Figures;
use crate::run::progress;

/// Sequences between two looks at the time.
const ROUND: u32 = 5;
/// A disk in memory, where there is one with this much room.
const MEMORY: &str = "/dev/shm";
const ROOM: u64 = 1 << 30;

/// How far is looked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Where the random numbers begin.
    pub(crate) seed: u64,
    /// After so many steps it is enough,
    pub(crate) steps: u64,
    /// or after this time.
    pub(crate) time: Duration,
    /// Tries to make a sequence that breaks the law shorter.
    pub(crate) shrink: u32,
}

/// What was seen.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) figures: Figures,
    pub(super) died_at: HashSet<Step>,
}

impl Found {
    fn add(&mut self, other: Self) {
        self.figures.add(&other.figures);
        self.died_at.extend(other.died_at);
    }
}

/// Random sequences on every core, until it is enough or one of them breaks the law; it is told then.
pub(crate) fn explore(bounds: &Bounds) -> Result<Found, String> {
    let (disk, template, begin) = (disk(), template(), Instant::now());
    let (sum, breach) = (Mutex::new(Found::default()), Mutex::new(None));
    let work = |mut seed: Seed| {
        while breach.lock().is_ok_and(|breach| breach.is_none()) && begin.elapsed() < bounds.time {
            match round(&mut seed, bounds.shrink, &disk, &template) {
                Ok(found) => {
                    let mut sum = hold(&sum);
                    sum.add(found);
                    let steps = sum.figures.get("steps");
                    if steps >= bounds.steps {
                        return;
                    }
                    progress(&format!("{steps} steps, {:.0} a second", a_second(steps, begin)));
                }
                Err(why) => *hold(&breach) = Some(why),
            }
        }
    };
    let mut seeds = Seed::new(bounds.seed);
    // What panics is told at the end, with the sequence that led there, and not at each of the tries to make that shorter.
    let told = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    thread::scope(|scope| {
        let threads: Vec<_> = (0..thread::available_parallelism().map_or(1, usize::from))
            .map(|_| Seed::new(seeds.number()))
            .map(|seed| scope.spawn(|| work(seed)))
            .collect();
        for thread in threads {
            if let Err(panic) = thread.join() {
                *hold(&breach) = Some(words(&*panic));
            }
        }
    });
    panic::set_hook(told);
    match hold(&breach).take() {
        Some(breach) => Err(breach),
        None => Ok(std::mem::take(&mut hold(&sum))),
    }
}

fn hold<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|it| it.into_inner())
}

fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
pub(super) fn a_second(n: u64, begin: Instant) -> f64 {
    n as f64 / begin.elapsed().as_secs_f64().max(0.001)
}

/// Some sequences. One that breaks the law is made as short as it can be, and told.
fn round(seed: &mut Seed, shrink: u32, disk: &Path, template: &Image) -> Result<Found, String> {
    let mut bytes = [0; 32];
    bytes.chunks_mut(8).for_each(|part| part.copy_from_slice(&seed.number().to_le_bytes()));
    let config = Config { cases: ROUND, failure_persistence: None, max_shrink_iters: shrink, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let sum = Mutex::new(Found::default());
    let done = runner.run(&action::actions(), |actions| {
        let found = sequence(&actions, disk, template).map_err(TestCaseError::fail)?;
        hold(&sum).add(found);
        Ok(())
    });
    match done {
        Ok(()) => Ok(sum.into_inner().unwrap_or_else(|it| it.into_inner())),
        Err(TestError::Fail(why, actions)) => {
            let lines: Vec<_> = actions.iter().map(|action| format!("  {action:?}")).collect();
            Err(format!("{why}, after these {} actions:\n{}", actions.len(), lines.join("\n")))
        }
        Err(TestError::Abort(why)) => Err(format!("{why}")),
    }
}

fn sequence(actions: &[Action], disk: &Path, template: &Image) -> Result<Found, String> {
    let mut machine = Machine::new(disk, template);
    actions.iter().try_for_each(|action| machine.act(action))?;
    machine.end()?;
    let mut figures = Figures::default();
    figures.count("sequences", 1);
    figures.add(&machine.figures);
    Ok(Found { figures, died_at: machine.died_at })
}

/// An empty store: its making is not what is shown here, and takes longer than a sequence.
fn template() -> Image {
    let home = tempfile::tempdir().expect("a directory");
    let data = DataDir::new(home.path().join("data"));
    data.create().expect("a data directory");
    drop(Writer::open(&data).expect("a new store"));
    Image::of(&data)
}

/// Where sequences take place.
fn disk() -> PathBuf {
    let memory = Path::new(MEMORY);
    let has_room = rustix::fs::statvfs(memory).is_ok_and(|disk| disk.f_bavail.saturating_mul(disk.f_frsize) >= ROOM);
    if has_room { memory.to_owned() } else { std::env::temp_dir() }
}

#[cfg(test)]
mod tests {
    use super::super::action::{Action, Clock, Event, Place, What};
    use super::*;

    /// Sequences that broke the law once.
    #[test]
    fn what_broke_it() {
        let check = |actions: &[Action]| {
            sequence(actions, &disk(), &template()).map_err(|breach| panic!("{breach}")).ok();
        };
        check(&[
            Action::Line { which: 2, new: false },
            Action::Hook(Event { what: What::Prompt, session: 23, clock: Clock::Goes, place: Place::Queue }),
            Action::Line { which: 20, new: true },
            Action::Write {
                hook: 0,
                event: Event { what: What::Answer, session: 160, clock: Clock::Goes, place: Place::Queue },
            },
            Action::Hook(Event { what: What::Prompt, session: 8, clock: Clock::Goes, place: Place::Queue }),
            Action::Hook(Event { what: What::Bad(0), session: 0, clock: Clock::Goes, place: Place::Queue }),
            Action::Append { hook: 0 },
            Action::Hook(Event { what: What::Answer, session: 79, clock: Clock::Goes, place: Place::Queue }),
            Action::Line { which: 0, new: false },
            Action::Hook(Event { what: What::Prompt, session: 0, clock: Clock::Goes, place: Place::Queue }),
            Action::Line { which: 32, new: true },
            Action::Append { hook: 0 },
            Action::Write {
                hook: 0,
                event: Event { what: What::Told(0), session: 0, clock: Clock::Goes, place: Place::Queue },
            },
            Action::Hook(Event { what: What::Answer, session: 0, clock: Clock::Goes, place: Place::Queue }),
            Action::Line { which: 0, new: false },
            Action::Hook(Event { what: What::Told(0), session: 0, clock: Clock::Goes, place: Place::Queue }),
            Action::Append { hook: 0 },
            Action::Rate { which: 0, rating: 1 },
            Action::Append { hook: 49 },
            Action::Hook(Event { what: What::Answer, session: 0, clock: Clock::Goes, place: Place::Queue }),
            Action::Hook(Event { what: What::Prompt, session: 109, clock: Clock::Goes, place: Place::Queue }),
            Action::TornCommit { ingester: 0, torn: 0, cut: 9696131497368896073 },
            Action::Append { hook: 0 },
            Action::Hook(Event { what: What::Prompt, session: 0, clock: Clock::Goes, place: Place::Queue }),
            Action::Line { which: 136, new: false },
            Action::Write {
                hook: 0,
                event: Event { what: What::Told(0), session: 0, clock: Clock::Goes, place: Place::Queue },
            },
            Action::Go { ingester: 127, steps: 1, everything: false },
            Action::Hook(Event { what: What::Prompt, session: 223, clock: Clock::Stands(80), place: Place::Spill }),
            Action::Finish { ingester: 61 },
            Action::PowerCut { back: 0, cut: 4025531832621521552 },
            Action::Hook(Event { what: What::Prompt, session: 0, clock: Clock::Goes, place: Place::Queue }),
            Action::Hook(Event { what: What::Prompt, session: 0, clock: Clock::Goes, place: Place::Queue }),
            Action::Line { which: 115, new: false },
            Action::Line { which: 41, new: false },
        ]);
    }
}
