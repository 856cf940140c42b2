//! How many connections there are, in all and by network.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use fernsicht_protocol::router::Network;

use super::hub::lock;
use crate::config::Limits;

/// How many are connected, in all and by network.
#[derive(Debug, Default)]
pub(super) struct Admitted {
    all: AtomicUsize,
    by_network: Mutex<HashMap<Network, usize>>,
}

impl Admitted {
    pub(super) fn admit(self: Arc<Self>, network: Network, limits: &Limits) -> Option<Place> {
        let mut by_network = lock(&self.by_network);
        let all = self.all.load(Ordering::Relaxed);
        let here = by_network.get(&network).copied().unwrap_or_default();
        if all >= limits.connections || here >= limits.connections_per_network {
            return None;
        }
        by_network.insert(network, here + 1);
        self.all.store(all + 1, Ordering::Relaxed);
        let crowded = all > limits.connections / 4 || here > limits.connections_per_network / 4;
        drop(by_network);
        Some(Place {
            admitted: self,
            network,
            crowded,
        })
    }
}

/// A connection's place among those that are admitted; free again when dropped.
#[derive(Debug)]
pub(super) struct Place {
    admitted: Arc<Admitted>,
    network: Network,
    crowded: bool,
}

impl Place {
    pub(super) fn crowded(&self) -> bool {
        self.crowded
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut by_network = lock(&self.admitted.by_network);
        self.admitted.all.fetch_sub(1, Ordering::Relaxed);
        if let Some(here) = by_network.get_mut(&self.network) {
            *here -= 1;
            if *here == 0 {
                by_network.remove(&self.network);
            }
        }
    }
}
