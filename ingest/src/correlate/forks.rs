//! Who owns a prompt line that stands in the files of several sessions (correlation.md 3). The owner lists the
//! conversation; the copies are joined to it, whatever the order in which the files arrived.

use std::collections::{BTreeMap, HashSet};

use super::Session;
use super::draft::{Anchor, Class, Draft};
use super::links::Source;

/// What became of the copies.
pub(crate) struct Settled {
    /// The lines that more than one session holds.
    pub(crate) copies: HashSet<[u8; 16]>,
    /// For each session, where it was copied from.
    pub(crate) sources: Vec<Option<Source>>,
}

/// Gives each copied prompt one owner and takes the other copies away.
pub(crate) fn settle(sessions: &mut [Session<'_>]) -> Settled {
    let copies = copied_lines(sessions);
    if copies.is_empty() {
        return Settled { copies: HashSet::new(), sources: vec![None; sessions.len()] };
    }
    let facts: Vec<Facts> = sessions.iter().map(|session| Facts::of(session, &copies)).collect();
    let owners: BTreeMap<[u8; 16], usize> =
        copies.iter().map(|(key, holders)| (*key, owner(key, holders, sessions, &facts))).collect();
    let sources = (0..sessions.len()).map(|number| source(number, sessions, &owners, &facts)).collect();
    let mut taken: HashSet<(usize, [u8; 16])> = HashSet::new();
    for (key, holders) in &copies {
        let owner = owners[key];
        for holder in holders.iter().filter(|holder| **holder != owner) {
            taken.insert((*holder, *key));
            merge(sessions, owner, *holder, key);
        }
    }
    for (number, session) in sessions.iter_mut().enumerate() {
        session.drafts.retain(|draft| draft.line_key().is_none_or(|key| !taken.contains(&(number, key))));
    }
    Settled { copies: copies.into_keys().collect(), sources }
}

/// The owner of the last prompt that a session holds a copy of. Of two sessions that would each have been copied from the
/// other, the one that began to be itself later is the copy.
fn source(
    number: usize,
    sessions: &[Session<'_>],
    owners: &BTreeMap<[u8; 16], usize>,
    facts: &[Facts],
) -> Option<Source> {
    let copied_from = |number: usize| {
        let copies = sessions[number].drafts.iter().filter_map(|draft| {
            let owner = *owners.get(&draft.line_key()?)?;
            (owner != number).then_some((draft, owner))
        });
        copies.max_by_key(|(draft, _)| draft.at_ms)
    };
    let (copy, owner) = copied_from(number)?;
    let age = |number: usize| (facts[number].first_own_ms, sessions[number].id);
    if copied_from(owner).is_some_and(|(_, back)| back == number) && age(number) < age(owner) {
        return None;
    }
    let original = sessions[owner].drafts.iter().find(|draft| draft.line_key() == copy.line_key())?;
    Some(Source {
        owner,
        renamed: copy.prompt_id != original.prompt_id,
        owner_goes_on: facts[owner].last_own_ms > copy.at_ms,
    })
}

/// A subagent's prompt that several sessions hold, or one session in two places, stays with a session that has the call or
/// the turn that started it.
pub(crate) fn settle_subagents(sessions: &mut [Session<'_>]) {
    let mut homes: BTreeMap<[u8; 16], (bool, usize)> = BTreeMap::new();
    for (number, session) in sessions.iter().enumerate() {
        for draft in &session.agents {
            let Some(key) = draft.line_key() else { continue };
            let started_here =
                session.drafts.iter().any(|main| main.prompt_id.is_some() && main.prompt_id == draft.prompt_id);
            let home = homes.entry(key).or_insert((started_here, number));
            if started_here && !home.0 {
                *home = (true, number);
            }
        }
    }
    for (number, session) in sessions.iter_mut().enumerate() {
        let mut seen = HashSet::new();
        session.agents.retain(|draft| {
            draft.line_key().is_none_or(|key| homes.get(&key).is_none_or(|home| home.1 == number) && seen.insert(key))
        });
    }
}

/// The sessions that hold each prompt line, for lines that more than one holds.
fn copied_lines(sessions: &[Session<'_>]) -> BTreeMap<[u8; 16], Vec<usize>> {
    let mut holders: BTreeMap<[u8; 16], Vec<usize>> = BTreeMap::new();
    for (number, session) in sessions.iter().enumerate() {
        for key in session.drafts.iter().filter_map(Draft::line_key) {
            let holders = holders.entry(key).or_default();
            if holders.last() != Some(&number) {
                holders.push(number);
            }
        }
    }
    holders.retain(|_, holders| holders.len() > 1);
    holders
}

/// What the rule asks of a whole session.
struct Facts {
    /// Its human lines have prompt ids, each another.
    distinct_prompt_ids: bool,
    /// It has nothing but copied prompts: the other is the fork.
    only_copies: bool,
    first_own_ms: i64,
    last_own_ms: i64,
}

impl Facts {
    fn of(session: &Session<'_>, copies: &BTreeMap<[u8; 16], Vec<usize>>) -> Self {
        let prompt_ids: Vec<&str> = session
            .drafts
            .iter()
            .filter(|draft| draft.class == Class::Human)
            .filter_map(|draft| draft.prompt_id.as_deref())
            .collect();
        let distinct: HashSet<&str> = prompt_ids.iter().copied().collect();
        let own = session.drafts.iter().filter(|draft| draft.line_key().is_some_and(|key| !copies.contains_key(&key)));
        let own: Vec<i64> = own.map(|draft| draft.at_ms).collect();
        let first_own_ms = own.iter().copied().min();
        Self {
            distinct_prompt_ids: !prompt_ids.is_empty() && distinct.len() == prompt_ids.len(),
            only_copies: first_own_ms.is_none(),
            first_own_ms: first_own_ms.unwrap_or(i64::MAX),
            last_own_ms: own.into_iter().max().unwrap_or(i64::MIN),
        }
    }
}

fn owner(key: &[u8; 16], holders: &[usize], sessions: &[Session<'_>], facts: &[Facts]) -> usize {
    let mut left = holders.to_vec();
    let mut keep = |wanted: &dyn Fn(usize) -> bool| {
        let kept: Vec<usize> = left.iter().copied().filter(|holder| wanted(*holder)).collect();
        if !kept.is_empty() {
            left = kept;
        }
    };
    keep(&|holder| !says_it_is_a_copy(&sessions[holder], key));
    keep(&|holder| confirmed_by_hook(&sessions[holder], key));
    keep(&|holder| facts[holder].distinct_prompt_ids);
    keep(&|holder| facts[holder].only_copies);
    let by_age = |holder: &usize| (facts[*holder].first_own_ms, sessions[*holder].id);
    left.iter().copied().min_by_key(by_age).unwrap_or(holders[0])
}

/// A fork made through the SDK names the line that it copied.
fn says_it_is_a_copy(session: &Session<'_>, key: &[u8; 16]) -> bool {
    let mut copies = session.drafts.iter().filter(|draft| draft.line_key().as_ref() == Some(key));
    copies.any(|draft| draft.lines.first().is_some_and(|line| line.forked_from.is_some()))
}

/// The session submitted this very prompt: its id as in this copy, and its text.
fn confirmed_by_hook(session: &Session<'_>, key: &[u8; 16]) -> bool {
    let Some(draft) = session.drafts.iter().find(|draft| draft.line_key().as_ref() == Some(key)) else { return false };
    draft.prompt_id.is_some()
        && session
            .events
            .iter()
            .any(|event| event.prompt_id == draft.prompt_id && super::matching::same_prompt(event, draft))
}

/// Lines that only the other copy has (a fork made in mid-turn) go to the owner's conversation.
fn merge<'a>(sessions: &mut [Session<'a>], owner: usize, other: usize, key: &[u8; 16]) {
    let find = |session: &Session<'a>| session.drafts.iter().position(|draft| draft.line_key().as_ref() == Some(key));
    let (Some(to), Some(from)) = (find(&sessions[owner]), find(&sessions[other])) else { return };
    let lines = std::mem::take(&mut sessions[other].drafts[from].lines);
    let target = &mut sessions[owner].drafts[to];
    let mut known: HashSet<[u8; 16]> = target.lines.iter().map(|line| line.key).collect();
    if matches!(target.anchor, Anchor::Line(_)) {
        let fresh = lines.into_iter().filter(|line| line.uuid.is_some() && known.insert(line.key));
        target.lines.extend(fresh);
    }
}
