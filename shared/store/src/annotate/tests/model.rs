//! Random splits, merges and undos against a small model that knows nothing of members: each conversation is painted by
//! what was done, layer upon layer, and an undo scrapes a layer off.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::Store;
use crate::annotate::{Merge, Split};
use crate::human::parts;
use crate::ids::ConversationId;

const SESSIONS: [(&str, i64); 3] = [("a", 7), ("b", 5), ("c", 3)];

#[derive(Clone, Debug)]
enum Action {
    /// The user session of this conversation, at it.
    Split(i64),
    /// The user session of the second into that of the first.
    Merge(i64, i64),
    /// One of the user sessions that were made or merged into, by a number.
    Undo(usize),
}

/// A stroke goes from a place of a session up to where another begins; of two that begin at one place the later shows.
#[derive(Clone, Debug)]
struct Stroke {
    session: usize,
    from: i64,
    owner: String,
}

#[derive(Default)]
struct Model {
    strokes: Vec<Stroke>,
}

impl Model {
    fn owner(&self, session: usize, place: i64) -> String {
        let shown = self.strokes.iter().filter(|stroke| stroke.session == session && stroke.from <= place);
        // The last of those that begin latest.
        let shown = shown.enumerate().max_by_key(|(at, stroke)| (stroke.from, *at));
        shown.map_or(SESSIONS[session].0.to_owned(), |(_, stroke)| stroke.owner.clone())
    }

    /// (session, place) of all conversations, in the order of their ids.
    fn places() -> impl Iterator<Item = (usize, i64)> {
        (0..SESSIONS.len()).flat_map(|session| (0..SESSIONS[session].1).map(move |place| (session, place)))
    }

    fn owners(&self) -> Vec<String> {
        Self::places().map(|(session, place)| self.owner(session, place)).collect()
    }

    /// Paints all of `old` that `wanted` names with `new`, each run of neighbours by one stroke.
    fn paint(&mut self, old: &str, new: &str, wanted: impl Fn(usize, i64) -> bool) {
        let mut strokes = Vec::new();
        for (session, (_, turns)) in SESSIONS.iter().enumerate() {
            let is_hit = |place: i64| place >= 0 && self.owner(session, place) == old && wanted(session, place);
            for place in 0..*turns {
                // A stroke that begins inside a run is painted over as well.
                let begins = self.strokes.iter().any(|stroke| stroke.session == session && stroke.from == place);
                if is_hit(place) && (!is_hit(place - 1) || begins) {
                    let from = if place == 0 { -1 } else { place };
                    strokes.push(Stroke { session, from, owner: new.to_owned() });
                }
            }
        }
        self.strokes.extend(strokes);
    }
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        4 => (1..=15_i64).prop_map(Action::Split),
        2 => (1..=15_i64, 1..=15_i64).prop_map(|(into, of)| Action::Merge(into, of)),
        2 => any::<prop::sample::Index>().prop_map(|index| Action::Undo(index.index(1000))),
    ]
}

/// Ids in the order of [`Model::places`] and their times.
fn time(session: usize, place: i64) -> i64 {
    1000 * place + session as i64
}

fn run(store: &mut Store, model: &mut Model, changed: &mut Vec<String>, action: &Action) {
    let owners = model.owners();
    let owner = |id: i64| owners[id as usize - 1].clone();
    let places: Vec<_> = Model::places().collect();
    match action {
        Action::Split(id) => {
            let (session, place) = places[*id as usize - 1];
            let of = owner(*id);
            let is_first = !places.iter().zip(&owners).any(|((s, p), o)| {
                *o == of && if *s == session { *p < place } else { time(*s, *p) < time(session, place) }
            });
            let split = Split { session_id: of.clone(), at: vec![(ConversationId(*id), None)] };
            let made = store.annotator.split(&split, 5).unwrap();
            assert_eq!(made.is_err(), is_first, "{made:?}");
            if let Ok(made) = made {
                model.paint(&of, &made[0], |s, p| time(s, p) >= time(session, place));
                changed.extend(made);
            }
        }
        Action::Merge(into, of) => {
            let (into, of) = (owner(*into), owner(*of));
            let merge = Merge { into: into.clone(), sessions: vec![of.clone()], title: None };
            let done = store.annotator.merge(&merge, 5).unwrap();
            assert_eq!(done.is_ok(), into != of, "{done:?}");
            if done.is_ok() {
                model.paint(&of, &into, |_, _| true);
                changed.push(into);
            }
        }
        Action::Undo(number) => {
            if let Some(session) = changed.get(number % changed.len().max(1)).cloned() {
                store.annotator.undo(&session, None, 5).unwrap().unwrap();
                model.strokes.retain(|stroke| stroke.owner != session);
                changed.retain(|other| *other != session);
            }
        }
    }
}

/// Every way of asking gives the same answer.
fn agree(store: &Store, model: &Model) {
    let owners = store.owners();
    assert_eq!(owners, model.owners());
    let mut stretches: BTreeMap<String, i64> = BTreeMap::new();
    for owner in &owners {
        *stretches.entry(owner.clone()).or_default() += 1;
    }
    for (owner, count) in stretches {
        let mut found = 0;
        for stretch in parts::of_user_session(&store.conn, &owner).unwrap() {
            let sql = "select count(*) from turns where session_id = ?1 and ordinal >= ?2 and ordinal < ?3";
            let values = (&stretch.session_id, stretch.start, stretch.end);
            found += store.conn.query_row(sql, values, |row| row.get::<_, i64>(0)).unwrap();
        }
        assert_eq!(found, count, "{owner}");
        assert!(parts::holders(&store.conn, &owner).unwrap().contains(&owner));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(25))]

    #[test]
    fn every_conversation_is_in_one_user_session(actions in prop::collection::vec(action(), 1..20)) {
        let mut store = Store::new(&SESSIONS);
        let (mut model, mut changed) = (Model::default(), Vec::new());
        for action in &actions {
            run(&mut store, &mut model, &mut changed, action);
            agree(&store, &model);
        }
        // All undone, in the order of a hat.
        while !changed.is_empty() {
            run(&mut store, &mut model, &mut changed, &Action::Undo(actions.len()));
        }
        let original: Vec<_> = Model::places().map(|(session, _)| SESSIONS[session].0.to_owned()).collect();
        prop_assert_eq!(store.owners(), original);
    }
}
