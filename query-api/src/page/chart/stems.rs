//! Moments of a stretch of time, each with how much it was: thin bars where they happened.

use maud::{Markup, html};

use super::bars::{grid, height};
use super::scale::{percent, pixels, ticks};

/// One of them.
pub(crate) struct Stem {
    /// When, as a part of the stretch, from 0 to 1.
    pub(crate) at: f64,
    /// How much.
    pub(crate) value: f64,
    /// Its colour's class.
    pub(crate) class: &'static str,
    /// Its numbers.
    pub(crate) title: String,
}

/// The picture; `names` stand below it at equal distances, the first at its beginning, the last at its end.
pub(crate) fn stems(label: &str, stems: &[Stem], names: &[String], form: fn(f64) -> String) -> Markup {
    let ticks = ticks(stems.iter().map(|stem| stem.value).fold(0.0, f64::max), 1.0);
    let top = ticks.last().copied().unwrap_or(1.0);
    let foot = height(0.0, top);
    let gap = 100.0 / (names.len().max(2) - 1) as f64;
    html! {
        svg class="plot" role="img" aria-label=(label) width="100%" height="152" {
            (grid(&ticks, top, form))
            @for stem in stems {
                @let y = height(stem.value, top).min(foot - 1.0);
                rect class=(stem.class) x=(percent(99.7 * stem.at.clamp(0.0, 1.0))) y=(pixels(y)) width="2" height=(pixels(foot - y)) {
                    title { (stem.title) }
                }
            }
            g class="names" aria-hidden="true" {
                @for (at, name) in names.iter().enumerate() {
                    @let anchor = if at == 0 { "start" } else if at + 1 == names.len() { "end" } else { "middle" };
                    text x=(percent(gap * at as f64)) y="148" text-anchor=(anchor) { (name) }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_where_it_happened() {
        let stem = |at, value| Stem { at, value, class: "s1", title: format!("{value} ms") };
        let picture =
            stems("", &[stem(0.0, 5.0), stem(2.0, 0.0)], &["a".into(), "b".into()], |ms| format!("{ms}")).into_string();
        assert!(picture.contains("x=\"0%\" y=\"28.7\"") && picture.contains("x=\"99.7%\" y=\"131\""), "{picture}");
    }
}
