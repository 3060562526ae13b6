//! What an import asks the store: which roots were ever read, what is there already, how much there is to see.

use std::collections::{BTreeMap, HashMap};

use rusqlite::params;
use serde_json::Value;

use super::Writer;
use super::pieces::Pieces;
use crate::error::{Context, Error};
use crate::ids::{EventId, Span, SpanSource};
use crate::sieve::same_bytes;

/// Begins the keys of `meta` that hold a projects root each.
const ROOT: &str = "projects_root:";

/// Two that are called for one event of a hook are called within this time.
const LOGGED_NS: u64 = 10_000_000_000;

impl Writer {
    /// The projects roots that were ever read, in order.
    ///
    /// # Errors
    /// The engine's.
    pub fn roots(&self) -> Result<Vec<String>, Error> {
        let mut query = self
            .conn
            .prepare_cached("select substr(key, ?1) from meta where key >= ?2 and key < ?3 order by key")
            .op("prepare")?;
        let end = format!("{}{}", &ROOT[..ROOT.len() - 1], (b':' + 1) as char);
        let rows = query.query_map(params![ROOT.len() as i64 + 1, ROOT, end], |row| row.get(0)).op("read the roots")?;
        rows.collect::<Result<_, _>>().op("read a root")
    }

    /// Notes that a projects root was read. Writes only what is new.
    ///
    /// # Errors
    /// The engine's.
    pub fn record_root(&self, root: &str) -> Result<(), Error> {
        let key = format!("{ROOT}{root}");
        let known: bool = self
            .conn
            .prepare_cached("select exists (select 1 from meta where key = ?1)")
            .op("prepare")?
            .query_row([&key], |row| row.get(0))
            .op("look for a root")?;
        if !known {
            self.conn
                .execute("insert into meta (key, value) values (?1, 1) on conflict do nothing", [&key])
                .op("record a root")?;
        }
        Ok(())
    }

    /// When each of these payloads, if it is stored of this session, was captured: at its own time, or if it has none as the
    /// first, second, … of the same bytes. What is hidden makes no difference; nor does how the values are written, in which
    /// order, or what loggers add of the `times` at which they were called, which may be some seconds from the capture.
    ///
    /// # Errors
    /// The engine's.
    pub fn captures(
        &self,
        session_id: &str,
        payloads: &[(&[u8], Option<u64>)],
        times: &[&str],
    ) -> Result<Vec<Option<u64>>, Error> {
        let mut stored = self.captured(session_id)?;
        let mut bytes = Pieces::new(&self.conn);
        let mut by_size: HashMap<usize, Vec<usize>> = HashMap::new();
        for (at, one) in stored.iter().enumerate() {
            by_size.entry(one.whole.length as usize).or_default().push(at);
        }
        let mut found = vec![None; payloads.len()];
        for likeness in [Likeness::Exact, Likeness::Masked] {
            for (found, (payload, at)) in found.iter_mut().zip(payloads).filter(|(found, _)| found.is_none()) {
                let hash = blake3::hash(payload);
                for one in by_size.get(&payload.len()).into_iter().flatten() {
                    let one = &mut stored[*one];
                    if at.map_or(one.taken, |at| at != one.captured_ns) {
                        continue;
                    }
                    let is_same = match likeness {
                        Likeness::Exact => one.hash == *hash.as_bytes(),
                        Likeness::Masked => bytes.read(one.whole, |stored| same_bytes(stored, payload))?,
                    };
                    if is_same {
                        (one.taken, *found) = (true, Some(one.captured_ns));
                        break;
                    }
                }
            }
        }
        if found.iter().all(Option::is_some) {
            return Ok(found);
        }
        let mut by_values: HashMap<[u8; 32], Vec<usize>> = HashMap::new();
        for (at, one) in stored.iter().enumerate().filter(|(_, one)| !one.taken) {
            if let Some(values) = bytes.read(one.whole, |payload| values(payload, times))? {
                by_values.entry(values).or_default().push(at);
            }
        }
        let mut pairs = Vec::new();
        for (entry, (payload, at)) in payloads.iter().enumerate() {
            if found[entry].is_some() {
                continue;
            }
            // A time that could not be read says of an entry that it is another's.
            let times = at.map_or(&[][..], |_| times);
            let same = values(payload, times).and_then(|values| by_values.get(&values)).map_or(&[][..], Vec::as_slice);
            match at {
                None => {
                    if let Some(next) = same.iter().find(|one| !stored[**one].taken) {
                        (stored[*next].taken, found[entry]) = (true, Some(stored[*next].captured_ns));
                    }
                }
                Some(at) => {
                    let until = |ns: u64| same.partition_point(|one| stored[*one].captured_ns < ns);
                    let near = until(at.saturating_sub(LOGGED_NS))..until(at.saturating_add(LOGGED_NS + 1));
                    pairs.extend(same[near].iter().map(|one| (at.abs_diff(stored[*one].captured_ns), entry, *one)));
                }
            }
        }
        pairs.sort_unstable(); // the nearest first
        for (_, entry, one) in pairs {
            if found[entry].is_none() && !stored[one].taken {
                (stored[one].taken, found[entry]) = (true, Some(stored[one].captured_ns));
            }
        }
        Ok(found)
    }

    fn captured(&self, session_id: &str) -> Result<Vec<Capture>, Error> {
        let mut query = self
            .conn
            .prepare_cached(
                "select id, size, hash, captured_ns from events where session_id = ?1 order by captured_ns, name, id",
            )
            .op("prepare")?;
        let mut rows = query.query([session_id]).op("read the events of a session")?;
        let mut found = Vec::new();
        while let Some(row) = rows.next().op("read the events of a session")? {
            let read = || -> rusqlite::Result<(i64, u32, [u8; 32], i64)> {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
            };
            let (id, length, hash, captured_ns) = read().op("read an event")?;
            let whole = Span { source: SpanSource::Event(EventId(id)), offset: 0, length };
            found.push(Capture { whole, hash, captured_ns: captured_ns as u64, taken: false });
        }
        Ok(found)
    }

    /// How many conversations the default list has.
    ///
    /// # Errors
    /// The engine's.
    pub fn listed(&self) -> Result<u64, Error> {
        self.conn
            .query_row("select count(*) from turns where kind in ('human', 'command', 'shell')", [], |row| {
                row.get::<_, i64>(0)
            })
            .op("count conversations")
            .map(|count| count as u64)
    }
}

/// A stored event of a session.
struct Capture {
    whole: Span,
    hash: [u8; 32],
    captured_ns: u64,
    /// It is one of those that were looked for.
    taken: bool,
}

/// How a payload is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Likeness {
    Exact,
    Masked,
}

/// Hash of the values of a payload but for `times`, however they are written; `None` of what is no JSON object.
fn values(payload: &[u8], times: &[&str]) -> Option<[u8; 32]> {
    let mut fields: BTreeMap<String, Value> = serde_json::from_slice(payload).ok()?;
    fields.retain(|name, _| !times.contains(&name.as_str()));
    Some(*blake3::hash(&serde_json::to_vec(&fields).ok()?).as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::write::{NewEvent, Stored};

    #[test]
    fn roots_are_recorded_once() {
        let home = tempfile::tempdir().unwrap();
        let dir = queue::DataDir::new(home.path());
        dir.create().unwrap();
        let writer = Writer::open(&dir).unwrap();
        for root in ["/b/projects", "/a/projects", "/b/projects"] {
            writer.record_root(root).unwrap();
        }
        assert_eq!(writer.roots().unwrap(), ["/a/projects", "/b/projects"]);
    }
    #[test]
    fn values_are_the_same_however_they_are_written() {
        let own = br#"{"session_id":"s","prompt":"a \u00e4","n":[1,{"b":2,"a":1}]}"#;
        let check = |other: &str, same: bool| {
            assert_eq!(values(own, &["ts"]) == values(other.as_bytes(), &["ts"]), same, "{other}");
        };
        check("{\n \"prompt\": \"a ä\",\n \"n\": [1, {\"a\":1, \"b\": 2}], \"session_id\": \"s\"\n}", true);
        check(r#"{"session_id":"s","prompt":"a ä","n":[1,{"b":2,"a":1}],"ts":"2026-01-01"}"#, true);
        check(r#"{"session_id":"s","prompt":"a ä","n":[1,{"b":2,"a":1}],"host":"x"}"#, false);
        check(r#"{"session_id":"s","prompt":"a ä","n":[{"b":2,"a":1},1]}"#, false);
        check(r#"{"session_id":"s","prompt":"A ä","n":[1,{"b":2,"a":1}]}"#, false);
        check("[1]", false);
        assert_eq!(values(b"{", &[]), None);
    }
    /// Which captures of one prompt, at these seconds, entries of a log are, by their times.
    #[test]
    fn entries_of_a_log_are_the_captures_nearest_to_them() {
        const S: u64 = 1_000_000_000;
        let own = br#"{"prompt":"yes"}"#.as_slice();
        let check = |captured: &[u64], entries: &[(&str, Option<u64>)], expected: &[Option<u64>]| {
            let home = tempfile::tempdir().unwrap();
            let writer = &mut Writer::open(&queue::DataDir::new(home.path())).unwrap();
            let batch = writer.batch().unwrap();
            for second in captured {
                let (name, captured_ns) = (format!("{:019}-s-A.json", second * S), second * S);
                let (event, session_id) = ("UserPromptSubmit", "s");
                let event = NewEvent {
                    name: &name,
                    captured_ns,
                    event,
                    session_id,
                    prompt_id: None,
                    payload: own,
                    stored_ms: 1,
                };
                assert!(matches!(batch.add_event(&event).unwrap(), Stored::New(_)));
            }
            batch.commit().unwrap();
            let entries: Vec<_> = entries.iter().map(|(json, at)| (json.as_bytes(), at.map(|at| at * S))).collect();
            let expected: Vec<_> = expected.iter().map(|at| at.map(|at| at * S)).collect();
            assert_eq!(writer.captures("s", &entries, &["ts"]).unwrap(), expected);
        };
        let timed = r#"{"prompt": "yes", "ts": "t"}"#;
        check(&[109], &[(timed, Some(100)), (timed, Some(109))], &[None, Some(109)]);
        check(&[100, 109], &[(timed, Some(101)), (timed, Some(108))], &[Some(100), Some(109)]);
        check(&[100], &[(timed, Some(111))], &[None]); // too far
        check(&[100], &[(timed, None)], &[None]); // a time that nobody can read is a time
        let pretty = "{\n  \"prompt\": \"yes\"\n}";
        check(&[100, 200], &[(pretty, None), (pretty, None), (pretty, None)], &[Some(100), Some(200), None]);
    }
}
