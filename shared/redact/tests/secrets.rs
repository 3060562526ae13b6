//! The rules against our own samples, and against our own sources, in which there are no secrets.

mod samples;

use std::fs;
use std::path::Path;

use redact::Rules;
use samples::{Sample, code, samples};

#[test]
fn they_find_the_secrets_of_the_samples() {
    let all: Vec<Sample> = (0..10).flat_map(samples).collect();
    let mut kinds: Vec<&str> = all.iter().map(|sample| sample.kind.as_str()).collect();
    kinds.dedup();
    assert_eq!((kinds.len(), all.len()), (45 * 10, 225 * 10));
    let missed: Vec<&Sample> = all.iter().filter(|sample| !sample.is_found(Rules::ours())).collect();
    let recall = 100.0 - 100.0 * missed.len() as f64 / all.len() as f64;
    println!("recall: {recall:.2} % of 225 samples of 45 kinds, made up from each of 10 seeds");
    missed.iter().for_each(|sample| println!("missed, {}: {}", sample.kind, sample.text));
    assert!(recall >= 98.0);
}

#[test]
fn they_find_nothing_in_code() {
    let mut files = Vec::new();
    code(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."), &mut files);
    let (mut lines, mut hits) = (0, Vec::new());
    for file in files {
        let Ok(text) = fs::read_to_string(&file) else { continue };
        lines += text.lines().count();
        let found = Rules::ours().find(&text);
        hits.extend(found.iter().map(|it| format!("{}: {} {:?}", file.display(), it.rule, &text[it.range.clone()])));
    }
    let rate = hits.len() as f64 * 10_000.0 / lines as f64;
    println!("false hits: {rate:.2} for 10,000 lines, in {lines} lines of this repository\n{}", hits.join("\n"));
    assert!(lines > 50_000, "only {lines} lines: where is the code?");
    assert!(rate <= 1.0);
}
