//! Which files belong together: those that name one session, and those that hold one and the same prompt line.

use std::collections::HashSet;

use super::{Transcript, lines};

/// The files, those of each lineage in one group.
pub(super) fn groups(files: Vec<Transcript>) -> Vec<Vec<Transcript>> {
    let mut groups: Vec<(HashSet<String>, Vec<Transcript>)> = Vec::new();
    for file in files {
        let mut signs = signs(&file);
        let mut joined = vec![file];
        let (related, others): (Vec<_>, Vec<_>) = groups.into_iter().partition(|(known, _)| !known.is_disjoint(&signs));
        for (known, files) in related {
            signs.extend(known);
            joined.extend(files);
        }
        groups = others;
        groups.push((signs, joined));
    }
    groups.into_iter().map(|(_, files)| files).collect()
}

fn signs(file: &Transcript) -> HashSet<String> {
    // The first name holds for the file: a later one stands on a line that was carried over.
    let session = file.lines.iter().find_map(|line| line["sessionId"].as_str()).map(str::to_owned);
    let prompts = file.lines.iter().filter(|line| line["type"] == "user");
    session.into_iter().chain(prompts.map(|line| lines::key(line).join(" "))).collect()
}
