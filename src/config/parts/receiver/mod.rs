//! `[receivers.NAME]`: what all of them share; one file for each kind.

mod alertmanager;
mod api;
mod email;
mod exec;
mod goalert;
mod hook;
mod incidentio;
mod ntfy;
mod opsgenie;
mod pagerduty;
mod slack;
mod telegram;
mod webhook;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::SignedDuration;
use toml::Value;
use url::Url;

use super::schedule::schedule_name;
use super::template::template_name;
use super::{check_name, receiver_name, severity, workspaces};
use crate::config::parts::network;
use crate::config::path::Path;
use crate::config::read::{At, Section, count, duration, span, word};
use crate::config::{ConsoleReceiver, ReceiverKind, ReceiverSettings};
use crate::engine::{Budget, Severity};
use crate::net::Proxy;

/// A receiver as it was read.
pub(in crate::config) struct Receiver {
    pub(in crate::config) settings: ReceiverSettings,
    /// Its type as the file names it.
    pub(in crate::config) kind: &'static str,
    pub(in crate::config) workspaces: Option<BTreeSet<String>>,
    pub(in crate::config) fallback: Option<String>,
    pub(in crate::config) give_up_after: Option<SignedDuration>,
    pub(in crate::config) budget: Option<Budget>,
    pub(in crate::config) quiet: Option<String>,
    pub(in crate::config) passes: Severity,
    pub(in crate::config) template: Option<String>,
    pub(in crate::config) path: Path,
}

#[derive(Clone, Copy)]
enum Type {
    Slack,
    Email,
    Webhook,
    Teams,
    Discord,
    Telegram,
    Mattermost,
    RocketChat,
    Ntfy,
    Exec,
    Console,
    Pagerduty,
    Opsgenie,
    Alertmanager,
    Goalert,
    Incidentio,
}

const TYPES: [(&str, Type); 16] = [
    ("slack", Type::Slack),
    ("email", Type::Email),
    ("webhook", Type::Webhook),
    ("pagerduty", Type::Pagerduty),
    ("opsgenie", Type::Opsgenie),
    ("alertmanager", Type::Alertmanager),
    ("goalert", Type::Goalert),
    ("incidentio", Type::Incidentio),
    ("teams", Type::Teams),
    ("discord", Type::Discord),
    ("telegram", Type::Telegram),
    ("mattermost", Type::Mattermost),
    ("rocketchat", Type::RocketChat),
    ("ntfy", Type::Ntfy),
    ("exec", Type::Exec),
    ("console", Type::Console),
];

/// Every `type` of receiver.
pub fn receiver_types() -> impl Iterator<Item = &'static str> {
    TYPES.iter().map(|(name, _)| *name)
}

/// `[receivers]`
pub(in crate::config) fn receivers(at: &At<'_>, proxy: &Proxy) -> Option<BTreeMap<String, Receiver>> {
    let Value::Table(table) = at.value else {
        return at.wrong("a table for each receiver, [receivers.NAME]");
    };
    let mut receivers = BTreeMap::new();
    for (name, value) in table {
        let entry = at.entry(name, value);
        check_name(&entry, name, " _.-");
        if let Some(receiver) = receiver(&entry, proxy) {
            receivers.insert(name.clone(), receiver);
        }
    }
    Some(receivers)
}

fn receiver(at: &At<'_>, proxy: &Proxy) -> Option<Receiver> {
    let mut section = Section::open(at, "receivers")?;
    let names = TYPES.map(|(name, _)| format!("{name:?}")).join(", ");
    let help = format!("write type = \"NAME\", one of {names}");
    let kind = section.need("type", &help, word("a type of receiver", &TYPES))?;
    let called = section.get("type", word("a type of receiver", &TYPES.map(|(name, _)| (name, name))))?;
    let timeout = section.get("timeout", duration(Duration::from_millis(100)));
    let pace = section.get("pace", duration(Duration::ZERO));
    let parallel = section.get("parallel", count(1, 1024));
    let workspaces = section.get("workspaces", workspaces);
    let fallback = section.get("fallback", receiver_name);
    let give_up_after = section.get("give_up_after", span(Duration::from_secs(1)));
    let budget = section.get("budget", budget);
    let quiet = section.get("quiet", schedule_name);
    let passes = section.get("passes", severity);
    let template = section.get("template", template_name);
    let way = network::way(&section, proxy);
    if section.has("passes") && !section.has("quiet") {
        let path = section.path().key("passes");
        let help = Some("write quiet = \"NAME\" of a schedule, or leave it out".to_owned());
        at.cx.warning(&path, "there are no quiet hours that a message could pass".to_owned(), help);
    }
    // What each kind asks for: those with 1 take about one message a second.
    let (scope, own_pace, own_parallel) = match kind {
        Type::Slack => ("receivers.slack", 1, 1),
        Type::Email => ("receivers.email", 0, 4),
        Type::Webhook => ("receivers.webhook", 0, 32),
        Type::Teams => ("receivers.teams", 1, 1),
        Type::Discord => ("receivers.discord", 1, 1),
        Type::Telegram => ("receivers.telegram", 1, 1),
        Type::Mattermost => ("receivers.mattermost", 0, 1),
        Type::RocketChat => ("receivers.rocketchat", 0, 1),
        Type::Ntfy => ("receivers.ntfy", 1, 1),
        Type::Exec => ("receivers.exec", 0, 4),
        Type::Console => ("receivers.console", 0, 1),
        Type::Pagerduty => ("receivers.pagerduty", 0, 4),
        Type::Opsgenie => ("receivers.opsgenie", 0, 4),
        Type::Alertmanager => ("receivers.alertmanager", 0, 8),
        Type::Goalert => ("receivers.goalert", 0, 4),
        Type::Incidentio => ("receivers.incidentio", 0, 4),
    };
    section.rescope(scope);
    match kind {
        Type::Email => network::no_proxy(&section, "mails go by SMTP, directly: they take no proxy"),
        Type::Exec => network::no_proxy(&section, "a program is not reached over the network"),
        Type::Console => network::no_proxy(&section, "standard output is not reached over the network"),
        _ => {}
    }
    let kind = match kind {
        Type::Slack => slack::slack(&section).map(ReceiverKind::Slack),
        Type::Email => email::email(&section).map(|email| ReceiverKind::Email(Box::new(email))),
        Type::Webhook => webhook::webhook(&section).map(|webhook| ReceiverKind::Webhook(Box::new(webhook))),
        Type::Pagerduty => pagerduty::pagerduty(&section).map(ReceiverKind::Pagerduty),
        Type::Opsgenie => opsgenie::opsgenie(&section).map(ReceiverKind::Opsgenie),
        Type::Alertmanager => alertmanager::alertmanager(&section).map(ReceiverKind::Alertmanager),
        Type::Goalert => goalert::goalert(&section).map(ReceiverKind::Goalert),
        Type::Incidentio => incidentio::incidentio(&section).map(ReceiverKind::Incidentio),
        Type::Teams => hook::teams(&section).map(ReceiverKind::Teams),
        Type::Discord => hook::discord(&section).map(ReceiverKind::Discord),
        Type::Telegram => telegram::telegram(&section).map(|telegram| ReceiverKind::Telegram(Box::new(telegram))),
        Type::Mattermost => hook::mattermost(&section).map(ReceiverKind::Mattermost),
        Type::RocketChat => hook::rocketchat(&section).map(ReceiverKind::RocketChat),
        Type::Ntfy => ntfy::ntfy(&section).map(|ntfy| ReceiverKind::Ntfy(Box::new(ntfy))),
        Type::Exec => exec::exec(&section).map(ReceiverKind::Exec),
        Type::Console => {
            let format = word("\"text\" or \"json\"", &[("text", false), ("json", true)]);
            let json = section.get("format", format).unwrap_or(false);
            Some(ReceiverKind::Console(ConsoleReceiver { json }))
        }
    };
    if let (Some(_), Some(false)) = (&template, kind.as_ref().map(ReceiverKind::is_for_people)) {
        let help = "leave it out: machines get the payload of docs/templates.md as it is".to_owned();
        at.cx.warning(
            &section.path().key("template"),
            "no template changes what a machine reads".to_owned(),
            Some(help),
        );
    }
    section.finish();
    Some(Receiver {
        settings: ReceiverSettings {
            kind: kind?,
            way,
            timeout: timeout.unwrap_or(Duration::from_secs(15)),
            pace: pace.unwrap_or(Duration::from_secs(own_pace)),
            parallel: parallel.unwrap_or(own_parallel),
            // Found once all templates are read.
            template: None,
        },
        kind: called,
        workspaces,
        fallback,
        give_up_after,
        budget,
        quiet,
        passes: passes.unwrap_or(Severity::Critical),
        template,
        path: at.path.clone(),
    })
}

fn budget(at: &At<'_>) -> Option<Budget> {
    let section = Section::open(at, "budget")?;
    let messages = section.need("messages", "write messages = 20", count(1, 100_000));
    let within = section.need("within", "write within = \"5m\"", span(Duration::from_secs(1)));
    section.finish();
    Some(Budget { messages: messages?, within: within? })
}

/// Office 365 connectors are switched off. What replaced them (Workflows) has other URLs, and takes neither their messages nor Slack's.
fn refuse_connector(at: &At<'_>, url: &Url) -> Option<()> {
    let host = url.host_str().unwrap_or_default();
    let connector = host == "webhook.office.com"
        || host.ends_with(".webhook.office.com")
        || (host.starts_with("outlook.office") && url.path().starts_with("/webhook"));
    if connector {
        return at.fail(
            "this is an Office 365 connector, which Microsoft has retired: messages to it are lost",
            Some("make a flow in Teams' Workflows, and write type = \"teams\" with its URL".to_owned()),
        );
    }
    Some(())
}
