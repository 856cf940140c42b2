//! The recorder's place: every input frame goes through it before it is forwarded.

use std::future::Future;
use std::pin::Pin;

use fernsicht_protocol::router::ConnectionId;
use fernsicht_protocol::unit::Record;

/// The recorder did not take a record; control ends.
#[derive(Debug, thiserror::Error)]
#[error("the recorder does not take any more")]
pub(super) struct Failed;

/// Takes records on their way.
pub(super) trait Recorder: Send + Sync + std::fmt::Debug {
    /// Completes once the record is safe. `console` tells whose session it is.
    fn record<'a>(
        &'a self,
        console: ConnectionId,
        record: &'a Record,
    ) -> Pin<Box<dyn Future<Output = Result<(), Failed>> + Send + 'a>>;
}

/// Confirms at once and keeps nothing; for test operation only.
#[derive(Debug)]
pub(super) struct NoRecorder;

impl Recorder for NoRecorder {
    fn record<'a>(
        &'a self,
        _console: ConnectionId,
        _record: &'a Record,
    ) -> Pin<Box<dyn Future<Output = Result<(), Failed>> + Send + 'a>> {
        Box::pin(std::future::ready(Ok(())))
    }
}
