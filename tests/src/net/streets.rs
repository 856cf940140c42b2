//! Customer and technician, each in a network of their own, and a line from each to the operator's.
//!
//! ```text
//! customer 10.71.1.2 ══ Line ══ operator 10.70.0.1 ══ Line ══ technician 10.72.1.2
//! ```

use std::net::Ipv4Addr;

use anyhow::Result;

use super::town::OPERATOR;
use super::{End, Line, Namespace};
use crate::dice::Dice;

/// The three networks and the two lines.
#[derive(Debug)]
pub struct Streets {
    /// The customer's line.
    pub customer_line: Line,
    /// The technician's line.
    pub technician_line: Line,
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
            customer_line,
            technician_line,
            customer,
            technician,
            operator,
        };
        this.settle(Resident::Customer, 1)?;
        this.settle(Resident::Technician, 1)?;
        Ok(this)
    }

    /// Somebody's line.
    pub fn line(&self, resident: Resident) -> &Line {
        match resident {
            Resident::Customer => &self.customer_line,
            Resident::Technician => &self.technician_line,
        }
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

/// The interface at a resident's end.
const LINE: &str = "line";
