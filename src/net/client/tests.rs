//! The client against servers that redirect, drip, inflate, hang up and lie.

use std::io::Write;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;

fn client() -> Client {
    Client::new(&ClientOptions::default()).unwrap()
}

fn get(url: &str) -> Request {
    Request {
        method: Method::GET,
        url: url.parse().unwrap(),
        headers: Vec::new(),
        body: Vec::new(),
        timeout: Duration::from_secs(5),
        body_cap: 64 * 1024,
    }
}

async fn read_request(stream: &mut TcpStream) -> String {
    let mut seen = Vec::new();
    let mut buffer = [0; 1024];
    while !seen.windows(4).any(|four| four == b"\r\n\r\n") {
        let n = stream.read(&mut buffer).await.unwrap();
        if n == 0 {
            break;
        }
        seen.extend_from_slice(&buffer[..n]);
    }
    String::from_utf8(seen).unwrap()
}

/// Answers every connection's first request with these bytes, then closes.
async fn answering(bytes: Vec<u8>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            read_request(&mut stream).await;
            let _ = stream.write_all(&bytes).await;
        }
    });
    address
}

fn answer_with(name: &'static str, value: &str) -> Answer {
    let mut headers = HeaderMap::new();
    headers.insert(name, HeaderValue::from_str(value).unwrap());
    Answer { status: 200, headers, body: Vec::new(), cut: false }
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let address =
        answering(b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n".to_vec()).await;
    let answer = client().send(get(&format!("http://{address}/"))).await.unwrap();
    assert_eq!(answer.status, 302);
}

#[tokio::test]
async fn a_dripping_body_ends_at_the_deadline() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_request(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n").await.unwrap();
        let mut tick = tokio::time::interval(Duration::from_millis(20));
        loop {
            tick.tick().await;
            if stream.write_all(b"x").await.is_err() {
                break;
            }
        }
    });
    let request = Request { timeout: Duration::from_millis(200), ..get(&format!("http://{address}/")) };
    let error = client().send(request).await.unwrap_err();
    assert!(matches!(error, NetError::Timeout { connected: true, .. }), "{error:?}");
    assert_eq!(error.to_string(), "no complete answer within 0.2 s");
}

#[tokio::test]
async fn a_gzip_bomb_is_cut_at_the_cap() {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(&vec![0; 16 * 1024 * 1024]).unwrap();
    let packed = encoder.finish().unwrap();
    let head = format!("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n", packed.len());
    let address = answering([head.as_bytes(), &packed].concat()).await;
    let answer = client().send(get(&format!("http://{address}/"))).await.unwrap();
    assert!(answer.cut);
    assert_eq!(answer.body.len(), 64 * 1024);
}

#[tokio::test]
async fn a_refused_connection_proves_that_nothing_was_sent_and_its_text_holds_no_url() {
    let unused = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let error = client().send(get(&format!("http://{unused}/services/SECRET"))).await.unwrap_err();
    assert!(matches!(error, NetError::NotSent(_)), "{error:?}");
    let text = format!("{error} {error:?}");
    assert!(text.contains("Connection refused"), "{text}");
    assert!(!text.contains("SECRET") && !text.contains("http://"), "{text}");
}

#[tokio::test]
async fn a_connection_reset_after_the_request_was_read_is_lost_and_its_text_holds_no_url() {
    let address = answering(Vec::new()).await;
    let request =
        Request { method: Method::POST, body: b"hello".to_vec(), ..get(&format!("http://{address}/services/SECRET")) };
    let error = client().send(request).await.unwrap_err();
    assert!(matches!(error, NetError::Lost(_)), "{error:?}");
    assert!(!format!("{error:?}").contains("SECRET"), "{error:?}");
}

#[tokio::test]
async fn a_server_that_takes_a_post_and_never_answers_may_have_got_it() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let request =
        Request { method: Method::POST, body: b"hello".to_vec(), timeout: Duration::from_millis(100), ..get(&url) };
    let error = client().send(request).await.unwrap_err();
    assert!(matches!(error, NetError::Timeout { connected: true, .. }), "{error:?}");
}

#[tokio::test]
async fn a_tls_handshake_that_never_ends_proves_that_nothing_was_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/", listener.local_addr().unwrap());
    let request =
        Request { method: Method::POST, body: b"hello".to_vec(), timeout: Duration::from_millis(100), ..get(&url) };
    let error = client().send(request).await.unwrap_err();
    assert!(matches!(error, NetError::Timeout { connected: false, .. }), "{error:?}");
}

#[tokio::test]
async fn a_body_is_sent_with_its_length_and_the_user_agent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let seen = read_request(&mut stream).await;
        stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
        seen
    });
    let request = Request { method: Method::POST, body: b"hello".to_vec(), ..get(&format!("http://{address}/")) };
    assert_eq!(client().send(request).await.unwrap().status, 204);
    let seen = server.await.unwrap();
    assert!(seen.contains("content-length: 5"), "{seen}");
    assert!(seen.contains("user-agent: firstred/"), "{seen}");
}

#[tokio::test]
async fn metadata_addresses_are_refused_in_every_dress() {
    for url in [
        "http://169.254.169.254/latest/meta-data",
        "http://0xa9fea9fe/",
        "http://2852039166/",
        "http://[::ffff:169.254.169.254]/",
        "http://[64:ff9b::a9fe:a9fe]/",
        "http://[2002:a9fe:a9fe::1]/",
        "http://[fd00:ec2::254]/",
        "http://[fe80::1]/",
        "http://0.0.0.0/",
        "http://[::]/",
        "http://METADATA.google.internal./",
        "ftp://example.com/",
    ] {
        let error = client().send(get(url)).await.unwrap_err();
        assert!(matches!(error, NetError::NotSent(_)), "{url}: {error:?}");
    }
}

#[test]
fn private_addresses_and_loopback_are_where_self_hosted_engines_live() {
    for address in ["127.0.0.1", "10.1.2.3", "192.168.0.9", "100.64.1.1", "::1", "fd12::7"] {
        assert_eq!(guard::check_address(address.parse().unwrap(), false), Ok(()), "{address}");
    }
}

#[test]
fn retry_after_reads_seconds_and_dates_and_survives_nonsense() {
    let now: Timestamp = "2026-11-22T02:00:00Z".parse().unwrap();
    for (text, expected) in [
        ("120", Some(120)),
        ("0", Some(0)),
        ("99999999999999999999999", Some(i64::from(u32::MAX))),
        ("Sun, 22 Nov 2026 02:01:30 GMT", Some(90)),
        ("Sun, 22 Nov 2026 01:00:00 GMT", Some(0)),
        ("-5", None),
        ("1.5", None),
        ("", None),
        ("soon", None),
        ("Sun, 99 Nov 2026 02:01:30 GMT", None),
        ("Sun, 22 Nov 999999999999 02:01:30 GMT", None),
    ] {
        assert_eq!(answer_with("retry-after", text).retry_after(now), expected, "{text}");
    }
}

#[test]
fn the_date_header_is_the_servers_clock() {
    let date = answer_with("date", "Sun, 22 Nov 2026 02:01:30 GMT").date();
    assert_eq!(date, Some("2026-11-22T02:01:30Z".parse().unwrap()));
}

#[test]
fn a_ca_file_that_holds_no_certificate_is_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let error =
        Client::new(&ClientOptions { ca_file: Some(file.path().to_owned()), ..ClientOptions::default() }).unwrap_err();
    assert!(error.to_string().contains(&file.path().display().to_string()), "{error}");
}
