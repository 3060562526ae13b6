//! The samples, made up from a seed; whether each of their secrets is found; and code in which there are none.

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use redact::Rules;
use serde::Deserialize;

#[derive(Deserialize)]
struct Document {
    kind: Vec<Kind>,
}

#[derive(Deserialize)]
struct Kind {
    name: String,
    samples: Vec<String>,
}

/// A text and where its secrets are.
pub(crate) struct Sample {
    pub(crate) kind: String,
    pub(crate) text: String,
    pub(crate) secrets: Vec<Range<usize>>,
}

impl Sample {
    /// Whether every byte of its secrets would be hidden.
    pub(crate) fn is_found(&self, rules: &Rules) -> bool {
        let found = rules.find(&self.text);
        let hidden =
            |secret: &Range<usize>| found.iter().any(|it| it.range.start <= secret.start && secret.end <= it.range.end);
        self.secrets.iter().all(hidden)
    }
}

/// Numbers that are the same in every run.
pub(crate) struct Seed(pub(crate) u64);

impl Seed {
    /// Below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % end as u64) as usize
    }

    fn of(&mut self, alphabet: &str, length: usize) -> String {
        let signs: Vec<char> = alphabet.chars().collect();
        (0..length).map(|_| signs[self.below(signs.len())]).collect()
    }

    /// As `{alphabet:length}` says.
    fn made_up(&mut self, word: &str) -> String {
        const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
        const LOWER: &str = "abcdefghijklmnopqrstuvwxyz";
        const DIGIT: &str = "0123456789";
        let (alphabet, length) = word.split_once(':').unwrap_or((word, "0"));
        let length = length.parse().expect("a length");
        match alphabet {
            "alnum" => self.of(&[UPPER, LOWER, DIGIT].concat(), length),
            "letter" => self.of(&[UPPER, LOWER].concat(), length),
            "upper" => self.of(&[UPPER, DIGIT].concat(), length),
            "digit" => self.of(&DIGIT[1..], length),
            "hex" => self.of("0123456789abcdef", length),
            "upperhex" => self.of("0123456789ABCDEF", length),
            "base32" => self.of("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", length),
            "base64" => self.of(&[UPPER, LOWER, DIGIT, "+/"].concat(), length),
            "url" => self.of(&[UPPER, LOWER, DIGIT, "_-"].concat(), length),
            // A letter and a digit are in each, as makers of passwords see to.
            "pass" => {
                let signs = [UPPER, LOWER, DIGIT, "!%^*_+-.~"].concat();
                [self.of(&signs, length - 3), self.of(LOWER, 1), self.of(DIGIT, 1), self.of(UPPER, 1)].concat()
            }
            "uuid" => [8, 4, 4, 4, 12].map(|length| self.of("0123456789abcdef", length)).join("-"),
            "lines" => {
                let signs = [UPPER, LOWER, DIGIT, "+/"].concat();
                (0..length).map(|_| self.of(&signs, 64)).collect::<Vec<_>>().join("\n")
            }
            other => panic!("no alphabet `{other}`"),
        }
    }
}

/// All of them, of this seed.
pub(crate) fn samples(seed: u64) -> Vec<Sample> {
    let document: Document = toml::from_str(include_str!("samples.toml")).expect("the samples");
    let mut seed = Seed(seed);
    let mut made = Vec::new();
    for kind in document.kind {
        for template in kind.samples {
            made.push(sample(&kind.name, &template, &mut seed));
        }
    }
    made
}

fn sample(kind: &str, template: &str, seed: &mut Seed) -> Sample {
    let (mut text, mut secrets, mut start) = (String::new(), Vec::new(), 0);
    let mut rest = template;
    while let Some(at) = rest.find(['«', '»', '{']) {
        text.push_str(&rest[..at]);
        let sign = rest[at..].chars().next().expect("a sign");
        rest = &rest[at + sign.len_utf8()..];
        match sign {
            '«' => start = text.len(),
            '»' => secrets.push(start..text.len()),
            _ => match rest.split_once('}').filter(|(word, _)| is_word(word)) {
                Some((word, after)) => {
                    text.push_str(&seed.made_up(word));
                    rest = after;
                }
                None => text.push('{'),
            },
        }
    }
    text.push_str(rest);
    assert!(!secrets.is_empty(), "{kind}: no secret in {template}");
    Sample { kind: kind.to_owned(), text, secrets }
}

fn is_word(word: &str) -> bool {
    word == "uuid"
        || word.split_once(':').is_some_and(|(name, length)| {
            name.bytes().all(|byte| byte.is_ascii_alphanumeric()) && length.parse::<usize>().is_ok()
        })
}

/// Sources of all kinds below a folder, but for what is made and what is made up.
pub(crate) fn code(dir: &Path, found: &mut Vec<PathBuf>) {
    const ENDS: [&str; 17] =
        ["rs", "c", "h", "cpp", "go", "py", "js", "ts", "java", "rb", "sh", "sql", "toml", "json", "yml", "md", "html"];
    const NOT: [&str; 5] = ["target", "fixtures", "samples", "redact/src/tests", ".git"];
    let Ok(entries) = fs::read_dir(dir) else { return };
    for path in entries.flatten().map(|entry| entry.path()).filter(|path| !path.is_symlink()) {
        if path.is_dir() && !NOT.iter().any(|name| path.ends_with(name)) {
            code(&path, found);
        } else if path.extension().is_some_and(|end| ENDS.iter().any(|known| end == *known)) {
            found.push(path);
        }
    }
}
