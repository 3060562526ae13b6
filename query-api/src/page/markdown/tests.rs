//! Markdown of all kinds, and what no text may bring onto a page.

use html5ever::tendril::StrTendril;
use html5ever::tokenizer::{BufferQueue, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts};
use proptest::prelude::*;
use std::cell::RefCell;

use super::*;

fn check(text: &str, expected: &str) {
    assert_eq!(made(text), expected, "{text}");
}

fn made(text: &str) -> String {
    markdown(text, &mut Budget::page()).into_string()
}

#[test]
fn texts() {
    check("a *b* **c** ~~d~~ `e<`", "<p>a <em>b</em> <strong>c</strong> <del>d</del> <code>e&lt;</code></p>");
    check("# a\n## b\n### c\n###### d", "<h3>a</h3><h4>b</h4><h5>c</h5><h6>d</h6>");
    check("> a\n\n---", "<blockquote><p>a</p></blockquote><hr>");
    check("- a\n- [x] b\n- [ ] c", "<ul><li>a</li><li>☑ b</li><li>☐ c</li></ul>");
    check("7. a", "<ol start=\"7\"><li>a</li></ol>");
    check("a  \nb\nc", "<p>a<br>b\nc</p>");
    check("```\na <b>\n```", "<pre class=\"code\"><code>a &lt;b&gt;\n</code></pre>");
}

#[test]
fn tables() {
    let table = "<div class=\"wide\" role=\"group\" aria-label=\"Table\" tabindex=\"0\"><table><thead><tr><th>a</th>\
                 <th class=\"right\">b</th></tr></thead><tbody><tr><td>1</td><td class=\"right\">2</td></tr></tbody></table></div>";
    check("|a|b|\n|-|-:|\n|1|2|", table);
}

#[test]
fn links() {
    let to =
        |url: &str, text: &str| format!("<p><a rel=\"noopener noreferrer nofollow\" href=\"{url}\">{text}</a></p>");
    check("[a](https://example.com/?a=1&b=\"2\")", &to("https://example.com/?a=1&amp;b=&quot;2&quot;", "a"));
    check("<http://example.com>", &to("http://example.com", "http://example.com"));
    check("[a](HTTPS://example.com)", &to("HTTPS://example.com", "a"));
    check("![a *b*](https://example.com/x.png)", &to("https://example.com/x.png", "image: a <em>b</em>"));
    check("[![a](http://x/i.png)](http://x/)", &to("http://x/", "image: a"));
    check("![a](x.png)", "<p>image: a (x.png)</p>");
    check("[a](src/main.rs)", "<p>a (src/main.rs)</p>");
    check("[src/a.rs](src/a.rs)", "<p>src/a.rs</p>");
    check("[me](mailto:a@example.com)", "<p>me (mailto:a@example.com)</p>");
    check("<a@example.com>", "<p>a@example.com</p>");
    for hostile in [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "//evil.example/",
        "file:///etc/passwd",
        "java&#115;cript:alert(1)",
        "blob:https://x/y",
    ] {
        let made = made(&format!("[a]({hostile}) ![b]({hostile})"));
        assert!(!made.contains("<a ") && !made.contains("<img"), "{hostile}: {made}");
    }
    assert!(!made("[a](<http://x/\u{1}y>)").contains("<a "));
}

#[test]
fn html_is_text() {
    check("<script>alert(1)</script>", "<p class=\"verbatim\">&lt;script&gt;alert(1)&lt;/script&gt;</p>");
    check("a <img src=x onerror=alert(1)>", "<p>a &lt;img src=x onerror=alert(1)&gt;</p>");
    check("a\u{202e}b `c\u{2066}` \u{1b}[1m\u{7}", "<p>a\u{fffd}b <code>c\u{fffd}</code> \u{241b}[1m\u{2407}</p>");
    check("&lt;b&gt; &amp;", "<p>&lt;b&gt; &amp;</p>");
}

/// What passed through browsers' parsers into other things than it was written as.
#[test]
fn what_parsers_have_misread() {
    for hostile in [
        "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
        "<svg></p><style><a id=\"</style><img src=1 onerror=alert(1)>\">",
        "<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror=alert(1)&gt;\">",
        "<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
        "<!--><img src=x onerror=alert(1)>-->",
        "<![CDATA[><img src=x onerror=alert(1)>]]>",
        "<textarea></textarea><script>1</script>",
        "<template><script>1</script></template>",
        "`</code><script>1</script>`",
        "```\n</code></pre><script>1</script>\n```",
        "```\"><script>\n1\n```",
        "[a](https://x/\"onmouseover=\"alert(1))",
        "[a](https://x/'><script>)",
        "![\"onerror=alert(1) x=](https://x)",
        "|<script>|\n|-|\n|</table><script>|",
        "1. a\n</ol><script>",
        "[a]: https://x \"</a><script>\"\n[a]",
    ] {
        assert_eq!(strange(&made(hostile)), None, "{hostile}");
    }
}

#[test]
fn what_grows_is_bounded() {
    let bombs = [
        ">".repeat(MOST),
        "- ".repeat(MOST / 2),
        "*a ".repeat(MOST / 3),
        "**a".repeat(MOST / 3),
        "[".repeat(MOST),
        "![".repeat(MOST / 2),
        "[a](".repeat(MOST / 4),
        "`a``".repeat(MOST / 4),
        "<a ".repeat(MOST / 3),
        "&".repeat(MOST * 8),
        format!("{}\n{}\n{}", "|a".repeat(20_000), "|-".repeat(20_000), "|\n".repeat(60_000)),
        format!("[a]: http://x/{}\n{}", "u".repeat(60_000), "[a]\n".repeat(40_000)),
    ];
    for bomb in bombs {
        let made = made(&bomb);
        assert!(made.len() <= 14 * MOST, "{}: {}", &bomb[..20], made.len());
        let depth = |name: &str| made.matches(&format!("<{name}>")).count();
        assert!(depth("blockquote") <= DEEPEST && depth("ul") <= DEEPEST, "{}", &bomb[..20]);
    }
}

#[test]
fn clips() {
    let check = |text: &str, most: usize, expected: &str| assert_eq!(clipped(text, most), expected);
    check("abc", 3, "abc");
    check("aäb", 2, "a");
    check("abcd\nef", 6, "abcd\n");
    check("a\nbcdefgh", 6, "a\nbcde");
}

/// The tags that a browser's tokenizer finds.
#[derive(Default)]
struct Tags {
    strange: RefCell<Option<String>>,
}

impl TokenSink for Tags {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        const KNOWN: [&str; 28] = [
            "p",
            "h3",
            "h4",
            "h5",
            "h6",
            "blockquote",
            "ul",
            "ol",
            "li",
            "pre",
            "code",
            "em",
            "strong",
            "del",
            "a",
            "br",
            "hr",
            "div",
            "table",
            "thead",
            "tbody",
            "tr",
            "th",
            "td",
            "span",
            "b",
            "i",
            "mark",
        ];
        match &token {
            Token::TagToken(tag) => {
                let known = tag.attrs.iter().all(|attr| match (&*tag.name, &*attr.name.local) {
                    ("a", "href") => attr.value.to_ascii_lowercase().starts_with("http"),
                    ("a", "rel") => &*attr.value == "noopener noreferrer nofollow",
                    ("ol", "start") => attr.value.bytes().all(|byte| byte.is_ascii_digit()),
                    ("div", "role" | "tabindex" | "aria-label") => true,
                    (_, "class") => attr.value.bytes().all(|byte| byte.is_ascii_lowercase()),
                    _ => false,
                });
                if !KNOWN.contains(&&*tag.name) || !known || (tag.kind == TagKind::EndTag && !tag.attrs.is_empty()) {
                    *self.strange.borrow_mut() = Some(format!("{tag:?}"));
                }
            }
            Token::CommentToken(_) | Token::DoctypeToken(_) => {
                *self.strange.borrow_mut() = Some(format!("{token:?}"));
            }
            _ => {}
        }
        TokenSinkResult::Continue
    }
}

/// The first thing on a page that we do not make.
fn strange(page: &str) -> Option<String> {
    let input = BufferQueue::default();
    input.push_back(StrTendril::from_slice(page));
    let tokenizer = Tokenizer::new(Tags::default(), TokenizerOpts::default());
    let _ = tokenizer.feed(&input);
    tokenizer.end();
    tokenizer.sink.strange.into_inner()
}

#[test]
fn the_list_tells_strangers() {
    for page in ["<p onclick=x>", "<img>", "<a href=javascript:x>", "<!-- -->", "<ol start=x>", "<svg>"] {
        assert!(strange(page).is_some(), "{page}");
    }
}

/// Pieces of which hostile texts are made, and any character.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        proptest::sample::select(vec![
            "<",
            ">",
            "\"",
            "'",
            "&",
            "`",
            "```",
            "~~~",
            "*",
            "**",
            "_",
            "[",
            "](",
            ")",
            "!",
            "|",
            "\n",
            "\n\n",
            "- ",
            "1. ",
            "> ",
            "    ",
            "#",
            "---",
            "|-|\n",
            "http://a",
            "javascript:",
            "data:",
            "<script>",
            "</p>",
            "<!--",
            "-->",
            "<![CDATA[",
            "]]>",
            "&lt;",
            "&#60;",
            "\\",
            "[ ] ",
            "<svg>",
            "<style>",
            "onerror=",
            "<a href=",
            "\0",
            "\u{202e}",
            "[a]: ",
            "~~",
            "rust\n",
            "<?",
            "?>",
            "<!x",
            "\t",
            "\r",
        ])
        .prop_map(str::to_owned),
        any::<char>().prop_map(String::from),
        "[a-z]{1,5}",
    ];
    proptest::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_but_what_we_make(text in text()) {
        prop_assert_eq!(strange(&made(&text)), None);
    }
}
