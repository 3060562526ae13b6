//! A file's name in the queue: nothing but names of ours is taken for one, and every name that a hook may write is read again.

use std::path::Path;

use ingest::doors;
use queue::{QueueName, Token};

pub(super) const WORDS: &[&str] = &[
    "1795350951598014047-",
    "-Stop.json",
    ".json",
    ".json.2",
    ".a1",
    ".a0",
    ".a4294967296",
    "unknown",
    "..",
    "/",
    "\0",
    "%2e",
    "--",
    "9999999999999999999",
    "0000000000000000000",
];

pub(super) fn check(bytes: &[u8]) {
    if let Ok(file) = std::str::from_utf8(bytes) {
        if let Ok(name) = file.parse::<QueueName>() {
            assert_eq!(name.to_string(), file);
            fits(file);
        }
        if let Some(name) = QueueName::numbered(file) {
            let name = name.to_string();
            let number = file.strip_prefix(&name).expect("a name with a number begins with the name");
            let digits = number.strip_prefix('.').unwrap_or(number);
            assert!(digits.bytes().all(|byte| byte.is_ascii_digit()), "{file:?}");
        }
        if let Some((name, attempt)) = doors::attempt(file) {
            assert_eq!(format!("{name}.a{attempt}"), file);
        }
    }
    assert_eq!(Token::new(bytes).is_some(), is_word(bytes));
    // What a hook may write: any time, and any two words of what was given.
    let mut words = bytes.split(|byte| *byte == b' ').filter_map(Token::new);
    if let (Some(session), Some(event)) = (words.next(), words.next()) {
        let captured_ns = bytes.iter().fold(0_u64, |sum, byte| sum.wrapping_mul(257).wrapping_add(u64::from(*byte)));
        let written = QueueName { captured_ns, session, event }.to_string();
        fits(&written);
        let read = written.parse::<QueueName>().map(|name| name.to_string());
        assert_eq!(read.as_deref(), Ok(written.as_str()), "a name that a hook may write");
    }
}

fn is_word(bytes: &[u8]) -> bool {
    (1..=64).contains(&bytes.len()) && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(byte))
}

/// A name of ours is one part of a path, and sorts by its time.
fn fits(name: &str) {
    assert!(name.len() <= 19 + 1 + 64 + 1 + 64 + 5, "{name:?}");
    assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte)), "{name:?}");
    assert!(name.as_bytes()[..19].iter().all(u8::is_ascii_digit), "{name:?}");
    assert_eq!(Path::new("/q").join(name).parent(), Some(Path::new("/q")), "{name:?}");
}
