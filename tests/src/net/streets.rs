//! Customer and technician, each in a network of their own, and a line from each to the operator's.
//!
//! ```text
//! customer 10.71.1.2 ══ Line ══ operator 10.70.0.1 ══ Line ══ technician 10.72.1.2
//! ```
//!
//! With cables in place of the lines the kernel alone carries the packets, as fast as it can.

use std::net::Ipv4Addr;

use anyhow::{Context, Result};

use super::town::OPERATOR;
use super::{End, Line, Namespace};
use crate::dice::Dice;

/// The three networks and the two lines.
#[derive(Debug)]
pub struct Streets {
    /// The customer's line, and the technician's; none are there if cables are.
    lines: Option<[Line; 2]>,
    /// Where the agent runs.
    pub customer: Namespace,
    /// Where the console runs.
    pub technician: Namespace,
    /// Where relay and tap run; [`OPERATOR`] is its address.
    pub operator: Namespace,
}

/// Somebody at the end of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resident {
    /// The customer.
    Customer,
    /// The technician.
    Technician,
}

impl Resident {
    fn network(self) -> u8 {
        match self {
            Self::Customer => 71,
            Self::Technician => 72,
        }
    }

    fn interface(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Technician => "technician",
        }
    }
}

impl Streets {
    /// Builds it, with perfect lines.
    pub fn build(dice: &mut Dice) -> Result<Self> {
        let operator = Namespace::new("operator")?;
        operator.ip(&["address", "add", &format!("{OPERATOR}/32"), "dev", "lo"])?;
        let mut house = |resident: Resident| -> Result<(Namespace, Line)> {
            let namespace = Namespace::new(resident.interface())?;
            let (near, far) = (
                End {
                    namespace: &namespace,
                    interface: LINE,
                },
                End {
                    namespace: &operator,
                    interface: resident.interface(),
                },
            );
            let line = Line::start(near, far, dice)?;
            // Whatever address the resident takes, the way back is this line.
            let all = format!("10.{}.0.0/16", resident.network());
            operator.ip(&["route", "add", &all, "dev", resident.interface()])?;
            Ok((namespace, line))
        };
        let (customer, customer_line) = house(Resident::Customer)?;
        let (technician, technician_line) = house(Resident::Technician)?;
        let this = Self {
            lines: Some([customer_line, technician_line]),
            customer,
            technician,
            operator,
        };
        this.settle(Resident::Customer, 1)?;
        this.settle(Resident::Technician, 1)?;
        this.forward()?;
        Ok(this)
    }

    /// Builds it with cables: nothing of these tests stands in the packets' way.
    pub fn cabled() -> Result<Self> {
        let operator = Namespace::new("operator")?;
        operator.ip(&["address", "add", &format!("{OPERATOR}/32"), "dev", "lo"])?;
        let house = |resident: Resident| -> Result<Namespace> {
            let namespace = Namespace::new(resident.interface())?;
            let at = |host: u8| format!("10.{}.1.{host}/24", resident.network());
            let there = (&operator, resident.interface(), at(254));
            namespace.join((LINE, &at(2)), (there.0, there.1, &there.2))?;
            let gateway = format!("10.{}.1.254", resident.network());
            namespace.ip(&["route", "add", "default", "via", &gateway])?;
            Ok(namespace)
        };
        let (customer, technician) = (house(Resident::Customer)?, house(Resident::Technician)?);
        let this = Self {
            lines: None,
            customer,
            technician,
            operator,
        };
        this.forward()?;
        Ok(this)
    }

    /// Somebody's line. Panics where there are cables.
    pub fn line(&self, resident: Resident) -> &Line {
        let lines = self.lines.as_ref().expect("streets with lines");
        match resident {
            Resident::Customer => &lines[0],
            Resident::Technician => &lines[1],
        }
    }

    /// Bytes that have left somebody's computer, and that have come there, with the headers of IP.
    pub fn bytes(&self, resident: Resident) -> Result<[u64; 2]> {
        let text = self.namespace(resident).enter(|| {
            let path = "/proc/thread-self/net/dev";
            std::fs::read_to_string(path).context("no counters of the interfaces")
        })?;
        counters(&text).context("no counters of the line")
    }

    /// Customer and technician reach each other, for programs without a relay.
    fn forward(&self) -> Result<()> {
        self.operator
            .enter(|| Ok(std::fs::write("/proc/sys/net/ipv4/ip_forward", "1")?))
    }

    /// Somebody gets an address of another network, and loses the one that he had: as when a computer goes from
    /// cable to radio.
    pub fn move_to(&self, resident: Resident, network: u8) -> Result<()> {
        self.namespace(resident)
            .ip(&["address", "flush", "dev", LINE])?;
        self.settle(resident, network)
    }

    fn settle(&self, resident: Resident, network: u8) -> Result<()> {
        let address = Ipv4Addr::new(10, resident.network(), network, 2);
        let namespace = self.namespace(resident);
        namespace.ip(&["address", "add", &format!("{address}/24"), "dev", LINE])?;
        namespace.ip(&["route", "replace", "default", "dev", LINE])
    }

    fn namespace(&self, resident: Resident) -> &Namespace {
        match resident {
            Resident::Customer => &self.customer,
            Resident::Technician => &self.technician,
        }
    }
}

/// Sent and received bytes of the line's interface, from the kernel's table.
fn counters(table: &str) -> Option<[u64; 2]> {
    let rows = table.lines().filter_map(|row| row.split_once(':'));
    let (_, numbers) = rows.into_iter().find(|(name, _)| name.trim() == LINE)?;
    let numbers: Vec<u64> = numbers
        .split_whitespace()
        .map_while(|word| word.parse().ok())
        .collect();
    Some([*numbers.get(8)?, *numbers.first()?])
}

/// The interface at a resident's end.
const LINE: &str = "line";

/// Where the customer is at first.
pub const CUSTOMER: Ipv4Addr = Ipv4Addr::new(10, 71, 1, 2);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_row_is_read_from_the_kernels_table() {
        let table = "Inter-|   Receive |  Transmit\n face |bytes packets\n\
                     lo: 1 2 0 0 0 0 0 0 3 4 0 0 0 0 0 0\n  line: 70 5 0 0 0 0 0 0 900 6 0 0 0 0 0 0\n";
        assert_eq!(counters(table), Some([900, 70]));
        assert_eq!(counters("nothing"), None);
    }
}
