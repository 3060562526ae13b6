//! Round numbers along an axis, and places in percent.

/// About so many steps are between nothing and the top.
const STEPS: f64 = 4.0;

/// From 0 on, at least to `max`, in steps of 1, 2 or 5 times a power of ten; `least` is the smallest step that means something.
pub(crate) fn ticks(max: f64, least: f64) -> Vec<f64> {
    let wanted = if max.is_finite() && max > 0.0 { max / STEPS } else { 0.0 };
    let step = round(wanted).max(least);
    let count = (max / step - 1e-9).ceil();
    let count = if count.is_finite() { count.clamp(1.0, 10.0) as u32 } else { 1 };
    (0..=count).map(|n| f64::from(n) * step).collect()
}

/// The next round number from `wanted` on.
fn round(wanted: f64) -> f64 {
    if wanted <= 0.0 {
        return 0.0;
    }
    let power = 10_f64.powf(wanted.log10().floor());
    let times = [1.0, 2.0, 5.0, 10.0].into_iter().find(|times| times * power >= wanted * (1.0 - 1e-9));
    times.unwrap_or(10.0) * power
}

/// `12.5%`: as an attribute of SVG.
pub(crate) fn percent(value: f64) -> String {
    let value = if value.is_finite() { value } else { 0.0 };
    let text = format!("{value:.2}");
    format!("{}%", text.trim_end_matches('0').trim_end_matches('.'))
}

/// A length down a picture, in pixels.
pub(crate) fn pixels(value: f64) -> String {
    let value = if value.is_finite() { value } else { 0.0 };
    let text = format!("{value:.1}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A count as a figure to draw with.
#[expect(clippy::cast_precision_loss, reason = "a picture shows no more than two digits of it")]
pub(crate) fn float(count: i64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_round_ticks() {
        let check = |max: f64, least: f64, expected: &[f64]| assert_eq!(ticks(max, least), expected, "{max} {least}");
        check(0.0, 1.0, &[0.0, 1.0]);
        check(f64::NAN, 1.0, &[0.0, 1.0]);
        check(1.0, 1.0, &[0.0, 1.0]);
        check(3.0, 1.0, &[0.0, 1.0, 2.0, 3.0]);
        check(7.0, 1.0, &[0.0, 2.0, 4.0, 6.0, 8.0]);
        check(100.0, 1.0, &[0.0, 50.0, 100.0]);
        check(61.0, 1.0, &[0.0, 20.0, 40.0, 60.0, 80.0]);
        check(1.7, 0.01, &[0.0, 0.5, 1.0, 1.5, 2.0]);
        check(20_000.0, 1.0, &[0.0, 5_000.0, 10_000.0, 15_000.0, 20_000.0]);
        check(1e19, 1.0, &[0.0, 5e18, 1e19]);
    }

    #[test]
    fn places() {
        let check = |value: f64, expected: &str| assert_eq!(percent(value), expected);
        check(0.0, "0%");
        check(100.0 / 3.0, "33.33%");
        check(12.50, "12.5%");
        check(f64::INFINITY, "0%");
        assert_eq!(pixels(136.04), "136");
    }
}
