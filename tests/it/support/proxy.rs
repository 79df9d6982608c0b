//! An HTTP proxy that leads everything to one place, whatever name it is asked for: what arrives there came through it, and the name was never
//! looked up by the client. With a certificate it is the end of the tunnel, too.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use super::record::Record;

/// The double; stops when it is dropped.
#[derive(Debug)]
pub(crate) struct Proxy {
    address: SocketAddr,
    asked: Record<String>,
    task: JoinHandle<()>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Proxy {
    /// One that leads to `target`; `tls`: what stands at the end of its tunnels.
    pub(crate) async fn start(target: SocketAddr, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let asked = Record::default();
        let seen = asked.clone();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(lead(stream, target, tls.clone(), seen.clone()));
            }
        });
        Self { address, asked, task }
    }

    /// Its URL, with a user and a password.
    pub(crate) fn url(&self) -> String {
        format!("http://me:pr0xyPassword@{}", self.address)
    }

    /// The heads of the requests that it was asked.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.all()
    }
}

async fn lead(mut client: TcpStream, target: SocketAddr, tls: Option<TlsAcceptor>, asked: Record<String>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match client.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let text = String::from_utf8_lossy(&head).into_owned();
    let tunnel = text.starts_with("CONNECT ");
    asked.push(text);
    let Ok(mut server) = TcpStream::connect(target).await else {
        return;
    };
    // How it ends is the business of the two.
    let _ = if tunnel {
        if client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.is_err() {
            return;
        }
        match tls {
            Some(tls) => match tls.accept(client).await {
                Ok(mut client) => tokio::io::copy_bidirectional(&mut client, &mut server).await,
                Err(_) => return,
            },
            None => tokio::io::copy_bidirectional(&mut client, &mut server).await,
        }
    } else {
        if server.write_all(&head).await.is_err() {
            return;
        }
        tokio::io::copy_bidirectional(&mut client, &mut server).await
    };
}
