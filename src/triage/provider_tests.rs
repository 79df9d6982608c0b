//! Tests of the service that is read out of an error.

use proptest::prelude::*;

use super::*;
use crate::run::StepError;

fn cause(message: &str, detail: Option<&str>) -> Cause {
    let error = StepError { message: message.to_owned(), detail: detail.map(str::to_owned), ..StepError::default() };
    Cause::Run { before_any_step: false, error }
}

fn provider(message: &str) -> Option<String> {
    of(&cause(message, None), [Some("https://flows.example.com/runs/1"), None])
}

#[test]
fn the_service_is_read_out_of_what_clients_say() {
    for message in [
        "Server error '503 Service Unavailable' for url 'https://api.example.com/v1/contacts?page=2'",
        "POST https://API.Example.com:8443/x?next=https://other.example.com answered 503",
        "HTTPSConnectionPool(host='api.example.com', port=443): Max retries exceeded with url: /v1 (Caused by ...)",
        "HTTPConnectionPool(host=\"api.example.com\", port=80): Read timed out.",
        "getaddrinfo ENOTFOUND api.example.com",
        "connect ECONNREFUSED api.example.com:443",
        "[Errno -2] Name or service not known: 'api.example.com'",
        "curl: (6) Could not resolve host: api.example.com",
        "java.net.UnknownHostException: api.example.com: Name or service not known",
        "Cannot connect to host api.example.com:443 ssl:default [Connection refused]",
        "dial tcp: lookup api.example.com on 10.0.0.2:53: no such host",
        "Get \"https://api.example.com/v1\": context deadline exceeded",
        "could not translate host name \"api.example.com\" to address: Name or service not known",
        "connection to server at \"api.example.com\" (203.0.113.7), port 5432 failed",
        "401 for https://user:[REDACTED:url-password]@api.example.com/x",
        "https://bank.example.org@api.example.com/",
        "(https://api.example.com). Then nothing",
        "see the log of https://flows.example.com/runs/7: https://api.example.com/v1 answered 503",
        "worker at http://localhost:4200/api: https://api.example.com/v1 answered 503",
        "reset ECONNRESET while talking to https://api.example.com/v1",
    ] {
        assert_eq!(provider(message).as_deref(), Some("api.example.com"), "{message}");
    }
    assert_eq!(provider("https://xn--bcher-kva.xn--p1ai/x").as_deref(), Some("xn--bcher-kva.xn--p1ai"));
}

#[test]
fn what_is_no_public_name_names_nobody() {
    for message in [
        "connect ECONNREFUSED 10.0.0.7:443, see https://api.example.com/",
        "GET http://203.0.113.7/v1 answered 503",
        "GET http://[2001:db8::1]:80/v1 answered 503",
        "http://127.0.0.1:8080/x",
        "http://localhost/x",
        "http://postgres:5432/",
        "http://vault.infra.svc.cluster.local/v1",
        "http://ip-10-0-0-5.ec2.internal/v1",
        "https://flows.example.com/runs/2 failed",
        "https://api.example.com.1/",
        "https://api..example.com/",
        "https://-api.example.com/",
        "https://büro.example/",
        "https://[REDACTED:token].example.com/",
        "https://a.c/",
        "https://",
        "ECONNRESET while reading",
        "nothing at all",
        "api.example.com",
        "ftp://api.example.com/",
        "https%3A%2F%2Fapi.example.com",
        "1 validation error for Order\n  For further information visit https://errors.pydantic.dev/2.11/v/missing",
        "(Background on this error at: https://sqlalche.me/e/20/e3q8)",
        "Invalid key. See https://platform.example.com/account for more.",
        "<fault xmlns=\"http://schemas.xmlsoap.org/soap/envelope/\"/>",
        "{\"type\":\"https://tools.ietf.org/html/rfc7231#section-6.5.1\",\"status\":400}",
    ] {
        assert_eq!(provider(message), None, "{message}");
    }
    assert_eq!(provider(&format!("https://{}.com/", "a.".repeat(200))), None);
    assert_eq!(provider(&format!("https://{}.com/", "a".repeat(64))), None);
}

#[test]
fn the_detail_is_asked_after_the_message_and_only_where_that_names_nothing() {
    let of = |message: &str, detail: &str| of(&cause(message, Some(detail)), [None, None]);
    assert_eq!(of("timed out", "url: https://a.example.com/").as_deref(), Some("a.example.com"));
    assert_eq!(of("https://b.example.com/", "https://a.example.com/").as_deref(), Some("b.example.com"));
    assert_eq!(of("connect ECONNREFUSED 10.0.0.7:443", "https://a.example.com/"), None);
}

#[test]
fn a_name_far_behind_in_a_huge_text_is_not_looked_for() {
    assert_eq!(provider(&format!("{} https://api.example.com/", "https://localhost/ ".repeat(60_000))), None);
    assert_eq!(provider(&format!("{}https://api.example.com/", "é".repeat(1_000_000))), None);
}

proptest! {
    #[test]
    fn whatever_the_text_a_name_is_a_name(
        parts in prop::collection::vec(
            prop::sample::select(&["https://", "http://", "ENOTFOUND ", "host='", "a", "api.", ".com", ":443", "@", "[", "]", "/", "é", "\n", " ", "..", "-", "localhost", "\u{202e}"][..]),
            0..30,
        ),
    ) {
        if let Some(host) = provider(&parts.concat()) {
            prop_assert!(host.len() <= NAME && host.contains('.'));
            prop_assert!(host.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, b'-' | b'_' | b'.')));
            prop_assert!(url::Host::parse(&host).is_ok_and(|parsed| matches!(parsed, url::Host::Domain(_))), "{}", host);
        }
    }
}
