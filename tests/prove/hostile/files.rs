//! Damaged queue files, wherever a queue file may lie: each ends in failed, with its reason and its bytes, and none in the store;
//! the good ones between them are stored.
//!
//! What counts as damaged is said by a reader of JSON that shares no code with the product (harness::fuzz::strict). A flip inside
//! a string leaves a payload that nobody can tell from a good one, so such are not made here.

use std::collections::BTreeMap;
use std::fs;

use harness::fuzz::strict;
use harness::law::Given;
use harness::{SCENARIOS, Seed, World};
use serde_json::Value;

use crate::figures::Figures;
use crate::part::Run;
use crate::stage;

/// Damaged files in one store.
const EPOCH: usize = 2_000;
/// A file of another form than these is not made.
const WAYS: usize = 8;

/// A payload as Claude Code sent it, and the words of its file's name.
#[derive(Clone)]
struct Whole {
    session: String,
    event: String,
    bytes: Vec<u8>,
}

/// A damaged one.
struct Damaged {
    way: &'static str,
    /// As the note must have it, where there is one answer.
    class: Option<&'static str>,
    /// Whose name it has.
    of: usize,
    bytes: Vec<u8>,
}

pub(super) fn run(run: &Run, seed: &mut Seed) -> Figures {
    let wholes = wholes();
    let mut damaged = cut_everywhere(&wholes, run.of(500, usize::MAX));
    let files = damaged.len() + run.of(500, 10_000);
    while damaged.len() < files {
        damaged.extend(broken(&wholes, seed));
    }
    seed.shuffle(&mut damaged);
    let mut figures = Figures::default();
    for some in damaged.chunks(EPOCH) {
        figures.add(&epoch(&wholes, some));
    }
    figures
}

/// One of each kind of event that was captured, the shortest.
fn wholes() -> Vec<Whole> {
    let mut shortest: BTreeMap<String, Whole> = BTreeMap::new();
    for hook in SCENARIOS.iter().flat_map(|scenario| scenario.hooks()) {
        let session = hook.json()["session_id"].as_str().unwrap_or("unknown").to_owned();
        let whole = Whole { session, event: hook.event.clone(), bytes: hook.payload };
        let known = shortest.entry(hook.event).or_insert_with(|| whole.clone());
        if whole.bytes.len() < known.bytes.len() {
            *known = whole;
        }
    }
    let wholes: Vec<_> = shortest.into_values().collect();
    assert!(wholes.len() > 8 && wholes.iter().all(|whole| strict::json(&whole.bytes).is_some()), "{}", wholes.len());
    wholes
}

/// Payloads cut to every length that they can have, the shortest payload first, until there are enough.
fn cut_everywhere(wholes: &[Whole], most: usize) -> Vec<Damaged> {
    let mut order: Vec<usize> = (0..wholes.len()).collect();
    order.sort_by_key(|at| wholes[*at].bytes.len());
    let cuts = order.into_iter().flat_map(|of| {
        let bytes = wholes[of].bytes.trim_ascii_end();
        (0..bytes.len()).map(move |end| (of, bytes[..end].to_vec()))
    });
    let damaged = |(of, bytes): (usize, Vec<u8>)| {
        let class = if bytes.is_empty() { "empty" } else { "truncated" };
        Damaged { way: "cut off", class: Some(class), of, bytes }
    };
    cuts.take(most).map(damaged).collect()
}

/// One broken in another way; `None` where the way broke nothing.
fn broken(wholes: &[Whole], seed: &mut Seed) -> Option<Damaged> {
    let of = seed.below(wholes.len());
    let whole = &wholes[of].bytes;
    let mut bytes = whole.clone();
    let at = seed.below(bytes.len());
    let (way, class) = match seed.below(WAYS) {
        0..3 => {
            for _ in 0..=seed.below(3) {
                let at = seed.below(bytes.len());
                bytes[at] ^= 1 << seed.below(8);
            }
            ("with flipped bits", None)
        }
        // As a file system leaves what it did not write before the power went.
        3 => {
            bytes.fill(0);
            ("of NULs alone", Some("not_json"))
        }
        4 => {
            bytes[at..].fill(0);
            ("with NULs at the end", None)
        }
        5 => {
            let length = seed.below(5_000);
            bytes = (0..length).map(|_| seed.number().to_le_bytes()[0]).collect();
            ("of noise", None)
        }
        6 => {
            let end = (at + 1 + seed.below(64)).min(bytes.len());
            bytes[at..end].iter_mut().for_each(|byte| *byte = seed.number().to_le_bytes()[0]);
            ("with noise within", None)
        }
        _ => {
            let other = &wholes[seed.below(wholes.len())].bytes;
            bytes.truncate(at);
            bytes.extend_from_slice(&other[seed.below(other.len())..]);
            ("with the end of another", None)
        }
    };
    let is_whole = strict::json(&bytes).is_some_and(|json| json.first == b'{') && std::str::from_utf8(&bytes).is_ok();
    (!is_whole).then_some(Damaged { way, class, of, bytes })
}

/// Some damaged files between good ones, in every folder in which a pass looks.
fn epoch(wholes: &[Whole], damaged: &[Damaged]) -> Figures {
    let world = World::new();
    world.data().create().unwrap_or_else(|error| panic!("the folders: {error}"));
    let spill = stage::spill(&world);
    for folder in ["tmp", "incoming"] {
        fs::create_dir_all(spill.join(folder)).unwrap_or_else(|error| panic!("the spill place: {error}"));
    }
    let (mut given, mut expected, mut ns) = (Given::default(), BTreeMap::new(), 1_795_350_951_000_000_000_u64);
    let mut put = |nth: usize, of: usize, bytes: &[u8], from_tmp: bool| {
        ns += 1;
        let name = format!("{ns}-{}-{}.json", wholes[of].session, wholes[of].event);
        let path = match nth % 10 {
            // Left by a reader that died, by a hook that could not write to the queue, by a hook that died.
            7 => world.data().processing().join(format!("{name}.a1")),
            8 => spill.join("incoming").join(&name),
            9 if from_tmp => world.data().tmp().join(&name),
            _ => world.data().incoming().join(&name),
        };
        fs::write(&path, bytes).unwrap_or_else(|error| panic!("write {}: {error}", path.display()));
        name
    };
    let mut figures = Figures::default();
    for (nth, file) in damaged.iter().enumerate() {
        // What a dead hook left may get another name from what stands in it, unless it is the beginning of the very payload.
        let name = put(nth, file.of, &file.bytes, file.way == "cut off");
        expected.insert(name.clone(), file);
        given.bad.insert((name, file.bytes.clone()));
        if nth % 3 == 0 {
            let of = nth % wholes.len();
            let name = put(nth / 3, of, &wholes[of].bytes, true);
            given.good.insert((name, wholes[of].bytes.clone()));
        }
    }
    stage::ingest(&world, &["once"]);
    stage::drain(&world); // a day and a half later what dead hooks left is given up
    given.check(world.data(), "damaged queue files");
    for (name, file) in expected {
        let note = world.data().failed().join(format!("{name}.reason.json"));
        let note: Value = fs::read(&note)
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_else(|| panic!("{} cannot be read", note.display()));
        let class = note["class"].as_str().unwrap_or_default();
        assert!(!class.is_empty() && note["size"] == file.bytes.len(), "{name}: {note}");
        assert!(file.class.is_none_or(|expected| expected == class), "{name}, {}: {note}", file.way);
        figures.count(&format!("queue files {}", file.way), 1);
    }
    figures.count("damaged queue files in failed", damaged.len() as u64);
    figures.count("good ones beside them stored", given.good.len() as u64);
    figures
}
