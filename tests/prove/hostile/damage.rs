//! Ways in which bytes on a disk become others.

use harness::Seed;

/// What a disk writes at once, and what a database does.
const PAGE: usize = 4096;

/// A way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Way {
    /// Up to 64 bits are others.
    Flips,
    /// The end is missing.
    Cut,
    /// A page is nothing but noise.
    Noise,
    /// A page, or half of one, is empty.
    Zeros,
    /// Two pages have changed places.
    Swapped,
    /// A page stands in the place of another too.
    Doubled,
}

impl Way {
    pub(super) const ALL: [Self; 6] = [Self::Flips, Self::Cut, Self::Noise, Self::Zeros, Self::Swapped, Self::Doubled];

    /// Does it; gives what it did.
    pub(super) fn apply(self, bytes: &mut Vec<u8>, seed: &mut Seed) -> String {
        let pages = bytes.len().div_ceil(PAGE).max(1);
        let page = |seed: &mut Seed, bytes: &[u8]| {
            let at = seed.below(pages) * PAGE;
            at..(at + PAGE).min(bytes.len())
        };
        match self {
            Self::Flips => {
                let most = if seed.below(2) == 0 { 1 } else { 64 };
                let flips = 1 + seed.below(most);
                for _ in 0..flips.min(bytes.len()) {
                    let at = seed.below(bytes.len());
                    bytes[at] ^= 1 << seed.below(8);
                }
                format!("{flips} flips")
            }
            Self::Cut => {
                let end = if seed.below(2) == 0 { seed.below(pages) * PAGE } else { seed.below(bytes.len() + 1) };
                bytes.truncate(end);
                format!("cut to {end}")
            }
            Self::Noise => {
                let at = page(seed, bytes);
                bytes[at.clone()].iter_mut().for_each(|byte| *byte = seed.number().to_le_bytes()[0]);
                format!("noise in {at:?}")
            }
            Self::Zeros => {
                let mut at = page(seed, bytes);
                if seed.below(2) == 0 {
                    at.start = (at.start + 512 * seed.below(8)).min(at.end);
                }
                bytes[at.clone()].fill(0);
                format!("zeros in {at:?}")
            }
            Self::Swapped | Self::Doubled => {
                let (one, other) = (page(seed, bytes), page(seed, bytes));
                let (first, second) = (bytes[one.clone()].to_vec(), bytes[other.clone()].to_vec());
                let length = first.len().min(second.len());
                bytes[other.start..other.start + length].copy_from_slice(&first[..length]);
                if self == Self::Swapped {
                    bytes[one.start..one.start + length].copy_from_slice(&second[..length]);
                }
                format!("{self:?} {one:?} {other:?}")
            }
        }
    }
}
