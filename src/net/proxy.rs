//! The way out where it leads through somebody: which proxy, and for whom not. It knows no request and no configuration.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use url::Url;

/// A proxy can't reach the machine that asks it to: these always go directly.
const OWN: [&str; 3] = ["localhost", "127.0.0.0/8", "::1"];

/// How a client leaves this machine.
#[derive(Debug, Clone, Default)]
pub enum Proxy {
    /// Directly, whatever the environment says.
    #[default]
    None,
    /// As `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` of the process say.
    Environment,
    /// Through this one.
    Through(ProxyServer),
}

/// A proxy. Its URL may hold a password: `Debug` shows its host only.
#[derive(Clone)]
pub struct ProxyServer {
    address: Url,
    /// With user and password.
    whole: SecretString,
    except: Vec<String>,
}

impl ProxyServer {
    /// Reads `http://user:password@host:port`. No message holds the text: it may be a secret.
    ///
    /// # Errors
    /// When it is no URL of a proxy.
    pub fn parse(text: &SecretString) -> Result<Self, String> {
        let text = text.expose_secret().trim();
        let mut url = Url::parse(text).map_err(|error| format!("not the URL of a proxy: {error}"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(format!("a proxy is reached by http or https, not by `{}`", url.scheme()));
        }
        if url.host_str().is_none_or(str::is_empty) || !matches!(url.path(), "" | "/") || url.query().is_some() {
            return Err("the URL of a proxy has a host and a port, and nothing behind them".to_owned());
        }
        if url.username().is_empty() && url.password().is_some() {
            return Err("the proxy's password needs a user".to_owned());
        }
        super::client::check_url(&url, true)?;
        let whole = SecretString::from(url.as_str());
        let _ = url.set_username("").and_then(|()| url.set_password(None));
        Ok(Self { address: url, whole, except: Vec::new() })
    }

    /// The same, but not for these: host names (and all below them), addresses, networks such as `10.0.0.0/8`.
    #[must_use]
    pub fn except(mut self, hosts: &[String]) -> Self {
        self.except = hosts.to_vec();
        self
    }

    /// Whether a user and a password are sent to it.
    #[must_use]
    pub fn has_password(&self) -> bool {
        self.whole.expose_secret() != self.address.as_str()
    }

    pub(super) fn build(&self) -> reqwest::Result<reqwest::Proxy> {
        let own = OWN.iter().map(|host| (*host).to_owned());
        let except: Vec<String> = own.chain(self.except.iter().cloned()).collect();
        let except = reqwest::NoProxy::from_string(&except.join(","));
        Ok(reqwest::Proxy::all(self.whole.expose_secret())?.no_proxy(except))
    }
}

impl fmt::Debug for ProxyServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProxyServer")
            .field("address", &self.address.as_str())
            .field("except", &self.except)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_a_host_and_a_port_and_its_password_is_never_shown() {
        let read = |text: &str| ProxyServer::parse(&SecretString::from(text));
        let proxy = read("http://me:hunter2@proxy.example.com:3128").expect("a proxy");
        assert!(proxy.has_password() && !format!("{proxy:?}").contains("hunter2"));
        assert!(!read("https://proxy.example.com").expect("a proxy").has_password());
        for wrong in [
            "proxy:3128",
            "socks5://proxy",
            "http://proxy/path",
            "http://proxy?x=1",
            "http://:hunter2@proxy",
            "http://169.254.169.254",
            "",
        ] {
            let error = read(wrong).expect_err(wrong);
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
