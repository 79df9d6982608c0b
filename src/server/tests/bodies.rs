//! What may be sent, and what is said about it.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;

use super::*;

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

const GZIP: &str = "content-encoding: gzip\r\n";

#[tokio::test]
async fn one_run_an_array_lines_and_gzip_are_committed() {
    let daemon = start().await;
    let array = format!("[{RUN},{RUN}]");
    let lines = format!("{RUN}\n{RUN}\n");
    for (headers, body, accepted) in [
        ("", RUN.as_bytes().to_vec(), 1),
        ("", array.clone().into_bytes(), 2),
        ("", lines.into_bytes(), 2),
        (GZIP, gzip(array.as_bytes()), 2),
        ("", b"[]".to_vec(), 0),
    ] {
        daemon.inlet.committed.lock().unwrap().clear();
        let reply = daemon.post("open", headers, body).await;
        assert_eq!((reply.status, reply.json()), (200, json!({"accepted": accepted, "refused": []})));
        assert_eq!(daemon.inlet.indexes(), (0..accepted).collect::<Vec<_>>());
    }
    assert_eq!(daemon.inlet.committed.lock().unwrap().len(), 0);
    let chunked = format!(
        "POST /ingest/open HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{}\r\n{:x}\r\n{}\r\n0\r\n\r\n",
        &RUN[..5],
        RUN.len() - 5,
        &RUN[5..]
    );
    assert_eq!(daemon.raw(chunked).await.status, 200);
}

#[tokio::test]
async fn a_big_body_is_read_away_from_the_event_loop() {
    let daemon = start().await;
    let body = format!("[{}]", vec![RUN; 2_000].join(","));
    assert!(body.len() > crate::server::body::BIG);
    assert_eq!(daemon.post("open", "", body).await.json()["accepted"], 2_000);
}

#[tokio::test]
async fn bad_items_are_named_and_the_good_ones_committed() {
    let daemon = start().await;
    daemon.inlet.foreign.lock().unwrap().insert("other".to_owned());
    let foreign = r#"{"id":"r","workspace":"other","workflow":{"id":"w"},"status":"failed"}"#;
    let reply = daemon.post("open", "", format!("[{foreign},{RUN},{BAD},{RUN}]")).await;
    assert_eq!(reply.status, 200);
    let report = reply.json();
    assert_eq!(report["accepted"], 2);
    assert_eq!((&report["refused"][0]["index"], &report["refused"][1]["index"]), (&json!(0), &json!(2)));
    assert_eq!(report["refused"][1]["pointer"], "/2/status");
    assert_eq!(daemon.inlet.indexes(), [1, 3]);
    assert_eq!(
        daemon.metrics.refused_runs.get_or_create(&crate::metrics::SourceLabel { source: "open".to_owned() }).get(),
        2
    );

    assert_eq!(report["refused"][0]["pointer"], "/0/workspace");
    for (body, pointer) in [(foreign.to_owned(), "/workspace"), (format!("\n[{foreign}]"), "/0/workspace")] {
        let reply = daemon.post("open", "", body).await;
        assert_eq!((reply.status, &reply.json()["pointer"]), (403, &json!(pointer)));
    }
    let alone = daemon.post("open", "", foreign).await;
    assert_eq!((alone.status, &alone.json()["accepted"]), (403, &json!(0)));
}

#[tokio::test]
async fn when_nothing_can_be_read_it_is_said_where_and_why() {
    let daemon = start().await;
    let reply = daemon.post("open", "", BAD).await;
    let report = reply.json();
    assert_eq!((reply.status, &report["pointer"], &report["accepted"]), (400, &json!("/status"), &json!(0)));
    assert_eq!(report["refused"][0]["index"], 0);
    assert!(report["error"].as_str().unwrap().contains("expected one of"), "{report}");

    let many = daemon.post("open", "", format!("[{BAD},{BAD}]")).await;
    assert_eq!((many.status, many.json()["refused"].as_array().unwrap().len()), (400, 2));

    let deep = format!(r#"{{"id":"r","workflow":{{"id":"w"}},"status":"failed","x":{}}}"#, "[".repeat(90_000));
    let twice = RUN.replace("\"failed\"", "\"failed\",\"status\":\"completed\"");
    for body in [b"".to_vec(), b"{".to_vec(), b"\"\xff\xfe\x80\"".to_vec(), deep.into_bytes(), twice.into_bytes()] {
        let reply = daemon.post("open", "", &body).await;
        assert_eq!((reply.status, &reply.json()["accepted"]), (400, &json!(0)), "{}", String::from_utf8_lossy(&body));
    }
    assert_eq!(daemon.inlet.indexes(), [0_usize; 0]);
}

#[tokio::test]
async fn too_large_bodies_are_refused_told_packed_or_chunked() {
    let daemon = start().await;
    let fits = format!("{RUN}{}", " ".repeat(200_000 - RUN.len()));
    assert_eq!(daemon.post("open", "", &fits).await.status, 200);
    assert_eq!(daemon.post("open", "", format!("{fits} ")).await.status, 413, "told");
    let told_only = "POST /ingest/open HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999999\r\n\r\n";
    assert_eq!(daemon.raw(told_only).await.status, 413, "refused without waiting for it");
    let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x10000)).repeat(4);
    let chunked =
        format!("POST /ingest/open HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n{chunk}0\r\n\r\n");
    assert_eq!(daemon.raw(chunked).await.status, 413, "chunked");
    let bomb = gzip(&vec![b' '; 200_000 * 4 + 1]);
    assert!(bomb.len() < 2_000);
    assert_eq!(daemon.post("open", GZIP, bomb).await.status, 413, "packed");
    let allowed = gzip(format!("{}{RUN}", " ".repeat(200_000 * 4 - RUN.len())).as_bytes());
    assert_eq!(daemon.post("open", GZIP, allowed).await.status, 200);
}

#[tokio::test]
async fn other_encodings_and_broken_gzip_are_refused() {
    let daemon = start().await;
    for coding in ["br", "deflate", "gzip, gzip", "zstd"] {
        assert_eq!(daemon.post("open", &format!("content-encoding: {coding}\r\n"), RUN).await.status, 415, "{coding}");
    }
    assert_eq!(daemon.post("open", "content-encoding: identity\r\n", RUN).await.status, 200);
    let whole = gzip(RUN.as_bytes());
    assert_eq!(daemon.post("open", GZIP, &whole[..whole.len() - 6]).await.status, 400);
    assert_eq!(daemon.post("open", GZIP, RUN).await.status, 400);
}

#[tokio::test]
async fn a_sender_is_told_to_come_again_when_nothing_was_committed() {
    let daemon = start().await;
    for (error, status, seconds) in [
        (InletError::QueueFull, 429, "1"),
        (InletError::Full, 503, "5"),
        (InletError::Unavailable("secret detail".to_owned()), 503, "5"),
    ] {
        *daemon.inlet.fail.lock().unwrap() = Some(error);
        let reply = daemon.post("open", "", format!("[{RUN},{BAD}]")).await;
        assert_eq!(reply.status, status);
        assert!(reply.head.contains(&format!("retry-after: {seconds}\r\n")), "{}", reply.head);
        assert!(reply.json()["error"].is_string() && !reply.body.contains("secret detail"), "{}", reply.body);
    }
}

#[tokio::test]
async fn a_commit_that_hangs_is_answered_503() {
    let inlet = FakeInlet { hold: Some(Arc::default()), ..FakeInlet::default() };
    let timeouts = Timeouts { commit: Duration::from_millis(20), ..Timeouts::default() };
    let daemon = start_with(settings(), timeouts, inlet).await;
    assert_eq!(daemon.post("open", "", RUN).await.status, 503);
}
