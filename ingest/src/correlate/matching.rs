//! Which line a submit belongs to: the rules that say so, the surest first (docs/correlation.md 16).

use std::collections::HashSet;

use store::sieve::{count_same, same_text};

use super::draft::{Anchor, Class, Draft};
use super::event::HookEvent;
use super::hooks::submitted_text;
use super::text;
use super::twins::TWIN_MS;

/// A text is submitted and queued, or leaves the queue and is submitted, within this time.
pub(super) const QUEUE_MS: i64 = 10_000;

/// Hooks may hold a prompt up for half a minute, and for longer where settings say so (claude-code.md A.4): this is room for that.
const HOOK_MS: i64 = 600_000;

/// So many bytes have to be shown of a text, where nothing but the text tells that it is another's.
const SHOWN: usize = 8;

/// What says which draft a submit belongs to: of these drafts, of which some have joined another; whether the submit repeats one.
pub(super) type Rule = fn(&HookEvent, &[Draft<'_>], &HashSet<usize>, bool, Alike) -> Option<usize>;

/// In the order in which they are asked.
pub(super) const RULES: [(Rule, Alike); 5] = [
    (by_id_and_text, Alike::Exactly),
    (by_id_and_text, Alike::Hidden),
    (by_text, Alike::Exactly),
    (by_text, Alike::Hidden),
    (by_id, Alike::Hidden),
];

/// How alike the texts of a submit and of a line are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Alike {
    Exactly,
    /// But for what is hidden in one of them.
    Hidden,
}

/// Whether the event is a submit of the draft's prompt.
pub(crate) fn same_prompt(event: &HookEvent, draft: &Draft<'_>) -> bool {
    is_alike(event, draft, Alike::Exactly) || is_alike(event, draft, Alike::Hidden)
}

/// Whether two submits say the same, but for what is hidden in one of them.
pub(crate) fn same_words(a: &str, b: &str) -> bool {
    same_text(a.trim(), b.trim())
}

fn is_alike(event: &HookEvent, draft: &Draft<'_>, how: Alike) -> bool {
    let (Some(submitted), Some(prompt)) = (event.prompt(), draft.prompt.as_deref()) else { return false };
    let same = |a: &str, b: &str| match how {
        Alike::Exactly => a.trim() == b.trim(),
        Alike::Hidden => same_text(a.trim(), b.trim()),
    };
    same(submitted, prompt)
        || draft.opening().and_then(|user| user.text.as_deref()).is_some_and(|text| same(text, submitted))
        || same(&submitted_text(submitted).1, prompt)
}

fn by_id_and_text(
    event: &HookEvent,
    drafts: &[Draft<'_>],
    joined: &HashSet<usize>,
    _twin: bool,
    alike: Alike,
) -> Option<usize> {
    event.prompt_id.as_ref()?;
    let fits = |draft: &Draft<'_>| draft.prompt_id == event.prompt_id && is_alike(event, draft, alike);
    free(drafts, joined).find(|(_, draft)| fits(draft)).map(index)
}

/// The nearest in time. Ids that differ speak against it, unless the submit reused the id of the turn that ran: then the
/// line has got one of its own. The second of two equal payloads joins only a line near to it. What is nearly all hidden is
/// like too much.
fn by_text(
    event: &HookEvent,
    drafts: &[Draft<'_>],
    joined: &HashSet<usize>,
    twin: bool,
    alike: Alike,
) -> Option<usize> {
    let shows = |text: Option<&str>| text.unwrap_or_default().bytes().filter(|byte| *byte != b'*').count() >= SHOWN;
    if alike == Alike::Hidden && !shows(event.prompt()) {
        return None;
    }
    let reused = |own: usize| {
        let others = drafts.iter().enumerate().filter(|(index, draft)| *index != own && draft.in_transcript());
        others.into_iter().any(|(_, draft)| draft.prompt_id == event.prompt_id)
    };
    free(drafts, joined)
        .filter(|(_, draft)| is_alike(event, draft, alike))
        .filter(|(_, draft)| alike == Alike::Exactly || shows(draft.prompt.as_deref()))
        .filter(|(index, draft)| {
            draft.prompt_id == event.prompt_id
                || draft.prompt_id.is_none()
                || event.prompt_id.is_none()
                || reused(*index)
        })
        .filter(|(_, draft)| !twin || (draft.at_ms - event.at_ms).abs() <= TWIN_MS)
        .filter(|(_, draft)| may_have_queued(event, draft) && is_of_its_time(event, draft))
        .min_by_key(|(_, draft)| (draft.at_ms - event.at_ms).abs())
        .map(index)
}

/// A client whose hooks name the turn names it in the line too (claude-code.md A.2): a line without an id that is much older than
/// such a submit is an older client's, of the same words.
fn is_of_its_time(event: &HookEvent, draft: &Draft<'_>) -> bool {
    let names_none = matches!(draft.anchor, Anchor::Line(_)) && draft.prompt_id.is_none();
    !(names_none && event.prompt_id.is_some()) || event.at_ms - draft.at_ms <= HOOK_MS
}

/// The same words may have been submitted long before they were queued: only a submit near the queueing, or near the moment
/// the text left the queue, is that text's.
fn may_have_queued(event: &HookEvent, draft: &Draft<'_>) -> bool {
    match draft.anchor {
        Anchor::Queue(line) => {
            let near = |at_ms: i64| (at_ms - event.at_ms).abs() <= QUEUE_MS;
            near(draft.at_ms) || line.at_ms.is_none_or(near)
        }
        _ => true,
    }
}

/// The only one with this id, if its text may be the submitted one: a prompt typed while Claude works carries the id of
/// the turn that runs, and is not that turn's.
fn by_id(event: &HookEvent, drafts: &[Draft<'_>], joined: &HashSet<usize>, twin: bool, _alike: Alike) -> Option<usize> {
    event.prompt_id.as_ref()?;
    let mut all = drafts.iter().enumerate().filter(|(_, draft)| draft.prompt_id == event.prompt_id && is_turn(draft));
    match (all.next(), all.next()) {
        (Some((only, draft)), None) if !twin && !joined.contains(&only) && may_be(event, draft) => Some(only),
        _ => None,
    }
}

/// Whether the submitted text stands in the line's: whole lines of it, or its pieces if the composer put placeholders of images
/// and pasted text between them; or both are commands.
fn may_be(event: &HookEvent, draft: &Draft<'_>) -> bool {
    let submitted = event.prompt().unwrap_or_default().trim();
    let line = draft.opening().and_then(|user| user.text.as_deref()).or(draft.prompt.as_deref()).unwrap_or_default();
    if draft.class == Class::Slash && text::is_slash(submitted) {
        return true;
    }
    let mut pieces = pieces(submitted);
    match (pieces.next(), pieces.next()) {
        (Some(only), None) if only == submitted => {
            count_same(&format!("\n{}\n", line.trim()), &format!("\n{only}\n")) > 0
        }
        (first, second) => first.into_iter().chain(second).chain(pieces).all(|piece| count_same(line, piece) > 0),
    }
}

/// The text between `[Image #1]`, `[Pasted text #2 +30 lines]` and the like.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (piece, behind) =
            match ["[Image", "[Pasted text", "[...Truncated"].iter().filter_map(|mark| rest.find(mark)).min() {
                Some(at) => (&rest[..at], rest[at..].find(']').map_or("", |end| &rest[at + end + 1..])),
                None if rest.is_empty() => return None,
                None => (rest, ""),
            };
        rest = behind;
        Some(piece.trim())
    })
}

fn free<'d, 'a>(
    drafts: &'d [Draft<'a>],
    joined: &'d HashSet<usize>,
) -> impl Iterator<Item = (usize, &'d Draft<'a>)> + 'd {
    drafts.iter().enumerate().filter(|(index, draft)| draft.in_transcript() && !joined.contains(index))
}

pub(super) fn index<T>((index, _): (usize, T)) -> usize {
    index
}

/// Only what can be submitted: an answer without a prompt cannot.
fn is_turn(draft: &Draft<'_>) -> bool {
    draft.in_transcript() && draft.prompt.is_some()
}
