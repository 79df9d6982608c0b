//! The client behind a proxy that lies, asks for a login, and must not be asked for this machine.

use secrecy::SecretString;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::*;
use crate::net::ProxyServer;

/// Answers every connection with these bytes, and tells the head of what it was asked.
async fn proxy(answer: &'static str) -> (String, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (heads, asked) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (mut head, mut buffer) = (Vec::new(), [0; 1024]);
            while !head.windows(4).any(|four| four == b"\r\n\r\n") {
                let n = stream.read(&mut buffer).await.unwrap_or(0);
                if n == 0 {
                    break;
                }
                head.extend_from_slice(&buffer[..n]);
            }
            let _ = heads.send(String::from_utf8_lossy(&head).into_owned());
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    (format!("http://me:hunter2@{address}"), asked)
}

fn through(url: &str, except: &[&str]) -> Client {
    let except: Vec<String> = except.iter().map(|host| (*host).to_owned()).collect();
    let server = ProxyServer::parse(&SecretString::from(url)).unwrap().except(&except);
    Client::new(&ClientOptions { proxy: Proxy::Through(server), ..ClientOptions::default() }).unwrap()
}

fn post(url: &str) -> Request {
    Request {
        method: Method::POST,
        url: url.parse().unwrap(),
        headers: Vec::new(),
        body: b"{}".to_vec(),
        timeout: Duration::from_secs(5),
        body_cap: 1_024,
    }
}

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok";
const LOGIN: &str = "HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

#[tokio::test]
async fn names_are_looked_up_by_the_proxy_which_gets_its_password_and_no_one_else() {
    let (url, mut asked) = proxy(OK).await;
    let answer = through(&url, &[]).send(post("http://nowhere.invalid/in")).await.unwrap();
    assert_eq!(answer.body, b"ok");
    let head = asked.recv().await.unwrap().to_lowercase();
    assert!(head.starts_with("post http://nowhere.invalid/in "), "{head}");
    assert!(head.contains("proxy-authorization: basic bwu6ahvudgvymg=="), "{head}");
    // By TLS it is asked for a tunnel, and says no more than that.
    let error = through(&url, &[]).send(post("https://nowhere.invalid/in?key=1")).await.unwrap_err();
    assert!(matches!(error, NetError::NotSent(_)), "{error:?}");
    let head = asked.recv().await.unwrap().to_lowercase();
    assert!(head.starts_with("connect nowhere.invalid:443 ") && !head.contains("key"), "{head}");
}

#[tokio::test]
async fn a_proxy_that_wants_another_login_is_no_answer_of_the_receiver() {
    let (url, _asked) = proxy(LOGIN).await;
    for target in ["http://nowhere.invalid/", "https://nowhere.invalid/"] {
        let error = through(&url, &[]).send(post(target)).await.unwrap_err();
        assert!(matches!(error, NetError::NotSent(_)), "{target}: {error:?}");
        assert!(!format!("{error:?} {error}").contains("hunter2"));
    }
}

#[tokio::test]
async fn what_is_excepted_and_this_machine_itself_are_reached_directly() {
    let (target, mut direct) = proxy(OK).await;
    let (url, mut asked) = proxy(LOGIN).await;
    let port = target.rsplit(':').next().unwrap().to_owned();
    let client = through(&url, &["10.0.0.0/8"]);
    for host in ["127.0.0.1", "localhost"] {
        client.send(post(&format!("http://{host}:{port}/in"))).await.unwrap();
        assert!(direct.recv().await.unwrap().starts_with("POST /in "));
    }
    assert!(asked.try_recv().is_err());
}

#[tokio::test]
async fn a_proxy_is_not_asked_for_metadata_or_the_local_link() {
    let (url, mut asked) = proxy(OK).await;
    for target in
        ["http://169.254.169.254/", "http://169.254.1.1/", "http://[fe80::1]/", "http://metadata.google.internal/"]
    {
        let error = through(&url, &[]).send(post(target)).await.unwrap_err();
        assert!(matches!(error, NetError::NotSent(_)), "{target}");
    }
    assert!(asked.try_recv().is_err());
}

#[test]
fn a_local_link_that_is_meant_is_allowed_and_metadata_is_not() {
    let allowed = |url: &str| check_url(&url.parse().unwrap(), true).is_ok();
    assert!(allowed("http://169.254.1.1/") && allowed("http://[fe80::1]/"));
    for never in [
        "http://169.254.169.254/",
        "http://169.254.170.2/",
        "http://0.0.0.0/",
        "http://[::]/",
        "http://[2002:a9fe:a9fe::1]/",
    ] {
        assert!(!allowed(never), "{never}");
    }
}
