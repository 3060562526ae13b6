//! The spellings of a hostile text: what a reader undoes, what a filter looks for, what makes room or hides.

/// How a text is spelled in another way that somebody may undo.
pub(super) type Spelling = fn(&str) -> String;

/// As it is, and otherwise.
pub(super) const SPELLINGS: &[Spelling] = &[
    str::to_owned,
    |way| way.to_uppercase().replace("HTTP", "http"),
    // What a second reading would undo.
    |way| way.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"),
    |way| each(way, |sign| format!("&#x{:x};", u32::from(sign))),
    |way| each(way, |sign| format!("\\u{:04x}", u32::from(sign))),
    |way| each(way, |sign| format!("%{:02X}", u32::from(sign))),
    // What looks the same, or is not seen.
    |way| way.replace('<', "\u{ff1c}").replace('>', "\u{ff1e}").replace('"', "\u{ff02}"),
    |way| way.replace("script", "scr\0ipt").replace('<', "<\0") + "\0",
    |way| format!("\u{202e}\u{2066}{way}\u{200b}\u{feff}\u{2069}"),
    |way| format!("\u{1b}[2J\u{1b}]0;{way}\u{7}\u{1b}]8;;http://ELSEWHERE/HIT\u{1b}\\{way}\u{1b}[0m\u{9b}31m"),
    // Room before, behind and within.
    |way| format!("{}{way}{}", room(way), "\u{301}".repeat(60)),
    |way| way.replace('<', "\r\n\t <\u{b}").replace("javascript:", "java\r\nscript\t:"),
];

/// With other letters for all signs that mean something.
fn each(way: &str, spell: impl Fn(char) -> String) -> String {
    way.chars().map(|sign| if "<>\"'&:/=()".contains(sign) { spell(sign) } else { sign.into() }).collect()
}

/// Four thousand letters, in words; for every eighth way or so in a single one, which is slow for a browser to break into lines.
fn room(way: &str) -> String {
    if way.len().is_multiple_of(8) { "A".repeat(4_000) } else { format!("{} ", "A".repeat(39)).repeat(100) }
}
