//! The report as one HTML file, also fit for a mail: styles in the elements, as mail programs keep them, no script, nothing
//! from elsewhere, no line too long for a mail server.
//!
//! No colour is set for text or ground, so both themes read well, whoever shows it; what is quieter is a little fainter.
//! Texts reach it only escaped: `maud` does that, and nothing here goes round it.

use maud::{DOCTYPE, Markup, PreEscaped, html};
use terminal::text::one_line;

use super::page::{Line, Page, Part, Table, pieces};

const BODY: &str = "margin:0;padding:16px;font:15px/1.5 system-ui,-apple-system,'Segoe UI',sans-serif";
const WIDE: &str = "max-width:760px;margin:0 auto";
const TITLE: &str = "font-size:24px;line-height:1.25;margin:8px 0;overflow-wrap:anywhere";
const SECTION: &str = "font-size:18px;margin:28px 0 8px;padding-top:12px;border-top:1px solid rgba(128,128,128,.4)";
const HEAD: &str = "font-size:15px;margin:16px 0 4px;overflow-wrap:anywhere";
const TEXT: &str = "margin:6px 0;overflow-wrap:anywhere";
const TABLE: &str = "border-collapse:collapse;width:100%;margin:8px 0";
const NAME: &str = "text-align:left;padding:4px 8px 4px 0;border-bottom:1px solid rgba(128,128,128,.25);overflow-wrap:anywhere;min-width:7em;font-weight:400";
const FIGURE: &str = "text-align:right;padding:4px 0 4px 8px;border-bottom:1px solid rgba(128,128,128,.25);font-variant-numeric:tabular-nums";
const WHOLE: &str = ";white-space:nowrap";
const LIST: &str = "margin:4px 0;padding:0 0 0 2px;list-style:none";
const QUIET: &str = "opacity:.75;font-size:13px";

/// So many characters of a text stand on one line; escaped, each is six bytes at most.
const PIECE: usize = 100;
/// And so many columns of the title that stands nowhere in the text.
const HEADLINE: usize = 80;
/// Between elements: a mail server may break what is on one line for long.
const BREAK: PreEscaped<&str> = PreEscaped("\n");

/// All of it.
pub(super) fn text(page: &Page) -> String {
    let policy = "default-src 'none'; style-src 'unsafe-inline'";
    let markup = html! {
        (DOCTYPE) (BREAK)
        html lang="en" style="color-scheme:light dark" { (BREAK)
            head { (BREAK)
                meta charset="utf-8"; (BREAK)
                meta name="viewport" content="width=device-width"; (BREAK)
                meta name="color-scheme" content="light dark"; (BREAK)
                meta http-equiv="Content-Security-Policy" content=(policy); (BREAK)
                title { (one_line(&page.title, HEADLINE)) } (BREAK)
            } (BREAK)
            body style=(BODY) { div style=(WIDE) { (BREAK)
                h1 style=(TITLE) { bdi { (flowing(&page.title)) } } (BREAK)
                @for about in &page.about { p style=(TEXT) { span style=(QUIET) { (flowing(about)) } } (BREAK) }
                @for section in &page.sections {
                    h2 style=(SECTION) { (section.head) } (BREAK)
                    @for part in &section.parts { (self::part(part)) (BREAK) }
                }
                p style=(TEXT) { span style=(QUIET) { code { "prompt-manager show ID" } " shows one of these prompts, whole." } } (BREAK)
            } } (BREAK)
        }
    };
    markup.into_string() + "\n"
}

fn part(part: &Part) -> Markup {
    match part {
        Part::Head(head) => html! { h3 style=(HEAD) { bdi { (flowing(head)) } } },
        Part::Text(text) => html! { p style=(TEXT) { bdi { (flowing(text)) } } },
        Part::Step(step) => html! { p style=(TEXT) { bdi {
            @for (piece, is_command) in pieces(step) {
                @if is_command { code { (flowing(piece)) } } @else { (flowing(piece)) }
            }
        } } },
        Part::Table(table) => self::table(table),
        Part::Prompts(prompts) => html! { ul style=(LIST) { (BREAK) @for line in prompts { (item(line)) (BREAK) } } },
    }
}

fn table(table: &Table) -> Markup {
    html! {
        table style=(TABLE) { (BREAK)
            thead { tr {
                @for (at, head) in table.heads.iter().enumerate() {
                    th scope="col" style=(if at == 0 { NAME } else { FIGURE }) { span style=(QUIET) { (head) } } (BREAK)
                }
            } } (BREAK)
            tbody { (BREAK) @for row in &table.rows {
                tr { @for (at, cell) in row.cells.iter().enumerate() {
                    @if at == 0 {
                        th scope="row" style=(NAME) { bdi { (flowing(cell)) } @if let Some(share) = row.share { (bar(share)) } }
                    } @else {
                        td style={ (FIGURE) (WHOLE) } { (cell) }
                    } (BREAK)
                } } (BREAK)
            } }
        }
    }
}

/// A text over as many lines as it needs: broken behind blanks, and where there are none at a place that is no blank.
fn flowing(text: &str) -> Markup {
    let (mut flow, mut used) = (String::new(), 0);
    for word in text.split_inclusive(' ') {
        let signs: Vec<char> = word.chars().collect();
        if used > 0 && used + signs.len() > PIECE {
            flow.push('\n');
            used = 0;
        }
        for (n, piece) in signs.chunks(PIECE).enumerate() {
            if n > 0 {
                flow.push_str("<wbr\n>");
            }
            flow.push_str(&html! { (piece.iter().collect::<String>()) }.into_string());
        }
        used += signs.len();
    }
    PreEscaped(flow)
}

/// How a row stands to the largest; the figures beside it say the same.
fn bar(share: u8) -> Markup {
    html! { div style={ "height:4px;border-radius:2px;background:#4a7fe0;width:" (share) "%" } aria-hidden="true" {} }
}

fn item(line: &Line) -> Markup {
    html! {
        li style=(TEXT) {
            strong { (line.id) } " " @if !line.marks.is_empty() { (line.marks) " " }
            bdi { (flowing(&line.text)) } " " (BREAK) span style=(QUIET) { (flowing(&line.about)) }
        }
    }
}
