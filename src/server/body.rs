//! Reads request bodies: bounded in bytes, in time, and in how many big ones there are at once; and unpacks them.
//! It must not know what is in them.

use std::io::Read as _;
use std::time::Duration;

use flate2::read::MultiGzDecoder;
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Bytes, Incoming};
use tokio::sync::{Semaphore, SemaphorePermit};

/// From this size on a body is big: few of them may be in memory at once, and they are parsed away from the event loop.
pub(super) const BIG: usize = 64 * 1024;

/// How much more than on the wire a body may be once it is unpacked.
pub(super) const UNPACKED: usize = 4;

/// Why there is no body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoBody {
    /// More bytes than allowed.
    TooLarge,
    /// Not all of it came in time.
    Late,
    /// The sender hung up, or its chunks are broken.
    Broken,
    /// Not gzip, or cut short.
    NotGzip,
}

/// A body as it was sent, and its place among the big ones.
pub(super) type Raw<'a> = (Bytes, Option<SemaphorePermit<'a>>);

/// Reads a body as it was sent.
pub(super) async fn read<'a>(
    body: &mut Incoming,
    cap: usize,
    deadline: Duration,
    big_bodies: &'a Semaphore,
) -> Result<Raw<'a>, NoBody> {
    // A length that is told is believed when it is too much; it is never believed to be little.
    if usize::try_from(body.size_hint().lower()).is_ok_and(|told| told > cap) {
        return Err(NoBody::TooLarge);
    }
    // The timer costs nothing as long as the body is there at the first look.
    tokio::time::timeout(deadline, collect(body, cap, big_bodies)).await.unwrap_or(Err(NoBody::Late))
}

async fn collect<'a>(body: &mut Incoming, cap: usize, big_bodies: &'a Semaphore) -> Result<Raw<'a>, NoBody> {
    let Some(first) = chunk(body).await? else {
        return Ok((Bytes::new(), None));
    };
    if first.len() > cap {
        return Err(NoBody::TooLarge);
    }
    if body.is_end_stream() {
        return Ok((first, None));
    }
    let mut all = Vec::from(first);
    let mut permit = None;
    while let Some(chunk) = chunk(body).await? {
        if all.len() + chunk.len() > cap {
            return Err(NoBody::TooLarge);
        }
        if permit.is_none() && all.len() + chunk.len() > BIG {
            permit = big_bodies.acquire().await.ok();
        }
        all.extend_from_slice(&chunk);
    }
    Ok((all.into(), permit))
}

async fn chunk(body: &mut Incoming) -> Result<Option<Bytes>, NoBody> {
    loop {
        match body.frame().await {
            None => return Ok(None),
            // Trailers are no data.
            Some(Ok(frame)) => {
                if let Ok(data) = frame.into_data() {
                    return Ok(Some(data));
                }
            }
            Some(Err(_)) => return Err(NoBody::Broken),
        }
    }
}

/// Takes what is left of a body and forgets it, within the same bounds: a sender that is still writing when the connection
/// closes would see a reset instead of the answer.
pub(super) async fn discard(body: &mut Incoming, cap: usize, deadline: Duration) {
    if usize::try_from(body.size_hint().lower()).is_ok_and(|told| told > cap) {
        return;
    }
    let swallow = async {
        let mut taken = 0;
        while taken <= cap
            && let Ok(Some(chunk)) = chunk(body).await
        {
            taken += chunk.len();
        }
    };
    // Late or not, the answer goes out.
    tokio::time::timeout(deadline, swallow).await.unwrap_or_default();
}

/// Unpacks gzip, up to `cap` bytes.
pub(super) fn gunzip(packed: &[u8], cap: usize) -> Result<Vec<u8>, NoBody> {
    let mut unpacked = Vec::new();
    let allowed = u64::try_from(cap).unwrap_or(u64::MAX).saturating_add(1);
    MultiGzDecoder::new(packed).take(allowed).read_to_end(&mut unpacked).map_err(|_| NoBody::NotGzip)?;
    if unpacked.len() > cap { Err(NoBody::TooLarge) } else { Ok(unpacked) }
}
