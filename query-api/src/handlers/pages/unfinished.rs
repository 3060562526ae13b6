//! What is typed into the box of the timeline ends in a word that may not be whole yet.
//!
//! It is found as it is and also as a beginning, with the script and without: the same address always shows the same rows.
//! Who wants the word alone types a blank behind it, or puts it between quotes. The API takes each word as it is.

use store::read::{LONGEST_QUERY, MOST_TERMS};

/// Letters of a last word that is looked for as a beginning: fewer begin half of all words.
const FEWEST: usize = 2;

/// What to search for in place of what was typed; `None`: just that.
pub(super) fn search(typed: &str) -> Option<String> {
    let last = typed.rsplit(char::is_whitespace).next()?;
    let letters = last.chars().rev().take_while(|sign| sign.is_alphanumeric() || *sign == '_').count();
    let is_text = letters >= FEWEST && last != "OR" && last != "AND" && !last.starts_with('-');
    // Behind an odd quote a phrase is still open.
    let is_bare = !last.contains('"') && typed.matches('"').count().is_multiple_of(2);
    let wider = format!("{typed} OR {last}*");
    let fits = wider.chars().count() <= LONGEST_QUERY && wider.split_whitespace().count() <= MOST_TERMS;
    (is_text && is_bare && fits).then_some(wider)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_may_go_on() {
        let check = |typed: &str, expected: Option<&str>| assert_eq!(search(typed).as_deref(), expected, "{typed}");
        check("tide", Some("tide OR tide*"));
        check("tidep", Some("tidep OR tidep*"));
        check("the led", Some("the led OR led*"));
        check("commit me", Some("commit me OR me*"));
        check("load-conf", Some("load-conf OR load-conf*"));
        check("api_", Some("api_ OR api_*"));
        check("naï", Some("naï OR naï*"));
        check("\"a phrase\" wo", Some("\"a phrase\" wo OR wo*"));
        check("\"commit me", None);
        check("\"commit me\"", None);
        check("led ", None);
        check("l", None);
        check("", None);
        check("-led", None);
        check("led*", None);
        check("foo OR", None);
        check("why?", None);
        check(&"word ".repeat(31), None);
        check(&format!("{}led", "word ".repeat(31)), None);
        check(&"x".repeat(LONGEST_QUERY), None);
    }
}
