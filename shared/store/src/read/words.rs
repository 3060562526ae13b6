//! What people type into a search box, made into an FTS5 expression that cannot fail.
//!
//! Nothing typed reaches the engine's query language: every term stands there between quotes, where the tokenizer alone
//! takes it apart. `load-config` thus finds the two words side by side, and `AND`, `(`, `^` or `title:` are text.

/// Words that all must be in one block of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    expression: String,
    prefix: bool,
}

impl Words {
    /// Takes words, `"exact phrases"` and prefixes (`load*`) apart. `None` if nothing was typed; typed signs that no
    /// word holds give words that nothing matches.
    pub fn parse(typed: &str) -> Option<Self> {
        if typed.trim().is_empty() {
            return None;
        }
        let mut words = Self { expression: String::new(), prefix: false };
        let mut rest = typed;
        while let Some(start) = rest.find(|c: char| !is_space(c)) {
            rest = &rest[start..];
            let (term, after) = match rest.strip_prefix('"') {
                // A phrase without its closing quote goes on to the end: people search while they type.
                Some(phrase) => phrase.split_once('"').unwrap_or((phrase, "")),
                None => rest.split_at(rest.find(|c: char| is_space(c) || c == '"').unwrap_or(rest.len())),
            };
            // A star directly behind a phrase makes its last word a prefix, as behind a word.
            let (prefix, after) = match after.strip_prefix('*') {
                Some(after) => (true, after),
                None => (term.ends_with('*') && !rest.starts_with('"'), after),
            };
            words.push(term, prefix);
            rest = after;
        }
        Some(words)
    }

    /// The right side of MATCH; empty if nothing can match.
    pub(super) fn expression(&self) -> &str {
        &self.expression
    }

    /// Whether a prefix is among them.
    pub(super) fn has_prefix(&self) -> bool {
        self.prefix
    }

    fn push(&mut self, term: &str, prefix: bool) {
        if !term.chars().any(|c| c.is_alphanumeric() || c == '_') {
            return;
        }
        if !self.expression.is_empty() {
            self.expression.push(' ');
        }
        self.expression.push('"');
        self.expression.extend(term.chars().map(|c| if is_space(c) || c == '"' { ' ' } else { c }));
        self.expression.push_str(if prefix { "\"*" } else { "\"" });
        self.prefix |= prefix;
    }
}

/// Control characters too: the engine would end the expression at a NUL.
fn is_space(c: char) -> bool {
    c.is_whitespace() || c.is_control()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(typed: &str, expected: Option<&str>) {
        assert_eq!(Words::parse(typed).as_ref().map(Words::expression), expected, "{typed:?}");
    }

    #[test]
    fn every_term_is_quoted() {
        check("", None);
        check(" \t ", None);
        check("hello", Some(r#""hello""#));
        check("  two   words ", Some(r#""two" "words""#));
        check("load-config", Some(r#""load-config""#));
        check(r#""exact phrase""#, Some(r#""exact phrase""#));
        check(r#"say "exact phrase" now"#, Some(r#""say" "exact phrase" "now""#));
        check(r#"a"b c"d"#, Some(r#""a" "b c" "d""#));
        check("load*", Some(r#""load*"*"#));
        check(r#""load conf"*"#, Some(r#""load conf"*"#));
        check(r#""load conf"#, Some(r#""load conf""#));
        check(r#"""#, Some(""));
        check("***", Some(""));
        check("?! -- (", Some(""));
        check("foo OR bar", Some(r#""foo" "OR" "bar""#));
        check("NEAR(a b)", Some(r#""NEAR(a" "b)""#));
        check("text:secret", Some(r#""text:secret""#));
        check("^start", Some(r#""^start""#));
        check("a\0b", Some(r#""a" "b""#));
        check("__init__", Some(r#""__init__""#));
        check("naïve 日本語", Some(r#""naïve" "日本語""#));
    }
}
