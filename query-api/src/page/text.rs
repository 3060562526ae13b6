//! Texts, numbers and addresses for pages.

use maud::{Markup, html};

/// The beginning of a text on one line, at most so many characters; control characters are shown as their pictures.
pub(crate) fn clipped(text: &str, most: usize) -> String {
    let mut clip = String::new();
    let mut room = most;
    for word in text.split_whitespace() {
        let gap = usize::from(!clip.is_empty());
        if room <= gap {
            return clip + "…";
        }
        room -= gap;
        clip.push_str(&" "[..gap]);
        let mut signs = word.chars();
        for sign in signs.by_ref().take(room) {
            clip.push(visible(sign));
            room -= 1;
        }
        if signs.next().is_some() {
            return clip + "…";
        }
    }
    clip
}

/// What a Markdown text says at its beginning: without code, tables and the signs that mark headings, lists and emphasis.
pub(crate) fn gist(markdown: &str) -> String {
    /// Lines that are looked at: an answer may be long, and one line of it is shown.
    const LINES: usize = 40;
    /// Bytes of a line that are looked at.
    const LINE: usize = 2_000;
    let (mut gist, mut code, mut in_code) = (String::new(), String::new(), false);
    for line in markdown.lines().take(LINES) {
        let line = line[..line.floor_char_boundary(LINE)].trim();
        let is_fence = line.starts_with("```");
        in_code ^= is_fence;
        if is_fence {
            continue;
        }
        if in_code || line.starts_with('|') {
            code.push_str(line);
            code.push('\n');
            continue;
        }
        let words = line.trim_start_matches(['#', '>', ' ']);
        let words = words.strip_prefix("- ").or_else(|| words.strip_prefix("* ")).unwrap_or(words);
        gist.push_str(&words.replace("**", "").replace('`', ""));
        gist.push('\n');
    }
    // An answer may be code alone.
    if gist.trim().is_empty() { code } else { gist }
}

/// A control character as its picture; what turns the direction of writing around as nothing would.
pub(crate) fn visible(sign: char) -> char {
    match sign {
        '\n' | '\t' => sign,
        '\0'..='\u{1f}' => char::from_u32(0x2400 + u32::from(sign)).unwrap_or('\u{fffd}'),
        '\u{7f}' => '\u{2421}',
        '\u{80}'..='\u{9f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
        sign => sign,
    }
}

/// `12 345`, with narrow blanks that do not break.
pub(crate) fn number(number: impl Into<i128>) -> String {
    let number = number.into();
    let digits = number.unsigned_abs().to_string();
    let mut grouped = if number < 0 { "−".to_owned() } else { String::new() };
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i) % 3 == 0 {
            grouped.push('\u{202f}');
        }
        grouped.push(digit);
    }
    grouped
}

/// `950`, `12.3k`, `4.5M`: how much, rounded where the last digit says nothing.
pub(crate) fn about(number: u64) -> String {
    const UNITS: [(u64, char); 3] = [(1_000, 'k'), (1_000_000, 'M'), (1_000_000_000, 'G')];
    // The smallest unit of which there are less than a thousand, once rounded.
    let fits = |(unit, _): &(u64, char)| number < unit * 1_000 - unit / 2;
    let (unit, sign) = match number {
        0..1_000 => return number.to_string(),
        _ => UNITS.into_iter().find(fits).unwrap_or(UNITS[2]),
    };
    let in_units = |unit: u64| number.saturating_add(unit / 2) / unit;
    let tenths = in_units(unit / 10);
    if tenths < 1_000 { format!("{}.{}{sign}", tenths / 10, tenths % 10) } else { format!("{}{sign}", in_units(unit)) }
}

/// `$0.42`, and `<$0.01` of what is less.
pub(crate) fn dollars(usd: f64) -> String {
    if usd > 0.0 && usd < 0.01 { "<$0.01".to_owned() } else { format!("${usd:.2}") }
}

/// A model without what all of them have: `opus-4-5` of `claude-opus-4-5-20251101`.
pub(crate) fn model(name: &str) -> &str {
    let short = name.strip_prefix("claude-").unwrap_or(name);
    let is_day = |day: &str| day.len() == 8 && day.bytes().all(|digit| digit.is_ascii_digit());
    match short.rsplit_once('-') {
        Some((before, day)) if is_day(day) && !before.is_empty() => before,
        _ => short,
    }
}

/// A tool as people call it: `create_issue (github)` of `mcp__github__create_issue`.
pub(crate) fn tool(name: &str) -> String {
    match name.strip_prefix("mcp__").and_then(|rest| rest.split_once("__")) {
        Some((server, tool)) if !server.is_empty() && !tool.is_empty() => format!("{tool} ({server})"),
        _ => name.to_owned(),
    }
}

/// Stars of a rating for eyes, and its words for ears.
pub(crate) fn stars(rating: Option<u8>) -> Markup {
    let rating = rating.unwrap_or(0).min(5);
    html! {
        span class="stars" data-rating=(rating) {
            @if rating > 0 {
                span aria-hidden="true" { @for _ in 0..rating { "★" } i { @for _ in rating..5 { "★" } } }
                span class="vh" { "rated " (rating) " of 5" }
            }
        }
    }
}

/// Where a step of a conversation stands on its page: by the call that it is, else by its number. Ids of calls may hold anything,
/// and those that hold more than letters and digits are none here.
pub(crate) fn anchor(block: Option<usize>, call: Option<&str>) -> Option<String> {
    let plain =
        |id: &&str| id.len() < 100 && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
    let call = call.filter(plain).map(|id| format!("t-{id}"));
    call.or_else(|| block.map(|number| format!("b-{number}")))
}

/// A path of ours from fixed pieces and one that may hold anything.
pub(crate) fn path(before: &str, name: &str, after: &str) -> String {
    // `+` is a blank in a query, not in a path.
    let name = form_urlencoded::byte_serialize(name.as_bytes()).collect::<String>().replace('+', "%20");
    // These two would be taken as steps.
    let name = if name == "." || name == ".." { name.replace('.', "%2E") } else { name };
    format!("{before}{name}{after}")
}

/// An address of ours with these parameters.
pub(crate) fn address(path: &str, pairs: &[(&str, &str)]) -> String {
    if pairs.is_empty() {
        return path.to_owned();
    }
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(pairs);
    format!("{path}?{}", query.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clips() {
        let check = |text: &str, most, expected: &str| assert_eq!(clipped(text, most), expected, "{text:?}");
        check("", 5, "");
        check("one", 5, "one");
        check("one\n\n two", 7, "one two");
        check("one two three", 7, "one two…");
        check("one two", 5, "one t…");
        check("onetwothree", 5, "onetw…");
        check("a\u{1b}[31mb\u{202e}c\0", 20, "a\u{241b}[31mb\u{fffd}c\u{2400}");
        check(&"é".repeat(10), 3, "ééé…");
    }

    #[test]
    fn numbers() {
        let check = |found: String, expected: &str| assert_eq!(found, expected);
        check(number(0), "0");
        check(number(1_234_567), "1\u{202f}234\u{202f}567");
        check(number(-1_000), "−1\u{202f}000");
        check(about(999), "999");
        check(about(1_250), "1.3k");
        check(about(1_249), "1.2k");
        check(about(47_757_881), "47.8M");
        check(about(99_949), "99.9k");
        check(about(99_950), "100k");
        check(about(999_499), "999k");
        check(about(999_500), "1.0M");
        check(about(250_000), "250k");
        check(about(4_500_000), "4.5M");
        check(dollars(0.0), "$0.00");
        check(dollars(0.004), "<$0.01");
        check(dollars(12.345), "$12.35");
    }

    #[test]
    fn gists() {
        let check = |markdown: &str, expected: &str| assert_eq!(clipped(&gist(markdown), 80), expected, "{markdown:?}");
        check("", "");
        check("Plain.", "Plain.");
        check("# Done\n\nIt **works**: `plan` decides.\n- one\n* two", "Done It works: plan decides. one two");
        check("> quoted\n```rust\nfn main() {}\n```\nafter", "quoted after");
        check("Two:\n| a | b |\n|---|---|\n| 1 | 2 |", "Two:");
        check("```\ncode `alone`\n```", "code `alone`");
        check("```\nnever closed", "never closed");
        check(&"é".repeat(5_000), &format!("{}…", "é".repeat(80)));
    }

    #[test]
    fn short_names() {
        let check = |found: String, expected: &str| assert_eq!(found, expected);
        check(model("claude-opus-4-5-20251101").to_owned(), "opus-4-5");
        check(model("claude-haiku-4-5").to_owned(), "haiku-4-5");
        check(model("other-20251101").to_owned(), "other");
        check(model("claude--20251101").to_owned(), "-20251101");
        check(model("").to_owned(), "");
        check(tool("mcp__github__create_issue"), "create_issue (github)");
        check(tool("mcp____x"), "mcp____x");
        check(tool("Bash"), "Bash");
    }

    #[test]
    fn anchors() {
        let check = |block, call, expected: Option<&str>| assert_eq!(anchor(block, call).as_deref(), expected);
        check(Some(3), None, Some("b-3"));
        check(Some(3), Some("toolu_01"), Some("t-toolu_01"));
        check(None, Some("a\"b c"), None);
        check(None, None, None);
    }

    #[test]
    fn addresses() {
        let check = |found: String, expected: &str| assert_eq!(found, expected);
        check(path("/sessions/", "a b/../?#\"<", "/title"), "/sessions/a%20b%2F..%2F%3F%23%22%3C/title");
        check(path("/sessions/", "..", ""), "/sessions/%2E%2E");
        check(address("/", &[]), "/");
        check(address("/", &[("q", "a&b\"")]), "/?q=a%26b%22");
    }
}
