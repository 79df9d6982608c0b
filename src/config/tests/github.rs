//! `type = "github"`: asked, pushed to, or both, and what is wrong with it.

use super::{good, refused, warned};
use crate::config::{GitHubSource, SourceKind};

const REST: &str = "[defaults]\nnotify = [\"ops\"]\n[receivers.ops]\ntype = \"console\"\n";

fn source(text: &str) -> GitHubSource {
    let mut loaded = good(&format!("[sources.ci]\ntype = \"github\"\n{text}\n{REST}"), &[]);
    match loaded.config.sources.remove("ci").expect("it is there").kind {
        SourceKind::GitHub(github) => *github,
        other => panic!("{other:?}"),
    }
}

fn mistake(text: &str) -> String {
    refused(&format!("[sources.ci]\ntype = \"github\"\n{text}\n{REST}"), &[])
}

#[test]
fn it_is_asked_at_the_public_api_every_half_minute() {
    let asked = source("repositories = [\"acme/shop\", \"acme/.github\"]\ntoken = \"github_pat_1\"");
    assert_eq!(asked.url.as_str(), "https://api.github.com/");
    assert_eq!((asked.polling.every.as_secs(), asked.polling.overlap.as_secs()), (30, 600));
    assert_eq!(asked.repositories, ["acme/shop", "acme/.github"]);
    assert!(asked.webhook_secrets.is_empty());
    let own = "repositories = \"acme/shop\"\ntoken = \"t\"\nurl = \"https://git.example.com/api/v3/\"\nevery = \"5s\"";
    assert_eq!(source(own).url.as_str(), "https://git.example.com/api/v3");
    assert_eq!(source(own).polling.every.as_secs(), 5);
}

#[test]
fn it_may_only_be_pushed_to() {
    let pushed = source("webhook_secret = [\"one secret\", \"another\"]");
    assert_eq!((pushed.token.is_none(), pushed.webhook_secrets.len(), pushed.repositories.len()), (true, 2, 0));
}

#[test]
fn what_is_wrong_is_said_with_what_to_do() {
    for (text, message, help) in [
        ("repositories = [\"acme/shop\"]", "nothing says how runs get here", "token = { env"),
        ("token = \"t\"", "a `token` needs `repositories`", "repositories = [\"owner/name\"]"),
        ("token = \"t\"\nrepositories = [\"shop\"]", "expected a repository, found \"shop\"", "owner/name"),
        ("token = \"t\"\nrepositories = [\"https://github.com/acme/shop\"]", "expected a repository", "owner/name"),
        ("token = \"t\"\nrepositories = [\"acme/shop\", \"Acme/Shop\"]", "\"Acme/Shop\" stands here twice", ""),
        ("token = \"t\"\nrepositories = []", "the list is empty", "name at least one"),
        (
            "token = \"t\"\nrepositories = [\"acme/shop\"]\nurl = \"https://github.com\"",
            "this is where people look, not the API",
            "https://api.github.com",
        ),
    ] {
        let said = mistake(text);
        assert!(said.contains(message) && said.contains(help), "{text}:\n{said}");
    }
}

#[test]
fn an_address_that_is_hardly_an_api_is_a_warning() {
    let text = "[sources.ci]\ntype = \"github\"\ntoken = \"github_pat_1\"\nrepositories = [\"acme/shop\"]\n";
    let said = warned(&format!("{text}url = \"https://git.example.com\"\n{REST}"), &[]);
    assert!(said.contains("https://git.example.com/api/v3"), "{said}");
    for api in ["https://api.github.com", "https://api.acme.ghe.com", "https://git.example.com/api/v3"] {
        let said = warned(&format!("{text}url = {api:?}\n{REST}"), &[]);
        assert!(!said.contains("/api/v3"), "{said}");
    }
}
