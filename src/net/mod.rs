//! Everything that leaves by HTTP goes through here: one wrapped client with redirects off, total deadlines, capped bodies and
//! errors without URLs; the sockets that it opens; and the Standard Webhooks signature. It knows no source and no receiver.

pub mod body_hmac;
mod client;
mod proxy;
pub mod signature;
mod socket;

pub use client::{Answer, Client, ClientOptions, NetError, Request, check_url};
pub use proxy::{Proxy, ProxyServer};
pub use socket::{Heard, Socket};
