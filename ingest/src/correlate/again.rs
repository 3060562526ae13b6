//! Which submits are stored twice: by the hook, and from a log of payloads that was imported too, under a time and perhaps in
//! bytes of its own (docs/correlation.md 19).
//!
//! Id and words agree in two prompts as well, if the words of the turn that runs are typed once more. So of two submits that
//! our hook captured, or of two of a log, none is the other; only one of each is.

use std::collections::HashMap;

use super::event::HookEvent;
use super::matching::same_words;

/// The submits of a session that hooks captured, by the prompt id that they name.
pub(super) struct Again<'a> {
    captured: HashMap<&'a str, Vec<usize>>,
}

impl<'a> Again<'a> {
    /// Of these submits, each with its place among the events.
    pub(super) fn among(submits: &[(usize, &'a HookEvent)]) -> Self {
        let mut captured: HashMap<_, Vec<usize>> = HashMap::new();
        for (at, event) in submits.iter().filter(|(_, event)| !event.logged) {
            captured.entry(event.prompt_id.as_deref().unwrap_or_default()).or_default().push(*at);
        }
        captured.remove("");
        Self { captured }
    }

    /// The first that a log's submit is once more, of those that are `wanted`.
    pub(super) fn first(
        &self,
        event: &HookEvent,
        events: &[HookEvent],
        wanted: impl Fn(usize) -> bool,
    ) -> Option<usize> {
        let captured = self.captured.get(event.prompt_id.as_deref().filter(|_| event.logged)?)?;
        let same = |at: usize| events[at].prompt().zip(event.prompt()).is_some_and(|(a, b)| same_words(a, b));
        captured.iter().copied().find(|at| wanted(*at) && same(*at))
    }
}
