//! The page of `status`: one line for each thing, what is wrong at the end.

use status::parts::{BackupKind, Ingester, LastPass, Percentiles};
use status::{Finding, Severity, State, Status, Time};
use terminal::text::visible;

use crate::report::count;
use terminal::{Tone, paint, size, span, wrap};

/// The column in which values begin.
const INDENT: usize = 14;
/// In a pipe a line is as long as it is.
const ENDLESS: usize = usize::MAX;

/// All of it, as wide as the terminal.
pub(super) fn page(found: &Status, width: Option<u16>) -> String {
    let mut page = Page { text: String::new(), width: width.map_or(ENDLESS, |width| usize::from(width).max(40)) };
    page.head(found);
    page.queue(found);
    page.ignored(found);
    page.passes(found);
    page.store(found);
    page.disk(found);
    page.findings(&found.findings);
    page.text
}

struct Page {
    text: String,
    width: usize,
}

impl Page {
    fn head(&mut self, found: &Status) {
        let (tone, word) = match found.status {
            State::Ok => (Tone::Good, "ok"),
            State::Degraded => (Tone::Warning, "degraded"),
            State::Failing => (Tone::Bad, "failing"),
        };
        let title = paint(Tone::Strong, &format!("Prompt Manager {}", found.versions.prompt_manager));
        self.text += &format!("{title}  {}\n\n", visible(&found.home));
        self.toned("state", word, tone);
    }

    fn queue(&mut self, found: &Status) {
        let Some(queue) = &found.queue else { return self.quiet("queue", "cannot be read") };
        let waiting: u64 = queue.waiting().iter().map(|folder| folder.files).sum();
        let oldest = queue.waiting().iter().filter_map(|folder| folder.oldest_age_ms).max();
        let mut line = match (waiting, oldest) {
            (0, _) => "empty".to_owned(),
            (n, None) => format!("{} waiting", count(n, "file")),
            (n, Some(age)) => format!("{} waiting, the oldest captured {} ago", count(n, "file"), span(age)),
        };
        for (n, what) in [
            (queue.processing.files, "in work"),
            (queue.spill.files, "in the spill place"),
            (queue.tmp.files, "being written"),
        ] {
            if n > 0 {
                line += &format!("; {n} {what}");
            }
        }
        self.line("queue", &line);
        if let Some(failed) = found.failed.as_ref().filter(|failed| failed.files > 0) {
            let reasons: Vec<_> = failed.by_reason.iter().map(|(reason, n)| format!("{n} {reason}")).collect();
            self.toned("failed", &format!("{}: {}", count(failed.files, "file"), reasons.join(", ")), Tone::Warning);
        }
    }

    fn ignored(&mut self, found: &Status) {
        let ignored = found.totals.as_ref().and_then(|totals| totals.get("ignored")).copied().unwrap_or(0);
        if ignored > 0 {
            self.quiet("ignored", &format!("{} of what is never captured", count(n(ignored), "event")));
        }
    }

    fn passes(&mut self, found: &Status) {
        let now = found.checked_at;
        for ingester in &found.ingesters {
            self.line("ingester", &told(ingester, now));
        }
        if found.ingesters.is_empty() {
            let line = match found.last_once_at {
                Some(last) => format!("none runs; the last `once` ended {} ago", span(last.ago(now))),
                None => "none runs".to_owned(),
            };
            self.quiet("ingester", &line);
        }
        match &found.last_pass {
            Some(pass) => self.line("last pass", &told_pass(pass, now)),
            None => self.quiet("last pass", "none that did anything"),
        }
        if let Some(latency) = &found.latency {
            self.line("waits", &format!("last hour: {}", told_waits(latency.hour)));
            self.line("", &format!("last day:  {}", told_waits(latency.day)));
        }
    }

    fn store(&mut self, found: &Status) {
        let Some(database) = &found.database else { return self.quiet("store", "cannot be read") };
        let mut line = format!(
            "{}, {}; {}, log {}; schema {}",
            count(n(database.events), "event"),
            count(n(database.conversations), "conversation"),
            size(database.bytes),
            size(database.wal_bytes),
            database.schema
        );
        if database.sessions_to_derive > 0 {
            line += &format!("; {} to derive", count(n(database.sessions_to_derive), "session"));
        }
        if database.sessions_to_derive_again > 0 {
            let sessions = count(n(database.sessions_to_derive_again), "session");
            line +=
                &format!("; {sessions} to derive again by newer rules, until then search and figures lack something");
        }
        self.line("store", &line);
        if let Some(seen) = found.completeness {
            let line = format!(
                "{} by hooks and transcripts, {} by hooks only, {} by transcripts only",
                seen.both, seen.hook_only, seen.transcript_only
            );
            self.line("prompts seen", &line);
        }
    }

    fn disk(&mut self, found: &Status) {
        if let Some(space) = found.space {
            let free = size(space.free_bytes);
            self.line(
                "space",
                &if space.read_only { format!("{free} free, read-only") } else { format!("{free} free") },
            );
        }
        if let Some(backups) = &found.backups {
            self.line("backups", &format!("what people said: {}", told_backup(&backups.annotations)));
            self.line("", &format!("the database: {}", told_backup(&backups.database)));
            if let Some(last) = &backups.upgrade.last_path {
                self.line("", &format!("before its last upgrade: {last}"));
            }
        }
        if let Some(errors) = found.hook_errors.filter(|errors| errors.lines > 0) {
            let last = errors.last_at.map(|last| format!(", the last {} ago", span(last.ago(found.checked_at))));
            self.line("hook errors", &format!("{}{}", count(errors.lines, "line"), last.unwrap_or_default()));
        }
    }

    fn findings(&mut self, findings: &[Finding]) {
        for finding in findings {
            let (tone, word) = match finding.severity {
                Severity::Note => (Tone::Quiet, "note"),
                Severity::Warning => (Tone::Warning, "warning"),
                Severity::Error => (Tone::Bad, "error"),
            };
            self.text.push('\n');
            self.put(&paint(tone, word), word.len(), &format!("{}: {}", finding.code, finding.detail), None);
            self.put("", 0, &format!("-> {}", finding.next_step), None);
        }
    }

    fn line(&mut self, label: &str, value: &str) {
        self.put(label, label.len(), value, None);
    }

    fn quiet(&mut self, label: &str, value: &str) {
        self.put(label, label.len(), value, Some(Tone::Quiet));
    }

    fn toned(&mut self, label: &str, value: &str, tone: Tone) {
        self.put(label, label.len(), value, Some(tone));
    }

    /// A label that takes `taken` columns, and a value whose further lines begin below the first.
    fn put(&mut self, label: &str, taken: usize, value: &str, tone: Option<Tone>) {
        let mut begin = format!("{label}{}", " ".repeat(INDENT.saturating_sub(taken)));
        for line in wrap(&visible(value), self.width.saturating_sub(INDENT)) {
            let line = tone.map_or_else(|| line.clone(), |tone| paint(tone, &line));
            self.text += &format!("{begin}{line}\n");
            begin = " ".repeat(INDENT);
        }
    }
}

/// A count that is never negative.
fn n(count: i64) -> u64 {
    count.unsigned_abs()
}

fn told(ingester: &Ingester, now: Time) -> String {
    let schedule = ingester.schedule.as_deref().map(|schedule| format!(", {schedule}")).unwrap_or_default();
    let since = span(ingester.started_at.ago(now));
    let mut line = format!("{}{schedule}, process {}, since {since}", ingester.command, ingester.pid);
    match (ingester.every_ms, ingester.next_wake_at) {
        (None, Some(next)) if next > now => line += &format!("; looks again in {}", span(next.ahead(now))),
        (Some(60_001..), Some(next)) if next > now => line += &format!("; looks again in {}", span(next.ahead(now))),
        (_, Some(next)) if next <= now => line += "; looks right now",
        _ => {}
    }
    line
}

fn told_pass(pass: &LastPass, now: Time) -> String {
    let took = span(n(pass.took_ms));
    let mut line = format!("{} ago, {took} by `{}`: {}", span(pass.began_at.ago(now)), pass.command, events(pass));
    if pass.transcript_files > 0 {
        let files = count(n(pass.transcript_files), "transcript file");
        line += &format!("; {files} followed ({})", size(n(pass.transcript_bytes)));
    }
    if pass.conversations > 0 {
        line += &format!("; {} new or changed", count(n(pass.conversations), "conversation"));
    }
    if let Some(trouble) = &pass.trouble {
        line += &format!("; ended by: {trouble}");
    }
    line
}

fn events(pass: &LastPass) -> String {
    let mut line = format!("{} stored", count(n(pass.stored), "event"));
    for (n, what) in [
        (pass.replayed, "known already"),
        (pass.failed, "failed"),
        (pass.put_back, "put back"),
        (pass.adopted, "of dead hooks"),
        (pass.drained, "from the spill place"),
    ] {
        if n > 0 {
            line += &format!(", {n} {what}");
        }
    }
    line
}

fn told_waits(waits: Percentiles) -> String {
    let figure = |ms: Option<i64>| ms.map_or_else(|| "-".to_owned(), |ms| span(n(ms)));
    match waits.events {
        0 => "no events".to_owned(),
        events => format!(
            "{}, p50 {}, p95 {}, p99 {}",
            count(n(events), "event"),
            figure(waits.p50_ms),
            figure(waits.p95_ms),
            figure(waits.p99_ms)
        ),
    }
}

fn told_backup(kind: &BackupKind) -> String {
    let last = match (kind.last_age_ms, kind.last_bytes) {
        (Some(age), Some(bytes)) => format!("{} ago, {} ({} kept)", span(age), size(bytes), kind.files),
        _ => "none yet".to_owned(),
    };
    let every = if kind.every_ms == 0 { "none are made".to_owned() } else { format!("every {}", span(kind.every_ms)) };
    format!("{last}; {every}")
}
