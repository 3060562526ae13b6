//! Which events are one and the same prompt, delivered twice a moment apart: a hook that was installed twice, or one of the
//! two was taken in with something hidden (correlation.md 16 to 19).
//!
//! A session may hold thousands of prompts of one moment, so none is held against all others. Two are the same by their
//! payload, which is looked up; or one of them has a mask, and those are few.

use std::collections::HashMap;

use store::sieve::{is_masked, same_text};

use super::event::HookEvent;

/// Two equal payloads within this time are one prompt, and a fork's copy is as near.
pub(super) const TWIN_MS: i64 = 2_000;

/// What two deliveries of one prompt agree in, whatever is hidden of its text: prompt id, folder, mode of permissions.
type Told<'a> = [Option<&'a str>; 3];

/// The events of a session by what twins have in common, each list in the order of the events.
#[derive(Default)]
pub(super) struct Twins<'a> {
    by_payload: HashMap<[u8; 16], Vec<usize>>,
    prompts: HashMap<Told<'a>, Vec<usize>>,
    masked: HashMap<Told<'a>, Vec<usize>>,
}

impl<'a> Twins<'a> {
    /// Of these events; the methods take places among the same ones.
    pub(super) fn among(events: &'a [HookEvent]) -> Self {
        let mut twins = Self::default();
        for (at, event) in events.iter().enumerate() {
            twins.by_payload.entry(event.payload).or_default().push(at);
            let Some(prompt) = event.prompt() else { continue };
            twins.prompts.entry(told(event)).or_default().push(at);
            if is_masked(prompt) {
                twins.masked.entry(told(event)).or_default().push(at);
            }
        }
        twins
    }

    /// The first twin, in the order of the events, that is `wanted` of the event at this place.
    pub(super) fn first(&self, at: usize, events: &'a [HookEvent], wanted: impl Fn(usize) -> bool) -> Option<usize> {
        let event = &events[at];
        let fits = |other: &usize| (events[*other].at_ms - event.at_ms).abs() <= TWIN_MS && wanted(*other);
        let equal = self.by_payload.get(&event.payload).into_iter().flatten().copied().find(fits);
        let hidden = event.prompt().and_then(|prompt| {
            let others = if is_masked(prompt) { &self.prompts } else { &self.masked };
            // The same text in another payload was typed twice.
            let same = |other: &usize| {
                events[*other].prompt().is_some_and(|other| other != prompt && same_text(other, prompt))
            };
            others.get(&told(event)).into_iter().flatten().copied().filter(fits).find(same)
        });
        equal.into_iter().chain(hidden).min()
    }

    /// Whether the event at this place repeats an earlier one.
    pub(super) fn is_repeated(&self, at: usize, events: &'a [HookEvent]) -> bool {
        self.first(at, events, |other| other < at).is_some()
    }
}

fn told(event: &HookEvent) -> Told<'_> {
    [event.prompt_id.as_deref(), event.cwd.as_deref(), event.permission_mode.as_deref()]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use store::EventId;

    use super::super::event::Signal;
    use super::*;

    /// What twins are, said of two and looked up nowhere.
    fn are_twins(a: &HookEvent, b: &HookEvent) -> bool {
        let same_prompt = || told(a) == told(b) && a.prompt().zip(b.prompt()).is_some_and(|(a, b)| same_text(a, b));
        (a.at_ms - b.at_ms).abs() <= TWIN_MS && (a.payload == b.payload || a.prompt() != b.prompt() && same_prompt())
    }

    /// `other` is what else a payload says: of two with one text it tells that they were typed twice.
    fn event((second, folder, text, other): (i64, u8, usize, u8)) -> HookEvent {
        let prompt = ["key abc now", "key *** now", "*** abc now", "key abd now", "yes"].get(text);
        HookEvent {
            id: EventId(0),
            keys: [[0; 16]; 2],
            payload: [folder + 2 * other + 4 * text as u8; 16],
            at_ms: second * 1_500,
            at_ns: second * 1_500_000_000,
            prompt_id: None,
            logged: false,
            agent_id: None,
            cwd: Some(folder.to_string()),
            permission_mode: None,
            body: prompt.map_or(Signal::Other, |prompt| Signal::Submit {
                prompt: (*prompt).to_owned(),
                span: None,
                source: None,
            }),
        }
    }

    proptest! {
        #[test]
        fn the_first_is_found_that_each_against_each_finds(
            events in prop::collection::vec((0..4_i64, 0..2_u8, 0..6_usize, 0..2_u8).prop_map(event), 1..40),
            unwanted in 0..40_usize,
        ) {
            let twins = Twins::among(&events);
            let wanted = |other: usize| other % 7 != unwanted % 7;
            for (at, event) in events.iter().enumerate() {
                let mut all = events.iter().enumerate().filter(|(_, other)| are_twins(other, event)).map(|(other, _)| other);
                let repeated = all.clone().any(|other| other < at);
                prop_assert_eq!(twins.is_repeated(at, &events), repeated);
                prop_assert_eq!(twins.first(at, &events, wanted), all.find(|other| wanted(*other)));
            }
        }
    }
}
