//! A set of ids that takes a bit for each row of the table: a million hits are a hundred kilobytes.

/// Ids from 0 on.
#[derive(Debug, Default)]
pub(super) struct Bits(Vec<u64>);

impl Bits {
    pub(super) fn insert(&mut self, row: i64) {
        let Ok(row) = usize::try_from(row) else { return };
        if self.0.len() <= row / 64 {
            self.0.resize(row / 64 + 1, 0);
        }
        self.0[row / 64] |= 1 << (row % 64);
    }

    /// Takes in another set.
    pub(super) fn add(&mut self, other: &Self) {
        self.0.resize(self.0.len().max(other.0.len()), 0);
        self.0.iter_mut().zip(&other.0).for_each(|(mine, more)| *mine |= more);
    }

    /// How many ids.
    pub(super) fn count(&self) -> i64 {
        self.0.iter().map(|word| i64::from(word.count_ones())).sum()
    }

    /// The ids in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = i64> + '_ {
        let ids = |(word, bits): (usize, &u64)| {
            let bits = *bits;
            (0..64).filter(move |bit| bits & (1 << bit) != 0).map(move |bit| (word * 64 + bit) as i64)
        };
        self.0.iter().enumerate().filter(|(_, bits)| **bits != 0).flat_map(ids)
    }

    pub(super) fn has(&self, row: i64) -> bool {
        usize::try_from(row)
            .ok()
            .and_then(|row| Some(self.0.get(row / 64)? & 1 << (row % 64)))
            .is_some_and(|bit| bit != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_what_was_put_in() {
        let mut bits = Bits::default();
        let rows = [0, 1, 63, 64, 65, 1000, 70_000];
        rows.iter().for_each(|row| bits.insert(*row));
        bits.insert(-1);
        let found: Vec<_> = (-5..70_100).filter(|row| bits.has(*row)).collect();
        assert_eq!(found, rows);
        assert_eq!(bits.iter().collect::<Vec<_>>(), rows);
        assert_eq!((bits.count(), Bits::default().count()), (rows.len() as i64, 0));
        let mut more = Bits::default();
        more.insert(2);
        more.add(&bits);
        more.add(&Bits::default());
        assert_eq!(more.iter().collect::<Vec<_>>(), [0, 1, 2, 63, 64, 65, 1000, 70_000]);
    }
}
