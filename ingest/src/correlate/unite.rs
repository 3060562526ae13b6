//! A line that was taken in twice, once with something hidden in it, is one line (correlation.md 1): its copies get one key.
//!
//! A file that was rewritten, a fork, another store: each copy is as the settings were when it came. Hiding leaves a line's
//! uuid, type and timestamp as they are, so what has the same of these is the same line, if something is hidden in either.

use std::collections::{HashMap, HashSet};

use store::sieve::same_text;

use super::Input;
use crate::transcripts::line::{Body, Line, Operation};

/// A line, by its key.
struct Copy {
    /// Something is hidden in it.
    masked: bool,
    key: [u8; 16],
    /// What tells lines without a uuid apart.
    queued: Option<Operation>,
}

/// Gives all copies of a line in these sessions the key of one of them, of one that hides nothing if there is such.
pub(crate) fn unite(inputs: &mut [&mut Input]) {
    let lines = || inputs.iter().flat_map(|input| lines(input));
    let masked: HashSet<[u8; 16]> = lines().filter(|line| line.masked).filter_map(|line| line.bare).collect();
    if masked.is_empty() {
        return;
    }
    let mut copies: HashMap<[u8; 16], Vec<Copy>> = HashMap::new();
    for line in lines() {
        let Some(bare) = line.bare.filter(|bare| masked.contains(bare)) else { continue };
        let known = copies.entry(bare).or_default();
        if known.iter().all(|copy| copy.key != line.key) {
            known.push(Copy { masked: line.masked, key: line.key, queued: queued(line) });
        }
    }
    let mut keys: HashMap<[u8; 16], Vec<[u8; 16]>> = HashMap::new();
    for same in copies.into_values().flat_map(same).filter(|same| same.len() > 1) {
        keys.extend(same.iter().map(|key| (*key, same.clone())));
    }
    for line in inputs.iter_mut().flat_map(|input| lines_mut(input)).filter(|line| line.bare.is_some()) {
        if let Some([first, others @ ..]) = keys.get(&line.key).map(Vec::as_slice) {
            line.key = *first;
            line.other_keys = others.to_vec();
        }
    }
}

fn lines(input: &Input) -> impl Iterator<Item = &Line> {
    input.files.iter().chain(input.subagents.iter().map(|subagent| &subagent.lines)).flatten()
}

fn lines_mut(input: &mut Input) -> impl Iterator<Item = &mut Line> {
    input.files.iter_mut().chain(input.subagents.iter_mut().map(|subagent| &mut subagent.lines)).flatten()
}

fn queued(line: &Line) -> Option<Operation> {
    match &line.body {
        Body::Operation(operation) if line.uuid.is_none() => Some(operation.clone()),
        _ => None,
    }
}

/// The keys of each line among copies that hiding could have made of one: what hides nothing is a line of its own.
fn same(mut copies: Vec<Copy>) -> Vec<Vec<[u8; 16]>> {
    copies.sort_by_key(|copy| (copy.masked, copy.key));
    let mut found: Vec<(Vec<[u8; 16]>, Option<Operation>)> = Vec::new();
    for copy in copies {
        match found.iter_mut().find(|(_, queued)| copy.masked && same_operation(queued, &copy.queued)) {
            Some((keys, _)) => keys.push(copy.key),
            None => found.push((vec![copy.key], copy.queued)),
        }
    }
    found.into_iter().map(|(keys, _)| keys).collect()
}

fn same_operation(a: &Option<Operation>, b: &Option<Operation>) -> bool {
    match (a, b) {
        (Some(Operation::Enqueue(a)), Some(Operation::Enqueue(b)))
        | (Some(Operation::Remove(Some(a))), Some(Operation::Remove(Some(b)))) => same_text(a, b),
        (a, b) => a == b,
    }
}
