//! A small HTTP server for the doubles. It can do what a framework would not: store a request and cut the connection, or never answer.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Method, Response, StatusCode, Uri};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// The most bytes a double reads of a request.
const MOST: usize = 16 << 20;

/// A request, read whole.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Asked {
    /// A header as text; empty when it is absent.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// A query parameter, decoded.
    pub(crate) fn query(&self, name: &str) -> Option<String> {
        url::form_urlencoded::parse(self.uri.query()?.as_bytes())
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
    }
}

/// What a double answers.
#[derive(Debug)]
pub(crate) enum Answer {
    /// A whole answer.
    Full(Response<Body>),
    /// The connection is cut without a word.
    Drop,
    /// Nothing, for ever.
    Hang,
}

impl Answer {
    /// A text.
    pub(crate) fn text(status: u16, body: &str) -> Self {
        Self::make(status, &[("content-type", "text/html")], Body::from(body.to_owned()))
    }

    /// A JSON value.
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self::make(status, &[("content-type", "application/json")], Body::from(body.to_string()))
    }

    /// Any answer.
    pub(crate) fn make(status: u16, headers: &[(&str, &str)], body: Body) -> Self {
        let mut response = Response::builder().status(StatusCode::from_u16(status).expect("a status"));
        for (name, value) in headers {
            response = response.header(*name, *value);
        }
        Self::Full(response.body(body).expect("headers of a double are valid"))
    }
}

/// A running server; stops when it is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Serves `handle` on a free port of loopback.
pub(crate) async fn serve<F, R>(handle: F) -> Server
where
    F: Fn(Asked) -> R + Send + Sync + 'static,
    R: Future<Output = Answer> + Send,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
    let address = listener.local_addr().expect("a bound address");
    let handle = Arc::new(handle);
    let task = tokio::spawn(async move {
        // Connections end with the server: they belong to this set.
        let mut connections = tokio::task::JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            let handle = Arc::clone(&handle);
            connections.spawn(async move {
                let service = service_fn(move |request| answer(Arc::clone(&handle), request));
                // An error here is a client that went away, or a cut that the test asked for.
                // No `Date` but what a double says: engines' clocks are wrong, and some have none.
                let mut http = hyper::server::conn::http1::Builder::new();
                let _ = http.auto_date_header(false).serve_connection(TokioIo::new(stream), service).await;
            });
            while connections.try_join_next().is_some() {}
        }
    });
    Server { address, task }
}

/// The connection is to be cut.
#[derive(Debug)]
struct Cut;

impl std::fmt::Display for Cut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("cut by the test")
    }
}

impl std::error::Error for Cut {}

async fn answer<F, R>(
    handle: Arc<F>,
    request: axum::http::Request<hyper::body::Incoming>,
) -> Result<Response<Body>, Cut>
where
    F: Fn(Asked) -> R,
    R: Future<Output = Answer>,
{
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(Body::new(body), MOST).await.map_err(|_| Cut)?;
    let asked = Asked { method: parts.method, uri: parts.uri, headers: parts.headers, body };
    match handle(asked).await {
        Answer::Full(response) => Ok(response),
        Answer::Drop => Err(Cut),
        Answer::Hang => {
            std::future::pending::<Infallible>().await;
            Err(Cut)
        }
    }
}
