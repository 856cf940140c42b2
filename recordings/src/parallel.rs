//! Work on many items of which each stands for itself, on all cores.
//!
//! A recording of an hour is hundreds of megabytes; hashing and opening it one after the other is what an
//! auditor would wait for. Nothing here decides anything: results come back in the items' order.

use std::thread;

/// Below this weight the work is done here.
const WORTH_A_THREAD: usize = 1 << 20;

/// Cuts `items` into one run per core, of about the same weight (bytes), and does `work` on each. Returns what
/// they return, one behind the other.
pub(crate) fn map<T: Sync, R: Send>(
    items: &[T],
    weight: impl Fn(&T) -> usize,
    work: impl Fn(&[T]) -> Vec<R> + Sync,
) -> Vec<R> {
    let total: usize = items.iter().map(&weight).sum();
    if total < 2 * WORTH_A_THREAD {
        return work(items);
    }
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let runs = cores.min(total / WORTH_A_THREAD).max(1);
    let mut cuts = Vec::with_capacity(runs);
    let (mut from, mut sum) = (0, 0);
    for (at, item) in items.iter().enumerate() {
        sum += weight(item);
        if sum * runs >= total * (cuts.len() + 1) {
            cuts.push(&items[from..=at]);
            from = at + 1;
        }
    }
    cuts.push(&items[from..]);
    thread::scope(|scope| {
        let threads: Vec<_> = cuts
            .into_iter()
            .filter(|run| !run.is_empty())
            .map(|run| scope.spawn(|| work(run)))
            .collect();
        threads
            .into_iter()
            .flat_map(|thread| match thread.join() {
                Ok(results) => results,
                Err(panic) => std::panic::resume_unwind(panic),
            })
            .collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_the_order_of_the_items_however_they_weigh() {
        for heavy in [0, 1, 500, 999] {
            let items: Vec<usize> = (0..1000).collect();
            let weight = |item: &usize| if *item == heavy { 64 << 20 } else { 8 << 10 };
            let doubled = map(&items, weight, |run| run.iter().map(|n| n * 2).collect());
            assert!(doubled.iter().enumerate().all(|(at, n)| *n == at * 2));
            assert_eq!(doubled.len(), items.len());
        }
        assert!(map(&[], |_: &u8| 1, |run| run.to_vec()).is_empty());
    }
}
