//! The receivers of chats, pushes and programs: what is read, and what is said of a mistake.

use secrecy::ExposeSecret as _;

use super::{good, refused};
use crate::config::{NtfyLogin, ReceiverKind};
use crate::engine::Manner;

fn with(more: &str) -> String {
    format!("[sources.events]\ntype = \"webhook\"\n[defaults]\nnotify = \"it\"\n[receivers.it]\n{more}\n")
}

fn read(more: &str) -> ReceiverKind {
    good(&with(more), &[("HOME", "/home/firstred"), ("SECRET", "x")]).config.receivers["it"].kind.clone()
}

#[test]
fn each_kind_reads_what_it_needs_and_no_more() {
    let ReceiverKind::Telegram(telegram) = read("type = \"telegram\"\ntoken = \"1:a\"\nchat_id = -100") else {
        panic!()
    };
    assert_eq!((telegram.chat_id.as_str(), telegram.api_url.as_str()), ("-100", "https://api.telegram.org/"));
    let ReceiverKind::Ntfy(ntfy) = read("type = \"ntfy\"\ntopic = \"ops\"\nusername = \"u\"\npassword = \"p\"") else {
        panic!()
    };
    assert_eq!((ntfy.url.as_str(), ntfy.topic.expose_secret()), ("https://ntfy.sh/", "ops"));
    assert!(matches!(&ntfy.login, NtfyLogin::User(user, _) if user == "u"));
    let ReceiverKind::Exec(exec) = read("type = \"exec\"\ncommand = \"/bin/true\"\nargs = [\"a b\"]") else { panic!() };
    assert_eq!(exec.environment, [("HOME", "/home/firstred".to_owned())]);
    for (text, manner) in [
        ("type = \"teams\"\nwebhook_url = \"http://127.0.0.1:1/teams/x\"", Manner::Posts),
        ("type = \"discord\"\nwebhook_url = \"https://discord.com/api/webhooks/1/t?thread_id=5\"", Manner::Edits),
        ("type = \"mattermost\"\nwebhook_url = \"http://chat.internal/hooks/x\"", Manner::Posts),
        ("type = \"rocketchat\"\nwebhook_url = \"http://chat.internal/hooks/x/y\"", Manner::Posts),
        ("type = \"telegram\"\ntoken = \"1:a\"\nchat_id = \"@channel\"", Manner::Edits),
        ("type = \"exec\"\ncommand = \"/bin/true\"", Manner::Alert),
    ] {
        assert_eq!(good(&with(text), &[]).config.policy.receivers["it"].manner, manner, "{text}");
    }
}

#[test]
fn a_mistake_is_told_without_the_secret() {
    let mistaken = [
        "type = \"teams\"\nwebhook_url = \"https://acme.webhook.office.com/webhookb2/s3cret\"",
        "type = \"teams\"\nwebhook_url = \"http://flows.example.com/s3cret\"",
        "type = \"discord\"\nwebhook_url = \"https://discord.com/api/webhooks/1/s3cret/slack\"",
        "type = \"discord\"\nwebhook_url = \"https://example.com/s3cret\"",
        "type = \"telegram\"\ntoken = \"s3cret\"\nchat_id = \"ops team\"\ntopic = \"x\"",
        "type = \"mattermost\"\nwebhook_url = \"s3cret\"",
        "type = \"rocketchat\"",
        "type = \"ntfy\"\ntopic = \"https://ntfy.sh/s3cret\"\ntoken = \"t\"\nusername = \"a:b\"\npassword = \"p\"",
        "type = \"exec\"\ncommand = \"page --team growth\"\nargs = \"x\"",
    ];
    let told: Vec<String> = mistaken.iter().map(|text| refused(&with(text), &[])).collect();
    assert!(told.iter().all(|text| !text.contains("s3cret")));
    insta::assert_snapshot!(told.join("\n\n"));
}
