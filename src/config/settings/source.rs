//! The settings of each kind of source.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use secrecy::SecretString;
use url::Url;

use super::Way;

/// One `[sources.NAME]`.
#[derive(Debug, Clone)]
pub struct SourceSettings {
    /// Its kind and the settings of that kind.
    pub kind: SourceKind,
}

/// The kinds of sources.
#[derive(Debug, Clone)]
pub enum SourceKind {
    /// Pushed to: `POST /ingest/NAME`.
    Webhook(WebhookSource),
    /// Any JSON API that lists runs.
    Http(Box<HttpSource>),
    /// Prefect 3.
    Prefect(Box<PrefectSource>),
}

/// `type = "webhook"`
#[derive(Debug, Clone)]
pub struct WebhookSource {
    /// How a caller proves itself.
    pub auth: WebhookAuth,
}

/// How a caller of `/ingest` proves itself.
#[derive(Debug, Clone)]
pub enum WebhookAuth {
    /// `Authorization: Bearer TOKEN`; any of these, for rotation. Never empty.
    Bearer(Vec<SecretString>),
    /// Standard Webhooks signature by any of these secrets (`whsec_…`), with a replay window of 300 s. Never empty.
    Signature(Vec<SecretString>),
    /// Nobody has to: allowed only while the server listens on loopback.
    Open,
}

/// What all polled sources share.
#[derive(Debug, Clone)]
pub struct Polling {
    /// Time between polls. Default 10 s; never under 1 s.
    pub every: Duration,
    /// Total deadline of one request. Default 15 s.
    pub timeout: Duration,
    /// How much of the past the first start may announce. Default none.
    pub history: Duration,
    /// How far each poll looks back behind the newest thing seen. Default 10 min.
    pub overlap: Duration,
}

/// `type = "http"`
#[derive(Clone)]
pub struct HttpSource {
    /// The list of runs. User-info is refused; `{since}` is replaced by the checkpoint minus the overlap (RFC 3339, URL-encoded).
    pub url: Url,
    /// Sent as `Authorization: Bearer`.
    pub token: Option<SecretString>,
    /// More headers, such as an API key.
    pub headers: BTreeMap<String, SecretString>,
    /// A jq filter from the answer to native runs: a stream of them or one array. None: the answer is native already, an
    /// array or an object whose `runs`, `data` or `items` is the array.
    pub filter: Option<String>,
    /// How to get the next page.
    pub pagination: Pagination,
    /// One more request for each run that needs it.
    pub detail: Option<Detail>,
    /// The most pages of one poll. Default 50.
    pub max_pages: u32,
    /// Intervals and deadlines.
    pub polling: Polling,
    /// How it is reached.
    pub way: Way,
}

impl fmt::Debug for HttpSource {
    /// Without the URL's query, where some APIs want their key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut url = self.url.clone();
        url.set_query(None);
        f.debug_struct("HttpSource")
            .field("url", &url.as_str())
            .field("token", &self.token)
            .field("headers", &self.headers)
            .field("filter", &self.filter)
            .field("pagination", &self.pagination)
            .field("detail", &self.detail.as_ref().map(|detail| &detail.statuses))
            .field("max_pages", &self.max_pages)
            .field("polling", &self.polling)
            .field("way", &self.way)
            .finish()
    }
}

/// How a list goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pagination {
    /// One page is all.
    None,
    /// `Link: <…>; rel="next"` (RFC 8288), on the same host only.
    Link,
    /// The answer names a cursor, the next request sends it.
    Cursor {
        /// A jq filter from the answer to the cursor; `null` or empty ends the list.
        next: String,
        /// The query parameter that carries it.
        param: String,
    },
    /// `?page=1`, `2`, …; ends with a page that is empty or shorter than `size`.
    Page {
        /// The query parameter that carries the number.
        param: String,
        /// The number of the first page. Default 1.
        first: u32,
        /// The query parameter and value of the page size, where the API has one.
        size: Option<(String, u32)>,
    },
    /// `?offset=0&limit=100`; ends with a page that is empty or shorter than `limit`.
    Offset {
        /// The query parameter that carries the offset. Default `offset`.
        param: String,
        /// The query parameter of the page size. Default `limit`.
        limit_param: String,
        /// The page size. Default 100.
        limit: u32,
    },
}

/// The detail request of an `http` source.
#[derive(Debug, Clone)]
pub struct Detail {
    /// The URL, with `{id}` (the run's id, URL-encoded). Must be on the list's host.
    pub url: String,
    /// A jq filter from the answer to one native run. None: the answer is native already.
    pub filter: Option<String>,
    /// Statuses of listed runs that need the request. Default `failed` and `running`.
    pub statuses: Vec<crate::run::RunStatus>,
}

/// `type = "prefect"`
#[derive(Debug, Clone)]
pub struct PrefectSource {
    /// The API, such as `http://127.0.0.1:4200/api`. No trailing slash.
    pub url: Url,
    /// The UI for links; default: `url` without `/api`.
    pub ui_url: Url,
    /// How to sign in.
    pub auth: PrefectAuth,
    /// Intervals and deadlines.
    pub polling: Polling,
    /// How it is reached.
    pub way: Way,
}

/// How to sign in to Prefect.
#[derive(Debug, Clone)]
pub enum PrefectAuth {
    /// Open source default.
    None,
    /// `PREFECT_SERVER_API_AUTH_STRING`: `user:password`, sent as Basic.
    Basic(SecretString),
    /// Prefect Cloud: an API key, sent as Bearer.
    Bearer(SecretString),
}
