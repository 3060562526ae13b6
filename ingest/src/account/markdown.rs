//! The report as Markdown. Whatever a prompt holds shows as it is: it stands on one line behind something of ours, and every sign
//! that is markup is escaped.

use std::fmt::Write;

use export::markdown::escaped;

use super::page::{Line, Page, Part, Table, pieces};

/// All of it.
pub(super) fn text(page: &Page) -> String {
    let mut text = format!("# {}\n", escaped(&page.title));
    for about in &page.about {
        let _ = write!(text, "\n{}\n", escaped(about));
    }
    for section in &page.sections {
        let _ = write!(text, "\n## {}\n", section.head);
        for part in &section.parts {
            text.push('\n');
            match part {
                Part::Head(head) => drop(writeln!(text, "### {}", escaped(head))),
                Part::Text(line) => drop(writeln!(text, "{}", behind(line))),
                Part::Step(step) => drop(writeln!(text, "{}", told(step))),
                Part::Table(table) => rows(&mut text, table),
                Part::Prompts(prompts) => prompts.iter().for_each(|prompt| item(&mut text, prompt)),
            }
        }
    }
    text += "\n`prompt-manager show ID` shows one of these prompts, whole.\n";
    text
}

fn told(step: &str) -> String {
    let piece = |(piece, is_command): (&str, bool)| if is_command { format!("`{piece}`") } else { behind(piece) };
    pieces(step).into_iter().map(piece).collect()
}

fn rows(text: &mut String, table: &Table) {
    let _ = writeln!(text, "| {} |", table.heads.join(" | "));
    let _ = writeln!(text, "|:--|{}", "--:|".repeat(table.heads.len() - 1));
    for row in &table.rows {
        let cells: Vec<_> = row.cells.iter().map(|cell| escaped(cell)).collect();
        let _ = writeln!(text, "| {} |", cells.join(" | "));
    }
}

fn item(text: &mut String, line: &Line) {
    let marks = if line.marks.is_empty() { String::new() } else { format!("{} ", line.marks) };
    let _ = writeln!(text, "- **{}** {marks}{} ({})", line.id, behind(&line.text), behind(&line.about));
}

/// Where something of ours stands before it on its line, a `#` makes no head.
fn behind(text: &str) -> String {
    escaped(text).replace("\\#", "#")
}
