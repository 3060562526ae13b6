//! How large and how many, as measured in real transcripts: values drawn from the quantiles that were found there.

use crate::Seed;

/// The share of all values that lie below each number of a [`Sizes`].
const SHARES: [f64; 8] = [0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 1.0];

/// A distribution by its quantiles.
pub(super) struct Sizes([f64; 8]);

/// Bytes of a prompt.
pub(super) const PROMPT: Sizes = Sizes([2.0, 8.0, 49.0, 112.0, 227.0, 406.0, 11_953.0, 62_347.0]);
/// Bytes of a text of Claude's.
pub(super) const TEXT: Sizes = Sizes([10.0, 50.0, 75.0, 127.0, 362.0, 1163.0, 4478.0, 13_481.0]);
/// Bytes of a thinking block's text, which newer versions leave empty.
pub(super) const THINKING: Sizes = Sizes([1.0, 1.0, 1.0, 51.0, 212.0, 742.0, 3738.0, 6956.0]);
/// Bytes of its signature.
pub(super) const SIGNATURE: Sizes = Sizes([200.0, 332.0, 404.0, 676.0, 1708.0, 3932.0, 13_860.0, 26_212.0]);
/// Bytes of a tool's input.
pub(super) const INPUT: Sizes = Sizes([20.0, 60.0, 91.0, 154.0, 493.0, 1448.0, 5198.0, 14_120.0]);
/// Bytes of a tool's output.
pub(super) const OUTPUT: Sizes = Sizes([10.0, 34.0, 112.0, 290.0, 1470.0, 4412.0, 19_024.0, 55_753.0]);
/// Tool calls of a turn.
pub(super) const CALLS: Sizes = Sizes([0.5, 0.5, 0.5, 3.0, 11.0, 24.0, 57.0, 58.0]);
/// Turns of a session, fewer than were found: public sessions are longer than the corpus may be.
pub(super) const TURNS: Sizes = Sizes([1.0, 1.0, 1.0, 1.5, 3.4, 6.5, 12.0, 15.0]);
/// Bytes of an image, in base64.
pub(super) const IMAGE: Sizes = Sizes([50e3, 80e3, 150e3, 200e3, 350e3, 500e3, 530e3, 530e3]);

impl Sizes {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small and positive")]
    pub(super) fn draw(&self, seed: &mut Seed) -> usize {
        let share = seed.unit();
        let above = SHARES.partition_point(|it| *it <= share).clamp(1, SHARES.len() - 1);
        let within = (share - SHARES[above - 1]) / (SHARES[above] - SHARES[above - 1]);
        // Between two quantiles by ratio: sizes spread over orders of magnitude.
        (self.0[above - 1] * (self.0[above] / self.0[above - 1]).powf(within)) as usize
    }
}
