//! A set of row ids that takes a bit for each row of the table: a million hits are a hundred kilobytes.

/// Row ids from 0 on.
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
    }
}
