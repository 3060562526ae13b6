//! What a list was narrowed to, a chip each, which a click takes away; and the chip that leaves out what scripts asked.

use maud::{Markup, html};

use super::asked::Asked;
use super::text::clipped;
use crate::access::form::Visitor;
use crate::view::last_name;

/// Characters of a value that a chip shows.
const SHOWN: usize = 40;

/// The chips of a list at `path`.
pub(crate) fn chips(asked: &Asked, path: &str) -> Markup {
    html! {
        @for (name, value) in asked.pairs().filter(|(name, _)| !["q", "cursor"].contains(name)) {
            @let said = said(name, value);
            a class="chip" href=(asked.without(name, value).href(path)) title={ "Take away: " (said) } {
                (said) span aria-hidden="true" { "×" }
            }
        }
    }
}

/// A form of one button: whether what scripts asked (`print`, `sdk`) is left out. The browser remembers it.
pub(crate) fn scripts(visitor: &Visitor) -> Markup {
    let hidden = visitor.preferences.hides_scripts;
    html! {
        form method="post" action="/preferences" class="scripts" {
            input type="hidden" name="token" value=(visitor.token.as_str());
            input type="hidden" name="back" value=(visitor.here);
            button class="chip" name="scripts" value=(if hidden { "shown" } else { "hidden" }) aria-pressed=(if hidden { "true" } else { "false" })
                title="What scripts asked: print and SDK runs" {
                "Scripts " (if hidden { "hidden" } else { "shown" })
            }
        }
    }
}

/// What a parameter says, for people.
fn said(name: &str, value: &str) -> String {
    let shown = clipped(value, SHOWN);
    match (name, value) {
        ("project", value) => format!("in {}", clipped(last_name(value), SHOWN)),
        ("star", "true") => "starred".to_owned(),
        ("star", "false") => "not starred".to_owned(),
        ("has_error", "true") => "with errors".to_owned(),
        ("has_error", "false") => "without errors".to_owned(),
        ("rating", "any") => "rated".to_owned(),
        ("rating", "none") => "not rated".to_owned(),
        ("rating", value) => format!("rating {}", clipped(&value.replace(">=", "≥ ").replace("<=", "≤ "), SHOWN)),
        ("kind", "all") => "all kinds".to_owned(),
        ("in", _) => format!("found in {shown}"),
        ("sort", _) => format!("by {shown}"),
        ("order", "asc") => "oldest or least first".to_owned(),
        ("session_id" | "user_session_id", value) => format!("session {}", clipped(value, 8)),
        ("limit", _) => format!("{shown} a page"),
        (name, _) => format!("{} {shown}", clipped(&name.replace('_', " "), SHOWN)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words() {
        let check = |name: &str, value: &str, expected: &str| assert_eq!(said(name, value), expected);
        check("project", "/home/dev/acme", "in acme");
        check("tag", "keep", "tag keep");
        check("rating", ">=4", "rating ≥ 4");
        check("star", "true", "starred");
        check("star", "maybe", "star maybe");
        check("since", "7d", "since 7d");
        check("user_session_id", "0914908d-acc8", "session 0914908d…");
        check("never_heard_of", "\u{202e}x", "never heard of \u{fffd}x");
    }

    #[test]
    fn each_chip_leads_to_the_rest() {
        let check = |query: &str, expected: &[&str]| {
            let found = chips(&Asked::read(query), "/").into_string();
            let links: Vec<_> = found.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
            assert_eq!(links, expected, "{query}");
        };
        check("q=a&cursor=b", &[]);
        check("tag=x&tag=y&q=a&cursor=c", &["/?tag=y&amp;q=a", "/?tag=x&amp;q=a"]);
        check("tag=%22%3E%3Cb%3E", &["/"]);
        let hostile = chips(&Asked::read("tag=%22%3E%3Cb%3E&x%3Cb%3E=1"), "/").into_string();
        assert!(!hostile.contains("<b>") && hostile.contains("&lt;b&gt;"), "{hostile}");
    }
}
