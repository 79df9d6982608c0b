//! What a detail may ask for beside the run itself, and how a source signs in.

use super::*;

/// A filter that shows what it was given.
const SHOWN: &str = r#"{id: .run.id, workflow: {id: "wf"}, status: .run.status, updatedAt: .run.updatedAt, completedAt: .run.completedAt,
    url: $origin, steps: [{title: "s", status: "failed", error: {message: ([.log, .parts] | tojson)}}]}"#;

fn asking(engine: &Engine, also: &[(&str, &str)], follow: &[(&str, &str)]) -> Detail {
    let pairs = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        pairs.iter().map(|(name, path)| ((*name).to_owned(), (*path).to_owned())).collect()
    };
    Detail {
        url: "runs/{id}".to_owned(),
        also: pairs(also).into_iter().collect(),
        follow: pairs(follow),
        filter: Some(SHOWN.to_owned()),
        ..engine.detail()
    }
}

async fn source(detail: impl FnOnce(&Engine) -> Detail) -> (Engine, Http, Book) {
    let engine = Engine::new(|_| ok("[]")).await;
    let settings = HttpSource { detail: Some(detail(&engine)), ..engine.settings() };
    let (http, book) = settled(&engine, settings).await;
    (engine, http, book)
}

fn message(book: &Book) -> String {
    let batches = book.batches();
    let runs: Vec<_> = batches.iter().flat_map(|batch| &batch.runs).collect();
    let [seen] = runs.as_slice() else { panic!("{runs:?}") };
    seen.run.steps[0].error.as_ref().unwrap().message.clone()
}

fn failed_run() -> Reply {
    ok(list(&[run("a", "failed", minutes(1))]))
}

#[tokio::test]
async fn what_stands_beside_a_run_is_asked_for_and_the_filter_sees_all_of_it() {
    let also = [("parts", "/parts?of={id}")];
    let follow = [("log", r#"if .parts[0].failed then "logs/\(.parts[0].n)" else empty end"#)];
    let (engine, mut http, book) = source(|engine| asking(engine, &also, &follow)).await;
    engine.now(|target| match target {
        "/runs" => failed_run(),
        "/runs/a" => ok(run("a", "failed", minutes(1))),
        "/parts?of=a" => ok(r#"[{"n":7,"failed":true}]"#),
        "/logs/7" => ok("plain words\n\"quoted\""),
        _ => status(500, ""),
    });
    poll(&mut http, &book).await.unwrap();
    assert_eq!(engine.targets(), ["/runs", "/runs/a", "/parts?of=a", "/logs/7"]);
    assert_eq!(message(&book), r#"["plain words\n\"quoted\"",[{"n":7,"failed":true}]]"#);
}

#[tokio::test]
async fn the_filter_knows_where_the_engine_is() {
    let (engine, mut http, book) = source(|engine| asking(engine, &[], &[("log", "empty")])).await;
    engine.now(|target| if target == "/runs" { failed_run() } else { ok(run("a", "failed", minutes(1))) });
    poll(&mut http, &book).await.unwrap();
    assert_eq!(book.batches()[0].runs[0].run.url.as_ref(), Some(&engine.url));
}

#[tokio::test]
async fn what_the_engine_has_not_or_refuses_or_writes_without_end_is_null() {
    let also = [("log", "/logs/{id}"), ("parts", "/parts/{id}")];
    for what in [status(404, "gone"), status(403, "no"), ok("x".repeat(9 * 1024 * 1024))] {
        let (engine, mut http, book) = source(|engine| asking(engine, &also, &[])).await;
        engine.now(move |target| match target {
            "/runs" => failed_run(),
            "/runs/a" => ok(run("a", "failed", minutes(1))),
            "/parts/a" => ok("[1]"),
            _ => what.clone(),
        });
        poll(&mut http, &book).await.unwrap();
        assert_eq!(message(&book), "[null,[1]]");
    }
}

#[tokio::test]
async fn what_never_comes_is_done_without_and_the_steps_are_not_lost_for_it() {
    let (engine, mut http, book) = source(|engine| asking(engine, &[("log", "/logs/{id}")], &[])).await;
    engine.now(|target| match target {
        "/runs" => failed_run(),
        "/runs/a" => ok(run("a", "failed", minutes(1))),
        _ => status(500, "boom"),
    });
    for _ in 0..2 {
        let error = poll(&mut http, &book).await.unwrap_err();
        assert_eq!(error.to_string(), "asking for the log of run a: answered 500: boom");
    }
    poll_later(&mut http, &book).await.unwrap();
    assert_eq!(message(&book), "[null,null]");
}

#[tokio::test]
async fn an_open_run_is_not_held_open_by_a_log_that_never_comes() {
    let (engine, mut http, book) = source(|engine| asking(engine, &[("log", "/logs/{id}")], &[])).await;
    book.open("slow", minutes(-900));
    engine.now(|target| match target {
        "/runs" => ok("[]"),
        "/runs/slow" => ok(run("slow", "failed", minutes(1))),
        _ => status(500, "boom"),
    });
    for _ in 0..2 {
        poll(&mut http, &book).await.unwrap_err();
    }
    poll_later(&mut http, &book).await.unwrap();
    assert_eq!(book.read(), ["!slow failed"]);
}

#[tokio::test]
async fn an_answer_leads_nowhere_but_to_the_lists_host() {
    for path in [r#""http://127.0.0.1:9/x""#, r#""//evil.example.com/x""#, "7", "null", "empty"] {
        let (engine, mut http, book) = source(|engine| asking(engine, &[], &[("log", path)])).await;
        engine.now(|target| match target {
            "/runs" => failed_run(),
            "/runs/a" => ok(run("a", "failed", minutes(1))),
            _ => status(500, "must not be asked"),
        });
        poll(&mut http, &book).await.unwrap();
        assert_eq!(message(&book), "[null,null]", "{path}");
    }
}

#[tokio::test]
async fn a_watched_run_is_asked_for_at_every_poll_and_handed_over_when_anything_changed() {
    let (engine, mut http, book) = source(|engine| Detail {
        filter: None,
        watch: vec![RunStatus::Running],
        statuses: vec![RunStatus::Failed],
        ..engine.detail()
    })
    .await;
    book.open("slow", minutes(-2));
    let running = run("slow", "running", minutes(-2));
    let with_step = |attempt: u32| {
        let step = format!(r#","steps":[{{"title":"s","status":"retrying","attempt":{attempt}}}]}}"#);
        format!("{}{step}", &running[..running.len() - 1])
    };
    let mut handed = Vec::new();
    for attempt in [1, 1, 2] {
        let (listed, detail) = (list(std::slice::from_ref(&running)), with_step(attempt));
        engine.now(move |target| ok(if target == "/runs" { listed.clone() } else { detail.clone() }));
        poll(&mut http, &book).await.unwrap();
        assert_eq!(engine.targets(), ["/runs", "/runs/slow"]);
        handed.extend(book.batches().into_iter().flat_map(|batch| batch.runs).map(|seen| seen.run.steps));
    }
    let attempts: Vec<_> = handed.iter().filter_map(|steps| steps.first()?.attempt).collect();
    assert_eq!(attempts, [1, 2], "the list's own word, without a step, is no news of the second poll");
}

#[tokio::test]
async fn a_source_signs_in_by_a_password_or_by_a_token_behind_another_word() {
    let engine = Engine::new(|_| ok("[]")).await;
    let token = HttpSource { token_scheme: "Token".to_owned(), ..engine.settings() };
    let basic = HttpSource { token: None, basic_auth: Some(SecretString::from("admin:s3cret:x")), ..engine.settings() };
    for (settings, header, secrets) in [
        (token, "Token tok-SECRET", ["tok-SECRET"].as_slice()),
        (basic, "Basic YWRtaW46czNjcmV0Ong=", &["s3cret", "YWRtaW46"]),
    ] {
        let mut http = Http::new("prod", settings).unwrap();
        http.poll(&Book::default(), at(NOW)).await.unwrap();
        assert!(engine.heads()[0].to_lowercase().contains(&format!("authorization: {header}\r\n").to_lowercase()));
        engine.now(|_| status(401, "no: admin:s3cret:x, s3cret:x, tok-SECRET, YWRtaW46czNjcmV0Ong="));
        let error = http.poll(&Book::default(), at(NOW)).await.unwrap_err().to_string();
        assert!(secrets.iter().all(|secret| !error.contains(secret)), "{error}");
        engine.now(|_| ok("[]"));
        engine.heads();
    }
}

#[tokio::test]
async fn since_is_written_as_the_engine_wants_it() {
    let engine = Engine::new(|_| ok("[]")).await;
    let url = format!("{}/runs?a={{since_ms}}&b={{since_s}}&c={{since}}", engine.url).parse().unwrap();
    let (mut http, book) = settled(&engine, HttpSource { url, ..engine.settings() }).await;
    engine.now(|_| ok(list(&[run("r", "completed", minutes(-20))])));
    poll(&mut http, &book).await.unwrap();
    engine.heads();
    poll(&mut http, &book).await.unwrap();
    let since = minutes(-20) - jiff::SignedDuration::from_mins(10);
    let (seconds, text) = (since.as_second(), since.to_string().replace(':', "%3A"));
    assert_eq!(engine.targets(), [format!("/runs?a={seconds}000&b={seconds}&c={text}")]);
}
