//! The database: the file, its tables, every row that was captured, and whether the rest hangs together.

use std::ops::ControlFlow;
use std::sync::atomic::Ordering;
use std::time::Duration;

use queue::QueueName;
use store::ConversationId;
use store::check::{self, About};
use store::read::inspect::{Difference, Group, Inspector, SeenEvent};

use super::code::Code;
use super::round::{Mend, Round};
use crate::clock::millis;
use crate::error::Error;
use crate::intake::parse;

/// So many names are listed.
const NAMES: usize = 1000;
/// A session that waits longer than this is not derived by anybody.
const PATIENCE: Duration = Duration::from_secs(3600);
/// Clocks of two programs on one machine do not differ, but a clock may be set by a little at any time.
const CLOCK: Duration = Duration::from_secs(300);
/// By then a rating that was given in a session is said of its prompt, where everything is taken in.
const RATED: Duration = Duration::from_secs(7200);
/// Below it a bug of the engine can lose commits.
const ENGINE: i32 = 3_051_003;

/// Opens the store. If it cannot be opened, what `status` finds says why.
pub(super) fn open(round: &mut Round<'_>) -> Result<Option<Inspector>, Error> {
    let (version, number) = store::engine_version();
    if number < ENGINE {
        round.found(Code::EngineOld, format!("SQLite {version}"));
    }
    Ok(Inspector::open(&round.settings.home).ok())
}

/// The file as the engine sees it.
pub(super) fn file(round: &mut Round<'_>) -> Result<(), Error> {
    let path = round.settings.home.database();
    let stop = round.stop();
    let go_on = || if stop.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
    let found = match check::check(&path, &go_on) {
        Err(store::Error::Interrupted { .. }) => return Ok(()),
        found => found?,
    };
    for problem in found.problems {
        match problem.about {
            About::Structure => round.found(Code::DatabaseDamaged, problem.detail),
            About::Words => {
                round.found(Code::WordsDamaged, problem.detail);
                round.mend(Code::WordsDamaged, Mend::Words);
            }
            About::Schema | About::References | About::Pieces => {} // looked at more closely below
        }
    }
    Ok(())
}

/// Tables, indexes, views.
pub(super) fn schema(round: &mut Round<'_>, store: &Inspector) -> Result<(), Error> {
    for object in store.schema_differences()? {
        let named = format!("{} {}", object.kind, object.name);
        match object.difference {
            Difference::Missing if object.kind != "table" => {
                round.found(Code::SchemaDiffers, named);
                round.mend(Code::SchemaDiffers, Mend::Object(object.name));
            }
            // Whoever reads it next takes that for damage which was named.
            Difference::Missing => {
                round.found(Code::SchemaOther, format!("{named} is missing"));
                round.found(Code::DatabaseUnread, format!("{named} is missing"));
            }
            Difference::Other => round.found(Code::SchemaOther, format!("{named} is another")),
            Difference::Extra => round.found(Code::SchemaOther, format!("{named} is none of ours")),
        }
    }
    Ok(())
}

/// Every stored queue file.
pub(super) fn events(round: &mut Round<'_>, store: &Inspector) -> Result<(), Error> {
    let latest_ms = millis(round.now + CLOCK);
    let latest_ns = latest_ms.saturating_mul(1_000_000);
    store.each_event(&mut |event| {
        round.checked.events += 1;
        round.checked.bytes += event.size;
        round.at("events", round.checked.events);
        if event.fault.is_some() {
            round.found(Code::EventDamaged, event.name.clone());
            round.mend(Code::EventDamaged, Mend::Refill(event.id, event.name.clone()));
        }
        let name = event.name.parse::<QueueName>();
        if name.is_ok_and(|name| is_misfiled(&event, &name)) {
            round.found(Code::EventMisfiled, event.name.clone());
        }
        // Other machines have clocks of their own, and a name that was made up has a time of its own.
        if event.own && name.is_ok() && (event.captured_ns > latest_ns || event.stored_ms > latest_ms) {
            round.found(Code::TimesAhead, event.name);
        }
        if round.is_stopped() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    for name in store.doubled_names(NAMES)? {
        round.found(Code::EventDoubled, name);
    }
    for name in store.waiting_ratings(millis(round.now - RATED).saturating_mul(1_000_000))? {
        round.found(Code::RatingWaits, name);
    }
    if store.latest_ms()?.is_some_and(|ms| ms > latest_ms) {
        round.found(Code::TimesAhead, "the last pass");
    }
    Ok(())
}

/// Whether a row stands elsewhere than taking in the same file would put it.
fn is_misfiled(event: &SeenEvent, name: &QueueName) -> bool {
    if i64::try_from(name.captured_ns).unwrap_or(i64::MAX) != event.captured_ns {
        return true;
    }
    let facts = event.payload.as_deref().and_then(|payload| parse::parse(payload, name).ok());
    facts.is_some_and(|facts| {
        (&facts.session_id, &facts.event, &facts.prompt_id) != (&event.session_id, &event.event, &event.prompt_id)
    })
}

/// Rows that hang on nothing.
pub(super) fn references(round: &mut Round<'_>, store: &Inspector) -> Result<(), Error> {
    for dangling in store.dangling()? {
        let named = format!("{} of {} in {}", dangling.rows, dangling.parent, dangling.table);
        let (code, mend) = match (dangling.group, dangling.parent.as_str()) {
            (Group::Human, "conversation_ids") => (Code::Unheard, None),
            (_, "never") => continue, // said and not told: it is looked at below
            (_, "conversation_ids") => (Code::IdsMissing, Some(Mend::Ids)),
            (Group::Derived, _) => (Code::DerivedLoose, Some(Mend::Loose)),
            _ => (Code::ReferencesBroken, None),
        };
        round.found_many(code, dangling.rows, named);
        if let Some(mend) = mend {
            round.mend(code, mend);
        }
    }
    for id in store.unheard()? {
        round.found(Code::Unheard, format!("conversation {id}"));
    }
    for id in store.keyless()? {
        round.found(Code::Unrecognised, format!("conversation {id}"));
    }
    if store.miscounted()? {
        round.found(Code::CountsDiffer, "turns_seen");
        round.mend(Code::CountsDiffer, Mend::Counts);
    }
    match store.misfiled()? {
        0 => {}
        rows => {
            round.found_many(Code::ListsDiffer, rows, "facets");
            round.mend(Code::ListsDiffer, Mend::Lists);
        }
    }
    for id in store.told_otherwise()? {
        round.found(Code::SaidDiffers, format!("conversation {id}"));
        round.mend(Code::SaidDiffers, Mend::Tell(ConversationId(id)));
    }
    match store.titled_otherwise()? {
        0 => {}
        rows => {
            round.found_many(Code::SaidDiffers, rows, "titles and spellings of tags");
            round.mend(Code::SaidDiffers, Mend::Titles);
        }
    }
    let waits = store.waiting_sessions(millis(round.now.checked_sub(PATIENCE).unwrap_or(round.now)))?;
    for session in waits {
        round.found(Code::SessionsWait, session.clone());
        round.mend(Code::SessionsWait, Mend::Derive(session));
    }
    Ok(())
}

/// The index of words.
pub(super) fn words(round: &mut Round<'_>, store: &Inspector) -> Result<(), Error> {
    for (session, texts) in store.unindexed()? {
        round.found_many(Code::WordsMissing, texts, format!("session {session}"));
        round.mend(Code::WordsMissing, Mend::Derive(session));
    }
    match store.unindexed_texts()? {
        0 => {}
        texts => {
            round.found_many(Code::WordsMissing, texts, "tags, notes and titles");
            round.mend(Code::WordsMissing, Mend::Texts);
        }
    }
    match store.stray_words()? {
        0 => {}
        stray => {
            round.found_many(Code::WordsStray, stray, "search");
            round.mend(Code::WordsStray, Mend::StrayWords);
        }
    }
    Ok(())
}
