//! Reads a whole lineage: a session from its beginning, with all sessions that share lines with it.

use std::collections::{BTreeMap, BTreeSet};

use store::PARSER;
use store::write::{Ground, Lineage, Part, Turn};

use super::seal::Seal;
use super::session::{self, Reach};
use crate::correlate::{self, Input};

pub(super) fn read(ground: &Ground<'_>, session: String, bytes: &mut u64) -> Result<Lineage, store::Error> {
    let (inputs, mut prompt_lines) = lineage(ground, session, bytes)?;
    let (inputs, reaches): (Vec<Input>, Vec<Reach>) = inputs.into_values().unzip();
    let done = correlate::correlate(&inputs);
    let mut parts = BTreeMap::new();
    for (((input, reach), cut), facts) in inputs.iter().zip(&reaches).zip(&done.cuts).zip(done.facts) {
        let session = &input.session_id;
        let turns: Vec<&Turn> = done.turns.iter().filter(|turn| turn.session_id == *session).collect();
        let seal = |cut| Seal::default().after(cut, input, reach, &turns, inputs.len() > 1);
        let part = Part {
            token: ground.token(session)?,
            prompt_lines: prompt_lines.remove(session).unwrap_or_default(),
            facts,
            parser: PARSER,
            settled: cut.as_ref().map(seal),
            ..Part::default()
        };
        parts.insert(session.clone(), part);
    }
    Ok(Lineage { parts, turns: done.turns })
}

/// All that is known of the sessions of a lineage, for whoever wants to know more of it than deriving does.
pub(crate) fn inputs(ground: &Ground<'_>, session: &str) -> Result<Vec<Input>, store::Error> {
    let (inputs, _) = lineage(ground, session.to_owned(), &mut 0)?;
    Ok(inputs.into_values().map(|(input, _)| input).collect())
}

type Sessions = BTreeMap<String, (Input, Reach)>;
type PromptLines = BTreeMap<String, BTreeSet<[u8; 16]>>;

fn lineage(ground: &Ground<'_>, session: String, bytes: &mut u64) -> Result<(Sessions, PromptLines), store::Error> {
    let mut inputs = Sessions::new();
    let mut prompt_lines = PromptLines::new();
    let mut wanted = BTreeSet::from([session]);
    while let Some(session) = wanted.pop_first() {
        // Without a seal there is nothing that could have changed.
        let Some((input, reach)) = session::read(ground, &session, None, u64::MAX, bytes)? else { continue };
        let lines = correlate::prompt_lines(&input);
        inputs.insert(session.clone(), (input, reach));
        wanted.extend(ground.sessions_with(&lines)?.into_iter().filter(|other| !inputs.contains_key(other)));
        prompt_lines.insert(session, lines);
    }
    correlate::unite(&mut inputs.values_mut().map(|(input, _)| input).collect::<Vec<_>>());
    Ok((inputs, prompt_lines))
}
