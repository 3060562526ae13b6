//! Tokens, once for each message and request of a whole lineage (correlation.md 4): a step of its own after the turns are
//! finished, because the lines of one message may stand on both sides of a prompt that was absorbed.

use std::collections::{HashMap, HashSet};

use export::price::{self, Cost};
use store::write::Usage;

use crate::transcripts::line::{Body, Line};

/// No message costs more, in picodollars: sums of damaged figures stay sums.
const MOST: u128 = 1_000_000_000_000_000;

/// What one line says of a message's tokens.
#[derive(Debug)]
pub(crate) struct Figure {
    usage: Usage,
    /// It stands in a subagent's or a side question's log.
    side: bool,
}

/// What the lines of a turn say, in their order. What the client made itself cost nothing.
pub(crate) fn figures(lines: &[&Line]) -> Vec<Figure> {
    let figure = |line: &&Line| {
        let Body::Assistant(assistant) = &line.body else { return None };
        let (message_id, tokens) = (assistant.message_id.clone()?, assistant.tokens?);
        let usage = Usage {
            message_id,
            request_id: assistant.request_id.clone(),
            model: assistant.model.clone(),
            input_tokens: tokens.input,
            output_tokens: tokens.output,
            cache_creation_tokens: tokens.cache_creation,
            cache_creation_1h_tokens: tokens.cache_creation_1h,
            cache_read_tokens: tokens.cache_read,
            cost: None,
        };
        (!assistant.synthetic()).then_some(Figure { usage, side: line.sidechain })
    };
    lines.iter().filter_map(figure).collect()
}

/// Which turn counts which message: the one whose line says the largest output, the first of equals. `figures` are those
/// of each turn.
///
/// Parts of a lineage can be counted one after the other, if no message has lines in two of them.
pub(crate) fn settle(figures: Vec<Vec<Figure>>) -> Vec<Vec<Usage>> {
    let requests = Requests::of(figures.iter().flatten());
    let mut best: HashMap<Counted, (usize, usize)> = HashMap::new();
    for (turn, figures_of_turn) in figures.iter().enumerate() {
        for (at, figure) in figures_of_turn.iter().enumerate() {
            let Some(counts_as) = requests.counts_as(figure) else { continue };
            let known = best.entry(counts_as).or_insert((turn, at));
            if figures[known.0][known.1].usage.output_tokens < figure.usage.output_tokens {
                *known = (turn, at);
            }
        }
    }
    let chosen: HashSet<(usize, usize)> = best.into_values().collect();
    let keep = |(turn, figures): (usize, Vec<Figure>)| {
        let kept = figures.into_iter().enumerate().filter(|(at, _)| chosen.contains(&(turn, *at)));
        kept.map(|(_, figure)| figure.usage).collect()
    };
    figures.into_iter().enumerate().map(keep).collect()
}

/// The same with their list prices at that time.
pub(crate) fn priced(mut usage: Vec<Usage>, at_ms: i64) -> Vec<Usage> {
    for message in &mut usage {
        message.cost = match price::cost(message, at_ms) {
            Cost::Known(usd) => Some(usd.pico().min(MOST) as i64),
            Cost::Unknown(_) => None,
        };
    }
    usage
}

/// A message and one of its requests.
type Counted = (String, Option<String>);

/// The requests that each message was seen with.
#[derive(Default)]
struct Requests<'a> {
    /// The first that was named outside side logs; `None` where none ever was.
    first: HashMap<&'a str, Option<&'a str>>,
    /// The first that a side log named.
    side: HashMap<&'a str, Option<&'a str>>,
}

impl<'a> Requests<'a> {
    fn of(figures: impl Iterator<Item = &'a Figure>) -> Self {
        let mut requests = Self::default();
        for figure in figures {
            let place = if figure.side { &mut requests.side } else { &mut requests.first };
            let first = place.entry(&figure.usage.message_id).or_default();
            *first = first.or(figure.usage.request_id.as_deref());
        }
        requests
    }

    /// `None` for a side log's copy of what the session itself has (the copies get request ids of their own). A line
    /// without a request id is of the message's first request.
    fn counts_as(&self, figure: &Figure) -> Option<Counted> {
        let id = figure.usage.message_id.as_str();
        let first = match (self.first.get(id), self.side.get(id)) {
            (Some(_), _) if figure.side => return None,
            (Some(first), _) | (None, Some(first)) => *first,
            (None, None) => None,
        };
        Some((id.to_owned(), figure.usage.request_id.as_deref().or(first).map(str::to_owned)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `message request output`, with `side` in front in a side log and `-` for no request.
    fn figure(text: &str) -> Figure {
        let side = text.strip_prefix("side ");
        let words: Vec<&str> = side.unwrap_or(text).split(' ').collect();
        let usage = Usage {
            message_id: words[0].to_owned(),
            request_id: (words[1] != "-").then(|| words[1].to_owned()),
            model: None,
            input_tokens: 1,
            output_tokens: words[2].parse().unwrap(),
            cache_creation_tokens: 0,
            cache_creation_1h_tokens: 0,
            cache_read_tokens: 0,
            cost: None,
        };
        Figure { usage, side: side.is_some() }
    }

    fn check(turns: &[&[&str]], expected: &[&[(&str, i64)]]) {
        let figures = turns.iter().map(|turn| turn.iter().map(|text| figure(text)).collect()).collect();
        let settled = settle(figures);
        let settled: Vec<Vec<(&str, i64)>> = settled
            .iter()
            .map(|turn| turn.iter().map(|usage| (usage.message_id.as_str(), usage.output_tokens)).collect())
            .collect();
        assert_eq!(settled, expected, "{turns:?}");
    }

    #[test]
    fn the_largest_output_counts() {
        check(&[&["m r 1", "m r 391", "m r 2"]], &[&[("m", 391)]]);
        check(&[&["m r 1", "n s 5", "m r 1"]], &[&[("m", 1), ("n", 5)]]);
    }

    #[test]
    fn two_requests_are_two() {
        check(&[&["m r 1", "m s 2"]], &[&[("m", 1), ("m", 2)]]);
    }

    #[test]
    fn a_missing_request_is_the_first() {
        check(&[&["m - 1", "m r 7", "m - 3"]], &[&[("m", 7)]]);
        check(&[&["m - 1", "m - 2"]], &[&[("m", 2)]]);
    }

    #[test]
    fn a_message_on_both_sides_of_a_prompt_counts_once() {
        check(&[&["m r 1"], &["m r 9"]], &[&[], &[("m", 9)]]);
        check(&[&["m r 9"], &["m r 9"]], &[&[("m", 9)], &[]]);
    }

    #[test]
    fn a_side_log_repeats_the_sessions_messages() {
        check(&[&["m r 5"], &["side m x 9", "side n y 3"]], &[&[("m", 5)], &[("n", 3)]]);
        check(&[&["side m x 9"], &["m r 5"]], &[&[], &[("m", 5)]]);
    }
}
