//! Figures as bars of blocks.

/// From an eighth to a whole block.
const RISING: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const GROWING: [char; 8] = ['▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'];

/// One sign; a dot for nothing.
pub(super) fn upright(figure: u64, most: u64) -> char {
    match eighths(figure, most, 1) {
        0 => '·',
        full => RISING[full.min(8) - 1],
    }
}

/// At most `room` signs, from left to right.
pub(super) fn level(figure: u64, most: u64, room: usize) -> String {
    let eighths = eighths(figure, most, room);
    let mut bar = GROWING[7].to_string().repeat(eighths / 8);
    if !eighths.is_multiple_of(8) {
        bar.push(GROWING[eighths % 8 - 1]);
    }
    bar
}

/// How many eighths of a sign, in `room` signs; at least one for what is not nothing.
fn eighths(figure: u64, most: u64, room: usize) -> usize {
    if figure == 0 || most == 0 {
        return 0;
    }
    let share = u128::from(figure.min(most)) * (room as u128 * 8) / u128::from(most);
    usize::try_from(share).unwrap_or(0).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars() {
        let check = |figure, most, expected: &str| {
            assert_eq!(format!("{}{}", upright(figure, most), level(figure, most, 3)), expected, "{figure} of {most}");
        };
        check(0, 0, "·");
        check(0, 5, "·");
        check(1, 1000, "▁▏");
        check(1, 2, "▄█▌");
        check(2, 2, "████");
        check(u64::MAX, u64::MAX, "████");
        check(9, 2, "████");
    }
}
