//! Tags as they are typed: which are put on and which are taken off, each refusal by the word that it is of.

use store::human::{Tag, same_tag};
use terminal::text::one_line;

use super::Error;

/// The tags to put on, and those to take off.
pub(super) fn on_and_off(typed: &[String]) -> Result<(Vec<String>, Vec<String>), Error> {
    let (mut on, mut off) = (Vec::new(), Vec::new());
    for typed in typed.iter().map(|typed| typed.trim_start()) {
        match (typed.strip_prefix('+'), typed.strip_prefix('-')) {
            (Some(tag), _) if tag.starts_with('-') => {
                return Err(Error::Usage(format!(
                    "{tag:?} would be a tag that cannot be taken off: write it without the -"
                )));
            }
            // What is there by older rules can be taken off, whatever it is.
            (_, Some(tag)) if !terminal::tag(tag).trim().is_empty() => off.push(tag.to_owned()),
            (_, Some(_)) => return Err(no_tag(typed, "")),
            (tag, None) => on.push(named_tag(tag.unwrap_or(typed), typed, "")?),
        }
    }
    match on.iter().find(|on| off.iter().any(|off| same_tag(on, terminal::tag(off)))) {
        Some(both) => Err(Error::Usage(format!("the tag {} cannot be both put on and taken off", quoted(both)))),
        None => Ok((on, off)),
    }
}

/// The tag in what was typed; `place` is where that was, behind the name of the tag.
pub(super) fn named_tag(tag: &str, typed: &str, place: &str) -> Result<String, Error> {
    let tag = terminal::tag(tag);
    if tag.trim().is_empty() {
        return Err(no_tag(typed, place));
    }
    let wrong = |unfit| Error::Usage(format!("the tag {}{place} {unfit}", quoted(tag)));
    Tag::parse(tag).map(|tag| tag.as_str().to_owned()).map_err(wrong)
}

fn no_tag(typed: &str, place: &str) -> Error {
    Error::Usage(format!("{}{place} names no tag: write one, such as `keep`", quoted(typed)))
}

fn quoted(typed: &str) -> String {
    format!("`{}`", one_line(typed, 60))
}

/// Tags with some put on and some taken off; spellings of one tag mean the same.
pub(super) fn tagged(now: &[String], on: &[String], off: &[String]) -> Vec<String> {
    // One that does begin with a # can be taken off too.
    let meant = |off: &str| match now.iter().any(|tag| same_tag(tag, off)) {
        true => off.to_owned(),
        false => terminal::tag(off).to_owned(),
    };
    let off: Vec<_> = off.iter().map(|tag| meant(tag)).collect();
    let mut tags: Vec<String> =
        now.iter().filter(|tag| !off.iter().any(|other| same_tag(tag, other))).cloned().collect();
    for tag in on {
        if !tags.iter().any(|other| same_tag(tag, other)) {
            tags.push(tag.clone());
        }
    }
    tags
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_put_on_and_taken_off() {
        let list = |words: &str| words.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let check = |now: &str, on: &str, off: &str, expected: &str| {
            assert_eq!(tagged(&list(now), &list(on), &list(off)), list(expected), "{now} +{on} -{off}");
        };
        check("a b", "c", "", "a b c");
        check("a b", "b B", "", "a b");
        check("a b", "", "A x", "b");
        check("a", "b", "b", "a b");
        check("", "", "", "");
        check("Straße ΣΑΣ", "STRASSE", "σας", "Straße");
        check("a b", "", "#A", "b");
        check("a #a", "", "#a", "a");
    }

    #[test]
    fn typed_tags() {
        let check = |words: &[&str], expected: &str| {
            let words: Vec<_> = words.iter().map(|word| (*word).to_owned()).collect();
            let said = match on_and_off(&words) {
                Ok((on, off)) => format!("+{} -{}", on.join(" "), off.join(" ")),
                Err(error) => error.to_string(),
            };
            assert_eq!(said, expected, "{words:?}");
        };
        check(&["a", "+#b ", "-c", " -#d"], "+a b -c #d");
        check(&["-a,b"], "+ -a,b");
        check(&["x", "y", "-x"], "the tag `x` cannot be both put on and taken off");
        check(&["STRASSE", "-Straße"], "the tag `STRASSE` cannot be both put on and taken off");
        check(&["-#X", "+x"], "the tag `x` cannot be both put on and taken off");
        for word in ["", "+", "-", "#", "-#", "+ ", "- "] {
            let typed = one_line(word, 60);
            check(&["a", word], &format!("`{typed}` names no tag: write one, such as `keep`"));
        }
        check(&["a", "+b,c"], "the tag `b,c` must not hold a comma");
        check(&["a\u{1b}"], "the tag `a␛` must not hold control characters");
        check(&[&"a".repeat(101)], &format!("the tag `{}…` must have 1 to 100 characters", "a".repeat(59)));
    }
}
