//! A second count, beside the product's: short, slow and written from the rules (docs/correlation.md) alone, so that the two
//! are wrong in the same place only by chance. Every session of the fixtures, and every real one that can be found, goes
//! through the real binary into an empty store; prompts, tool calls and tokens must be the same in both.

mod lineage; // which files belong together
mod lines; // a file's bytes as JSON objects
mod prompts; // what people asked
mod told; // the same figures as the store tells them
mod work; // tool calls and tokens

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::thread;

use harness::{Corpus, SCENARIOS, World};
use serde_json::Value;

/// What a person who reads a session would count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Count {
    /// Kind and text of every prompt of the default list, sorted.
    prompts: Vec<(String, String)>,
    /// How often each tool was called, and whether it failed or was refused.
    tools: BTreeMap<(String, bool), usize>,
    /// Input, output, written to and read from the cache.
    tokens: [i64; 4],
}

impl Count {
    fn add(mut self, other: Self) -> Self {
        self.prompts.extend(other.prompts);
        self.prompts.sort();
        for (call, times) in other.tools {
            *self.tools.entry(call).or_default() += times;
        }
        self.tokens = std::array::from_fn(|at| self.tokens[at] + other.tokens[at]);
        self
    }
}

/// A file of a session, as the second count sees it.
struct Transcript {
    lines: Vec<Value>,
    subagent: bool,
}

impl Transcript {
    fn read(path: &Path) -> Self {
        let bytes = fs::read(path).unwrap_or_else(|error| panic!("read {}: {error}", path.display()));
        Self { lines: lines::objects(&bytes), subagent: is_subagent(&path.to_string_lossy()) }
    }
}

/// Counts the files of one lineage.
fn count(files: &[Transcript]) -> Count {
    let main = files.iter().filter(|file| !file.subagent);
    let mut asked = prompts::asked(&lines::distinct(main.flat_map(|file| &file.lines)));
    asked.sort();
    let all = lines::distinct(files.iter().flat_map(|file| &file.lines));
    Count { prompts: asked, tools: work::tools(&all), tokens: work::tokens(&all) }
}

/// Takes these files, each under a path below a projects root, into an empty store, and gives what the store then tells.
fn taken_in(files: &[(PathBuf, String)]) -> Count {
    let world = World::new();
    for (from, below) in files {
        world.transcript(below, &fs::read(from).unwrap_or_else(|error| panic!("read {}: {error}", from.display())));
    }
    let _ = world.import();
    told::count(world.data())
}

/// Every file below `dir`, by its path below it.
fn tree(dir: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap_or_else(|error| panic!("list {}: {error}", dir.display())) {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        if path.is_dir() {
            found.extend(tree(&path).into_iter().map(|(path, below)| (path, format!("{name}/{below}"))));
        } else {
            found.push((path, name));
        }
    }
    found
}

fn counted(files: &[(PathBuf, String)]) -> Count {
    let transcripts = files.iter().filter(|(path, _)| path.extension().is_some_and(|ending| ending == "jsonl"));
    count(&transcripts.map(|(path, _)| Transcript::read(path)).collect::<Vec<_>>())
}

/// Runs `work` for every case on two threads and gives the complaints, in order of the cases.
fn complaints<T: Sync>(cases: &[T], work: impl Fn(&T) -> Option<String> + Sync) -> Vec<String> {
    let (next, found) = (Mutex::new(0..cases.len()), Mutex::new(BTreeMap::new()));
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let Some(at) = next.lock().expect("no thread panics with it").next() else { break };
                    if let Some(complaint) = work(&cases[at]) {
                        found.lock().expect("no thread panics with it").insert(at, complaint);
                    }
                }
            });
        }
    });
    found.into_inner().expect("no thread panics with it").into_values().collect()
}

/// What differs between the store and the second count, or nothing.
fn compare(name: &str, files: &[(PathBuf, String)]) -> Option<String> {
    difference(name, &taken_in(files), &counted(files))
}

fn difference(name: &str, told: &Count, counted: &Count) -> Option<String> {
    let pieces = |count: &Count| {
        let prompts = count.prompts.iter().map(|prompt| format!("{prompt:.300?}"));
        let tools = count.tools.iter().map(|(call, times)| format!("{times} x {call:?}"));
        prompts.chain(tools).chain([format!("tokens {:?}", count.tokens)]).collect::<Vec<_>>()
    };
    let beside = |these: &Count, those: &Count| {
        let mut those = pieces(those);
        let mut these = pieces(these);
        these.retain(|piece| those.iter().position(|it| it == piece).map(|at| those.swap_remove(at)).is_none());
        these.join("\n    ")
    };
    let (more, fewer) = (beside(told, counted), beside(counted, told));
    (told != counted).then(|| format!("{name}\n  told\n    {more}\n  counted\n    {fewer}"))
}

#[test]
fn the_scenarios() {
    let differences = complaints(&SCENARIOS, |scenario| compare(scenario.name(), &tree(&scenario.projects())));
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// The second count is no oracle by itself: of the captured runs it is known what happened.
#[test]
fn the_second_count_finds_what_is_expected() {
    for scenario in SCENARIOS {
        let mut expected: Vec<_> =
            scenario.expected().into_iter().map(|it| (it.kind, it.prompt.expect("a prompt"))).collect();
        expected.sort();
        assert_eq!(counted(&tree(&scenario.projects())).prompts, expected, "{}", scenario.name());
    }
}

#[test]
fn every_real_transcript_alone() {
    let Some(corpus) = Corpus::find() else { return };
    let transcripts = corpus.transcripts();
    let differences = complaints(&transcripts, |path| compare(path, &[placed(&corpus, path)]));
    assert!(differences.is_empty(), "{} of {}:\n{}", differences.len(), transcripts.len(), differences.join("\n"));
}

/// A session with its subagents' files, in each of the layouts, is one lineage.
#[test]
fn every_real_session_with_its_subagents() {
    let Some(corpus) = Corpus::find() else { return };
    let transcripts = corpus.transcripts();
    let mut families = BTreeMap::<&str, Vec<_>>::new();
    for path in &transcripts {
        families.entry(family(path)).or_default().push(placed(&corpus, path));
    }
    families.retain(|_, files| files.iter().any(|(_, below)| is_subagent(below)));
    assert!(families.len() > 5, "only {} sessions with subagents", families.len());
    let families: Vec<_> = families.into_iter().collect();
    let differences = complaints(&families, |(name, files)| compare(name, files));
    assert!(differences.is_empty(), "{} of {}:\n{}", differences.len(), families.len(), differences.join("\n"));
}

/// All real sessions and the captured ones in one store: nothing is merged that differs, nothing stands there twice.
#[test]
fn everything_in_one_store() {
    let mut files: Vec<_> = SCENARIOS.iter().flat_map(|scenario| tree(&scenario.projects())).collect();
    if let Some(corpus) = Corpus::find() {
        // These reuse one another's ids for different things, which no run of Claude Code does.
        let paths = corpus.transcripts().into_iter().filter(|path| !path.contains("/dag_"));
        files.extend(paths.map(|path| placed(&corpus, &path)));
    }
    let transcripts: Vec<_> = files.iter().map(|(path, _)| Transcript::read(path)).collect();
    let counted = lineage::groups(transcripts).iter().map(|group| count(group)).fold(Count::default(), Count::add);
    let difference = difference("all", &taken_in(&files), &counted);
    assert!(difference.is_none(), "{}", difference.unwrap_or_default());
}

/// What belongs together: the files of one session where it has a folder, else of one project's folder.
fn family(path: &str) -> &str {
    match path.split_once("/subagents/") {
        Some((session, _)) => session,
        None if path.contains("/real_projects/") && !path.contains("-experiments-") => {
            path.rsplit_once('/').expect("a folder").0
        }
        None => path.trim_end_matches(".jsonl"),
    }
}

fn is_subagent(path: &str) -> bool {
    path.rsplit('/').next().is_some_and(|name| name.starts_with("agent-"))
}

/// Where a real transcript lies, and where it shall lie below a projects root.
fn placed(corpus: &Corpus, path: &str) -> (PathBuf, String) {
    (corpus.root().join(path), Corpus::below(path))
}
