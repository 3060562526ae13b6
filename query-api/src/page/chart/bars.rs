//! Bars over time, one on the other where several things are told.

use maud::{Markup, html};

use super::scale::{percent, pixels, ticks};
use super::spans::Span;

/// Where the bars stand, and how high the highest may be, in pixels.
const FOOT: f64 = 132.0;
const HIGH: f64 = 124.0;
const HEIGHT: u32 = 152;
/// So many spans are named below.
const NAMED: usize = 5;

/// One of several things that are told.
pub(crate) struct Series<'a> {
    /// What it is.
    pub(crate) name: &'a str,
    /// Its colour's class.
    pub(crate) class: &'a str,
    /// A value for each span.
    pub(crate) values: Vec<f64>,
}

/// A picture of bars.
pub(crate) struct Bars<'a> {
    /// What is shown, for those who do not see it.
    pub(crate) label: String,
    /// Along it.
    pub(crate) spans: &'a [Span],
    /// From the foot up.
    pub(crate) series: Vec<Series<'a>>,
    /// How a value is written at the axis, and in titles.
    pub(crate) form: fn(f64) -> String,
    /// The smallest step of the axis.
    pub(crate) least: f64,
}

impl Bars<'_> {
    /// The picture.
    pub(crate) fn svg(&self) -> Markup {
        let sum = |at: usize| self.series.iter().filter_map(|it| it.values.get(at)).sum::<f64>();
        let highest = (0..self.spans.len()).map(sum).fold(0.0, f64::max);
        let ticks = ticks(highest, self.least);
        let top = ticks.last().copied().unwrap_or(1.0);
        let wide = 100.0 / self.spans.len().max(1) as f64;
        html! {
            svg class="plot" role="img" aria-label=(self.label) width="100%" height=(HEIGHT) {
                (grid(&ticks, top, self.form))
                @for (at, span) in self.spans.iter().enumerate() {
                    @let x = wide * at as f64;
                    g class="mark" {
                        title { (self.title(span, at)) }
                        rect class="hit" x=(percent(x)) y=(pixels(FOOT - HIGH)) width=(percent(wide)) height=(pixels(HIGH)) {}
                        @for (class, y, high) in self.stack(at, top) {
                            rect class=(class) x=(percent(x + wide * 0.12)) y=(pixels(y)) width=(percent(wide * 0.76)) height=(pixels(high)) {}
                        }
                    }
                }
                (names(self.spans))
            }
        }
    }

    /// The pieces of a bar: colour, upper end, height.
    fn stack(&self, at: usize, top: f64) -> Vec<(&str, f64, f64)> {
        let mut foot = FOOT;
        let mut pieces = Vec::new();
        for series in &self.series {
            let high = HIGH * series.values.get(at).copied().unwrap_or(0.0) / top;
            if high > 0.0 {
                foot -= high;
                pieces.push((series.class, foot, high.max(0.5)));
            }
        }
        pieces
    }

    fn title(&self, span: &Span, at: usize) -> String {
        let value = |it: &Series<'_>| (self.form)(it.values.get(at).copied().unwrap_or(0.0));
        let told: Vec<_> = self.series.iter().map(|it| format!("{} {}", value(it), it.name)).collect();
        format!("{}: {}", span.name(), told.join(", "))
    }
}

/// Lines behind the marks, each with its number before it.
pub(super) fn grid(ticks: &[f64], top: f64, form: fn(f64) -> String) -> Markup {
    html! {
        g class="grid" aria-hidden="true" {
            @for tick in ticks {
                @let y = FOOT - HIGH * tick / top;
                line x1="0" x2="100%" y1=(pixels(y)) y2=(pixels(y)) {}
                text x="0" dx="-6" y=(pixels(y + 4.0)) text-anchor="end" { (form(*tick)) }
            }
        }
    }
}

/// Some of the spans by name, below.
pub(super) fn names(spans: &[Span]) -> Markup {
    let wide = 100.0 / spans.len().max(1) as f64;
    let step = spans.len().div_ceil(NAMED).max(1);
    // In the middle of their stretch, so that neither the first nor the last sticks out.
    let from = (step / 2).min(spans.len().saturating_sub(1));
    html! {
        g class="names" aria-hidden="true" {
            @for (at, span) in spans.iter().enumerate().skip(from).step_by(step) {
                text x=(percent(wide * (at as f64 + 0.5))) y=(HEIGHT - 4) text-anchor="middle" { (span.short()) }
            }
        }
    }
}

/// Down the picture.
pub(super) fn height(value: f64, top: f64) -> f64 {
    FOOT - HIGH * value / top
}

#[cfg(test)]
mod tests {
    use super::super::spans::spans;
    use super::*;

    #[test]
    fn a_small_picture() {
        let days = spans("2026-11-24".parse().unwrap(), "2026-11-26".parse().unwrap());
        let series = |name, class, values: [f64; 3]| Series { name, class, values: values.into() };
        let bars = Bars {
            label: "Prompts by day: 9 in all".to_owned(),
            spans: &days,
            series: vec![series("prompts <b>", "s1", [4.0, 0.0, 2.0]), series("failed", "bad", [0.0, 0.0, 3.0])],
            form: |value| format!("{value}"),
            least: 1.0,
        };
        insta::assert_snapshot!(bars.svg().into_string().replace("><", ">\n<"));
    }

    #[test]
    fn nothing_is_a_picture_too() {
        let bars = Bars { label: String::new(), spans: &[], series: vec![], form: |_| String::new(), least: 1.0 };
        assert!(bars.svg().into_string().starts_with("<svg"));
    }
}
