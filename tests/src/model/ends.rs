//! The two programs at the ends: the real cores, and what their drivers do around them.

use std::time::Duration;

use fernsicht_agent::session::model::Agent;
use fernsicht_console::session::model::Console;
use fernsicht_protocol::messages::ControlOffer;
use fernsicht_protocol::router::ConnectionId;

/// Where the agent's driver stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum AgentState {
    /// Connected, or on the way out.
    Up,
    /// Without a connection; the next try shows the token that is so far ahead.
    Down { ahead: u64 },
    /// Connected again, the hello not answered.
    Greeting { ahead: u64 },
    /// The resume not answered.
    Resuming { ahead: u64, offer: ControlOffer },
    /// Ended; the recording's last checkpoint is awaited until then.
    Finishing { until: Duration },
    /// Over.
    Gone,
}

/// The customer's program.
pub(super) struct AgentEnd {
    pub(super) core: Agent,
    pub(super) line: Option<ConnectionId>,
    pub(super) state: AgentState,
    /// When its heads are due.
    pub(super) heads_at: Duration,
    /// What the picture thread has read and not sent yet: its number and grant.
    pub(super) picture: Option<(u32, u32)>,
    pub(super) card: Option<String>,
}

/// The technician's program.
pub(super) struct ConsoleEnd {
    pub(super) core: Console,
    /// None while it has no connection.
    pub(super) line: Option<ConnectionId>,
    pub(super) drawn: u64,
}

/// How often the agent's heads are sent.
pub(super) const HEADS_EVERY: Duration = Duration::from_secs(5);
/// How long the last checkpoint is awaited.
pub(super) const LAST_CHECKPOINT: Duration = Duration::from_secs(3);
