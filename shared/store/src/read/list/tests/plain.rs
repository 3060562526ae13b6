//! Conversations told in all places, random questions, and a plain look at every text: what the engine must agree with.

use rusqlite::params;

use crate::ids::{Span, SpanSource};
use crate::read::query::{Form, Place, Places, Query};
use crate::read::seed::{Row, Store, turn};
use crate::read::{Filter, Rated};
use crate::words::{Kind, SeenBy, Status, Via};

/// What a test says of a conversation, in all places.
#[derive(Clone, Debug, Default)]
pub(super) struct Told {
    pub(super) id: i64,
    pub(super) session: String,
    pub(super) time: i64,
    pub(super) kind: usize,
    pub(super) via: usize,
    pub(super) status: usize,
    pub(super) source: usize,
    pub(super) project: usize,
    pub(super) model: usize,
    pub(super) tool: usize,
    pub(super) prompt: String,
    pub(super) answer: String,
    pub(super) input: String,
    pub(super) output: String,
    pub(super) note: String,
    pub(super) tag: String,
    pub(super) rating: Option<i64>,
    pub(super) starred: bool,
}

const PROJECTS: [&str; 3] = ["/home/dev/acme", "/home/dev/acme/sub", "/srv/other"];
const MODELS: [&str; 2] = ["one", "two"];
const TOOLS: [&str; 3] = ["", "Bash", "Read"];

/// Writes it as ingest and annotations would.
pub(super) fn write(store: &Store, told: &mut Told) {
    store.conn.execute_batch("savepoint written").unwrap();
    let kind = Kind::ALL[told.kind].as_str();
    let id = store.turn(&Row { kind, ..turn(&told.session, told.time, &told.prompt) });
    told.id = id.0;
    let run = |sql: &str, values: &[&dyn rusqlite::ToSql]| {
        store.conn.prepare_cached(sql).unwrap().execute(values).unwrap();
    };
    run(
        "update turns set via = ?2, status = ?3, cwd = ?4, model = ?5, response_text = ?6, from_hook = ?7,
                         from_transcript = ?8
          where id = ?1",
        &[
            &told.id,
            &Via::ALL[told.via].as_str(),
            &Status::ALL[told.status].as_str(),
            &PROJECTS[told.project],
            &MODELS[told.model],
            &told.answer,
            &(told.source != 1),
            &(told.source != 0),
        ],
    );
    run("insert into blocks (conversation_id, seq, kind) values (?1, 1001, 'text')", &[&told.id]);
    let block = store.conn.last_insert_rowid();
    run("insert into search (rowid, text) values (?1, ?2)", &[&block, &told.answer]);
    if told.tool > 0 {
        call(store, told.id, 0, TOOLS[told.tool], &told.input, &told.output);
    }
    let row = format!("row {id:?}");
    let values: &[&dyn rusqlite::ToSql] = &[&row, &told.id];
    if told.rating.is_some() {
        run("insert into rating_history values (?1, 1, ?2, ?3, 1)", &[&row, &told.id, &told.rating]);
    }
    if told.starred {
        run("insert into star_history values (?1, 1, ?2, 1, 1)", values);
    }
    if !told.tag.is_empty() {
        run("insert into tag_history values (?1, 1, ?2, ?3, 1, 1)", &[&row, &told.id, &told.tag]);
    }
    if !told.note.is_empty() {
        run("insert into note_history values (?1, 1, ?2, ?3, 1)", &[&row, &told.id, &told.note]);
    }
    store.say("");
    store.conn.execute_batch("release written").unwrap();
}

/// Writes a call of a tool.
pub(super) fn call(store: &Store, conversation: i64, seq: i64, name: &str, input: &str, output: &str) {
    let span = |text: &str| {
        let json = serde_json::Value::from(text).to_string() + &" ".repeat(store.conn.last_insert_rowid() as usize);
        let source = SpanSource::Event(store.event(json.as_bytes()));
        Span { source, offset: 0, length: json.len() as u32 }.columns()
    };
    let run = |sql: &str, values: &[&dyn rusqlite::ToSql]| {
        store.conn.prepare_cached(sql).unwrap().execute(values).unwrap();
    };
    let (given, given_back) = (span(&(input.to_owned() + " ")), span(output));
    run(
        "insert into tool_calls (conversation_id, seq, tool_use_id, name, is_error, refused, finished,
                                 input_source, input_source_id, input_offset, input_length,
                                 output_source, output_source_id, output_offset, output_length)
         values (?1, ?2, 'call ' || ?2, ?3, 0, 0, 1, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        params![
            conversation,
            seq,
            name,
            given.0,
            given.1,
            given.2,
            given.3,
            given_back.0,
            given_back.1,
            given_back.2,
            given_back.3
        ],
    );
    let call = store.conn.last_insert_rowid();
    run("insert into search_tools (rowid, text) values (?1, ?2)", &[&(call * 2), &input]);
    run("insert into search_tools (rowid, text) values (?1, ?2)", &[&(call * 2 + 1), &output]);
}

/// Numbers that only look random, the same in every run.
pub(super) struct Seed(pub(super) u64);

impl Seed {
    pub(super) fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }

    pub(super) fn one_in(&mut self, limit: usize) -> bool {
        self.below(limit) == 0
    }

    pub(super) fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }

    pub(super) fn text(&mut self, words: usize) -> String {
        let known = ["load", "config", "loader", "reload", "page", "fix", "bug", "x"];
        (0..self.below(words + 1)).map(|_| self.pick(&known).to_owned()).collect::<Vec<_>>().join(" ")
    }

    pub(super) fn told(&mut self) -> Told {
        Told {
            session: self.pick(&["a", "b", "c"]).to_owned(),
            time: self.below(30) as i64,
            kind: self.below(6),
            via: self.below(3),
            status: self.below(4),
            source: self.below(3),
            project: self.below(3),
            model: self.below(2),
            tool: self.below(3),
            prompt: self.text(4),
            answer: self.text(4),
            input: self.text(3),
            output: self.text(4),
            note: if self.one_in(4) { self.text(3) } else { String::new() },
            tag: if self.one_in(3) { self.pick(&["fix", "config", "keep"]).to_owned() } else { String::new() },
            rating: if self.one_in(3) { Some(1 + self.below(5) as i64) } else { None },
            starred: self.one_in(4),
            ..Told::default()
        }
    }

    pub(super) fn filter(&mut self) -> Filter {
        let mut filter = Filter::default();
        if self.one_in(3) {
            filter.kinds = Kind::LISTED.to_vec();
        }
        if self.one_in(6) {
            filter.vias = vec![Via::ALL[self.below(3)]];
        }
        if self.one_in(6) {
            filter.statuses = vec![Status::ALL[self.below(4)], Status::Open];
        }
        if self.one_in(6) {
            filter.sources = vec![SeenBy::ALL[self.below(3)], SeenBy::ALL[self.below(3)]];
        }
        if self.one_in(6) {
            filter.sessions = vec![self.pick(&["a", "b", "none"]).to_owned()];
        }
        if self.one_in(6) {
            filter.project = Some(self.pick(&["/home/dev", "/home/dev/acme/sub", "acme", "/none"]).to_owned());
        }
        if self.one_in(6) {
            filter.models = vec![self.pick(&["one", "two", "none"]).to_owned()];
        }
        if self.one_in(6) {
            filter.tools = vec![self.pick(&["Bash", "Read", "None"]).to_owned()];
        }
        if self.one_in(6) {
            filter.tags = vec![self.pick(&["fix", "keep"]).to_owned()];
        }
        if self.one_in(6) {
            filter.starred = Some(self.one_in(2));
        }
        if self.one_in(8) {
            filter.kept = Some(self.one_in(2));
        }
        if self.one_in(5) {
            filter.rating = Rated::parse(self.pick(&["4", ">=3", "<2", "any", "none"]));
        }
        if self.one_in(6) {
            filter.has_error = Some(self.one_in(2));
        }
        if self.one_in(6) {
            (filter.since_ms, filter.until_ms) = (Some(self.below(15) as i64), Some(15 + self.below(15) as i64));
        }
        if !self.one_in(3) {
            filter.query = Query::parse(&self.typed(), self.places()).unwrap();
        }
        filter
    }

    pub(super) fn typed(&mut self) -> String {
        let mut typed = String::new();
        for _ in 0..=self.below(3) {
            let pieces = [
                "load",
                "config",
                "-bug",
                "fix OR page",
                "loa*",
                "-conf*",
                "\"load config\"",
                "load-config",
                "keep",
                "-\"load config\"",
                "fix OR -load",
                "\"loader\"",
                "rel*",
                "absent",
            ];
            typed.push_str(self.pick(&pieces));
            typed.push(' ');
        }
        typed
    }

    pub(super) fn places(&mut self) -> Places {
        if self.one_in(2) {
            return Places::EVERYWHERE;
        }
        let places = [Place::Prompt, Place::Answer, Place::Input, Place::Output, Place::Note, Place::Tag];
        Places::of((0..=self.below(2)).map(|_| places[self.below(6)]).collect::<Vec<_>>())
    }
}

/// Whether a plain look at the texts finds the query.
fn holds(told: &Told, query: &Query) -> bool {
    let places = query.places();
    let texts = [
        (Place::Prompt, &told.prompt, true),
        (Place::Answer, &told.answer, true),
        (Place::Input, &told.input, told.tool > 0),
        (Place::Output, &told.output, told.tool > 0),
        (Place::Note, &told.note, true),
        (Place::Tag, &told.tag, true),
    ];
    let texts: Vec<_> = texts.into_iter().filter(|(place, _, there)| *there && places.has(*place)).collect();
    query.clauses().iter().all(|clause| {
        clause.0.iter().any(|term| {
            let wanted: Vec<&str> =
                term.text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
            let held = texts.iter().any(|(place, text, _)| {
                let words: Vec<&str> = text.split(' ').filter(|word| !word.is_empty()).collect();
                let side_by_side = words.windows(wanted.len()).any(|window| {
                    window.iter().zip(&wanted).enumerate().all(|(at, (word, wanted_word))| {
                        let may_go_on = term.form == Form::Beginning && at + 1 == wanted.len();
                        if may_go_on { word.starts_with(wanted_word) } else { word == wanted_word }
                    })
                });
                let short = matches!(place, Place::Prompt | Place::Note | Place::Tag);
                let part = short && term.form == Form::Bare && wanted.len() == 1 && wanted[0].len() >= 3;
                side_by_side || (part && text.contains(wanted[0]))
            });
            held != term.negated
        })
    })
}

pub(super) fn fits(told: &Told, filter: &Filter) -> bool {
    let failed = Status::ALL[told.status] == Status::Failed;
    let any = |list: &[String], value: &str| list.is_empty() || list.iter().any(|one| one == value);
    let rating = told.rating.unwrap_or(0) as u8;
    let project = PROJECTS[told.project];
    (filter.kinds.is_empty() || filter.kinds.contains(&Kind::ALL[told.kind]))
        && (filter.vias.is_empty() || filter.vias.contains(&Via::ALL[told.via]))
        && (filter.statuses.is_empty() || filter.statuses.contains(&Status::ALL[told.status]))
        && (filter.sources.is_empty() || filter.sources.contains(&SeenBy::ALL[told.source]))
        && any(&filter.sessions, &told.session)
        && filter.project.as_ref().is_none_or(|path| match path.contains('/') {
            true => project == path || project.starts_with(&format!("{path}/")),
            false => project.ends_with(&format!("/{path}")),
        })
        && any(&filter.models, MODELS[told.model])
        && any(&filter.tools, TOOLS[told.tool])
        && filter.tags.iter().all(|tag| *tag == told.tag)
        && filter.starred.is_none_or(|starred| starred == told.starred)
        && filter.kept.is_none_or(|kept| kept == (told.rating >= Some(4) || told.starred || !told.tag.is_empty()))
        && filter.rating.as_ref().is_none_or(|rated| (rated.range().0..=rated.range().1).contains(&rating))
        && filter.has_error.is_none_or(|error| error == failed)
        && filter.since_ms.is_none_or(|since| told.time >= since)
        && filter.until_ms.is_none_or(|until| told.time < until)
        && filter.query.as_ref().is_none_or(|query| holds(told, query))
}
