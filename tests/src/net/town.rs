//! Many networks around one operator: each a namespace with a /24 of its own and some addresses.
//!
//! ```text
//! network 0: 10.90.0.1 … 10.90.0.10 ─┐
//! network 1: 10.90.1.1 … 10.90.1.10 ─┼─ operator: 10.70.0.1
//! …                                  │
//! people:    10.91.0.1              ─┘
//! ```

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};

use anyhow::{Context, Result, ensure};

use super::Namespace;

/// The operator's address.
pub const OPERATOR: Ipv4Addr = Ipv4Addr::new(10, 70, 0, 1);

/// A town of networks, and the operator in the middle.
#[derive(Debug)]
pub struct Town {
    /// Where relays run; [`OPERATOR`] is its address.
    pub operator: Namespace,
    /// Where honest people are, in a network of their own.
    pub people: Namespace,
    networks: Vec<Namespace>,
    per_network: u8,
}

impl Town {
    /// Builds it: so many networks of strangers, with so many addresses each.
    pub fn build(networks: u8, per_network: u8) -> Result<Self> {
        ensure!(
            per_network < 250,
            "a /24 has no {per_network} addresses to give"
        );
        let operator = Namespace::new("operator")?;
        operator.ip(&["address", "add", &format!("{OPERATOR}/32"), "dev", "lo"])?;
        let people = Namespace::new("people")?;
        connect(&people, &operator, "people", [10, 91, 0], 1)?;
        let mut strangers = Vec::new();
        for number in 0..networks {
            let network = Namespace::new(&format!("stranger{number}"))?;
            let name = format!("stranger{number}");
            connect(&network, &operator, &name, [10, 90, number], per_network)?;
            strangers.push(network);
        }
        Ok(Self {
            operator,
            people,
            networks: strangers,
            per_network,
        })
    }

    /// A UDP socket at each address of the strangers.
    pub fn sockets(&self) -> Result<Vec<UdpSocket>> {
        let mut sockets = Vec::new();
        for (number, network) in (0..).zip(&self.networks) {
            let addresses = (1..=self.per_network).map(|n| Ipv4Addr::new(10, 90, number, n));
            sockets.extend(network.enter(|| bind(addresses.map(IpAddr::V4)))?);
        }
        Ok(sockets)
    }
}

/// A UDP socket at each of these addresses, on any free port.
pub(crate) fn bind(addresses: impl Iterator<Item = IpAddr>) -> Result<Vec<UdpSocket>> {
    addresses
        .map(|address| {
            UdpSocket::bind(SocketAddr::new(address, 0))
                .with_context(|| format!("no socket at {address}"))
        })
        .collect()
}

/// Joins a network to the operator's; its first addresses are 1, 2, …, the way out is 254.
fn connect(
    network: &Namespace,
    operator: &Namespace,
    name: &str,
    [a, b, c]: [u8; 3],
    addresses: u8,
) -> Result<()> {
    let at = |host: u8| format!("{a}.{b}.{c}.{host}/24");
    network.join(("out", &at(1)), (operator, name, &at(254)))?;
    for host in 2..=addresses {
        network.ip(&["address", "add", &at(host), "dev", "out"])?;
    }
    let gateway = Ipv4Addr::new(a, b, c, 254).to_string();
    network.ip(&["route", "add", "default", "via", &gateway])
}
