//! Whether two copies are one, of which either may have been taken in with something hidden.
//!
//! What is hidden depends on the settings and the rules of the day, and what a thing is does not: so wherever two copies are
//! held against each other, a hidden byte fits any other. That alone never makes two things one. Those who ask have a name,
//! an id or a place that has to agree too.

/// What hides a byte.
const HIDDEN: u8 = b'*';
/// Nothing shorter is hidden.
const MASK: &[u8] = b"***";
/// Bytes of JSON that stand for one of a text at most: `\u0007`.
const ESCAPE: usize = 6;
/// So many bytes behind a mask tell where it ends.
const ANCHOR: usize = 32;
/// So many bytes have to be shown for a part of a text to be known; signs like those of a mask stand in code and in Markdown too.
const SHOWN: usize = 8;
/// Or so many hidden ones, without a blank, are all of it.
const ALONE: usize = 16;
/// Comparing everywhere what is longer, by bytes times bytes, would take long.
const TOO_LONG: usize = 1 << 28;

/// Whether something may be hidden in it.
pub fn is_masked(text: &str) -> bool {
    has_mask(text.as_bytes())
}

fn has_mask(text: &[u8]) -> bool {
    // Most texts have not even one of its signs, which is seen much sooner.
    memchr::memchr(HIDDEN, text).is_some_and(|at| memchr::memmem::find(&text[at..], MASK).is_some())
}

/// Whether two files, or documents, are the same: hiding keeps the place of each byte. Signs like those of a mask in a text
/// that has no mask are what was written, as in `2*3`.
pub fn same_bytes(a: &[u8], b: &[u8]) -> bool {
    let same = |hidden: [bool; 2]| {
        a.iter().zip(b).all(|(a, b)| a == b || hidden[0] && *a == HIDDEN || hidden[1] && *b == HIDDEN)
    };
    a.len() == b.len() && same([true; 2]) && (a == b || same([a, b].map(has_mask)))
}

/// Whether two texts out of documents are the same.
pub fn same_text(a: &str, b: &str) -> bool {
    a == b
        || (is_masked(a) || is_masked(b))
            && (same_bytes(a.as_bytes(), b.as_bytes()) || same_parts(a.as_bytes(), b.as_bytes()))
}

/// How often a text holds another.
pub fn count_same(text: &str, part: &str) -> usize {
    let exact = text.matches(part).count();
    if exact > 0 || !(is_masked(text) || is_masked(part)) {
        return exact;
    }
    let (whole, part, mut found, mut at) = (text.as_bytes(), part.as_bytes(), 0, 0);
    if !part.is_empty() && whole.len().saturating_mul(part.len()) <= TOO_LONG {
        while let Some(here) = whole.get(at..at + part.len()) {
            let is_same = same_bytes(here, part) && is_told(here, part) && !is_cut(whole, at, part);
            found += usize::from(is_same);
            at += if is_same { part.len() } else { 1 };
        }
    }
    let shows = |text: &[u8]| text.iter().filter(|byte| **byte != HIDDEN).count() >= SHOWN;
    let (whole, part) = (whole.trim_ascii(), part.trim_ascii());
    found.max(usize::from(shows(whole) && shows(part) && same_parts(whole, part)))
}

/// Whether two texts that are the same but for what is hidden have enough in common to be one.
fn is_told(a: &[u8], b: &[u8]) -> bool {
    let shown = a.iter().zip(b).filter(|(a, b)| a == b).count();
    let is_blank = |(a, b): (&u8, &u8)| a != b && (a.is_ascii_whitespace() || b.is_ascii_whitespace());
    shown >= SHOWN || a.len() - shown >= ALONE && !a.iter().zip(b).any(is_blank)
}

/// Whether a mask goes on beyond the part that begins at `from`: a secret is in a part as a whole or not at all.
fn is_cut(whole: &[u8], from: usize, part: &[u8]) -> bool {
    let end = from + part.len();
    let goes_on = |inside: usize, outside: Option<usize>| {
        whole[inside] == HIDDEN
            && part[inside - from] != HIDDEN
            && outside.and_then(|at| whole.get(at)) == Some(&HIDDEN)
    };
    goes_on(from, from.checked_sub(1)) || goes_on(end - 1, Some(end))
}

/// What was written with escapes is shorter in a text than in its document, where it was hidden: a mask fits as many bytes as
/// it has, or fewer.
fn same_parts<'t>(mut a: &'t [u8], mut b: &'t [u8]) -> bool {
    loop {
        let same = a.iter().zip(b).take_while(|(a, b)| a == b).count();
        (a, b) = (&a[same..], &b[same..]);
        if a.is_empty() && b.is_empty() {
            return true;
        }
        if !a.starts_with(MASK) {
            std::mem::swap(&mut a, &mut b);
        }
        let mask = a.iter().take_while(|byte| **byte == HIDDEN).count();
        let (least, most) = (mask.div_ceil(ESCAPE), mask.min(b.len()));
        if mask < MASK.len() || least > most {
            return false;
        }
        a = &a[mask..];
        let length = a.iter().take(ANCHOR).take_while(|byte| **byte != HIDDEN).count();
        let end = if a.is_empty() {
            (most == b.len()).then_some(most)
        } else {
            let place = &b[least..(most + length).min(b.len())];
            memchr::memmem::rfind(place, &a[..length]).map(|at| least + at)
        };
        let Some(end) = end else { return false };
        b = &b[end..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hidden_byte_fits_any_other() {
        let check = |a: &str, b: &str, expected: bool| {
            assert_eq!((same_text(a, b), same_text(b, a)), (expected, expected), "{a:?} {b:?}");
        };
        check("use abc now", "use abc now", true);
        check("use abc now", "use *** now", true);
        check("use abc now", "use abd now", false);
        check("use abcd now", "use *** now", false);
        check("use abc now", "use *** then", false);
        check("use a* b* now", "use ab bc now", false);
        check("what is 2*3", "what is 2+3", false);
        // A mask over two strings of a document is short in the second.
        check(r#"{"a":"*****","b":"**"}"#, r#"{"a":"hello","b":"/p"}"#, true);
        // Each was taken in by other rules.
        check("use *** and def", "use abc and ***", true);
        check("use *** and def", "use abc and deg", false);
        check("***", "abc", true);
        check("***", "abcd", false);
        check("", "***", false);
        // An escape is two bytes of the document and one of the text.
        check("key a\nb\nc end", "key ******* end", true);
        check("key a\nb\nc end", "key ******* and", false);
        check("key a\nb\nc", "key *******", true);
        check("one a\nb, two c\nd.", "one ****, two ****.", true);
        check("one a\nb, two c\nd.", "one ****, tow ****.", false);
        check("key a\nb", "key ********************************", false);
        check("key a long text that is no secret at all", "key ***", false);
        check("é\né", "*****", true);
    }

    #[test]
    fn a_text_holds_another() {
        let check = |text: &str, part: &str, expected: usize| {
            assert_eq!(count_same(text, part), expected, "{text:?} {part:?}");
        };
        check("ab ab", "ab", 2);
        check("first\nuse *** now\nlast", "use abc now", 1);
        check("use abc now, use abc now", "use *** now", 2);
        check("use abd now", "use abc now", 0);
        check("key ******* end", "key a\nb\nc end", 1);
        check("ab", "", 3);
        // A rule in Markdown, the frame of a comment, a whole private key: none of them says what was asked elsewhere.
        check("a\n***\nb", "yes", 0);
        check("/**************************/\nint main;", "please also fix it", 0);
        check("key ********************** end", "please also fix it", 0);
        check("a\n******************\nb", "please also fix it", 0);
        check("******************", "go on", 0);
        check("take ******************.", "ghp_aB3dE6gH9jK2mN", 1);
    }
}
