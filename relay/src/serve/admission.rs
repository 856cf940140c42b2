//! How many connections there are, in all and by network, and who gives way when there is no place left.
//!
//! When all places are taken, the network with the most connections without a session gives its oldest one to whoever
//! comes from a network that has fewer of them. Sides of a session, technicians and auditors never give way, and
//! do not count.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use fernsicht_protocol::router::Network;
use tokio::sync::Notify;

use super::hub::lock;
use crate::config::Limits;

/// Who is connected, in all and by network.
#[derive(Debug, Default)]
pub(super) struct Admitted {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    all: usize,
    by_network: HashMap<Network, Here>,
    next: u64,
}

#[derive(Debug, Default)]
struct Here {
    count: usize,
    /// Those that may have to give way, oldest first.
    waiting: BTreeMap<u64, Arc<Order>>,
}

/// To give way.
#[derive(Debug, Default)]
struct Order {
    given: AtomicBool,
    changed: Notify,
}

impl Admitted {
    /// A place, if there is one for this network.
    pub(super) fn admit(self: &Arc<Self>, network: Network, limits: &Limits) -> Option<Place> {
        let mut state = lock(&self.state);
        let here = state.count(network);
        if here >= limits.connections_per_network {
            return None;
        }
        if state.all >= limits.connections {
            let here = state.by_network.get(&network);
            let waiting = here.map_or(0, |here| here.waiting.len());
            state.make_room(waiting)?;
        }
        let crowded =
            state.all > limits.connections / 4 || here > limits.connections_per_network / 4;
        let order = Arc::<Order>::default();
        let id = state.next;
        state.next += 1;
        state.all += 1;
        let entry = state.by_network.entry(network).or_default();
        entry.count += 1;
        entry.waiting.insert(id, order.clone());
        Some(Place(Arc::new(Seat {
            admitted: self.clone(),
            network,
            id,
            crowded,
            order,
        })))
    }
}

impl State {
    fn count(&self, network: Network) -> usize {
        self.by_network.get(&network).map_or(0, |here| here.count)
    }

    /// Somebody of the fullest network gives way, if that one then still has as many waiting as who comes.
    fn make_room(&mut self, waiting: usize) -> Option<()> {
        let others = self.by_network.iter();
        let (network, fullest) = others.max_by_key(|(_, other)| other.waiting.len())?;
        if fullest.waiting.len() <= waiting + 1 {
            return None;
        }
        let network = *network;
        let (_, order) = self.by_network.get_mut(&network)?.waiting.pop_first()?;
        // Counted out at once: its task may take a while to end.
        order.given.store(true, Ordering::Relaxed);
        order.changed.notify_one();
        self.leave(network);
        Some(())
    }

    fn leave(&mut self, network: Network) {
        self.all -= 1;
        if let Some(here) = self.by_network.get_mut(&network) {
            here.count -= 1;
            if here.count == 0 {
                self.by_network.remove(&network);
            }
        }
    }
}

/// A connection's place among those that are admitted. Clones are the same one; it is free again when the last
/// is dropped.
#[derive(Debug, Clone)]
pub(super) struct Place(Arc<Seat>);

#[derive(Debug)]
struct Seat {
    admitted: Arc<Admitted>,
    network: Network,
    id: u64,
    crowded: bool,
    order: Arc<Order>,
}

impl Place {
    /// True if it was one of the last.
    pub(super) fn crowded(&self) -> bool {
        self.0.crowded
    }

    /// It gives way to nobody any more.
    pub(super) fn keep(&self) {
        let mut state = lock(&self.0.admitted.state);
        if let Some(here) = state.by_network.get_mut(&self.0.network) {
            here.waiting.remove(&self.0.id);
        }
    }

    /// Completes once it has to give way.
    pub(super) async fn lost(&self) {
        self.0.order.changed.notified().await;
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut state = lock(&self.admitted.state);
        if self.order.given.load(Ordering::Relaxed) {
            return;
        }
        if let Some(here) = state.by_network.get_mut(&self.network) {
            here.waiting.remove(&self.id);
        }
        state.leave(self.network);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> Limits {
        Limits {
            connections: 6,
            connections_per_network: 4,
            ..Limits::default()
        }
    }

    fn gives_way(place: &Place) -> bool {
        place.0.order.given.load(Ordering::Relaxed)
    }

    #[test]
    fn the_fullest_network_gives_its_oldest_place_to_who_has_fewer() {
        let (admitted, limits) = (Arc::<Admitted>::default(), limits());
        let [a, b, c] = [1, 2, 3].map(|n| Network::V4([10, 0, n]));
        let of_a: Vec<_> = (0..4).map_while(|_| admitted.admit(a, &limits)).collect();
        assert_eq!(of_a.len(), 4);
        assert!(admitted.admit(a, &limits).is_none());
        let of_b: Vec<_> = (0..2).map_while(|_| admitted.admit(b, &limits)).collect();
        // Full: a stays out, c gets the oldest place of a, b another one, then nobody has more than they.
        assert!(admitted.admit(a, &limits).is_none());
        let first = admitted.admit(c, &limits).expect("a gives way");
        assert!(gives_way(&of_a[0]) && !gives_way(&of_a[1]));
        let second = admitted.admit(c, &limits).expect("a gives way");
        assert!(gives_way(&of_a[1]));
        assert!(admitted.admit(c, &limits).is_none());
        drop((of_a, of_b, first, second));
        let state = lock(&admitted.state);
        assert!(state.all == 0 && state.by_network.is_empty());
    }

    #[test]
    fn who_has_a_session_does_not_give_way() {
        let (admitted, limits) = (Arc::<Admitted>::default(), limits());
        let [a, b, c] = [1, 2, 3].map(|n| Network::V4([10, 0, n]));
        let of_a: Vec<_> = (0..4).map_while(|_| admitted.admit(a, &limits)).collect();
        let of_b: Vec<_> = (0..2).map_while(|_| admitted.admit(b, &limits)).collect();
        of_a.iter().for_each(Place::keep);
        // One of b's does, and then c has as many as b.
        let first = admitted.admit(c, &limits).expect("b gives way");
        assert!(admitted.admit(c, &limits).is_none());
        assert!(gives_way(&of_b[0]) && !gives_way(&of_b[1]) && !gives_way(&first));
        assert!(!of_a.iter().any(gives_way));
    }
}
