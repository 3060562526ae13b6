//! Code with its words marked by what they are, without a script and without inline styles.
//!
//! A word is a `span`, which has no look of its own to be undone, with a class of one letter; gzip makes their bytes cheap. The
//! colours are in assets/style/code.css. The grammars are loaded once, when first needed. Regular expressions of grammars are
//! slow on some texts, so a block and a page are bounded in bytes, and a page in time as well; what is over is plain text.
//!
//! What it costs, measured in a debug build whose dependencies are optimised: 2 ms to load the grammars, 100 to 250 ms for the
//! first text of a language (its expressions are compiled then, once), later 10 to 50 ms for 10 KiB. The grammars are 0.96 MB of
//! the program. Their licences are at `/assets/grammars`.

use std::collections::HashMap;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use maud::{Markup, PreEscaped, html};
use syntect::parsing::{ParseState, Scope, ScopeStack, SyntaxReference, SyntaxSet};

use super::markdown::escape;

/// A longer block is plain, in bytes.
const BLOCK: usize = 64 << 10;
/// So much of a page is marked, in bytes.
const PAGE: usize = 128 << 10;
/// And so long it may take. It is looked at between lines, of which the worst that were found take 60 ms at their longest.
const TIME: Duration = Duration::from_millis(800);
/// A longer line is plain, in bytes: expressions that look ahead take a time that grows faster than the line.
const LINE: usize = 200;

/// What may still be spent on a page.
#[derive(Debug)]
pub(crate) struct Budget {
    bytes: usize,
    time: Duration,
}

/// What tells the language.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Language<'a> {
    /// The words behind the fence of a code block.
    Fence(&'a str),
    /// The name of a file.
    File(&'a str),
}

/// The grammars, and what the scopes that they name are to us.
struct Grammars {
    set: SyntaxSet,
    classes: Vec<(Scope, &'static str)>,
    /// Of what stands before a colon in JSON or YAML, which is a string to its grammar.
    key: Option<Scope>,
}

/// The longest prefix that fits a scope decides; of the scopes that a word stands in, the innermost that has a class.
const CLASSES: [(&str, &str); 30] = [
    ("comment", "c"),
    ("string", "s"),
    ("constant.character.escape", "e"),
    ("constant", "n"),
    ("keyword", "k"),
    ("keyword.operator", ""),
    ("storage", "k"),
    ("variable.language", "k"),
    ("entity.name.function", "f"),
    ("support.function", "f"),
    ("variable.function", "f"),
    ("support.macro", "f"),
    ("entity.name.macro", "f"),
    ("entity.name", "t"),
    ("entity.other.inherited-class", "t"),
    ("support", "t"),
    ("entity.name.tag", "g"),
    ("support.type.property-name", "a"),
    ("entity.other.attribute-name", "a"),
    ("meta.annotation", "a"),
    ("variable.annotation", "a"),
    ("meta.preprocessor", "a"),
    ("variable.parameter", "v"),
    ("variable.other.readwrite.shell", "v"),
    ("entity.name.section", "h"),
    ("markup.heading", "h"),
    ("markup.inserted", "i"),
    ("markup.deleted", "d"),
    ("markup.raw", "s"),
    ("punctuation.definition.comment", "c"),
];

impl Budget {
    /// Of a page.
    pub(crate) fn page() -> Self {
        Self { bytes: PAGE, time: TIME }
    }
}

/// A block of code.
pub(crate) fn block(text: &str, language: Language<'_>, budget: &mut Budget) -> Markup {
    html! { pre class="code" { code { (marked(text, language, budget)) } } }
}

/// Code with its words marked, if its language is known and there is room for it.
pub(crate) fn marked(text: &str, language: Language<'_>, budget: &mut Budget) -> Markup {
    let mut out = String::with_capacity(text.len() * 2);
    let fits = text.len() <= BLOCK.min(budget.bytes) && !budget.time.is_zero();
    let grammar = fits.then(|| language.name()).flatten().and_then(|name| grammars().named(name));
    match grammar {
        Some(grammar) => {
            let began = Instant::now();
            let time = budget.time;
            mark(text, grammar, &mut out, || began.elapsed() < time);
            budget.bytes -= text.len();
            budget.time = time.saturating_sub(began.elapsed());
        }
        None => escape(text, &mut out),
    }
    PreEscaped(out)
}

impl<'a> Language<'a> {
    /// By which a grammar may be known: `rust`, `rs`, `Makefile`.
    fn name(self) -> Option<&'a str> {
        let name = match self {
            Self::Fence(words) => words.split([' ', ',', '{', '\t', ':']).find(|word| !word.is_empty())?,
            Self::File(path) => {
                let name = path.rsplit(['/', '\\']).next()?;
                name.rsplit_once('.').map_or(name, |(_, extension)| extension)
            }
        };
        (!name.is_empty() && name.len() < 40).then_some(name)
    }
}

/// Whose work the grammars are, with the licences that want to be told.
pub(crate) fn acknowledgement() -> String {
    two_face::acknowledgement::listing().to_md()
}

fn grammars() -> &'static Grammars {
    static GRAMMARS: OnceLock<Grammars> = OnceLock::new();
    GRAMMARS.get_or_init(|| Grammars {
        set: two_face::syntax::extra_newlines(),
        classes: CLASSES.iter().filter_map(|(scope, class)| Some((Scope::new(scope).ok()?, *class))).collect(),
        key: Scope::new("meta.mapping.key").ok(),
    })
}

impl Grammars {
    fn named(&self, name: &str) -> Option<&SyntaxReference> {
        let name = match name {
            "console" | "shell-session" | "shell" => "sh",
            "jsonc" | "json5" | "jsonl" => "json",
            "tsx" | "mts" | "cts" => "ts",
            "jsx" | "mjs" | "cjs" => "js",
            name => name,
        };
        self.set.find_syntax_by_token(name).filter(|grammar| grammar.name != "Plain Text")
    }

    fn class(&self, scope: Scope) -> Option<&'static str> {
        let fitting = self.classes.iter().filter(|(prefix, _)| prefix.is_prefix_of(scope));
        fitting.max_by_key(|(prefix, _)| prefix.len()).map(|(_, class)| *class)
    }
}

/// Writes `text`; from the line on before which `goes_on` says no, and where the grammar fails, it is plain.
fn mark(text: &str, grammar: &SyntaxReference, out: &mut String, goes_on: impl Fn() -> bool) {
    let grammars = grammars();
    let (mut state, mut stack) = (ParseState::new(grammar), ScopeStack::new());
    let mut known = HashMap::new();
    let mut spans = Spans { out, class: "" };
    let mut plain = false;
    for line in text.split_inclusive('\n') {
        plain = plain || !goes_on();
        let ops = if plain || line.len() > LINE { None } else { state.parse_line(line, &grammars.set).ok() };
        let Some(ops) = ops else {
            plain = plain || line.len() <= LINE;
            spans.put("", line);
            continue;
        };
        let mut from = 0;
        for (at, op) in ops {
            spans.put(class_of(&stack, grammars, &mut known), line.get(from..at).unwrap_or_default());
            from = at.max(from);
            if stack.apply(&op).is_err() {
                plain = true;
            }
        }
        spans.put(class_of(&stack, grammars, &mut known), line.get(from..).unwrap_or_default());
    }
    spans.put("", "");
    spans.close();
}

/// What a word is that stands in these scopes.
fn class_of(stack: &ScopeStack, grammars: &Grammars, known: &mut HashMap<Scope, Option<&'static str>>) -> &'static str {
    if let Some(key) = grammars.key
        && stack.as_slice().iter().any(|scope| key.is_prefix_of(*scope))
    {
        return "a";
    }
    let mut class = |scope: &Scope| *known.entry(*scope).or_insert_with(|| grammars.class(*scope));
    stack.as_slice().iter().rev().find_map(&mut class).unwrap_or_default()
}

/// Words of one class one after the other are one span.
struct Spans<'o> {
    out: &'o mut String,
    class: &'static str,
}

impl Spans<'_> {
    fn put(&mut self, class: &'static str, text: &str) {
        if text.is_empty() {
            return;
        }
        // A blank has no look.
        let class = if text.trim().is_empty() { self.class } else { class };
        if class != self.class {
            self.close();
            if !class.is_empty() {
                self.out.push_str("<span class=\"");
                self.out.push_str(class);
                self.out.push_str("\">");
            }
            self.class = class;
        }
        escape(text, self.out);
    }

    fn close(&mut self) {
        if !std::mem::take(&mut self.class).is_empty() {
            self.out.push_str("</span>");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(text: &str, language: Language<'_>) -> String {
        marked(text, language, &mut Budget { time: Duration::from_secs(600), ..Budget::page() }).into_string()
    }

    fn check(language: &str, text: &str, expected: &str) {
        assert_eq!(made(text, Language::Fence(language)), expected, "{text}");
    }

    #[test]
    fn words() {
        check(
            "rust",
            "fn a() -> u8 { 1 } // <b>\n",
            "<span class=\"k\">fn </span><span class=\"f\">a</span>() -&gt; <span class=\"k\">u8 </span>{ <span class=\"n\">1 </span>} <span class=\"c\">// &lt;b&gt;\n</span>",
        );
        check(
            "py",
            "\"<\\n\"",
            "<span class=\"s\">&quot;&lt;</span><span class=\"e\">\\n</span><span class=\"s\">&quot;</span>",
        );
        check("json", "{\"a\":1}", "{<span class=\"a\">&quot;a&quot;</span>:<span class=\"n\">1</span>}");
        check("", "fn", "fn");
        check("no-such", "fn", "fn");
        check("text", "fn", "fn");
    }

    #[test]
    fn languages_are_known_by_many_names() {
        for name in [
            "rust",
            "rs",
            "python",
            "typescript",
            "tsx",
            "js",
            "json",
            "yaml",
            "toml",
            "bash",
            "console",
            "sql",
            "html",
            "css",
            "go",
            "c",
            "cpp",
            "java",
            "kotlin",
            "swift",
            "dockerfile",
            "makefile",
            "diff",
            "nix",
            "zig",
            "rust,no_run",
        ] {
            let name = Language::Fence(name).name().unwrap();
            assert!(grammars().named(name).is_some(), "{name}");
        }
        for file in ["/a/b.rs", "Makefile", "C:\\x\\y.ts", "a.tar.yml", "Dockerfile"] {
            let name = Language::File(file).name().unwrap();
            assert!(grammars().named(name).is_some(), "{file}");
        }
    }

    #[test]
    fn what_is_large_is_plain() {
        let line = "let a = 1;\n";
        let is_marked = |text: &str, budget: &mut Budget| {
            marked(text, Language::Fence("rust"), budget).into_string().contains("<span")
        };
        assert!(!is_marked(&line.repeat(BLOCK / line.len() + 1), &mut Budget::page()));
        assert!(!is_marked(&format!("let a = \"{}\";", "a".repeat(LINE)), &mut Budget::page()));
        assert!(!is_marked(line, &mut Budget { bytes: 5, ..Budget::page() }));
        assert!(!is_marked(line, &mut Budget { bytes: 0, ..Budget::page() }));
        assert!(!is_marked(line, &mut Budget { time: Duration::ZERO, ..Budget::page() }));
        let mut budget = Budget { bytes: 2 * line.len(), ..Budget::page() };
        let three = [line, line, line].map(|line| is_marked(line, &mut budget));
        assert_eq!(three, [true, true, false]);
    }

    #[test]
    fn the_text_stays_whole() {
        let text = "/* <&\"' */ let s = r#\"\n\"#; é\r\n".repeat(40);
        let made = made(&text, Language::File("x.rs"));
        let mut bare = String::new();
        for (at, piece) in made.split('<').enumerate() {
            bare.push_str(if at == 0 { piece } else { piece.split_once('>').unwrap().1 });
        }
        let bare = bare.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&");
        assert_eq!(bare, text);
    }
}
