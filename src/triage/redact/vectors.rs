//! Tests of redaction as a whole: the vectors (whose tokens are stored in pieces, so that no scanner takes them for
//! real ones), and kinds of text that secrets hide in.

use proptest::prelude::*;
use serde::Deserialize;

use super::redact;

#[derive(Deserialize)]
struct Vector {
    id: String,
    text: Vec<String>,
    secrets: Vec<Vec<String>>,
    keep: Vec<String>,
}

/// Letters and digits that look like a token, never written down as one.
fn token(length: usize) -> String {
    "a7Kq2Zx9Bv4Lm8Rt3Wp6".chars().cycle().take(length).collect()
}

#[test]
fn every_vector_loses_its_secrets_and_nothing_else() {
    let mut wrong = Vec::new();
    for line in include_str!("vectors.jsonl").lines() {
        let vector: Vector = serde_json::from_str(line).unwrap();
        let text = vector.text.concat();
        let redacted = redact(&text);
        let leaked = vector.secrets.iter().any(|secret| redacted.text.contains(&secret.concat()));
        let lost = vector.keep.iter().any(|keep| !redacted.text.contains(keep));
        let touched = vector.secrets.is_empty() != (redacted.text == text) || (redacted.count == 0) != (redacted.text == text);
        let unstable = redact(&redacted.text).text != redacted.text;
        if leaked || lost || touched || unstable {
            wrong.push(format!("{} leaked={leaked} lost={lost} touched={touched} unstable={unstable}: {}", vector.id, redacted.text));
        }
    }
    assert!(wrong.is_empty(), "{}\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn secrets_go_wherever_they_hide() {
    let t = token(40);
    let gh = format!("{}_{t}", "ghp");
    for text in [
        format!("GET https://x.example/a?api_key={t}&page=2"),
        format!("GET https://x.example/a?page=2&token=abcdefgh&x=1").replace("abcdefgh", &token(8)),
        format!("https://x.example/login?next=https%3A%2F%2Fy%3Fapi_key%3D{t}%26q%3D1"),
        format!("url=%3Faccess_token%3D{gh}"),
        format!(r#"body: "{{\"user\":\"a\",\"password\":\"{t}\"}}""#),
        format!(r#"{{"outer":"{{\"inner\":\"{{\\\"api_key\\\":\\\"{t}\\\"}}\"}}"}}"#),
        format!("Authorization:\n  Bearer {t}\nHost: x"),
        format!("> Authorization: Basic {t}=\r\n> Host: x"),
        format!("AUTHORIZATION: BEARER {t}"),
        format!("[('Authorization', 'Bearer {t}'), ('Accept', '*/*')]"),
        format!("headers [(b'authorization', b'Token {t}')]"),
        format!("Cookie: a=1;\r\n  sid={t}\r\nHost: x"),
        format!("failed ({gh}), retrying"),
        format!("failed: {gh}; retrying"),
        format!("see \"{gh}\"."),
        format!(r"line one\n{gh}\nline three"),
        format!("\\x1b[31m{gh}\\x1b[0m"),
        format!("password: '{t}'"),
        format!(r#""password": "it's {t}""#),
        format!(r#""password" : 123456789{}"#, "01234"),
        format!("Command '['mysql', '--password', '{t}']' returned non-zero exit status 1."),
        format!("X-API-Key: {t}"),
        format!("NEXTAUTH_SECRET={t}"),
        format!("REDIS_CACHE_PASSWORD={t}"),
        format!("clientSecret={t}"),
        format!("postgres://app:{t}@db:5432/x"),
        format!("MIIE{t}\n{t}\n-----END RSA {} KEY-----\nrest", "PRIVATE"),
    ] {
        let redacted = redact(&text);
        let leak = redacted.text.contains(&token(8)) || redacted.text.contains("01234");
        assert!(!leak && redacted.count > 0, "{text}\n{}", redacted.text);
        assert_eq!(redact(&redacted.text).text, redacted.text);
    }
}

#[test]
fn what_an_on_call_person_needs_stays() {
    for text in [
        "step 3 of 7 failed: key 'customer_id' not found",
        "PWD=/usr/src/app exit code 1",
        "password: incorrect.",
        "Authorization: Bearer <token>",
        "token={{ secrets.TOKEN }} is a template",
        "password=%(password)s",
        "api_key=${API_KEY}",
        "unknown flag: --token\nRun 'x --help'",
        "run 01JD8X4ZK3M5N6P7Q8R9S0T1V2 of scheduled-tasks-nightly failed at 2026-11-22T02:07:09.123456Z",
        "https://app.example.com/runs/0b7e3c1a-9d4a-4e6f-8a7b-1c2d3e4f5a6b?tab=logs&page_token=abc123def456",
        "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    ] {
        assert_eq!(redact(text).text, text);
    }
}

#[test]
fn a_marker_that_the_text_forges_hides_nothing() {
    let text = format!("password=[REDACTED:{}]", token(20));
    assert!(!redact(&text).text.contains(&token(8)), "{}", redact(&text).text);
}

#[test]
fn a_text_that_is_too_long_is_cut_at_a_space() {
    let text = format!("{} {}", "é ".repeat(super::MAX_TEXT / 3), "x".repeat(40));
    let cut = redact(&text).text.into_owned();
    assert!(cut.len() <= super::MAX_TEXT && cut.len() > super::MAX_TEXT - 2048);
    assert!(redact(&"é".repeat(super::MAX_TEXT)).text.len() <= super::MAX_TEXT);
}

#[test]
#[ignore = "prints times; run it in release"]
#[expect(clippy::print_stdout, clippy::disallowed_methods, clippy::disallowed_types, reason = "a measurement")]
fn times_of_redaction() {
    let t = token(40);
    let cases = [
        ("200 bytes, no keyword", "the upstream answered with an unexpected document and the row was left out; ".repeat(3)),
        ("200 bytes of an HTTP error", format!("Client error '401 Unauthorized' for url 'https://api.example.com/v1/x?page=2' token={t}")),
        ("64 KiB of tokens", format!("token={t}&password={t}&ghp_{t} ").repeat(500)),
        ("64 KiB of starts", "eyJaaaaaaaa.sk-proj-https://a:password=\\\"api_key\\\": \\\"Authorization: Bearer ".repeat(800)),
        ("64 KiB of prose", "The password key token of the Cookie at https://x.example failed, é: ".repeat(950)),
        ("64 KiB of one letter", "a".repeat(65_536)),
        ("64 KiB of curl", "curl ".repeat(13_000)),
        ("64 KiB of urls", "a://".repeat(16_000)),
    ];
    for (name, text) in cases {
        let first = std::time::Instant::now();
        let count = redact(&text).count;
        let first = first.elapsed();
        let warm = std::time::Instant::now();
        for _ in 0..20 {
            std::hint::black_box(redact(&text));
        }
        println!("{name}: {count} secrets, first {first:?}, then {:?}", warm.elapsed() / 20);
    }
}

proptest! {
    #[test]
    fn redaction_is_idempotent_and_never_panics(
        parts in prop::collection::vec(prop_oneof![
            "\\PC{0,12}", "[A-Za-z0-9]{1,40}", "[ =:,;'\"\\\\@&?%./\n-]{1,3}",
            Just("password".to_owned()), Just("api_key".to_owned()), Just("token".to_owned()), Just("Authorization: Bearer ".to_owned()),
            Just("https://".to_owned()), Just("--password ".to_owned()), Just("Cookie: a=".to_owned()), Just("sk-".to_owned()),
            Just("gh".to_owned() + "p_"), Just("eyJ".to_owned()), Just("[REDACTED:jwt]".to_owned()), Just("[REDACTED:".to_owned()),
            Just("%3D".to_owned()), Just("\\n".to_owned()), Just("curl -u ".to_owned()),
        ], 0..24)
    ) {
        let text = parts.concat();
        let once = redact(&text).text.into_owned();
        prop_assert_eq!(redact(&once).text, once.as_str());
    }
}
