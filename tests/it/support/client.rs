//! The HTTP client of the tests: plain, without retries, with a deadline.

use std::time::Duration;

use serde_json::Value;

/// An answer, read whole.
#[derive(Debug, Clone)]
pub(crate) struct Answered {
    pub(crate) status: u16,
    pub(crate) text: String,
    /// The server's clock, to the second.
    pub(crate) date: String,
    /// Where it sends on to; empty where it does not.
    pub(crate) location: String,
    /// What it wants to be remembered as; empty where it does not.
    pub(crate) cookie: String,
}

impl Answered {
    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("not JSON ({error}): {}", self.text))
    }

    /// It is a 2xx.
    pub(crate) fn accepted(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// A client.
#[derive(Debug, Clone)]
pub(crate) struct Client(reqwest::Client);

impl Default for Client {
    fn default() -> Self {
        Self::waiting(Duration::from_secs(20))
    }
}

impl Client {
    /// One for real engines, which answer late while their database is locked: Airflow's waits for a minute.
    pub(crate) fn patient() -> Self {
        Self::waiting(Duration::from_mins(3))
    }

    fn waiting(timeout: Duration) -> Self {
        #[expect(clippy::disallowed_methods, reason = "the tests stay independent of the client under test")]
        let builder = reqwest::Client::builder();
        let client = builder
            .timeout(timeout)
            // A server may close an idle connection in the moment in which it is used again.
            .pool_max_idle_per_host(0)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .expect("a client");
        Self(client)
    }
}

impl Client {
    /// GET.
    ///
    /// # Errors
    /// When there is no whole answer.
    pub(crate) async fn get(&self, url: &str) -> Result<Answered, reqwest::Error> {
        finish(self.0.get(url)).await
    }

    /// Any method, with headers.
    ///
    /// # Errors
    /// When there is no whole answer.
    pub(crate) async fn send(
        &self,
        method: &str,
        url: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Result<Answered, reqwest::Error> {
        let method = method.parse().expect("a method");
        let mut request = self.0.request(method, url).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        finish(request).await
    }

    /// POST with headers.
    ///
    /// # Errors
    /// When there is no whole answer.
    pub(crate) async fn post(
        &self,
        url: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Result<Answered, reqwest::Error> {
        let mut request = self.0.post(url).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        finish(request).await
    }
}

async fn finish(request: reqwest::RequestBuilder) -> Result<Answered, reqwest::Error> {
    let response = request.send().await?;
    let status = response.status().as_u16();
    let header =
        |name| response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let (date, location, cookie) = (header("date"), header("location"), header("set-cookie"));
    Ok(Answered { status, text: response.text().await?, date, location, cookie })
}
