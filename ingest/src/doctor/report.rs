//! What doctor says: for a person the findings, the worst first, each with what to do; for programs one document.

use serde_json::{Value, json};
use status::Severity;

use super::mend::Mended;
use super::round::{Checked, Shown};
use crate::report::count;
use terminal::{Tone, paint, size, span};

/// Without a terminal lines are as long as this, so that a mail of it can be read.
const WIDTH: usize = 100;
/// A blank at which no line is folded.
const HELD: &str = "\u{a0}";

/// All of it.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) state: Option<Severity>,
    /// When it began, in milliseconds since 1970.
    pub(super) checked_ms: i64,
    pub(super) findings: Vec<Shown>,
    pub(super) checked: Checked,
    pub(super) repaired: Vec<Mended>,
    /// Somebody ended it before everything was looked at.
    pub(super) stopped: bool,
}

impl Report {
    /// For programs.
    pub(super) fn document(&self) -> Value {
        json!({
            "state": self.state.map_or("ok", word),
            "checked_at": export::time::rfc3339(self.checked_ms),
            "findings": self.findings,
            "checked": self.checked,
            "repaired": self.repaired,
            "stopped": self.stopped,
        })
    }

    /// For a person.
    pub(super) fn shown(&self, width: Option<u16>) -> String {
        let width = width.map_or(WIDTH, usize::from).max(40);
        let mut text = String::new();
        for mended in &self.repaired {
            text += &format!("{} {}: {}\n", paint(Tone::Good, "mended"), mended.code, mended.count);
            for problem in &mended.problems {
                text += &folded("  ", problem, width);
            }
        }
        for shown in &self.findings {
            let (severity, finding) = (shown.finding.severity, &shown.finding);
            text += &format!("{} {}\n", paint(tone(severity), word(severity)), paint(Tone::Strong, finding.code));
            text += &folded("  ", &finding.detail, width);
            text += &folded("  → ", &finding.next_step, width);
        }
        text + &folded("", &self.last_line(), width).replace(HELD, " ")
    }

    fn last_line(&self) -> String {
        let checked = &self.checked;
        let mut parts = vec![
            count(checked.events, "event"),
            count(checked.transcripts, "transcript"),
            size(checked.bytes),
            format!("{} archived", checked.archived),
            format!("{} waiting", checked.waiting),
            format!("{} failed", checked.failed),
        ];
        if checked.sessions > 0 {
            parts.push(format!("{} derived again", count(checked.sessions, "session")));
        }
        let of = |severity| self.findings.iter().filter(|shown| shown.finding.severity == severity).count() as u64;
        let (errors, warnings, notes) = (of(Severity::Error), of(Severity::Warning), of(Severity::Note));
        let outcome = match () {
            () if self.stopped => paint(Tone::Warning, "ended before all was looked at"),
            () if errors + warnings > 0 => {
                let mut kinds = vec![count(errors, "error"), count(warnings, "warning"), count(notes, "note")];
                kinds.retain(|kind| !kind.starts_with("0 "));
                paint(if errors > 0 { Tone::Bad } else { Tone::Warning }, &kinds.join(", "))
            }
            () if notes > 0 => paint(Tone::Good, &format!("all is well; {}", count(notes, "note"))),
            () => paint(Tone::Good, "all is well"),
        };
        // What it comes to stays on one line, and a figure with its unit.
        let hold = |text: String| text.replace(' ', HELD);
        let parts: Vec<_> = parts.into_iter().map(hold).collect();
        format!("checked {} in {}: {}", parts.join(", "), hold(span(checked.took_ms)), hold(outcome))
    }
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Note => "note",
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}

fn tone(severity: Severity) -> Tone {
    match severity {
        Severity::Note => Tone::Quiet,
        Severity::Warning => Tone::Warning,
        Severity::Error => Tone::Bad,
    }
}

/// `text` behind `lead`, folded at blanks to `width` columns; what has no blank stays whole, so that a path can be copied.
fn folded(lead: &str, text: &str, width: usize) -> String {
    let indent = lead.chars().count();
    let (mut out, mut column) = (lead.to_owned(), indent);
    for word in text.split(' ') {
        let length = terminal::plain(word).chars().count();
        if column > indent && column + 1 + length > width {
            out += "\n";
            out += &" ".repeat(indent);
            column = indent;
        } else if column > indent {
            out.push(' ');
            column += 1;
        }
        out += word;
        column += length;
    }
    out + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use status::Finding;

    fn shown(severity: Severity) -> Shown {
        let finding = Finding {
            code: "archive_row_missing",
            severity,
            detail: "an archived file is not in the database (2): queue/archive/2026-11-25/1-s-Stop.json, x".into(),
            next_step: "run `prompt-manager doctor --repair`: it goes back into the queue".into(),
        };
        Shown { finding, count: 2, examples: vec!["x".into()], repairable: true }
    }

    fn report(findings: Vec<Shown>, repaired: Vec<Mended>) -> Report {
        let checked =
            Checked { events: 1, transcripts: 3, bytes: 4096, archived: 7, took_ms: 1500, ..Checked::default() };
        Report { state: super::super::worst(&findings), checked_ms: 0, findings, checked, repaired, stopped: false }
    }

    #[test]
    fn for_people() {
        let plain = |text: String| terminal::plain(&text);
        insta::assert_snapshot!(plain(report(Vec::new(), Vec::new()).shown(None)),
            @"checked 1 event, 3 transcripts, 4 KiB, 7 archived, 0 waiting, 0 failed in 1.5 s: all is well");
        let mended = Mended { code: "file_open", count: 2, problems: vec!["failed to close x".into()] };
        insta::assert_snapshot!(plain(report(vec![shown(Severity::Error)], vec![mended]).shown(Some(60))), @r"
        mended file_open: 2
          failed to close x
        error archive_row_missing
          an archived file is not in the database (2):
          queue/archive/2026-11-25/1-s-Stop.json, x
          → run `prompt-manager doctor --repair`: it goes back into
            the queue
        checked 1 event, 3 transcripts, 4 KiB, 7 archived,
        0 waiting, 0 failed in 1.5 s: 1 error
        ");
    }

    #[test]
    fn for_programs() {
        let document = report(vec![shown(Severity::Warning)], Vec::new()).document();
        assert_eq!(document["state"], "warning");
        assert_eq!(document["checked_at"], "1970-01-01T00:00:00.000Z");
        assert_eq!(document["findings"][0]["code"], "archive_row_missing");
        assert_eq!(document["findings"][0]["repairable"], true);
        assert_eq!(report(Vec::new(), Vec::new()).document()["state"], "ok");
    }
}
