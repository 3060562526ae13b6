//! What is cheaper: to walk along all conversations and ask of each whether it holds a query, or to gather what the indexes
//! lead to and look each of it up.
//!
//! The more hits there are, the shorter is the walk to a full page, and the longer it takes to gather. The two meet where the
//! square of the hits is the number of conversations, times those that are wanted, times what a step costs of one beside the
//! other: measured in a store of 1,000,000 conversations. In a small one, whose pages are in memory, all is soon gathered.

use rusqlite::Connection;

use super::Grain;
use crate::error::{Context, Error};

/// To look a conversation up costs so many steps of the walk.
const LOOKUP: i64 = 8;
/// To look for the rows of one conversation among those of hits costs so many.
const ROWS: i64 = 8;
/// To ask two indexes of one conversation costs so many steps, and so many times what a hit that is gathered does.
const PROBE: i64 = 40;
const PROBE_BY_HIT: i64 = 13;
/// So many conversations fill a page, and so many are counted or ranked.
const PAGE: i64 = 50;
const ALL: i64 = 10_000;

const CONVERSATIONS: &str = "select coalesce(max(id), 0) from conversation_ids";

/// What a walk asks about each conversation, beside what the filter does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::read) enum Probe {
    /// Whether its rows are among those of the hits.
    Rows,
    /// Whether an index has it.
    Index,
}

/// How large a question is.
#[derive(Clone, Copy, Debug)]
pub(in crate::read) struct Effort {
    grain: Grain,
    /// Conversations times those that are wanted.
    size: i64,
}

impl Effort {
    pub(in crate::read) fn new(conn: &Connection, grain: Grain) -> Result<Self, Error> {
        let mut query = conn.prepare_cached(CONVERSATIONS).op("prepare")?;
        let conversations: i64 = query.query_row([], |row| row.get(0)).op("look how many conversations there are")?;
        let wanted = if grain == Grain::Found { PAGE } else { ALL };
        Ok(Self { grain, size: conversations.saturating_mul(wanted) })
    }

    /// An index with no more hits than this had better tell all their rows at once.
    pub(super) fn hits_to_gather(self) -> i64 {
        match self.grain {
            Grain::Found => self.size.saturating_mul(PROBE_BY_HIT).isqrt().clamp(10_000, 50_000),
            // Who counts or ranks asks about thousands of conversations, however many hold the word.
            Grain::Counted | Grain::Ranked => 200_000,
        }
    }

    /// With no more hits than this, the conversation of each had better be looked up at once.
    pub(super) fn hits_to_place(self) -> i64 {
        match self.grain {
            Grain::Found => self.to_look_up(),
            Grain::Counted | Grain::Ranked => self.hits_to_gather(),
        }
    }

    /// So many conversations had better be looked up than met on a walk.
    pub(in crate::read) fn to_look_up(self) -> i64 {
        (self.size / LOOKUP).isqrt().clamp(1_000, 50_000)
    }

    /// So many could be looked up in the time of a walk that saw `seen`.
    pub(in crate::read) fn looked_up_in(seen: usize, asked: Option<Probe>) -> i64 {
        let steps = match asked {
            None => 1,
            Some(Probe::Rows) => ROWS,
            Some(Probe::Index) => PROBE,
        };
        (seen as i64).saturating_mul(steps) / LOOKUP
    }
}

#[cfg(test)]
pub(in crate::read) const STATEMENT: &str = CONVERSATIONS;
