//! Markdown as a page shows it: what Claude said, which anybody may have told it to say.
//!
//! The parser gives events; we write the elements of our own list and escape every text. A writer over events has no way to let
//! raw HTML through, which a filter behind the parser's own writer would have to find again. No image is loaded: one is a link.
//! Headings begin at `h3`, for the page has its own. Answers are bounded in size and in depth, and so is what is made of them.

use std::fmt::Write as _;

use maud::{Escaper, Markup, PreEscaped, html};
use pulldown_cmark::{Alignment, CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use super::code::{self, Budget, Language};
use super::text::visible;

/// So much of a text is shown, in bytes. Nobody reads more of one answer on a page.
pub(crate) const MOST: usize = 256 << 10;
/// Quotations in quotations, lists in lists: deeper ones are shown on the last level.
const DEEPEST: usize = 24;
/// A table with many columns and short rows makes far more of itself than it is: the rest of it is left out.
const GROWTH: usize = 12;

/// A text that is Markdown.
pub(crate) fn markdown(text: &str, budget: &mut Budget) -> Markup {
    let shown = clipped(text, MOST);
    let mut writer = Writer::new(shown.len() * GROWTH + 4096);
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let whole = Parser::new_ext(shown, options).all(|event| writer.event(event, budget));
    let left = text.len() - shown.len();
    html! {
        (writer.finish())
        @if left > 0 { p class="cut" { "The rest, " (left) " bytes, is not shown here." } }
        @else if !whole { p class="cut" { "The rest is not shown here: it grows too large." } }
    }
}

/// The first bytes of a text, as far as whole lines go if they are not too long.
pub(crate) fn clipped(text: &str, most: usize) -> &str {
    if text.len() <= most {
        return text;
    }
    let end = text.floor_char_boundary(most);
    let line = text[..end].rfind('\n').filter(|line| *line > end / 2);
    &text[..line.map_or(end, |line| line + 1)]
}

/// What is written so far, and what is open.
struct Writer {
    out: String,
    most: usize,
    /// The ends of what is open, outermost first; nothing for what is not written.
    open: Vec<&'static str>,
    /// How many of them are written.
    depth: usize,
    /// A code block that is being read: its language and its text.
    code: Option<(String, String)>,
    /// Where links lead that are no links here, innermost last; `None` of those that are.
    links: Vec<Option<Target>>,
    /// Whether a link is open that is one.
    link: bool,
    heads: bool,
    cell: usize,
    alignments: Vec<Alignment>,
}

/// Where something leads that is shown as text.
struct Target {
    url: String,
    /// Where its own text begins.
    from: usize,
}

impl Writer {
    fn new(most: usize) -> Self {
        let (open, links, alignments) = (Vec::new(), Vec::new(), Vec::new());
        Self {
            out: String::new(),
            most,
            open,
            depth: 0,
            code: None,
            links,
            link: false,
            heads: false,
            cell: 0,
            alignments,
        }
    }

    /// Whether there is room for more.
    fn event(&mut self, event: Event<'_>, budget: &mut Budget) -> bool {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag, budget),
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => self.text(&text),
            Event::InlineMath(text) | Event::DisplayMath(text) | Event::FootnoteReference(text) => self.text(&text),
            Event::Code(text) => {
                self.out.push_str("<code>");
                self.text(&text);
                self.out.push_str("</code>");
            }
            Event::SoftBreak => self.out.push('\n'),
            Event::HardBreak => self.out.push_str("<br>"),
            Event::Rule => self.out.push_str("<hr>"),
            Event::TaskListMarker(done) => self.out.push_str(if done { "☑ " } else { "☐ " }),
        }
        self.out.len() < self.most
    }

    fn text(&mut self, text: &str) {
        match &mut self.code {
            Some((_, code)) => code.push_str(text),
            None => escape(text, &mut self.out),
        }
    }

    /// Opens an element, or nothing where it would be too deep.
    fn element(&mut self, begin: &str, end: &'static str) {
        self.within(self.depth < DEEPEST, begin, end);
    }

    fn within(&mut self, written: bool, begin: &str, end: &'static str) {
        if written {
            self.out.push_str(begin);
            self.depth += 1;
        }
        self.open.push(if written { end } else { "" });
    }

    /// Opens a part of what was opened last, if that was written.
    fn part(&mut self, begin: &str, end: &'static str) {
        let written = self.open.last().is_some_and(|end| !end.is_empty());
        self.within(written, begin, end);
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Paragraph => self.element("<p>", "</p>"),
            Tag::Heading { level, .. } => {
                let (begin, end) = heading(level);
                self.element(begin, end);
            }
            Tag::BlockQuote(_) => self.element("<blockquote>", "</blockquote>"),
            Tag::HtmlBlock => self.element("<p class=\"verbatim\">", "</p>"),
            Tag::CodeBlock(kind) => {
                let language = match kind {
                    CodeBlockKind::Fenced(info) => info.to_string(),
                    CodeBlockKind::Indented => String::new(),
                };
                self.code = Some((language, String::new()));
            }
            Tag::List(None) => self.element("<ul>", "</ul>"),
            Tag::List(Some(1)) => self.element("<ol>", "</ol>"),
            Tag::List(Some(first)) => self.element(&format!("<ol start=\"{first}\">"), "</ol>"),
            Tag::Item => self.part("<li>", "</li>"),
            Tag::Table(alignments) => {
                self.alignments = alignments;
                let begin = "<div class=\"wide\" role=\"group\" aria-label=\"Table\" tabindex=\"0\"><table>";
                self.element(begin, "</tbody></table></div>");
            }
            Tag::TableHead => {
                (self.heads, self.cell) = (true, 0);
                self.part("<thead><tr>", "</tr></thead><tbody>");
            }
            Tag::TableRow => {
                (self.heads, self.cell) = (false, 0);
                self.part("<tr>", "</tr>");
            }
            Tag::TableCell => self.cell(),
            Tag::Emphasis => self.element("<em>", "</em>"),
            Tag::Strong => self.element("<strong>", "</strong>"),
            Tag::Strikethrough => self.element("<del>", "</del>"),
            Tag::Link { dest_url, .. } => self.link(&dest_url, ""),
            Tag::Image { dest_url, .. } => self.link(&dest_url, "image: "),
            // Nothing that we asked the parser for; its text is shown.
            _ => self.open.push(""),
        }
    }

    fn cell(&mut self) {
        let align = match self.alignments.get(self.cell) {
            Some(Alignment::Right) => " class=\"right\"",
            Some(Alignment::Center) => " class=\"center\"",
            _ => "",
        };
        self.cell += 1;
        let (name, end) = if self.heads { ("th", "</th>") } else { ("td", "</td>") };
        self.part(&format!("<{name}{align}>"), end);
    }

    /// A link to another page, and nothing but that; within another link it is text, for links hold no links.
    fn link(&mut self, url: &str, label: &str) {
        let inner = self.link;
        if !inner && is_web(url) {
            let mut begin = "<a rel=\"noopener noreferrer nofollow\" href=\"".to_owned();
            escape(url, &mut begin);
            begin.push_str("\">");
            self.within(true, &begin, "</a>");
            self.links.push(None);
            self.link = true;
            self.out.push_str(label);
        } else {
            self.open.push("");
            self.out.push_str(label);
            let url = if inner { String::new() } else { url.to_owned() };
            self.links.push(Some(Target { url, from: self.out.len() }));
        }
    }

    fn end(&mut self, tag: TagEnd, budget: &mut Budget) {
        match tag {
            TagEnd::CodeBlock => {
                if let Some((language, text)) = self.code.take() {
                    self.out.push_str(&code::block(&text, Language::Fence(&language), budget).into_string());
                }
                return;
            }
            TagEnd::Link | TagEnd::Image => {
                match self.links.pop() {
                    Some(Some(Target { url, from })) if !url.is_empty() => {
                        let mut shown = String::new();
                        escape(&url, &mut shown);
                        if self.out[from..] != shown {
                            let _ = write!(self.out, " ({shown})"); // to a text: cannot fail
                        }
                    }
                    Some(None) => self.link = false,
                    _ => {}
                }
            }
            _ => {}
        }
        self.close();
    }

    fn close(&mut self) {
        if let Some(end) = self.open.pop().filter(|end| !end.is_empty()) {
            self.out.push_str(end);
            self.depth -= 1;
        }
    }

    /// With the ends of all that is open.
    fn finish(mut self) -> Markup {
        while !self.open.is_empty() {
            self.close();
        }
        PreEscaped(self.out)
    }
}

/// Text that is no markup, also between quotes. What would control or turn around the text behind it is shown as a sign.
pub(super) fn escape(text: &str, out: &mut String) {
    let mut escaper = Escaper::new(out);
    let mut rest = text;
    while let Some(at) = rest.find(|sign| sign != '\r' && visible(sign) != sign) {
        let (before, from) = rest.split_at(at);
        let mut signs = from.chars();
        let shown = signs.next().map_or('\u{fffd}', visible);
        // To a text: neither can fail.
        let _ = escaper.write_str(before).and_then(|()| escaper.write_char(shown));
        rest = signs.as_str();
    }
    let _ = escaper.write_str(rest);
}

/// Whether an address leads to a page of the web, and says so plainly.
fn is_web(url: &str) -> bool {
    let has = |scheme: &str| url.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme));
    (has("http://") || has("https://")) && !url.contains(|c: char| c.is_control() || c.is_whitespace())
}

/// `h1` is the page's, `h2` its sections'.
fn heading(level: HeadingLevel) -> (&'static str, &'static str) {
    match level {
        HeadingLevel::H1 => ("<h3>", "</h3>"),
        HeadingLevel::H2 => ("<h4>", "</h4>"),
        HeadingLevel::H3 => ("<h5>", "</h5>"),
        _ => ("<h6>", "</h6>"),
    }
}

#[cfg(test)]
mod tests;
