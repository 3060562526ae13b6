//! What pages say in passing, `prompt-manager WORD --flag`, is a word and a flag that there is.

use std::collections::{BTreeMap, BTreeSet};

use super::page;
use super::reader::{Reader, Stage};

#[test]
fn what_is_named_in_passing_exists() {
    let reader = Reader::new(Stage::Used);
    let mut helps: BTreeMap<String, Option<String>> = BTreeMap::new();
    let (mut wrong, mut looked_at) = (BTreeSet::new(), 0);
    for page in page::all() {
        let prose: Vec<&str> = page.prose().collect();
        for span in prose.join("\n").split('`').skip(1).step_by(2) {
            let words: Vec<&str> = span.split_whitespace().collect();
            let Some(("prompt-manager", [word, flags @ ..])) = words.split_first().map(|(first, rest)| (*first, rest))
            else {
                continue;
            };
            let is_word = word.chars().all(|sign| sign.is_ascii_lowercase());
            if !is_word || ["help", "hook"].contains(word) {
                continue;
            }
            looked_at += 1;
            // `setup hooks` has flags of its own.
            let below: Vec<&str> =
                [*word].into_iter().chain(flags.first().copied().filter(|_| *word == "setup")).collect();
            let below: Vec<&str> =
                below.into_iter().filter(|word| word.chars().all(|sign| sign.is_ascii_lowercase())).collect();
            let help = helps.entry(below.join(" ")).or_insert_with(|| {
                let done = reader.command("prompt-manager").args(&below).arg("--help").run();
                (done.status.code() == Some(0)).then(|| done.out().to_owned())
            });
            let Some(help) = help else {
                wrong.insert(format!("{}: there is no `prompt-manager {}`", page.name, below.join(" ")));
                continue;
            };
            for flag in flags.iter().filter(|flag| flag.starts_with("--")) {
                let flag = flag.trim_end_matches([',', '.', ';']).split('=').next().unwrap_or_default();
                if !help.split(|sign: char| sign.is_whitespace() || ",=[".contains(sign)).any(|word| word == flag) {
                    wrong.insert(format!("{}: `prompt-manager {}` has no {flag}", page.name, below.join(" ")));
                }
            }
        }
    }
    assert!(looked_at > 40, "only {looked_at} were found");
    assert!(wrong.is_empty(), "{}", wrong.into_iter().collect::<Vec<_>>().join("\n"));
}
