//! A receiver that takes everything at once and remembers when each run arrived.

use std::cell::RefCell;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Instant;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

#[derive(Default)]
pub(crate) struct Arrivals {
    pub(crate) at: RefCell<HashMap<u64, Instant>>,
    pub(crate) repeats: RefCell<u64>,
    more: Notify,
}

impl Arrivals {
    /// Waits until `count` runs have arrived.
    pub(crate) async fn wait(&self, count: usize) {
        loop {
            let more = self.more.notified();
            if self.at.borrow().len() >= count {
                return;
            }
            more.await;
        }
    }

    fn take(&self, body: &[u8]) {
        let place = body.windows(4).position(|four| four == b"run-").expect("a run's id") + 4;
        let number: u64 = std::str::from_utf8(&body[place..place + 9]).unwrap().parse().unwrap();
        if self.at.borrow_mut().insert(number, Instant::now()).is_some() {
            *self.repeats.borrow_mut() += 1;
        }
        self.more.notify_waiters();
    }
}

/// Listens on a free port for as long as the local set runs.
pub(crate) async fn listen(arrivals: Rc<Arrivals>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::task::spawn_local(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::task::spawn_local(serve(stream, Rc::clone(&arrivals)));
        }
    });
    address
}

async fn serve(mut stream: TcpStream, arrivals: Rc<Arrivals>) {
    stream.set_nodelay(true).unwrap();
    let mut buffer = Vec::with_capacity(16 << 10);
    loop {
        let request = loop {
            if let Some(end) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                let head = std::str::from_utf8(&buffer[..end]).unwrap().to_ascii_lowercase();
                let length: usize =
                    head.lines().find_map(|line| line.strip_prefix("content-length:")).unwrap().trim().parse().unwrap();
                if buffer.len() >= end + 4 + length {
                    break end + 4..end + 4 + length;
                }
            }
            match stream.read_buf(&mut buffer).await {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
        };
        arrivals.take(&buffer[request.clone()]);
        buffer.drain(..request.end);
        if stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await.is_err() {
            return;
        }
    }
}
