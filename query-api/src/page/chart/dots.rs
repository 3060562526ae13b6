//! Dots: a mean over time with the line between them, and how often two things come together.

use maud::{Markup, html};

use super::bars::{grid, height, names};
use super::scale::{float, percent, pixels};
use super::spans::Span;

/// Ratings are from 1 to 5; the axis begins at nothing, so that a 1 has a place above it.
const TOP: f64 = 5.0;
const LARGEST: f64 = 11.0;

/// The mean rating of each span that has one, with how many ratings it is of.
pub(crate) fn means(label: &str, spans: &[Span], means: &[Option<(f64, i64)>]) -> Markup {
    let wide = 100.0 / spans.len().max(1) as f64;
    let places: Vec<_> =
        spans.iter().zip(means).enumerate().filter_map(|(at, (span, mean))| Some((at, span, (*mean)?))).collect();
    let x = |at: usize| percent(wide * (at as f64 + 0.5));
    html! {
        svg class="plot" role="img" aria-label=(label) width="100%" height="152" {
            (grid(&[1.0, 2.0, 3.0, 4.0, 5.0], TOP, |tick| format!("{tick}")))
            @for two in places.windows(2) {
                line class="s1" x1=(x(two[0].0)) y1=(pixels(height(two[0].2.0, TOP))) x2=(x(two[1].0)) y2=(pixels(height(two[1].2.0, TOP))) {}
            }
            @for (at, span, (mean, count)) in &places {
                circle class="s1" cx=(x(*at)) cy=(pixels(height(*mean, TOP))) r="4" {
                    title { (span.name()) ": " (format!("{mean:.1}")) " from " (count) @if *count == 1 { " rating" } @else { " ratings" } }
                }
            }
            (names(spans))
        }
    }
}

/// How many are rated how, for each of some columns: the area of a dot says how many, a line the mean.
pub(crate) fn ratings(label: &str, columns: &[(String, [i64; 5], Option<f64>)]) -> Markup {
    let most = columns.iter().flat_map(|it| it.1).max().unwrap_or(0).max(1);
    let wide = 100.0 / columns.len().max(1) as f64;
    html! {
        svg class="plot" role="img" aria-label=(label) width="100%" height="152" {
            (grid(&[1.0, 2.0, 3.0, 4.0, 5.0], TOP + 0.5, |tick| format!("{tick}")))
            @for (at, (name, counts, mean)) in columns.iter().enumerate() {
                @let x = wide * (at as f64 + 0.5);
                @for (rating, count) in (1_i64..).zip(counts).filter(|(_, count)| **count > 0) {
                    circle class="s1 soft" cx=(percent(x)) cy=(pixels(height(float(rating), TOP + 0.5)))
                        r=(pixels((LARGEST * (float(*count) / float(most)).sqrt()).max(2.0))) {
                        title { (name) " characters, rated " (rating) ": " (count) }
                    }
                }
                @if let Some(mean) = mean {
                    @let y = pixels(height(*mean, TOP + 0.5));
                    line class="mean" x1=(percent(x - wide * 0.3)) x2=(percent(x + wide * 0.3)) y1=(y) y2=(y) {
                        title { (name) " characters: " (format!("{mean:.1}")) " in the mean" }
                    }
                }
                text class="name" x=(percent(x)) y="148" text-anchor="middle" aria-hidden="true" { (name) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::spans::spans;
    use super::*;

    #[test]
    fn a_dot_for_each_that_is_there() {
        let days = spans("2026-11-20".parse().unwrap(), "2026-11-22".parse().unwrap());
        let picture = means("", &days, &[Some((4.0, 1)), None, Some((2.5, 4))]).into_string();
        assert_eq!((picture.matches("<circle").count(), picture.matches("class=\"s1\" x1").count()), (2, 1));
        assert!(picture.contains("4.0 from 1 rating<") && picture.contains("2.5 from 4 ratings<"), "{picture}");
        let picture =
            ratings("", &[("0".to_owned(), [0, 1, 0, 0, 9], Some(4.7)), ("10".to_owned(), [0; 5], None)]).into_string();
        assert_eq!((picture.matches("<circle").count(), picture.matches("mean\"").count()), (2, 1));
    }
}
