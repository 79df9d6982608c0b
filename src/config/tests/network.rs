//! The way out: proxies, addresses of the local link, the heartbeat, the line of the day.

use super::{good, refused, warned};
use crate::config::SourceKind;
use crate::net::Proxy;

const BASE: &str =
    "[sources.events]\ntype = \"webhook\"\n[receivers.ops]\ntype = \"console\"\n[defaults]\nnotify = \"ops\"\n";

fn with(more: &str) -> String {
    format!("{BASE}{more}\n")
}

const HOOK: &str = "[receivers.hook]\ntype = \"webhook\"\nurl = \"https://hook.example.com/in\"\nfallback = \"ops\"\n";

#[test]
fn the_proxy_of_http_is_for_all_but_who_says_another() {
    let text = with(&format!(
        "[http]\nproxy = \"http://me:hunter2@proxy:3128\"\n{HOOK}[receivers.direct]\ntype = \"webhook\"\n\
         url = \"https://in.example.com\"\nproxy = \"none\"\n[sources.prod]\ntype = \"http\"\nurl = \"https://api.example.com/runs\"\n"
    ));
    let config = good(&text, &[]).config;
    let way = |name: &str| &config.receivers.get(name).expect("it is there").way;
    assert!(matches!(way("hook").proxy, Proxy::Through(_)));
    assert!(matches!(way("direct").proxy, Proxy::None));
    let SourceKind::Http(source) = &config.sources.get("prod").expect("it is there").kind else {
        panic!("another source");
    };
    assert!(matches!(source.way.proxy, Proxy::Through(_)));
    assert!(!format!("{config:?}").contains("hunter2"));
}

#[test]
fn without_a_word_about_it_no_proxy_of_the_environment_is_used() {
    let env = [("HTTPS_PROXY", "http://proxy:3128")];
    let config = good(&with(HOOK), &env).config;
    assert!(matches!(config.receivers.get("hook").expect("it is there").way.proxy, Proxy::None));
    let asked = good(&with(&format!("[http]\nproxy = \"environment\"\n{HOOK}")), &env).config;
    assert!(matches!(asked.receivers.get("hook").expect("it is there").way.proxy, Proxy::Environment));
}

#[test]
fn a_proxy_that_can_not_be_used_is_a_mistake_and_no_password_is_shown() {
    for (more, says) in [
        ("[http]\nproxy = \"socks5://me:hunter2@proxy\"\n", "not by `socks5`"),
        ("[http]\nproxy = \"http://me:hunter2@proxy/path\"\n", "nothing behind them"),
        ("[http]\nproxy = \"environment\"\nno_proxy = \"x\"\n", "says its own exceptions"),
        ("[http]\nproxy = \"http://proxy\"\nno_proxy = \"http://x\"\n", "expected a host"),
        (
            "[receivers.m]\ntype = \"email\"\nsmtp_url = \"smtp://mail.example.com\"\nfrom = \"a@example.com\"\n\
             to = \"b@example.com\"\nproxy = \"http://proxy:1\"\n",
            "they take no proxy",
        ),
    ] {
        let said = refused(&with(more), &[]);
        assert!(said.contains(says) && !said.contains("hunter2"), "{said}");
    }
    assert!(warned(&with("[http]\nno_proxy = \"x\"\n"), &[]).contains("no proxy to go past"));
}

#[test]
fn a_metadata_address_is_refused_wherever_it_stands() {
    for address in [
        "169.254.169.254",
        "[fd00:ec2::254]",
        "metadata.google.internal",
        "[::ffff:169.254.169.254]",
        "100.100.100.200",
    ] {
        for more in [
            format!("[receivers.x]\ntype = \"webhook\"\nurl = \"http://{address}/\"\nallow_link_local = true\n"),
            "[receivers.x]\ntype = \"webhook\"\nurl = { env = \"HOOK\" }\nallow_link_local = true\n".to_owned(),
            format!("[sources.x]\ntype = \"http\"\nurl = \"http://{address}/\"\nallow_link_local = true\n"),
            format!("[sources.x]\ntype = \"prefect\"\nurl = \"http://{address}/api\"\nallow_link_local = true\n"),
            format!(
                "[sources.x]\ntype = \"n8n\"\nurl = \"http://{address}/\"\napi_key = \"k\"\nallow_link_local = true\n"
            ),
            format!("[heartbeat]\nurl = \"http://{address}/\"\nallow_link_local = true\n"),
            format!("[http]\nproxy = \"http://{address}:3128\"\n"),
        ] {
            let said = refused(&with(&more), &[("HOOK", &format!("http://{address}/"))]);
            assert!(said.contains("never asked"), "{more}: {said}");
        }
    }
}

#[test]
fn an_address_of_the_local_link_is_refused_unless_it_is_meant() {
    let hook = "[receivers.x]\ntype = \"webhook\"\nurl = \"http://169.254.10.10/\"\n";
    assert!(refused(&with(hook), &[]).contains("allow_link_local = true"));
    let config = good(&with(&format!("{hook}allow_link_local = true\n")), &[]).config;
    assert!(config.receivers.get("x").expect("it is there").way.allow_link_local);
}

#[test]
fn a_webhook_in_clear_text_is_warned_of_without_a_token_too() {
    let said = warned(
        &with("[receivers.x]\ntype = \"webhook\"\nurl = \"http://hook.example.com/\"\nfallback = \"ops\"\n"),
        &[],
    );
    assert!(said.contains("what fails, and why, goes over the network in clear text"), "{said}");
}

#[test]
fn the_line_of_the_day_goes_to_the_defaults_and_never_to_who_is_bound_to_workspaces() {
    let bound = "[receivers.acme]\ntype = \"console\"\nworkspaces = \"acme\"\n";
    let usual = good(&with(""), &[]).config.daily;
    assert!(usual.notify.is_empty(), "without the section it is only logged");
    let text = with(&format!("[daily]\nat = \"07:30\"\nzone = \"Europe/Berlin\"\n{bound}"));
    let daily = good(&text.replace("notify = \"ops\"", "notify = [\"ops\", \"acme\"]"), &[]).config.daily;
    assert_eq!(daily.notify, ["ops"]);
    let pager = "[receivers.pager]\ntype = \"goalert\"\nurl = \"https://goalert.example.com\"\ntoken = \"5f60718a-0f3c-4b2a-9d8e-a1b2c3d4e5f6\"\n";
    assert!(refused(&with(&format!("[daily]\nnotify = \"pager\"\n{pager}")), &[]).contains("is an on-call tool"));
    let said = refused(&with(&format!("[daily]\nnotify = \"acme\"\n{bound}")), &[]);
    assert!(said.contains("counts what happened in all of them"), "{said}");
}
