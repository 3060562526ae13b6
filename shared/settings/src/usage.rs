//! What a program says when its command line is refused: one line, as everything that goes wrong is said in one line.

/// Clap's own text is a page; this is what it says, without the usage.
pub fn usage_line(page: &str) -> String {
    let said = page.split("Usage:").next().unwrap_or_default().split("For more").next().unwrap_or_default();
    let said = said.trim_start_matches("error: ").replace("\n\n  tip:", ";");
    let words: Vec<&str> = said.split_whitespace().collect();
    format!("{}; see --help", words.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_becomes_a_line() {
        let page = "error: unexpected argument '--hme' found\n\n  tip: a similar argument exists: '--home'\n\nUsage: ingest once\n";
        let line = "unexpected argument '--hme' found; a similar argument exists: '--home'; see --help";
        assert_eq!(usage_line(page), line);
    }
}
