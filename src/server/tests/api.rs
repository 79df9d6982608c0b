//! `/api/v1`: who gets in, what is asked, and what is refused with a way out.

use super::*;
use crate::clock;
use crate::engine::Matcher;

impl Daemon {
    async fn api(&self, method: &str, path: &str, body: &str) -> Reply {
        let length = body.len();
        self.raw(format!(
            "{method} /api/v1/{path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {API_TOKEN}\r\ncontent-length: {length}\r\n\r\n{body}"
        ))
        .await
    }

    fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut *self.clerk.asked.lock().unwrap())
    }
}

#[tokio::test]
async fn nothing_is_answered_without_the_token() {
    let daemon = start().await;
    let paths = [
        "GET /api/v1/incidents",
        "GET /api/v1/runs/r1/why",
        "POST /api/v1/silences",
        "DELETE /api/v1/silences/s",
        "GET /api/v1/no",
    ];
    for path in paths {
        for header in ["", "authorization: Bearer wrong\r\n", "authorization: Basic a token of the API\r\n"] {
            let reply =
                daemon.raw(format!("{path} HTTP/1.1\r\nhost: x\r\n{header}content-length: 2\r\n\r\n{{}}")).await;
            assert_eq!(reply.status, 401, "{path} {header}");
            assert!(reply.head.contains("www-authenticate: bearer\r\n"), "{}", reply.head);
            assert!(reply.json()["error"].as_str().unwrap().contains("api_token"), "{}", reply.body);
        }
    }
    assert!(daemon.asked().is_empty());
}

#[tokio::test]
async fn a_reload_changes_the_tokens() {
    let daemon = start().await;
    assert_eq!(daemon.api("GET", "pending", "").await.status, 200);
    daemon.keys.send_replace(Arc::new(Keys::new([&"another token".into()])));
    assert_eq!(daemon.api("GET", "pending", "").await.status, 401);
    daemon.keys.send_replace(Arc::new(Keys::new([])));
    let nobody = "GET /api/v1/pending HTTP/1.1\r\nhost: x\r\nauthorization: Bearer \r\n\r\n";
    assert_eq!(daemon.raw(nobody).await.status, 401, "no token opens nothing");
}

#[tokio::test]
async fn each_path_is_its_question() {
    let daemon = start().await;
    let reads = [
        "incidents",
        "incidents?state=open",
        "incidents?state=all",
        "incidents/i_1",
        "runs/a%20b/c/why",
        "silences",
        "pending",
    ];
    for path in reads {
        let reply = daemon.api("GET", path, "").await;
        assert_eq!((reply.status, reply.json()["ok"].as_bool()), (200, Some(true)), "{path}");
        assert!(!reply.head.contains("access-control"), "{}", reply.head);
    }
    let run = "a b/c".to_owned();
    assert_eq!(
        daemon.asked(),
        [
            Asked::Incidents { all: false },
            Asked::Incidents { all: false },
            Asked::Incidents { all: true },
            Asked::Incident { id: "i_1".to_owned() },
            Asked::Why { run },
            Asked::Silences,
            Asked::Pending,
        ]
    );
    assert_eq!(daemon.api("POST", "incidents/i_1/ack", r#"{"by": " ada "}"#).await.status, 200);
    let before = clock::now();
    let body = r#"{"match": {"workflow": "nightly-*"}, "for": "2h", "by": "ada", "unlessNew": true}"#;
    assert_eq!(daemon.api("POST", "silences", body).await.status, 201);
    assert_eq!(daemon.api("DELETE", "silences/s_1", "").await.status, 200);
    let asked = daemon.asked();
    assert_eq!(asked[0], Asked::Acknowledge { id: "i_1".to_owned(), by: "ada".to_owned() });
    assert_eq!(asked[2], Asked::EndSilence { id: "s_1".to_owned() });
    let Asked::Silence(silence) = &asked[1] else { panic!("{asked:?}") };
    assert_eq!(silence.when, Matcher::parse(["workflow=nightly-*"]).unwrap());
    assert_eq!((silence.by.as_deref(), silence.unless_new), (Some("ada"), true));
    assert_eq!(silence.until.duration_since(before).as_secs(), 7_200);
}

#[tokio::test]
async fn what_is_wrong_is_refused_and_says_what_to_write() {
    let daemon = start().await;
    let long = format!(r#"{{"by": "{}"}}"#, "x".repeat(20_000));
    for (method, path, body, status, says) in [
        ("GET", "nothing", "", 404, "/api/v1/incidents"),
        ("GET", "runs//", "", 404, "/api/v1/incidents"),
        ("GET", "incidents?state=closed", "", 400, "`open` or `all`"),
        ("GET", "incidents?sate=open", "", 400, "`state`"),
        ("POST", "incidents/i_1/ack", "{}", 400, r#"{"by": "ada"}"#),
        ("POST", "incidents/i_1/ack", r#"{"by": "  "}"#, 400, "`by` is a name"),
        ("POST", "incidents/i_1/ack", long.as_str(), 413, "16384"),
        ("POST", "silences", "not json", 400, "for example"),
        ("POST", "silences", r#"{"match": {}, "for": "2h"}"#, 400, "silence everything"),
        ("POST", "silences", r#"{"match": {"workflow": "x"}}"#, 400, "`until`"),
        ("POST", "silences", r#"{"match": {"wrokflow": "x"}, "for": "2h"}"#, 400, "wrokflow"),
    ] {
        let reply = daemon.api(method, path, body).await;
        let error = reply.json()["error"].as_str().unwrap_or_default().to_owned();
        assert_eq!(reply.status, status, "{method} {path}: {error}");
        assert!(error.contains(says), "{method} {path}: {error}");
    }
    let methods = [
        ("POST", "pending"),
        ("DELETE", "incidents"),
        ("GET", "incidents/i/ack"),
        ("PUT", "silences"),
        ("GET", "silences/s"),
        ("OPTIONS", "silences"),
    ];
    for (method, path) in methods {
        assert_eq!(daemon.api(method, path, "").await.status, 405, "{method} {path}");
    }
    assert!(daemon.asked().is_empty());
}

#[tokio::test]
async fn what_the_clerk_can_not_do_has_its_status() {
    let daemon = start().await;
    for (error, status) in [
        (ClerkError::NotFound("no such incident".to_owned()), 404),
        (ClerkError::Refused("not so".to_owned()), 400),
        (ClerkError::Full, 503),
        (ClerkError::Unavailable("private: /var/lib".to_owned()), 503),
    ] {
        *daemon.clerk.fail.lock().unwrap() = Some(error);
        let reply = daemon.api("GET", "incidents/i_1", "").await;
        assert_eq!(reply.status, status);
        assert!(!reply.body.contains("private"), "{}", reply.body);
        assert_eq!(reply.head.contains("retry-after"), status == 503);
    }
}
