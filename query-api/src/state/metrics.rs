//! What `/metrics` says, in Prometheus' text format 0.0.4.
//!
//! Written by hand: most of it is read from the store when it is asked for, and a registry would have to be kept equal to it.

use std::collections::BTreeMap;
use std::fmt::{Display, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use status::Status;
use store::read::Waited;

use super::events::Events;

/// Upper ends of buckets of requests, in seconds.
const REQUEST_ENDS: [f64; 10] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5, 15.0];
/// Upper ends of buckets from capture to commit, in seconds.
const WAIT_ENDS: [f64; 11] = [0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 60.0, 600.0, 3600.0, 86_400.0];

/// How many values fell under each end, how many there were, and their sum.
#[derive(Clone, Debug, Default)]
struct Histogram {
    under: Vec<u64>,
    count: u64,
    sum: f64,
}

impl Histogram {
    fn add(&mut self, ends: &[f64], value: f64, times: u64) {
        self.under.resize(ends.len(), 0);
        ends.iter().zip(&mut self.under).filter(|(end, _)| value <= **end).for_each(|(_, under)| *under += times);
        self.count += times;
        self.sum += value * times as f64;
    }
}

/// Method, route and status.
type Series = (&'static str, Arc<str>, u16);

/// The requests that were answered since the start.
#[derive(Debug, Default)]
pub(crate) struct Requests {
    seen: Mutex<BTreeMap<Series, Histogram>>,
}

impl Requests {
    /// Counts one.
    pub(crate) fn count(&self, method: &'static str, route: &Arc<str>, status: u16, took: Duration) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.entry((method, route.clone(), status)).or_default().add(&REQUEST_ENDS, took.as_secs_f64(), 1);
    }

    fn all(&self) -> BTreeMap<Series, Histogram> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The waits from capture to commit that were ever seen here. The store forgets old ones after a while, and a counter must
/// not fall: what is over is added up and not asked for again.
#[derive(Debug)]
pub(crate) struct Waits {
    over: Mutex<(i64, Histogram)>,
}

impl Default for Waits {
    fn default() -> Self {
        Self { over: Mutex::new((i64::MIN, Histogram::default())) }
    }
}

impl Waits {
    /// From which slot on the store is asked.
    pub(crate) fn from(&self) -> i64 {
        self.over.lock().unwrap_or_else(PoisonError::into_inner).0
    }

    /// All of them, given those from that slot on.
    fn all(&self, from: i64, recent: &[Waited]) -> Histogram {
        let mut over = self.over.lock().unwrap_or_else(PoisonError::into_inner);
        let add = |histogram: &mut Histogram, waited: &Waited| {
            let times = u64::try_from(waited.events).unwrap_or(0);
            histogram.add(&WAIT_ENDS, waited.wait_ms as f64 / 1000.0, times);
        };
        if over.0 != from {
            // Another scrape was quicker; what it took is in `over` already.
            let mut whole = over.1.clone();
            recent.iter().filter(|waited| waited.slot >= over.0).for_each(|waited| add(&mut whole, waited));
            return whole;
        }
        // The newest slot still grows, and a commit of another process may be late by one.
        let newest = recent.iter().map(|waited| waited.slot).max().unwrap_or(from);
        let settled = newest.saturating_sub(1).max(from);
        recent.iter().filter(|waited| waited.slot < settled).for_each(|waited| add(&mut over.1, waited));
        over.0 = settled;
        let mut whole = over.1.clone();
        recent.iter().filter(|waited| waited.slot >= settled).for_each(|waited| add(&mut whole, waited));
        whole
    }
}

/// The text.
#[derive(Default)]
struct Text(String);

impl Text {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}"); // a string takes everything
    }

    /// `labels` as `{name="value"}`, or empty.
    fn sample(&mut self, name: &str, labels: &str, value: impl Display) {
        let _ = writeln!(self.0, "{name}{labels} {value}");
    }

    fn one(&mut self, name: &str, kind: &str, help: &str, value: Option<impl Display>) {
        if let Some(value) = value {
            self.head(name, kind, help);
            self.sample(name, "", value);
        }
    }

    fn histogram(&mut self, name: &str, labels: &str, ends: &[f64], histogram: &Histogram) {
        let with = |more: &str| match labels {
            "" => format!("{{{more}}}"),
            labels => format!("{{{labels},{more}}}"),
        };
        for (at, end) in ends.iter().enumerate() {
            let under = histogram.under.get(at).copied().unwrap_or(0);
            self.sample(&format!("{name}_bucket"), &with(&format!("le=\"{end}\"")), under);
        }
        self.sample(&format!("{name}_bucket"), &with("le=\"+Inf\""), histogram.count);
        let braced = if labels.is_empty() { String::new() } else { format!("{{{labels}}}") };
        self.sample(&format!("{name}_sum"), &braced, histogram.sum);
        self.sample(&format!("{name}_count"), &braced, histogram.count);
    }
}

/// What the process itself has counted.
pub(crate) struct Counted<'a> {
    pub(crate) requests: &'a Requests,
    pub(crate) waits: &'a Waits,
    pub(crate) events: &'a Events,
}

/// The whole answer. `recent` are the waits from that slot on, `None` where the database cannot be read.
pub(crate) fn render(status: &Status, counted: &Counted<'_>, recent: Option<(i64, &[Waited])>) -> String {
    let mut text = Text::default();
    let seconds = |ms: u64| ms as f64 / 1000.0;
    let versions = &status.versions;
    text.head("prompt_manager_info", "gauge", "The programs; always 1.");
    let labels = format!("{{version=\"{}\",sqlite=\"{}\"}}", versions.prompt_manager, versions.sqlite);
    text.sample("prompt_manager_info", &labels, 1);
    let state = format!("{:?}", status.status).to_lowercase();
    text.head("prompt_manager_state", "gauge", "1 for how it is going.");
    for known in ["ok", "degraded", "failing"] {
        text.sample("prompt_manager_state", &format!("{{state=\"{known}\"}}"), u8::from(known == state));
    }
    if let Some(queue) = status.queue {
        let places = [
            ("tmp", queue.tmp),
            ("incoming", queue.incoming),
            ("processing", queue.processing),
            ("spill", queue.spill),
        ];
        let places = places.into_iter().chain([("failed", queue.failed)]);
        text.head("prompt_manager_queue_files", "gauge", "Files in a folder of the queue.");
        for (place, folder) in places.clone() {
            text.sample("prompt_manager_queue_files", &format!("{{place=\"{place}\"}}"), folder.files);
        }
        text.head("prompt_manager_queue_oldest_age_seconds", "gauge", "How old the oldest file is; 0 without one.");
        for (place, folder) in places {
            let age = seconds(folder.oldest_age_ms.unwrap_or(0));
            text.sample("prompt_manager_queue_oldest_age_seconds", &format!("{{place=\"{place}\"}}"), age);
        }
    }
    text.one("prompt_manager_ingesters", "gauge", "Ingesters that live.", Some(status.ingesters.len()));
    if let Some(totals) = &status.totals {
        text.head("prompt_manager_events_total", "counter", "What became of queue files.");
        for result in ["stored", "replayed", "failed", "ignored", "put_back", "adopted", "drained"] {
            let count = totals.get(result).copied().unwrap_or(0);
            text.sample("prompt_manager_events_total", &format!("{{result=\"{result}\"}}"), count);
        }
    }
    if let Some(pass) = &status.last_pass {
        let name = "prompt_manager_last_pass_seconds";
        text.head(name, "gauge", "How long the last pass that did something took, and its parts.");
        let parts = [
            ("whole", pass.took_ms),
            ("queue", pass.parts_ms.queue),
            ("transcripts", pass.parts_ms.transcripts),
            ("derive", pass.parts_ms.derive),
        ];
        for (part, ms) in parts {
            text.sample(name, &format!("{{part=\"{part}\"}}"), ms as f64 / 1000.0);
        }
    }
    if let Some((from, recent)) = recent {
        let name = "prompt_manager_capture_to_commit_seconds";
        text.head(name, "histogram", "From the capture of an event to the commit that holds it; at most 1/16 off.");
        text.histogram(name, "", &WAIT_ENDS, &counted.waits.all(from, recent));
    }
    let database = status.database.as_ref();
    let gauge = "gauge";
    text.one("prompt_manager_database_up", gauge, "1 while it can be read.", Some(u8::from(database.is_some())));
    text.one("prompt_manager_store_bytes", gauge, "Bytes of the database.", database.map(|it| it.bytes));
    text.one("prompt_manager_wal_bytes", gauge, "Bytes of its write-ahead log.", database.map(|it| it.wal_bytes));
    text.one("prompt_manager_events", gauge, "Events in the store.", database.map(|it| it.events));
    text.one("prompt_manager_conversations", gauge, "Ids of conversations given.", database.map(|it| it.conversations));
    let waiting = database.map(|it| it.sessions_to_derive);
    text.one("prompt_manager_sessions_to_derive", gauge, "Sessions that wait to be derived.", waiting);
    text.one("prompt_manager_free_bytes", gauge, "Bytes free on the disk.", status.space.map(|it| it.free_bytes));
    text.one("prompt_manager_listeners", gauge, "Programs that listen to events.", Some(counted.events.listeners()));
    let help = "Looks at the store for them: one a second while somebody listens.";
    text.one("prompt_manager_event_looks_total", "counter", help, Some(counted.events.looks()));
    let name = "prompt_manager_http_request_seconds";
    text.head(name, "histogram", "From a request to the last byte of its answer.");
    for ((method, route, status), histogram) in counted.requests.all() {
        let labels = format!("method=\"{method}\",route=\"{route}\",status=\"{status}\"");
        text.histogram(name, &labels, &REQUEST_ENDS, &histogram);
    }
    text.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_never_fall() {
        let waits = Waits::default();
        let of = |slot, events| Waited { slot, wait_ms: 300, events };
        let count = |recent: &[Waited]| waits.all(waits.from(), recent).count;
        assert_eq!(count(&[]), 0);
        assert_eq!(count(&[of(10, 5), of(11, 3), of(12, 2)]), 10);
        assert_eq!(waits.from(), 11, "the newest and the one before may still grow");
        assert_eq!(count(&[of(11, 4), of(12, 2)]), 11, "what the store forgot stays counted");
        assert_eq!(count(&[of(11, 4), of(12, 2), of(20, 1)]), 12);
        assert_eq!(count(&[of(20, 1)]), 12);
        // Two scrapes at once: the slower one read what the quicker one has settled.
        assert_eq!(waits.all(11, &[of(11, 4), of(12, 2), of(20, 1)]).count, 12);
    }

    #[test]
    fn buckets_hold_what_is_at_most_their_end() {
        let mut histogram = Histogram::default();
        for value in [0.1, 0.2, 5.0] {
            histogram.add(&[0.1, 1.0], value, 2);
        }
        assert_eq!((histogram.under, histogram.count), (vec![2, 4], 6));
    }
}
