//! `type = "http"`: what is set.

use std::collections::BTreeMap;
use std::fmt;

use regex::Regex;
use secrecy::SecretString;
use url::Url;

use super::Polling;
use crate::config::Way;
use crate::run::RunStatus;

/// `type = "http"`
#[derive(Clone)]
pub struct HttpSource {
    /// The list of runs. User-info is refused; `{since}` is replaced by the checkpoint minus the overlap (RFC 3339, URL-encoded),
    /// `{since_ms}` and `{since_s}` by the same as a Unix time.
    pub url: Url,
    /// Sent as `Authorization: Bearer`, or behind another word.
    pub token: Option<SecretString>,
    /// The word before the token. Default `Bearer`.
    pub token_scheme: String,
    /// `user:password`, sent as `Authorization: Basic`.
    pub basic_auth: Option<SecretString>,
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
            .field("token_scheme", &self.token_scheme)
            .field("basic_auth", &self.basic_auth)
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
    /// The URL, whole or relative to the list's, with `{id}` (the run's id, URL-encoded) or parts of it. Must be on the list's host.
    pub url: String,
    /// Takes the id apart: its named groups are placeholders besides `{id}`.
    pub id_parts: Option<Regex>,
    /// More requests for the same run, by name. The filter then sees an object with `run` and each of these; what the engine refuses is
    /// `null`.
    pub also: BTreeMap<String, String>,
    /// More requests, one after the other, whose addresses the answers so far lead to: a name, and a jq filter from that object to an
    /// address on the list's host, or to nothing.
    pub follow: Vec<(String, String)>,
    /// A jq filter from the answer to one native run. None: the answer is native already.
    pub filter: Option<String>,
    /// Statuses of listed runs that need the request. Default `failed` and `running`.
    pub statuses: Vec<RunStatus>,
    /// Statuses of open runs that are asked for at every poll, for engines whose list does not show that a step is being retried.
    pub watch: Vec<RunStatus>,
}
