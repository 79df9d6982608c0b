//! What is there besides ingest.

use super::*;

#[tokio::test]
async fn health_says_that_the_process_lives_whatever_else_is_broken() {
    let daemon = start().await;
    daemon.readiness.lock().unwrap().ready = false;
    assert_eq!(daemon.get("/healthz").await.status, 200);
}

#[tokio::test]
async fn readiness_lists_what_can_not_see_or_send() {
    let daemon = start().await;
    assert_eq!(daemon.get("/readyz").await.status, 200);
    *daemon.readiness.lock().unwrap() = Readiness {
        ready: false,
        config: ConfigHealth { ok: true, error: None },
        ledger: LedgerHealth { ok: true, ..LedgerHealth::default() },
        sources: vec![SourceHealth { name: "prod".to_owned(), ok: true, ..SourceHealth::default() }],
        receivers: vec![ReceiverHealth {
            name: "oncall".to_owned(),
            waiting: 3,
            oldest_waiting: "2026-11-22T02:07:00Z".parse().ok(),
            error: Some("410 Gone".to_owned()),
            ..ReceiverHealth::default()
        }],
        heartbeat: Some(HeartbeatHealth { ok: false, last_success: None, error: Some("HTTP 404".to_owned()) }),
    };
    let reply = daemon.get("/readyz?verbose").await;
    assert_eq!(reply.status, 503);
    let expected = serde_json::json!({
        "ready": false, "config": {"ok": true}, "ledger": {"ok": true},
        "sources": [{"name": "prod", "ok": true, "lastSuccess": null}],
        "receivers": [{"name": "oncall", "ok": false, "waiting": 3, "oldestWaiting": "2026-11-22T02:07:00Z", "error": "410 Gone"}],
        "heartbeat": {"ok": false, "error": "HTTP 404"},
    });
    assert_eq!(reply.json(), expected);
}

#[tokio::test]
async fn metrics_are_open_metrics_and_count_what_came() {
    let daemon = start().await;
    daemon.post("open", "", RUN).await;
    daemon.post("tokens", "", RUN).await;
    let reply = daemon.get("/metrics").await;
    assert!(reply.head.contains("content-type: application/openmetrics-text; version=1.0.0"), "{}", reply.head);
    for line in [
        r#"firstred_polls_total{source="open",outcome="ok"} 1"#,
        r#"firstred_polls_total{source="tokens",outcome="refused"} 1"#,
        "# EOF",
    ] {
        assert!(reply.body.contains(line), "{line} in {}", reply.body);
    }
}

#[tokio::test]
async fn every_answer_forbids_sniffing_and_every_error_is_json() {
    let daemon = start().await;
    for path in ["/", "/healthz", "/readyz", "/metrics", "/nothing", "/ingest/", "/ingest/unknown", "/../etc/passwd"] {
        let reply = daemon.get(path).await;
        assert!(reply.head.contains("x-content-type-options: nosniff\r\n"), "{path}: {}", reply.head);
        if reply.status >= 400 {
            assert!(reply.json()["error"].is_string(), "{path}");
        }
    }
    assert_eq!(daemon.get("/nothing").await.status, 404);
    assert_eq!(daemon.post("unknown", "", RUN).await.status, 404);
    assert_eq!(daemon.post("open/x", "", RUN).await.status, 404);
    let get = daemon.get("/ingest/open").await;
    assert_eq!((get.status, get.head.contains("allow: post\r\n")), (405, true));
    let delete = daemon.raw("DELETE /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert_eq!((delete.status, delete.head.contains("allow: get, head\r\n")), (405, true));
}
