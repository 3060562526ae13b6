//! How long events waited from their capture to their commit, in few enough numbers to keep for days.
//!
//! A wait falls into a bucket, and a bucket is counted in slots of five minutes. Buckets grow with the wait: below 16 ms
//! each millisecond has one, above there are eight between a power of two and the next. What is read from a bucket is its
//! middle, which is at most 1/16 (6.25 %) away from the wait that fell into it.

/// The length of a slot, in milliseconds.
pub(crate) const SLOT_MS: i64 = 300_000;

/// Of every hundred events that were committed in a span of time, how long the slowest ones waited at least. In
/// milliseconds, `None` without events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Latency {
    /// How many events there were.
    pub events: i64,
    /// Half waited longer.
    pub p50_ms: Option<i64>,
    /// One in twenty did.
    pub p95_ms: Option<i64>,
    /// One in a hundred did.
    pub p99_ms: Option<i64>,
}

/// The slot of a commit at `ms` since 1970.
pub(crate) fn slot(ms: i64) -> i64 {
    ms.div_euclid(SLOT_MS)
}

/// The bucket of a wait in milliseconds. A negative wait, from a clock that was set back, counts as none.
pub(crate) fn bucket(wait_ms: i64) -> i64 {
    let wait = wait_ms.max(0);
    if wait < 8 {
        return wait;
    }
    let power = 63 - i64::from(wait.leading_zeros());
    ((power - 2) << 3) + ((wait >> (power - 3)) & 7)
}

/// The wait that a bucket stands for.
pub(crate) fn middle(bucket: i64) -> i64 {
    if bucket < 16 {
        return bucket.max(0);
    }
    let width = 1_i64 << ((bucket >> 3) - 1).min(59);
    (8 + (bucket & 7)) * width + width / 2
}

impl Latency {
    /// From how many events fell into which bucket, by bucket.
    pub(crate) fn of(buckets: &[(i64, i64)]) -> Self {
        let events = buckets.iter().map(|(_, events)| events).sum();
        let percentile = |percent: i64| {
            // The place of the event that is asked for, counted from 1.
            let place = (events * percent + 99) / 100;
            let mut before = 0;
            let found = buckets.iter().find(|(_, events)| {
                before += events;
                before >= place
            });
            found.map(|(bucket, _)| middle(*bucket))
        };
        Self { events, p50_ms: percentile(50), p95_ms: percentile(95), p99_ms: percentile(99) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_in_order_and_near() {
        assert_eq!((bucket(-5), bucket(0)), (0, 0));
        let waits = (0..2_000_i64).chain((11..62).flat_map(|power| [-1, 0, 1].map(|d| (1_i64 << power) + d)));
        let mut last = 0;
        for wait in waits {
            let bucket = bucket(wait);
            assert!(bucket >= last, "{wait} sorts before a shorter one");
            last = bucket;
            let off = (middle(bucket) - wait).abs();
            assert!(off * 16 <= wait, "{wait} became {}", middle(bucket));
            assert!(wait >= 16 || off == 0, "{wait} became {}", middle(bucket));
        }
        assert!(bucket(i64::MAX) < 500 && middle(bucket(i64::MAX)) > 0);
    }

    #[test]
    fn percentiles() {
        let check = |buckets: &[(i64, i64)], expected: [Option<i64>; 3]| {
            let found = Latency::of(buckets);
            assert_eq!([found.p50_ms, found.p95_ms, found.p99_ms], expected, "{buckets:?}");
        };
        check(&[], [None; 3]);
        check(&[(3, 1)], [Some(3); 3]);
        check(&[(1, 50), (2, 45), (3, 4), (4, 1)], [Some(1), Some(2), Some(3)]);
        check(&[(1, 1), (9, 1)], [Some(1), Some(9), Some(9)]);
        check(&[(0, 1000), (15, 1)], [Some(0); 3]);
    }
}
