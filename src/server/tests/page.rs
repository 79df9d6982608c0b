//! `/i/{permit}`: who gets in, that looking changes nothing, and what a button does.

use jiff::SignedDuration;
use url::Url;

use super::*;
use crate::clock;
use crate::net::permit::{Key, Permit};

pub(super) fn issuer() -> Issuer {
    Issuer::new(Url::parse("https://red.example.com/tools").unwrap(), Key::new(&[7; 32]))
}

/// A page whose every text tries to be something else.
pub(super) fn sheet(id: &str) -> Sheet {
    let evil = || "\"><script>alert(1)</script><img src=x onerror='y'>&".to_owned();
    let line = || {
        vec![
            Piece::Text(evil()),
            Piece::Strong(evil()),
            Piece::Code(evil()),
            Piece::Struck(evil()),
            Piece::Link(evil(), "https://x.example/\"onclick='y'".to_owned()),
        ]
    };
    Sheet {
        id: id.to_owned(),
        tone: SheetTone::Bad,
        state: evil(),
        title: evil(),
        place: Some(line()),
        lead: vec![line()],
        standing: vec![evil()],
        error: vec![line()],
        said: Some(evil()),
        detail: Some(evil()),
        advice: Some(evil()),
        links: vec![(evil(), "https://x.example/'\"><b>".to_owned())],
        lists: vec![SheetList { title: evil(), items: vec![line()], more: Some(evil()) }],
        context: vec![line()],
        facts: vec![(evil(), evil())],
        story: vec![(jiff::Timestamp::UNIX_EPOCH, evil())],
        ahead: vec![evil()],
        footer: evil(),
        may_acknowledge: true,
        may_silence: true,
    }
}

fn permit_in(seconds: i64) -> String {
    let permit = Permit {
        incident: "i_1".to_owned(),
        receiver: "mail".to_owned(),
        address: Some("ada@example.com".to_owned()),
        expires: clock::now() + SignedDuration::from_secs(seconds),
    };
    issuer().link(&permit).rsplit('/').next().unwrap().to_owned()
}

impl Daemon {
    async fn press(&self, path: &str, headers: &str, body: &str) -> Reply {
        let length = body.len();
        self.raw(format!("POST /i/{path} HTTP/1.1\r\nhost: x\r\n{headers}content-length: {length}\r\n\r\n{body}")).await
    }

    fn done(&self) -> Vec<Asked> {
        std::mem::take(&mut *self.clerk.asked.lock().unwrap())
    }
}

#[tokio::test]
async fn the_page_is_self_contained_private_and_nothing_in_it_is_live() {
    let daemon = start().await;
    let reply = daemon.get(&format!("/i/{}", permit_in(60))).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    for header in [
        "content-type: text/html; charset=utf-8\r\n",
        "content-security-policy: default-src 'none'; style-src 'sha256-",
        "frame-ancestors 'none'",
        "referrer-policy: no-referrer\r\n",
        "cache-control: no-store\r\n",
        "x-robots-tag: noindex\r\n",
        "x-content-type-options: nosniff\r\n",
    ] {
        assert!(reply.head.contains(header), "{header}: {}", reply.head);
    }
    for live in ["<script", "<img", "onclick='", "onerror='", "<b>", "javascript:", "src=", "@import", "url("] {
        assert!(!reply.body.replace("&lt;img src=x onerror=&#39;y", "").contains(live), "{live}: {}", reply.body);
    }
    assert!(reply.body.contains("ada@example.com"), "whose link it is");
}

#[tokio::test]
async fn looking_changes_nothing_whoever_looks_and_wherever() {
    let daemon = start().await;
    let permit = permit_in(60);
    for place in ["", "?done=ack", "/ack", "/silence", "/ack?for=1h"] {
        for method in ["GET", "HEAD"] {
            let reply =
                daemon.raw(format!("{method} /i/{permit}{place} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"));
            // An answer to HEAD announces the length of a body that does not come.
            let reply =
                if method == "HEAD" { head(&daemon, &format!("/i/{permit}{place}")).await } else { reply.await.status };
            assert!(matches!(reply, 200 | 303), "{method} {place}: {reply}");
        }
    }
    for method in ["PUT", "DELETE", "OPTIONS", "PATCH"] {
        for place in ["", "/ack", "/silence"] {
            let reply = daemon.raw(format!("{method} /i/{permit}{place} HTTP/1.1\r\nhost: x\r\n\r\n")).await;
            assert_eq!(reply.status, 405, "{method} {place}");
        }
    }
    assert_eq!(daemon.press(&permit, "", "").await.status, 405);
    assert_eq!(daemon.done(), []);
}

async fn head(daemon: &Daemon, path: &str) -> u16 {
    let mut stream = daemon.connect().await;
    stream.write_all(format!("HEAD {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").as_bytes()).await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    assert!(text.ends_with("\r\n\r\n"), "a body: {text}");
    text.split(' ').nth(1).unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_button_is_pressed_in_the_name_of_the_link_s_address_and_leads_back_to_the_page() {
    let daemon = start().await;
    let permit = permit_in(60);
    for headers in [
        "",
        "sec-fetch-site: same-origin\r\norigin: null\r\n",
        "origin: https://red.example.com\r\n",
        "origin: null\r\n",
    ] {
        let reply = daemon.press(&format!("{permit}/ack"), headers, "").await;
        assert_eq!(reply.status, 303, "{headers}: {}", reply.body);
        let place = format!("location: ../{}?done=ack\r\n", permit.to_ascii_lowercase());
        assert!(reply.head.contains(&place), "{}", reply.head);
        let by = "ada@example.com".to_owned();
        assert_eq!(daemon.done(), [Asked::Acknowledge { id: "i_1".to_owned(), by }]);
    }
    for (length, seconds) in [("1h", 3_600), ("24h", 86_400)] {
        let before = clock::now();
        let reply = daemon.press(&format!("{permit}/silence"), "", &format!("for={length}")).await;
        assert_eq!(reply.status, 303);
        assert!(reply.head.contains("?done=silence\r\n"), "{}", reply.head);
        let [Asked::SilenceIncident { id, until, by }] = &daemon.done()[..] else { panic!("one silence") };
        assert_eq!((id.as_str(), by.as_deref()), ("i_1", Some("ada@example.com")));
        assert_eq!(until.duration_since(before).as_secs(), seconds);
    }
    let page = daemon.get(&format!("/i/{permit}?done=silence")).await;
    assert!(page.body.contains("role=\"status\">Silenced"), "{}", page.body);
    assert!(!daemon.get(&format!("/i/{permit}?done=<b>")).await.body.contains("role=\"status\""));
}

#[tokio::test]
async fn another_site_can_not_press_a_button() {
    let daemon = start().await;
    let path = format!("{}/ack", permit_in(60));
    for headers in [
        "sec-fetch-site: cross-site\r\norigin: null\r\n",
        "sec-fetch-site: same-site\r\n",
        "sec-fetch-site: cross-site\r\norigin: https://red.example.com\r\n",
        "origin: https://evil.example\r\n",
        "origin: https://red.example.com.evil.example\r\n",
        "origin: http://red.example.com\r\n",
    ] {
        assert_eq!(daemon.press(&path, headers, "").await.status, 403, "{headers}");
    }
    assert_eq!(daemon.done(), []);
}

#[tokio::test]
async fn a_link_that_is_wrong_or_old_opens_nothing() {
    let daemon = start().await;
    let (good, old) = (permit_in(60), permit_in(-1));
    let cut = &good[..good.len() - 1];
    for place in ["", "/ack", "/silence"] {
        let reply = daemon.get(&format!("/i/{old}{place}")).await;
        assert_eq!(reply.status, 410, "{place}");
        assert!(reply.body.contains("seven days") && reply.head.contains("content-security-policy"), "{}", reply.body);
        assert_eq!(daemon.press(&format!("{old}{place}"), "", "for=1h").await.status, 410);
        for wrong in [cut, "", "x", "..", "%2e%2e", &good.to_ascii_uppercase()] {
            assert_eq!(daemon.get(&format!("/i/{wrong}{place}")).await.status, 403, "{wrong}{place}");
            assert_eq!(daemon.press(&format!("{wrong}{place}"), "", "for=1h").await.status, 403, "{wrong}{place}");
        }
    }
    for place in ["/", "/ack/", "/delete", "/ack/../silence"] {
        let status = daemon.get(&format!("/i/{good}{place}")).await.status;
        assert_eq!(status, if place == "/" { 303 } else { 404 }, "{place}");
    }
    assert_eq!(daemon.press(&format!("{good}/silence"), "", "for=99999h").await.status, 400);
    assert_eq!(daemon.press(&format!("{good}/silence"), "", "").await.status, 400);
    assert_eq!(daemon.press(&format!("{good}/silence"), "", &"x".repeat(5_000)).await.status, 400);
    assert_eq!(daemon.done(), []);
}

#[tokio::test]
async fn without_a_public_url_there_are_no_pages() {
    let daemon = start().await;
    let permit = permit_in(60);
    daemon.issuer.send_replace(None);
    assert_eq!(daemon.get(&format!("/i/{permit}")).await.status, 404);
    assert_eq!(daemon.press(&format!("{permit}/ack"), "", "").await.status, 404);
    assert_eq!(daemon.done(), []);
}

#[tokio::test]
async fn a_problem_that_is_gone_or_a_ledger_that_hangs_is_said_to_a_person() {
    let daemon = start().await;
    let permit = permit_in(60);
    for (error, shown, pressed) in [
        (ClerkError::NotFound("private: /var/lib".to_owned()), 404, 303),
        (ClerkError::NotYours, 410, 410),
        (ClerkError::Full, 503, 503),
        (ClerkError::Unavailable("private: /var/lib".to_owned()), 503, 503),
    ] {
        *daemon.clerk.fail.lock().unwrap() = Some(error);
        let reply = daemon.get(&format!("/i/{permit}")).await;
        assert_eq!(reply.status, shown);
        assert!(!reply.body.contains("private") && reply.body.contains("<h1>"), "{}", reply.body);
        assert_eq!(daemon.press(&format!("{permit}/ack"), "", "").await.status, pressed);
    }
}
