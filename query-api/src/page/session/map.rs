//! The map of a session: its prompts as ticks from the first to the last, those that failed or were found good in colour, each
//! a way to its place. A long session has a tick for several prompts, so that the map is as small as that of a short one.

use maud::{Markup, html};

use super::Shown;
use crate::page::text::number;
use crate::view::Point;

/// Ticks of a map.
const MOST: usize = 200;

/// The map, if there is anything to find one's way in.
pub(super) fn map(shown: &Shown<'_>) -> Markup {
    let points = &shown.outline.items;
    let seen = shown.first..shown.first + shown.detail.items.len();
    html! {
        @if points.len() > 2 {
            h2 id="map" { "Map" }
            nav class="map" aria-labelledby="map" {
                ol {
                    @for (first, points) in ticks(points) {
                        @let last = first + points.len();
                        @if let (Some(point), Some(page)) = (points.first(), shown.page_with(first)) {
                            li class=[Some(shade(points)).filter(|shade| !shade.is_empty())] {
                                a href={ (page) "#c" (point.id) } title=(said(points, first))
                                    aria-current=[(first < seen.end && last > seen.start).then_some("true")] {
                                    span class="vh" { (said(points, first)) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Points in as many pieces as there are ticks, each with the number of its first.
fn ticks(points: &[Point]) -> impl Iterator<Item = (usize, &[Point])> {
    let each = points.len().div_ceil(MOST).max(1);
    points.chunks(each).enumerate().map(move |(i, points)| (i * each, points))
}

/// What the colour says: the worst and the best of its prompts.
fn shade(points: &[Point]) -> &'static str {
    let failed = points.iter().any(|point| point.has_error);
    let good = points.iter().any(|point| point.star || point.rating >= Some(4));
    match (failed, good) {
        (true, true) => "failed good",
        (true, false) => "failed",
        (false, true) => "good",
        (false, false) => "",
    }
}

/// The same in words.
fn said(points: &[Point], first: usize) -> String {
    let which = match points.len() {
        1 => format!("Prompt {}", number(first as u64 + 1)),
        more => format!("Prompts {} to {}", number(first as u64 + 1), number((first + more) as u64)),
    };
    let failed = points.iter().filter(|point| point.has_error).count();
    let best = points.iter().filter_map(|point| point.rating).max();
    let failed = if failed > 0 { format!(", {failed} with an error") } else { String::new() };
    let best = best.map_or(String::new(), |best| format!(", rated {best}"));
    let starred = if points.iter().any(|point| point.star) { ", starred" } else { "" };
    format!("{which}{failed}{best}{starred}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(n: i64) -> Vec<Point> {
        (0..n).map(|id| Point { id, timestamp: None, has_error: id == 7, rating: None, star: false }).collect()
    }

    #[test]
    fn every_prompt_is_on_the_map() {
        for n in [1, 3, MOST, MOST + 1, 5_000, 12_345] {
            let points = points(n as i64);
            let ticks: Vec<_> = ticks(&points).collect();
            assert!(ticks.len() <= MOST, "{n}");
            assert_eq!(ticks.iter().map(|(_, points)| points.len()).sum::<usize>(), n);
            assert!(ticks.iter().all(|(first, points)| points[0].id == *first as i64), "{n}");
        }
    }

    #[test]
    fn ticks_tell_what_is_there() {
        let mut points = points(10);
        points[9].rating = Some(5);
        assert_eq!(said(&points[..1], 0), "Prompt 1");
        assert_eq!(said(&points[5..], 5), "Prompts 6 to 10, 1 with an error, rated 5");
        assert_eq!((shade(&points[..5]), shade(&points[5..8]), shade(&points)), ("", "failed", "failed good"));
    }
}
