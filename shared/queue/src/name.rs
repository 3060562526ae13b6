//! Names of queue files: `{timestamp}-{session-id}-{hook-type}.json`.
//!
//! The timestamp is nanoseconds since 1970 in 19 digits, so that names sort by time. Session id and type come from
//! outside and end up in a path, so only `[A-Za-z0-9_-]{1,64}` is let in; anything else becomes `unknown`.
//!
//! A hook outlives its release: it goes on writing until somebody renews it, and what it wrote waits for any ingester. So every name
//! and place that a hook ever wrote is read for good: what is added to a name must be one of these three parts, as the type
//! `Rate` was, and tests/fixtures/queue has files of each hook that wrote others than the one before.

use std::fmt;
use std::str::FromStr;

/// A word from outside that is safe in a file name: `[A-Za-z0-9_-]{1,64}`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Token {
    bytes: [u8; Self::MAX],
    len: u8,
}

impl Token {
    /// The longest that is accepted, in bytes.
    pub const MAX: usize = 64;

    /// What stands where nothing better is known.
    pub const UNKNOWN: Self = {
        let mut bytes = [0; Self::MAX];
        let word = b"unknown";
        let mut i = 0;
        while i < word.len() {
            bytes[i] = word[i];
            i += 1;
        }
        Self { bytes, len: word.len() as u8 }
    };

    /// `Some` if every byte may stand in a name.
    pub fn new(word: &[u8]) -> Option<Self> {
        let fits = (1..=Self::MAX).contains(&word.len());
        let clean = word.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
        (fits && clean).then(|| {
            let mut bytes = [0; Self::MAX];
            bytes[..word.len()].copy_from_slice(word);
            Self { bytes, len: word.len() as u8 }
        })
    }

    /// The word.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..usize::from(self.len)]).unwrap_or("unknown")
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

/// The parsed name of a queue file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueName {
    /// When the hook ran: nanoseconds since 1970, UTC.
    pub captured_ns: u64,
    /// The session, or `unknown`.
    pub session: Token,
    /// The hook event, or `unknown`.
    pub event: Token,
}

impl QueueName {
    /// The largest timestamp that 19 digits hold.
    pub const MAX_NS: u64 = 9_999_999_999_999_999_999;

    /// The name behind one that got a number because it was taken: `NAME.json.2`, and `NAME.json` itself.
    pub fn numbered(file: &str) -> Option<Self> {
        let name = match file.rsplit_once('.') {
            Some((name, number)) if number.bytes().all(|byte| byte.is_ascii_digit()) => name,
            _ => file,
        };
        name.parse().ok()
    }
}

impl fmt::Display for QueueName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ns = self.captured_ns.min(Self::MAX_NS);
        write!(f, "{ns:019}-{}-{}.json", self.session.as_str(), self.event.as_str())
    }
}

/// The name is not one of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ForeignName;

impl FromStr for QueueName {
    type Err = ForeignName;

    /// Session ids hold dashes and event names do not, so the type is what follows the last dash. Should an event have dashes all
    /// the same, it may be the last but one, before which and behind which a word stands: a file that a hook wrote is never foreign.
    fn from_str(name: &str) -> Result<Self, ForeignName> {
        let stem = name.strip_suffix(".json").ok_or(ForeignName)?;
        let (ns, rest) = stem.split_at_checked(19).ok_or(ForeignName)?;
        let rest = rest.strip_prefix('-').ok_or(ForeignName)?;
        if !ns.bytes().all(|b| b.is_ascii_digit()) {
            return Err(ForeignName);
        }
        let word = |word: &str| Token::new(word.as_bytes());
        let mut dashes = rest.rmatch_indices('-');
        let (session, event) =
            dashes.find_map(|(at, _)| Some((word(&rest[..at])?, word(&rest[at + 1..])?))).ok_or(ForeignName)?;
        Ok(Self { captured_ns: ns.parse().map_err(|_| ForeignName)?, session, event })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, expected: Option<(u64, &str, &str)>) {
        let found = name.parse::<QueueName>().ok();
        let parts = found.as_ref().map(|n| (n.captured_ns, n.session.as_str(), n.event.as_str()));
        assert_eq!(parts, expected, "{name}");
        if let Some(found) = found {
            assert_eq!(found.to_string(), name);
        }
    }

    #[test]
    fn names() {
        check(
            "1795350951598014047-0914908d-acc8-48aa-98d6-77d558fb9590-Stop.json",
            Some((1_795_350_951_598_014_047, "0914908d-acc8-48aa-98d6-77d558fb9590", "Stop")),
        );
        check("0000000000000000001-unknown-unknown.json", Some((1, "unknown", "unknown")));
        check("1795350951598014047-a-Stop.json.tmp", None);
        check("1795350951598014047-Stop.json", None);
        check("1795350951598014047-a b-Stop.json", None);
        check("+795350951598014047-a-Stop.json", None);
        check("179535095159801404é-a-Stop.json", None);
        check("", None);
    }

    /// An event may end with a dash, and one with dashes may stand behind the longest id: its file waited for good under a name
    /// that nobody read.
    #[test]
    fn an_event_with_dashes_is_no_foreign_name() {
        let long = "s".repeat(Token::MAX);
        for (session, event, read) in [
            ("s", "-", ("s", "-")),
            ("s", "Stop-", ("s", "Stop-")),
            ("s", "a-b", ("s-a", "b")),
            (&long, "a-b", (&*long, "a-b")),
        ] {
            let [session, event] = [session, event].map(|word| Token::new(word.as_bytes()).unwrap());
            let name = QueueName { captured_ns: 1_795_350_951_598_014_047, session, event }.to_string();
            check(&name, Some((1_795_350_951_598_014_047, read.0, read.1)));
        }
    }

    #[test]
    fn tokens_keep_paths_out() {
        for bad in ["", "a/b", "..", "a.b", "é", "a\0", &"x".repeat(65)] {
            assert_eq!(Token::new(bad.as_bytes()), None, "{bad:?}");
        }
        assert_eq!(Token::new("x".repeat(64).as_bytes()).unwrap().as_str().len(), 64);
        assert_eq!(Token::UNKNOWN.as_str(), "unknown");
    }
}
