//! Pieces of text that several pages share: marks, amounts, times.

use terminal::text::visible;
use terminal::time::when;
use terminal::{Tone, paint};

use super::shape::{Item, Marks};
use crate::http::filter::now_ms;

/// A time of the API as people say it.
pub(super) fn time(rfc3339: &str) -> String {
    export::time::parse(rfc3339).map(|ms| when(ms, now_ms())).unwrap_or_default()
}

/// `★4☆✎✗`, in that order, as far as they are there.
pub(super) fn signs(item: &Item) -> String {
    let mut signs = item.marks.rating.map(|rating| format!("★{rating}")).unwrap_or_default();
    if item.marks.star {
        signs.push('☆');
    }
    if item.marks.notes.is_some() {
        signs.push('✎');
    }
    match item.status.as_str() {
        "interrupted" => signs.push('–'),
        "open" => signs.push('…'),
        "failed" => signs.push('✗'),
        _ if item.has_error => signs.push('✗'),
        _ => {}
    }
    signs
}

/// Tags and, of what no person gave, the kind, in front of the prompt.
pub(super) fn headline(item: &Item) -> String {
    let mut line: String = item.marks.tags.iter().map(|tag| format!("[{tag}] ")).collect();
    if !["human", "command", "shell"].contains(&item.kind.as_str()) {
        line.push_str(&format!("({}) ", item.kind));
    }
    line.push_str(if item.prompt_text.is_empty() { "(no prompt was seen)" } else { &item.prompt_text });
    line
}

/// `★★★★☆`, `starred`, `#keep`, `#sql`; nothing where nothing was said.
pub(super) fn marks(marks: &Marks) -> Vec<String> {
    let stars = marks.rating.map(|rating| {
        let full = usize::from(rating.min(5));
        paint(Tone::Warning, &("★".repeat(full) + &"☆".repeat(5 - full)))
    });
    let star = marks.star.then(|| "starred".to_owned());
    let tags = marks.tags.iter().map(|tag| paint(Tone::Good, &visible(&format!("#{tag}"))));
    stars.into_iter().chain(star).chain(tags).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads() {
        let check = |item: &str, expected: &str| {
            let item: Item = serde_json::from_str(item).unwrap();
            assert_eq!(format!("{}|{}", signs(&item), headline(&item)), expected);
        };
        check(r#"{"kind":"human","status":"complete","prompt_text":"ask"}"#, "|ask");
        check(
            r#"{"kind":"shell","status":"open","prompt_text":"ls","rating":4,"tags":["a","b"],"notes":"n","star":true}"#,
            "★4☆✎…|[a] [b] ls",
        );
        check(
            r#"{"kind":"subagent","status":"complete","has_error":true,"prompt_text":null}"#,
            "✗|(subagent) (no prompt was seen)",
        );
    }
}
