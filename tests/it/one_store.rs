//! Everything in one store: whatever order it came in, however it grew and however often it is derived again, the same rows
//! stand there. (`dag_*` is left out: those files of another project's tests reuse the ids of one another for different
//! things, which no run of Claude Code does.)

use std::fs;

use harness::{Corpus, SCENARIOS, Scenario, Seed, World};

use harness::rows;

/// A part that can come before or after any other.
#[derive(Clone, Debug)]
enum Part {
    /// A transcript, by its path below the projects root.
    Transcript(String, Vec<u8>),
    /// The hook events of a captured run.
    Hooks(Scenario),
}

impl Part {
    fn arrive(&self, world: &World) {
        match self {
            Self::Transcript(below, bytes) => world.transcript(below, bytes),
            Self::Hooks(scenario) => queue(world, *scenario),
        }
    }
}

impl Part {
    /// So many bytes come at once: none, or up to the first line that tells the session, if lines come before it.
    fn least(&self) -> usize {
        let Self::Transcript(_, bytes) = self else { return 0 };
        let lines: Vec<_> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
        match lines.iter().position(|line| String::from_utf8_lossy(line).contains("\"sessionId\"")) {
            None | Some(0) => 0,
            Some(nth) => lines[..=nth].iter().map(|line| line.len()).sum(),
        }
    }
}

/// The files that prompt-hook would have made of a captured run, which another test holds it to.
pub(crate) fn queue(world: &World, scenario: Scenario) {
    fs::create_dir_all(world.data().incoming()).expect("the queue");
    let hooks = scenario.dir().join("hooks");
    for name in world.names(&hooks) {
        fs::copy(hooks.join(&name), world.data().incoming().join(&name)).expect("a queue file");
    }
}

fn captured() -> Vec<Part> {
    let mut parts = Vec::new();
    for scenario in SCENARIOS {
        let projects = scenario.projects();
        let files = walk(&projects);
        parts.extend(files.into_iter().map(|below| {
            let bytes = fs::read(projects.join(&below)).expect("a transcript");
            Part::Transcript(below, bytes)
        }));
        parts.push(Part::Hooks(scenario));
    }
    parts
}

/// The paths of all files below `dir`.
fn walk(dir: &std::path::Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap_or_else(|error| panic!("list {}: {error}", dir.display())) {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        if path.is_dir() {
            found.extend(walk(&path).into_iter().map(|below| format!("{name}/{below}")));
        } else {
            found.push(name);
        }
    }
    found
}

/// The captured runs, and the real sessions where they can be found.
fn everything() -> Vec<Part> {
    let mut parts = captured();
    if let Some(corpus) = Corpus::find() {
        let paths = corpus.transcripts();
        let paths = paths.iter().filter(|path| !path.contains("/dag_"));
        parts.extend(paths.map(|path| Part::Transcript(Corpus::below(path), corpus.read(path))));
    }
    parts
}

/// A world in which the parts came in groups of this length, with a pass after each.
fn world(parts: &[Part], group: usize) -> World {
    let world = World::new();
    for group in parts.chunks(group) {
        group.iter().for_each(|part| part.arrive(&world));
        let _ = world.ingest_once();
    }
    world
}

#[test]
fn any_order_gives_the_same_rows() {
    let mut parts = everything();
    let at_once = rows::natural(world(&parts, parts.len()).data());
    for seed in 1..=3 {
        Seed::new(seed).shuffle(&mut parts);
        let grown = rows::natural(world(&parts, parts.len().div_ceil(6)).data());
        rows::assert_same(&format!("seed {seed}"), &grown, &at_once);
    }
}

/// All files grow at once, each by pieces of its own that end anywhere, with a pass after each piece.
#[test]
fn any_growth_gives_the_same_rows() {
    const ROUNDS: usize = 10;
    let parts = everything();
    let at_once = rows::natural(world(&parts, parts.len()).data());
    for seed in 1..=2 {
        let (mut seed, world) = (Seed::new(seed), World::new());
        let mut grown: Vec<_> = parts.iter().map(|part| (part, part.least())).collect();
        for round in 1..=ROUNDS {
            for (part, so_far) in &mut grown {
                let Part::Transcript(below, bytes) = part else { continue };
                let left = bytes.len() - *so_far;
                *so_far +=
                    if round == ROUNDS { left } else { seed.below(2 * left / (ROUNDS - round + 1) + 1).min(left) };
                world.transcript(below, &bytes[..*so_far]);
            }
            let hooks = parts.iter().filter(|part| matches!(part, Part::Hooks(_)));
            hooks.skip(round - 1).take(1).for_each(|part| part.arrive(&world));
            let _ = world.ingest_once();
        }
        rows::assert_same(&format!("{seed:?}"), &rows::natural(world.data()), &at_once);
    }
}

#[test]
fn a_session_that_grows_ends_as_if_it_had_come_at_once() {
    let Some(corpus) = Corpus::find() else { return };
    let snapshots = corpus.of_kind("growing snapshot series of one session");
    let copies: Vec<_> = snapshots.iter().map(|path| corpus.read(path)).collect();
    assert_eq!(copies.len(), 5);
    const BELOW: &str = "-home-dev-acme/cc432c40-914a-4c1a-a972-0103199a736a.jsonl";
    let world = World::new();
    for (nth, copy) in copies.iter().enumerate() {
        world.transcript(BELOW, copy);
        let _ = if nth % 2 == 0 { world.ingest_once() } else { world.import() };
    }
    let alone = World::new();
    alone.transcript(BELOW, &copies[4]);
    let _ = alone.ingest_once();
    rows::assert_same("the copies one after another", &rows::natural(world.data()), &rows::natural(alone.data()));
}

#[test]
fn rebuilding_and_importing_again_change_nothing() {
    let parts = everything();
    // In several passes, so that ids were given out in another order than a rebuild would meet them.
    let world = world(&parts, parts.len().div_ceil(4));
    let before = rows::with_ids(world.data());
    let rebuilt = world.ingest(&["rebuild", "--json"]).code(0).json();
    assert_eq!((&rebuilt["changed"], &rebuilt["left"]), (&0.into(), &0.into()), "{rebuilt}");
    rows::assert_same("rebuilt", &rows::with_ids(world.data()), &before);
    let _ = world.ingest(&["rebuild", "--index"]).code(0);
    rows::assert_same("rebuilt with its index", &rows::with_ids(world.data()), &before);
    assert_eq!(world.import()["prompts"], 0, "imported again");
    rows::assert_same("imported again", &rows::with_ids(world.data()), &before);
    let _ = world.ingest_once();
    rows::assert_same("after another pass", &rows::with_ids(world.data()), &before);
}
