//! Ranks what holds a query by how well it does: a stretch of the newest hits against each other, then the next stretch.
//!
//! To rank a million hits takes longer than anybody waits, and a page that ranked what it had time for would show something
//! else than the page before. So a cursor tells which stretch was ranked, and every page of it ranks the same one.

use std::time::Instant;

use super::{Chosen, ListRequest, MOST_COUNTED, NEWEST_FIRST, Next, Order, Position, Question};
use crate::error::Error;
use crate::ids::ConversationId;
use crate::read::search::Asked;

/// Conversations between two moments, which are ranked against each other: the newest that hold the query, so many as could
/// be looked at in time, then the next. Pages of one stretch rank the same ones, whatever comes in meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Stretch {
    /// Those before this place in time (its `key` is 0),
    pub before: Position,
    /// from this one on. `None`: how far they go is not known before they were ranked.
    pub from: Option<Position>,
}

impl Stretch {
    const ALL: Self = Self { before: Position::LAST, from: Some(Position::FIRST) };
}

impl Question {
    /// The best of a stretch of hits, and how many these were.
    pub(super) fn ranked(&self, asked: Asked<'_>, request: &ListRequest, end: Instant) -> Result<(Chosen, u32), Error> {
        let order = Order::new(request.sort, request.direction);
        let stretch = request.after.and_then(|next| next.stretch);
        let (mut best, stretch) = self.scored(asked, stretch, end)?;
        let ranked = best.len() as u32;
        order.sort(&mut best);
        best.retain(|row| request.after.is_none_or(|after| order.is_after(*row, after.position)));
        let more = best.len() > request.limit as usize;
        best.truncate(request.limit as usize);
        let next = match best.last() {
            Some(last) if more => Some(Next { position: *last, stretch: Some(stretch) }),
            // The next stretch begins where this one ends, if it ends before everything does.
            _ => stretch
                .from
                .filter(|from| *from != Position::FIRST)
                .map(|before| Next { position: order.start(), stretch: Some(Stretch { before, from: None }) }),
        };
        Ok((Chosen { places: best, next, stretch: Some(stretch) }, ranked))
    }

    /// The hits of a stretch with how well they answer as their key, and how far the stretch goes.
    fn scored(
        &self,
        asked: Asked<'_>,
        stretch: Option<Stretch>,
        end: Instant,
    ) -> Result<(Vec<Position>, Stretch), Error> {
        let Some(plan) = &self.plan else { return Ok((Vec::new(), Stretch::ALL)) };
        let (before, to) = stretch.map_or((None, None), |stretch| (Some(stretch.before), stretch.from));
        let mut stream = self.stream(asked.conn, NEWEST_FIRST, before)?;
        let (mut best, mut first, mut last) = (Vec::new(), before, None);
        loop {
            let step = stream.step(asked.conn, &self.held)?;
            for row in step.rows {
                // What comes in later stands before this, and is ranked by who asks anew.
                let before = *first.get_or_insert(Position { id: ConversationId(row.id.0 + 1), ..row });
                let ends = match to {
                    Some(to) => row < to,
                    // Whatever happens one row is looked at, so that what takes long goes on as well.
                    None => best.len() as u64 == MOST_COUNTED || last.is_some() && Instant::now() > end,
                };
                if ends {
                    return Ok((best, Stretch { before, from: to.or(last) }));
                }
                if let Some(key) = plan.score(asked, row.id)? {
                    best.push(Position { key, ..row });
                }
                last = Some(row);
            }
            if step.is_last {
                let before = first.unwrap_or(Position::LAST);
                return Ok((best, Stretch { before, from: Some(to.unwrap_or(Position::FIRST)) }));
            }
        }
    }
}
