//! Texts that try to become more than text: over a thousand, made from the ways into a page that are known, each in many spellings.
//!
//! All of them are of our own making and try the same: a dialog, a request to [`ELSEWHERE`], or an element that a page of ours never
//! has. Each carries its own mark, `hq` and a number, by which a page can be asked whether it shows the text as text.

mod spell;
mod ways;

use spell::SPELLINGS;
use ways::WAYS;

/// Where no request may go. No name server knows it.
pub const ELSEWHERE: &str = "evil.example";

/// A hostile text.
#[derive(Clone, Debug)]
pub struct Payload {
    /// Its number, from 0.
    pub nth: usize,
    /// Over several lines, its mark before or behind the rest.
    pub text: String,
}

impl Payload {
    /// The word in it that is harmless: what a page that shows the text shows too.
    pub fn mark(&self) -> String {
        format!("hq{:04}", self.nth)
    }

    /// The text on one line of at most so many characters, with its mark: for tags, titles and names.
    pub fn line(&self, most: usize) -> String {
        let body = self.text.replace(&self.mark(), "");
        let body: String = body.split_whitespace().collect::<Vec<_>>().join(" ");
        let mark = self.mark();
        format!("{mark} {}", body.chars().take(most - mark.len() - 1).collect::<String>())
    }
}

/// All of them, the same in every run.
pub fn payloads() -> Vec<Payload> {
    let texts = SPELLINGS.iter().flat_map(|spelling| WAYS.iter().map(move |way| spelling(way)));
    let payload = |(nth, text): (usize, String)| {
        let text = text.replace("HIT", &nth.to_string()).replace("ELSEWHERE", ELSEWHERE);
        let mark = format!("hq{nth:04}");
        let text = if nth % 2 == 0 { format!("{text}\n\n{mark}") } else { format!("{mark}\n\n{text}") };
        Payload { nth, text }
    };
    texts.enumerate().map(payload).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_thousand_that_differ() {
        let all = payloads();
        let bare = |payload: &Payload| payload.text.replace(&payload.mark(), "").replace(&payload.nth.to_string(), "");
        let different: BTreeSet<_> = all.iter().map(bare).collect();
        assert!(different.len() >= 1_000, "{} of {} differ", different.len(), all.len());
        for payload in &all {
            assert!(payload.text.contains(&payload.mark()), "{payload:?}");
            assert!(payload.line(100).chars().count() <= 100 && !payload.line(100).contains('\n'), "{payload:?}");
        }
    }
}
