//! Does one thing with many items, some at once, each thread in a place of its own that takes long to make.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::figures::Figures;

/// More than cores, as each waits for the disk now and then.
const AT_ONCE: usize = 3;

/// Does `work` with each item, in a place that `make` makes for each thread, and adds up what each counted. What one panics with ends
/// all.
pub(crate) fn each<P, T: Sync>(
    items: &[T],
    figures: &mut Figures,
    make: impl Fn() -> P + Sync,
    work: impl Fn(&P, &T, &mut Figures) + Sync,
) {
    let (next, sum) = (AtomicUsize::new(0), Mutex::new(Figures::default()));
    thread::scope(|scope| {
        for _ in 0..AT_ONCE.min(items.len()) {
            scope.spawn(|| {
                let _ends = EndsAll(&next);
                let (place, mut own) = (make(), Figures::default());
                while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
                    work(&place, item, &mut own);
                }
                sum.lock().unwrap_or_else(|it| it.into_inner()).add(&own);
            });
        }
    });
    figures.add(&sum.into_inner().unwrap_or_else(|it| it.into_inner()));
}

/// The others end when one thread panics.
struct EndsAll<'a>(&'a AtomicUsize);

impl Drop for EndsAll<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.store(usize::MAX / 2, Ordering::Relaxed);
        }
    }
}
