//! What each case must come to: which texts both people read, which rights are left, and how sound the recording is. A
//! text is named by its key in the programs' own texts.

use fernsicht_protocol::rights::Rights;
use serde::{Serialize, Serializer};

use super::story::word;

/// The customer's text and the technician's; none where that program is gone, where the case is over in a moment, and where
/// the technician sees the picture alone, as always when nothing is wrong.
pub(crate) type Texts = [Option<&'static str>; 2];

/// What a case must come to.
#[derive(Debug, Serialize)]
pub(crate) struct Expected {
    /// What both read while it lasts.
    pub(crate) during: Texts,
    /// What both read when it is over: together again, or after the session's end.
    pub(crate) after: Texts,
    /// Rights when both are together again, by the agent's own frames. None: the session is over.
    #[serde(serialize_with = "words")]
    pub(crate) rights: Option<Rights>,
    /// True if the agent's connection is another one afterwards.
    pub(crate) reconnects: bool,
    /// The exit code of the auditor's `verify`: 0 complete, 2 sound as far as it goes.
    pub(crate) recording: i32,
}

/// An address changes: nobody notices.
pub(crate) const MOVE: Expected = Expected {
    during: [Some("bar-control"), None],
    after: [Some("bar-control"), None],
    rights: Some(Rights::Control),
    reconnects: false,
    recording: 0,
};

/// The customer's line stands still for 10 s: no checkpoint covers the input, so the lease ends control.
pub(crate) const CUSTOMER_STALL: Expected = Expected {
    during: [Some("bar-recorder-failed"), Some("state-silent")],
    after: [Some("bar-recorder-back"), Some("notice-no-control")],
    rights: Some(Rights::View),
    reconnects: false,
    recording: 0,
};

/// The technician's line stands still for 10 s: agent and relay go on as before.
pub(crate) const TECHNICIAN_STALL: Expected = Expected {
    during: [Some("bar-control"), Some("state-silent")],
    after: [Some("bar-control"), None],
    rights: Some(Rights::Control),
    reconnects: false,
    recording: 0,
};

/// The customer's line is lost and comes back.
pub(crate) const CUSTOMER_LOSS: Expected = Expected {
    during: [Some("bar-reconnecting"), Some("peer-lost")],
    after: [Some("bar-reconnected"), None],
    rights: Some(Rights::View),
    reconnects: true,
    recording: 0,
};

/// The technician's line is lost and comes back.
pub(crate) const TECHNICIAN_LOSS: Expected = Expected {
    during: [Some("bar-reconnecting"), Some("link-lost")],
    reconnects: false,
    ..CUSTOMER_LOSS
};

/// The customer's line is lost for longer than a session waits.
pub(crate) const LONG_LOSS: Expected = Expected {
    during: [Some("bar-reconnecting"), Some("peer-lost")],
    after: [Some("error-connection-lost"), Some("ended-lost")],
    rights: None,
    reconnects: false,
    recording: 0,
};

/// The relay ends in order.
pub(crate) const RELAY_RESTARTS: Expected = Expected {
    during: [None, None],
    after: [Some("error-ended-relay"), Some("ended-relay")],
    rights: None,
    reconnects: false,
    recording: 0,
};

/// The relay dies, and knows of nothing when it is back.
pub(crate) const RELAY_KILLED: Expected = Expected {
    during: [None, None],
    after: [Some("error-connection-lost"), Some("ended-lost")],
    rights: None,
    reconnects: false,
    recording: 2,
};

/// The technician's program dies, and the customer ends the session.
pub(crate) const CONSOLE_KILLED: Expected = Expected {
    during: [Some("bar-reconnecting"), None],
    after: [Some("end-safe"), None],
    rights: None,
    reconnects: false,
    recording: 0,
};

/// The customer's program dies: rights die with it.
pub(crate) const AGENT_KILLED: Expected = Expected {
    during: [None, Some("peer-lost")],
    after: [None, Some("peer-lost")],
    rights: None,
    reconnects: false,
    recording: 0,
};

#[expect(clippy::ref_option, reason = "what serde calls it with")]
fn words<S: Serializer>(rights: &Option<Rights>, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(rights.map_or("session over", word))
}
