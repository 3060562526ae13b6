//! Whatever a text holds, it shows as text: no form of the report gets another shape by it.

use std::cell::RefCell;

use export::price::Usd;
use html5ever::tendril::StrTendril;
use html5ever::tokenizer::{BufferQueue, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts};
use pulldown_cmark::{Event, Options, Parser};
use status::{Finding, Severity};
use store::Status;
use store::read::stats::{Day, Figures, Stats, Tokens, Tool};
use store::read::{Outcomes, TagCount};
use terminal::text::one_line;

use super::facts::{Facts, Prompt, Span, Stored};
use super::page::Page;
use super::{html, json, markdown};

const AT: i64 = 1_795_350_951_598;

/// What people, models and tools may have said.
const HOSTILE: &[&str] = &[
    "<script>alert(1)</script>",
    "</bdi></li></ul><script src=//evil.example/x></script>",
    "\"><img src=x onerror=alert(1)>",
    "' style='background:url(//evil.example/x)",
    "<!-- ",
    "--><img src=//evil.example/x>",
    "</title><svg onload=alert(1)>",
    "<![CDATA[ x ]]>",
    "&lt;b&gt; &amp; &#60;",
    "a\n# Head\n\n- item\n\n| a | b |\n|--|--|\n",
    "| cell | cell |",
    "a|b\\|c\\\\|d",
    "![x](http://evil.example/x.png)",
    "[x](javascript:alert(1))",
    "[x]: http://evil.example/",
    "<http://evil.example/>",
    "**a** _b_ ~~c~~ `d`",
    "`` ` ``` ",
    "*a",
    "\\",
    "\\`\\*",
    "#",
    "# a #",
    "1. a",
    "- a",
    "> a",
    "===",
    "\u{1b}[31m\u{1b}]0;x\u{7}\u{9b}2J",
    "\u{202e}abc\u{2066}",
    "a\u{2028}b\u{2029}c\u{85}d\r\n.\r\nQUIT",
    "\u{feff}\u{0}",
    "&",
    "<",
];

fn prompt(word: &str) -> Prompt {
    Prompt {
        id: 7,
        timestamp_ms: AT,
        project: Some(format!("/p/{word}")),
        status: Status::Failed,
        rating: Some(5),
        star: true,
        tags: vec![one_line(word, 18); 4],
        cost: Some(Usd::from_pico(1_230_000_000_000)),
        text: one_line(word, 110),
    }
}

/// A report in which this stands wherever a text of others can stand.
fn facts(word: &str) -> Facts {
    let tokens = Tokens { messages: 1, input: 1000, cost: 5_000_000_000_000, unpriced: 1, ..Tokens::default() };
    let figures = Figures { conversations: 3, failed: 1, tokens };
    let stats = Stats {
        total: figures,
        days: vec![(Day(20_000), figures)],
        models: vec![(Some(word.to_owned()), tokens)],
        projects: vec![(Some(word.to_owned()), figures)],
        tools: vec![Tool { name: word.to_owned(), calls: 3, failures: 2, took: store::Latency::default() }],
        older_sessions: 1,
        ..Stats::default()
    };
    let span = Span {
        since_ms: AT,
        until_ms: AT + 1,
        figures,
        outcomes: Outcomes { failed: 1, starred: 1, ..Outcomes::default() },
        sessions: Some(1),
        calls: (3, 2),
    };
    Facts {
        title: one_line(word, 100),
        project: Some(one_line(word, 100)),
        made_ms: AT,
        since_ms: AT,
        until_ms: AT + 1,
        stored: Some(Stored {
            stats,
            now: span.clone(),
            before: span,
            projects: vec![(word.to_owned(), vec![prompt(word)])],
            kept: vec![prompt(word)],
            failed: vec![prompt(word)],
            costly: vec![prompt(word)],
            tags: vec![TagCount { tag: word.to_owned(), conversations: 2 }; 12],
        }),
        findings: vec![Finding {
            code: "x",
            severity: Severity::Error,
            detail: format!("In {word}."),
            next_step: "Look.".to_owned(),
        }],
    }
}

#[derive(Default)]
struct Tags {
    tags: RefCell<Vec<String>>,
    text: RefCell<String>,
}

impl TokenSink for Tags {
    type Handle = ();

    fn process_token(&self, token: Token, _: u64) -> TokenSinkResult<()> {
        match token {
            Token::TagToken(tag) => {
                let attributes = tag.attrs.iter().map(|it| format!("{}={}", it.name.local, it.value));
                let attributes = attributes.collect::<Vec<_>>().join(" ");
                self.tags.borrow_mut().push(format!("{:?} {} {attributes}", tag.kind, tag.name));
            }
            Token::CharacterTokens(text) => self.text.borrow_mut().push_str(&text),
            Token::CommentToken(text) => self.tags.borrow_mut().push(format!("comment {text}")),
            _ => {}
        }
        TokenSinkResult::Continue
    }
}

/// The tags with their attributes, and the text.
fn of_html(document: &str) -> (Vec<String>, String) {
    let tokenizer = Tokenizer::new(Tags::default(), TokenizerOpts::default());
    let input = BufferQueue::default();
    input.push_back(StrTendril::from(document));
    let _ = tokenizer.feed(&input);
    tokenizer.end();
    (tokenizer.sink.tags.take(), tokenizer.sink.text.take())
}

/// The marks, and the text.
fn of_markdown(document: &str) -> (Vec<String>, String) {
    let (mut marks, mut text) = (Vec::new(), String::new());
    for event in Parser::new_ext(document, Options::all() - Options::ENABLE_SMART_PUNCTUATION) {
        match event {
            Event::Text(more) => text.push_str(&more),
            Event::Start(tag) => marks.push(format!("{:?}", tag.to_end())),
            other => marks.push(match other {
                Event::End(tag) => format!("end {tag:?}"),
                other => format!("{:?}", std::mem::discriminant(&other)),
            }),
        }
    }
    (marks, text)
}

fn check(form: &str, write: fn(&Facts) -> String, parse: fn(&str) -> (Vec<String>, String)) {
    let (expected, _) = parse(&write(&facts("word")));
    assert!(expected.len() > 50, "{form}: only {expected:?}");
    for hostile in HOSTILE {
        let document = write(&facts(hostile));
        let (found, text) = parse(&document);
        assert_eq!(found, expected, "{form}: {hostile:?}\n{document}");
        let shown = one_line(hostile, 18);
        assert!(text.contains(&shown), "{form}: {hostile:?} is not shown as {shown:?}\n{text}");
        let obeyed = |sign: char| (sign.is_control() && sign != '\n') || ('\u{202a}'..='\u{202e}').contains(&sign);
        assert!(!document.contains(obeyed), "{form}: {hostile:?}");
        assert!(document.lines().all(|line| line.len() < 900), "{form}: a mail server breaks a line\n{document}");
    }
}

#[test]
fn a_text_stays_a_text() {
    check("html", |facts| html::text(&Page::of(facts)), of_html);
    check("markdown", |facts| markdown::text(&Page::of(facts)), of_markdown);
}

#[test]
fn the_longest_lines_pass_a_mail_server() {
    let check = |sign: &str, document: String| {
        let longest = document.lines().map(str::len).max();
        assert!(longest < Some(998), "{sign}: {longest:?}\n{document}");
    };
    for sign in ["\"", "<", "𝄞", "|", "漢"] {
        let facts = facts(&sign.repeat(2000));
        check(sign, html::text(&Page::of(&facts)));
        check(sign, markdown::text(&Page::of(&facts)));
    }
    // What takes no room; Markdown has many tags on one line.
    for sign in ["\u{301}", "\u{e0100}", "\"\u{e0100}", "\" "] {
        check(sign, html::text(&Page::of(&facts(&sign.repeat(2000)))));
    }
    let words = "\"".repeat(99) + " ";
    check(&words, html::text(&Page::of(&facts(&words.repeat(20)))));
}

#[test]
fn json_is_json() {
    for hostile in HOSTILE {
        let document: serde_json::Value = serde_json::from_str(&json::text(&facts(hostile))).unwrap();
        assert_eq!(document["kept"][0]["prompt"], one_line(hostile, 110));
        assert_eq!(document["figures"]["models"][0]["model"], *hostile);
    }
}

/// Nothing runs, nothing is fetched, whatever shows it.
#[test]
fn nothing_comes_from_elsewhere() {
    let document = html::text(&Page::of(&facts("word")));
    for elsewhere in ["src=", "href=", "url(", "@import", "http:", "https:", "<script", "<link", "<img", "class="] {
        assert!(!document.contains(elsewhere), "{elsewhere}");
    }
    assert!(document.starts_with("<!DOCTYPE html>\n<html lang=\"en\" style=\"color-scheme:light dark\">\n"));
}
