//! The one wrapped HTTP client. What it must not know: who asks, and what the bytes mean.

mod guard;
mod outgoing;
#[cfg(test)]
mod proxy_tests;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use reqwest::Method;
use reqwest::header::{DATE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use url::Url;

use super::proxy::Proxy;
pub use guard::check_url;

/// How long DNS, TCP and TLS may take together.
const CONNECT: Duration = Duration::from_secs(5);
/// Shorter than the keep-alive of any usual server, so that a stale connection is rare.
const POOL_IDLE: Duration = Duration::from_secs(20);
const POOL_PER_HOST: usize = 4;
/// The longest cause that is kept. A certificate's names are the peer's own words.
const CAUSE_CHARS: usize = 300;
/// Only a proxy answers so (RFC 9110 section 15.5.8), and nothing went past it.
const PROXY_LOGIN: u16 = 407;
/// A date of RFC 9110 has 29 characters.
const DATE_CHARS: usize = 64;

/// How a client is built.
#[derive(Debug, Clone, Default)]
pub struct ClientOptions {
    /// A certificate authority to trust besides the system's, PEM.
    pub ca_file: Option<PathBuf>,
    /// How it leaves this machine. A proxy looks names up itself: what a name stands for is then the proxy's to refuse.
    pub proxy: Proxy,
    /// Addresses of the local link may be asked, those of metadata services excepted.
    pub allow_link_local: bool,
}

/// One request.
#[derive(Debug)]
pub struct Request {
    /// GET or POST.
    pub method: Method,
    /// Where to. Never printed: it may be a secret as a whole.
    pub url: Url,
    /// Headers; mark secrets with `HeaderValue::set_sensitive`.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The body, sent as it is.
    pub body: Vec<u8>,
    /// The total deadline: connect, send, wait, and read the whole answer.
    pub timeout: Duration,
    /// The most bytes to read of the answer, after decompression.
    pub body_cap: usize,
}

/// An answer. Redirects are answers like any other.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, up to the cap.
    pub body: Vec<u8>,
    /// The body was longer than the cap.
    pub cut: bool,
}

/// Why there is no answer. The text never holds the URL.
#[derive(Debug, thiserror::Error)]
pub enum NetError {
    /// The client can't be built.
    #[error("failed to set up the HTTP client: {0}")]
    Setup(String),
    /// Nothing was sent: DNS, connect, TLS. Safe to say "not delivered".
    #[error("failed to connect: {0}")]
    NotSent(String),
    /// The request may have arrived.
    #[error("connection lost after the request was sent: {0}")]
    Lost(String),
    /// The deadline passed. `connected` says whether the request may have arrived.
    #[error("no complete answer within {} s", .after.as_secs_f32())]
    Timeout {
        /// The deadline.
        after: Duration,
        /// The connection stood, so the request may have arrived.
        connected: bool,
    },
}

/// The one wrapped HTTP client.
#[derive(Debug, Clone)]
pub struct Client {
    inner: reqwest::Client,
    allow_link_local: bool,
    /// An answer may be the proxy's.
    proxied: bool,
}

impl Client {
    /// Builds a client.
    ///
    /// # Errors
    /// When the CA file can't be read or the system has no certificates.
    #[expect(clippy::disallowed_methods, reason = "this is the wrapper that everybody else has to use")]
    pub fn new(options: &ClientOptions) -> Result<Self, NetError> {
        let mut builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .connect_timeout(CONNECT)
            .pool_idle_timeout(POOL_IDLE)
            .pool_max_idle_per_host(POOL_PER_HOST)
            .dns_resolver(guard::GuardedResolver { allow_link_local: options.allow_link_local })
            .user_agent(concat!("firstred/", env!("CARGO_PKG_VERSION")));
        builder = match &options.proxy {
            Proxy::None => builder.no_proxy(),
            Proxy::Environment => builder,
            Proxy::Through(server) => {
                // The error could name the URL, and with it the password.
                let proxy = server.build().map_err(|_| NetError::Setup("the proxy's URL is refused".to_owned()))?;
                builder.no_proxy().proxy(proxy)
            }
        };
        if let Some(path) = &options.ca_file {
            let pem = std::fs::read(path).map_err(|error| setup(path, &error))?;
            let roots = reqwest::Certificate::from_pem_bundle(&pem).map_err(|error| setup(path, &error))?;
            if roots.is_empty() {
                return Err(NetError::Setup(format!("{} holds no PEM certificate", path.display())));
            }
            builder = builder.tls_certs_merge(roots);
        }
        let inner = builder.build().map_err(|error| NetError::Setup(causes(&error.without_url())))?;
        let proxied = !matches!(options.proxy, Proxy::None);
        Ok(Self { inner, allow_link_local: options.allow_link_local, proxied })
    }

    /// Sends one request and reads the answer.
    ///
    /// # Errors
    /// When there is no complete answer; see [`NetError`] for what that means for a delivery.
    pub async fn send(&self, request: Request) -> Result<Answer, NetError> {
        guard::check_url(&request.url, self.allow_link_local).map_err(NetError::NotSent)?;
        let after = request.timeout;
        // A request without a body leaves no trace of how far it came, so that it counts as sent.
        let sent = Arc::new(AtomicBool::new(request.body.is_empty()));
        match tokio::time::timeout(after, self.exchange(request, Arc::clone(&sent))).await {
            Ok(result) => result,
            Err(_) => Err(NetError::Timeout { after, connected: sent.load(Ordering::Acquire) }),
        }
    }

    /// Asks a server to speak another protocol on the connection: `ws` or `wss`.
    pub(super) async fn upgrade(
        &self,
        url: &Url,
        headers: impl Iterator<Item = (HeaderName, HeaderValue)>,
    ) -> Result<reqwest::Response, NetError> {
        let scheme = match url.scheme() {
            "wss" => "https",
            "ws" => "http",
            _ => return Err(NetError::NotSent("only ws and wss are spoken".to_owned())),
        };
        // `Url` changes no special scheme into one that it takes for another kind, so that it is read anew.
        let rest = url.as_str().split_once(':').map(|(_, rest)| rest).unwrap_or_default();
        let url = Url::parse(&format!("{scheme}:{rest}")).map_err(|error| NetError::NotSent(error.to_string()))?;
        guard::check_url(&url, self.allow_link_local).map_err(NetError::NotSent)?;
        let mut builder = self.inner.request(Method::GET, url);
        for (name, value) in headers {
            builder = builder.header(name, value);
        }
        builder.send().await.map_err(|error| classify(&error.without_url()))
    }

    async fn exchange(&self, request: Request, sent: Arc<AtomicBool>) -> Result<Answer, NetError> {
        let mut builder = self.inner.request(request.method, request.url);
        for (name, value) in request.headers {
            builder = builder.header(name, value);
        }
        if !request.body.is_empty() {
            builder = builder.body(reqwest::Body::wrap(outgoing::Outgoing::new(request.body, Arc::clone(&sent))));
        }
        let mut response = builder.send().await.map_err(|error| classify(&error.without_url()))?;
        sent.store(true, Ordering::Release);
        let status = response.status().as_u16();
        if self.proxied && status == PROXY_LOGIN {
            return Err(NetError::NotSent("the proxy asks for a user and a password (HTTP 407)".to_owned()));
        }
        let headers = std::mem::take(response.headers_mut());
        let (mut body, mut cut) = (Vec::new(), false);
        while let Some(chunk) = response.chunk().await.map_err(|error| NetError::Lost(causes(&error.without_url())))? {
            let room = request.body_cap.saturating_sub(body.len());
            cut = chunk.len() > room;
            body.extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
            if cut {
                // Dropping the response closes the connection: the rest is not worth reading.
                break;
            }
        }
        Ok(Answer { status, headers, body, cut })
    }
}

impl Answer {
    /// `Retry-After` in seconds: delta seconds or an IMF-fixdate (RFC 9110 section 10.2.3), which is read against `now`.
    #[must_use]
    pub fn retry_after(&self, now: Timestamp) -> Option<i64> {
        let text = self.headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            // More digits than a u32 has are a wait without an end; the caller clamps.
            return Some(text.parse::<u32>().map_or(i64::from(u32::MAX), i64::from));
        }
        http_date(text).map(|at| at.as_second().saturating_sub(now.as_second()).max(0))
    }

    /// The server's own clock: the `Date` header.
    #[must_use]
    pub fn date(&self) -> Option<Timestamp> {
        http_date(self.headers.get(DATE)?.to_str().ok()?.trim())
    }
}

fn http_date(text: &str) -> Option<Timestamp> {
    if text.len() > DATE_CHARS || !text.ends_with("GMT") {
        return None;
    }
    jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()
}

/// Only a failed connect proves that nothing was sent. A request on a pooled connection that the server closed at that moment
/// may or may not have been read: it is lost, not unsent.
fn classify(error: &reqwest::Error) -> NetError {
    if error.is_connect() && error.is_timeout() {
        return NetError::Timeout { after: CONNECT, connected: false };
    }
    let text = causes(error);
    if error.is_connect() || error.is_builder() { NetError::NotSent(text) } else { NetError::Lost(text) }
}

/// The causes from the outside in, without the two outermost layers that say nothing.
fn causes(error: &reqwest::Error) -> String {
    let mut texts: Vec<String> = Vec::new();
    let mut next: Option<&dyn std::error::Error> = Some(error);
    while let Some(cause) = next {
        let text = cause.to_string();
        let says_nothing = text.starts_with("error sending request") || text.starts_with("client error (");
        if !says_nothing && !texts.last().is_some_and(|last| last.contains(&text)) {
            texts.push(text);
        }
        next = cause.source();
    }
    if texts.is_empty() {
        texts.push(error.to_string());
    }
    let joined = texts.join(": ");
    joined.chars().take(CAUSE_CHARS).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn setup(path: &std::path::Path, error: &dyn std::fmt::Display) -> NetError {
    NetError::Setup(format!("{}: {error}", path.display()))
}
