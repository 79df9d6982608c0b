//! A request body that remembers whether anybody began to send it: what tells "not delivered" from "nobody knows" when the
//! deadline passes. It knows nothing of what it carries.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame, SizeHint};

/// The bytes, and the mark that is set when hyper takes them to a connection.
pub(super) struct Outgoing {
    bytes: Option<Bytes>,
    taken: Arc<AtomicBool>,
}

impl Outgoing {
    pub(super) fn new(bytes: Vec<u8>, taken: Arc<AtomicBool>) -> Self {
        Self { bytes: Some(Bytes::from(bytes)), taken }
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.taken.store(true, Ordering::Release);
        Poll::Ready(self.bytes.take().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}
