//! What the flags name: conversations, with those of their subagents, and sessions of which no conversation is shown.

use std::collections::BTreeSet;
use std::time::SystemTime;

use settings::Settings;
use store::ConversationId;
use store::read::export::{Exporter, Filter};
use store::write::{Bare, Ground, Writer};

use super::Forget;
use crate::clock;
use crate::error::Error;

/// What is to be forgotten.
#[derive(Debug, Default)]
pub(super) struct Chosen {
    pub(super) conversations: BTreeSet<ConversationId>,
    /// Titles, a summary or lone events are all that is stored of them: they go as a whole.
    pub(super) sessions: BTreeSet<String>,
}

impl Chosen {
    pub(super) fn is_empty(&self) -> bool {
        self.conversations.is_empty() && self.sessions.is_empty()
    }
}

/// Finds it.
///
/// # Errors
/// [`Error::Usage`] that names what nobody ever knew; the store's.
pub(super) fn choose(settings: &Settings, args: &Forget) -> Result<Chosen, Error> {
    let mut writer = Writer::open(&settings.home)?;
    let ground = writer.ground()?;
    refuse_unknown(&ground, args)?;
    // A folder of which one of the ways became a link is known by both.
    let projects = args.project.as_ref().map(terminal::Project::names);
    let until_ms = args.before.map(|before| before.begin(clock::millis(SystemTime::now())));
    let mut chosen = Chosen::default();
    let mut store = Exporter::open(&settings.home)?;
    for project in projects.iter().flatten().cloned().map(Some).chain(projects.is_none().then_some(None)) {
        let filter = Filter {
            sessions: args.session.clone(),
            project,
            until_ms,
            ids: args.conversation.clone(),
            ..Filter::default()
        };
        chosen.conversations.extend(store.select(&filter, None)?.into_iter().map(|one| one.id));
    }
    for id in chosen.conversations.clone() {
        chosen.conversations.extend(ground.started_by(id)?);
    }
    if args.conversation.is_empty() {
        let fits = |bare: &Bare| {
            (args.session.is_empty() || args.session.contains(&bare.session_id))
                && projects.as_ref().is_none_or(|names| names.iter().any(|name| bare.is_of(name)))
                && until_ms.is_none_or(|until_ms| bare.last_ms < until_ms)
        };
        chosen.sessions = ground.bare_sessions()?.into_iter().filter(fits).map(|bare| bare.session_id).collect();
    }
    Ok(chosen)
}

/// One of two names that is a slip would be believed to be forgotten.
fn refuse_unknown(ground: &Ground<'_>, args: &Forget) -> Result<(), Error> {
    let mut unknown: Vec<String> = ground
        .unknown_ids(&args.conversation)?
        .into_iter()
        .map(|id| format!("no conversation has ever had the number {}", id.0))
        .collect();
    for session in &args.session {
        if !ground.knows_session(session)? {
            unknown.push(format!("nothing is known of a session {session}"));
        }
    }
    match unknown.is_empty() {
        true => Ok(()),
        false => Err(Error::Usage(format!("{}; nothing was forgotten", unknown.join(", ")))),
    }
}
