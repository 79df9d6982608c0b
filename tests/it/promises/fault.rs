//! What can go wrong between firstred and a service. It knows no service.

/// What happens to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// "Wait so many seconds", in the service's own words; not stored.
    Busy(u64),
    /// 503; not stored.
    Down,
    /// Nothing is answered, for ever; not stored.
    Hang,
    /// Stored, and nothing is answered, for ever.
    HangAfter,
    /// The connection is cut; not stored.
    Cut,
    /// Stored, and the connection is cut before the answer.
    CutAfter,
    /// 200 with a page of somebody else: a proxy, a captive portal; not stored.
    Page,
    /// Sent on to another address; not stored.
    Redirect(String),
    /// Refused for good; not stored.
    Gone,
    /// The form is refused; what has a plain form is stored.
    Form,
}
