//! Takes due deliveries from the outbox, one lane for each receiver, sends, and records what came of it. A dead receiver
//! delays nobody but itself. It knows the outbox by its trait only.

mod lane;
mod throttle;

#[cfg(test)]
mod tests;

use std::future::Future;
use std::time::Duration;

use jiff::Timestamp;

use crate::engine::{Delivery, Outcome};

pub use lane::Lane;

/// Something that carries a delivery to its receiver. Implemented by every kind of receiver, and by the tests' doubles.
pub trait Carrier: Send + Sync + 'static {
    /// Makes one attempt, within the receiver's total deadline.
    fn carry(&self, delivery: &Delivery, now: Timestamp) -> impl Future<Output = Outcome> + Send;
}

/// How a lane goes about its deliveries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LaneSettings {
    /// The least time between the starts of two attempts.
    pub pace: Duration,
    /// The most attempts in flight at once; at least 1.
    pub parallel: usize,
}
