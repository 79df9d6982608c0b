//! Answers: JSON, the headers that each of them carries, and how often a refusal may be logged.
//! It must not know which request is answered.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::X_CONTENT_TYPE_OPTIONS;
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use hyper::{Response, StatusCode};
use serde::Serialize;

/// An answer, made and small.
pub(super) type Answer = Response<Full<Bytes>>;

/// An answer of any type.
pub(super) fn answer(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Full::new(body.into()));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

/// An answer in JSON.
pub(super) fn json(status: StatusCode, value: &impl Serialize) -> Answer {
    // What is given here is made of texts and numbers: it can't fail, and if it did the status still says what counts.
    answer(status, "application/json", serde_json::to_vec(value).unwrap_or_default())
}

/// `{"error": …}`
pub(super) fn error(status: StatusCode, message: &str) -> Answer {
    #[derive(Serialize)]
    struct Error<'a> {
        error: &'a str,
    }
    json(status, &Error { error: message })
}

/// 401
pub(super) fn unauthorized(message: &str) -> Answer {
    with(error(StatusCode::UNAUTHORIZED, message), WWW_AUTHENTICATE, "Bearer")
}

/// 405
pub(super) fn not_allowed(allowed: &'static str) -> Answer {
    with(error(StatusCode::METHOD_NOT_ALLOWED, "method not allowed"), ALLOW, allowed)
}

/// An error that passes: come again in that many seconds.
pub(super) fn again(status: StatusCode, seconds: &'static str, message: &str) -> Answer {
    with(error(status, message), RETRY_AFTER, seconds)
}

fn with(mut answer: Answer, name: HeaderName, value: &'static str) -> Answer {
    answer.headers_mut().insert(name, HeaderValue::from_static(value));
    answer
}

/// Lets one of many equal log lines through each ten seconds, and counts the others.
#[derive(Debug, Default)]
pub(super) struct Muffler {
    /// Unix second of the last line that went through.
    last: AtomicI64,
    held: AtomicU64,
}

impl Muffler {
    /// `Some(held back since the last one)` when a line may be logged now.
    pub(super) fn pass(&self, now: i64) -> Option<u64> {
        let last = self.last.load(Ordering::Relaxed);
        // The absolute difference: a clock that was set back must not silence the log.
        let due = last.abs_diff(now) >= 10;
        if due && self.last.compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
            return Some(self.held.swap(0, Ordering::Relaxed));
        }
        self.held.fetch_add(1, Ordering::Relaxed);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_refusals_is_one_log_line_with_a_count() {
        let muffler = Muffler::default();
        assert_eq!(muffler.pass(1_000), Some(0));
        assert_eq!((muffler.pass(1_001), muffler.pass(1_009)), (None, None));
        assert_eq!(muffler.pass(1_010), Some(2));
        assert_eq!(muffler.pass(900), Some(0), "the clock was set back");
    }
}
