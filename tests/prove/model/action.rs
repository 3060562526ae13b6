//! What may happen next, and how often: the actions of which a sequence is made.
//!
//! Numbers in them choose among what there is at that moment (the third living hook, some prompt), so any action may stand
//! anywhere, and a sequence from which some are taken out is one too: that is how a failing one is made short.

use proptest::prelude::*;
use proptest::strategy::Union;

/// An event that a hook is told of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Event {
    pub(crate) what: What,
    /// Of which session.
    pub(crate) session: u8,
    /// What the hook's clock shows.
    pub(crate) clock: Clock,
    /// Where it writes.
    pub(crate) place: Place,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum What {
    /// A prompt of which nothing is known yet.
    Prompt,
    /// One of which the transcript told first.
    Told(u8),
    /// An answer.
    Answer,
    /// Nothing at all, text that is no JSON, or a payload that was cut before it was written.
    Bad(u8),
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Clock {
    /// Later than ever before.
    Goes,
    /// What it showed at this event of those before: names clash.
    Stands(u8),
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Place {
    Queue,
    /// The queue cannot be written just now.
    Spill,
}

#[derive(Clone, Debug)]
pub(crate) enum Action {
    /// A hook does all that it does.
    Hook(Event),
    /// A hook begins: half of its payload is in tmp.
    Write { hook: u8, event: Event },
    /// It writes the rest.
    Append { hook: u8 },
    /// It renames what it has into incoming, the half too: its patience may have ended.
    Rename { hook: u8 },
    /// Its process ends, wherever it is.
    Exit { hook: u8 },
    /// A file that was taken in is put into incoming once more, as out of a copy of the queue.
    Again { which: u8 },
    /// An ingester begins a pass, or goes on with the one that it is in, by so many steps.
    Go { ingester: u8, steps: u8, everything: bool },
    /// It goes on to the end of its pass.
    Finish { ingester: u8 },
    /// It dies.
    Crash { ingester: u8 },
    /// It has nothing to do and moves the log into the database.
    Rest { ingester: u8 },
    /// The power fails. `back` chooses the moment to which the queue's folders go back, `cut` which files were not written back.
    PowerCut { back: u16, cut: u64 },
    /// An ingester goes on to its next commit, and the power fails in the middle of it; `torn` chooses what of it is on the disk.
    TornCommit { ingester: u8, torn: u64, cut: u64 },
    /// The transcript tells of a prompt: of one that a hook told of, or of a new one.
    Line { which: u8, new: bool },
    /// A person rates a conversation.
    Rate { which: u8, rating: u8 },
    /// A person splits a session.
    Split { which: u8 },
    /// A person has all that failed tried again.
    Retry,
    /// Everything is derived again.
    Rebuild { index: bool },
    /// So many hours go by.
    Wait { hours: u8 },
}

/// A sequence.
pub(crate) fn actions() -> impl Strategy<Value = Vec<Action>> {
    prop::collection::vec(action(), 1..=100)
}

fn action() -> impl Strategy<Value = Action> {
    let hook = || any::<u8>();
    Union::new_weighted(vec![
        (12, event().prop_map(Action::Hook).boxed()),
        (4, (hook(), event()).prop_map(|(hook, event)| Action::Write { hook, event }).boxed()),
        (3, hook().prop_map(|hook| Action::Append { hook }).boxed()),
        (3, hook().prop_map(|hook| Action::Rename { hook }).boxed()),
        (3, hook().prop_map(|hook| Action::Exit { hook }).boxed()),
        (2, any::<u8>().prop_map(|which| Action::Again { which }).boxed()),
        (30, go().boxed()),
        (6, any::<u8>().prop_map(|ingester| Action::Finish { ingester }).boxed()),
        (8, any::<u8>().prop_map(|ingester| Action::Crash { ingester }).boxed()),
        (1, any::<u8>().prop_map(|ingester| Action::Rest { ingester }).boxed()),
        (3, power_cut().boxed()),
        (1, torn_commit().boxed()),
        (6, (any::<u8>(), any::<bool>()).prop_map(|(which, new)| Action::Line { which, new }).boxed()),
        (4, (any::<u8>(), 1..=5_u8).prop_map(|(which, rating)| Action::Rate { which, rating }).boxed()),
        (3, any::<u8>().prop_map(|which| Action::Split { which }).boxed()),
        (2, Just(Action::Retry).boxed()),
        (1, any::<bool>().prop_map(|index| Action::Rebuild { index }).boxed()),
        (2, (0..=40_u8).prop_map(|hours| Action::Wait { hours }).boxed()),
    ])
}

fn go() -> impl Strategy<Value = Action> {
    (any::<u8>(), 1..=12_u8, any::<bool>()).prop_map(|(ingester, steps, everything)| Action::Go {
        ingester,
        steps,
        everything,
    })
}

fn power_cut() -> impl Strategy<Value = Action> {
    // Half of the cuts go back by little: what was just done is what is not synced.
    let back = prop_oneof![0..8_u16, any::<u16>()];
    (back, any::<u64>()).prop_map(|(back, cut)| Action::PowerCut { back, cut })
}

fn torn_commit() -> impl Strategy<Value = Action> {
    let numbers = (any::<u8>(), any::<u64>(), any::<u64>());
    numbers.prop_map(|(ingester, torn, cut)| Action::TornCommit { ingester, torn, cut })
}

fn event() -> impl Strategy<Value = Event> {
    let what = prop_oneof![
        10 => Just(What::Prompt),
        3 => any::<u8>().prop_map(What::Told),
        4 => Just(What::Answer),
        2 => any::<u8>().prop_map(What::Bad),
    ];
    let clock = prop_oneof![3 => Just(Clock::Goes), 1 => any::<u8>().prop_map(Clock::Stands)];
    let place = prop_oneof![5 => Just(Place::Queue), 1 => Just(Place::Spill)];
    (what, any::<u8>(), clock, place).prop_map(|(what, session, clock, place)| Event { what, session, clock, place })
}
