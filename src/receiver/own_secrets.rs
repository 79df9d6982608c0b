//! What each receiver must never repeat: its own secrets, in the forms in which an answer may echo them. It sends nothing.

use secrecy::ExposeSecret;
use url::Url;

use crate::config::{
    AlertmanagerAuth, AlertmanagerReceiver, EmailReceiver, NtfyLogin, NtfyReceiver, SlackBot, TelegramReceiver,
    WebhookReceiver,
};
use crate::triage::redact::Secrets;

/// Shorter parts of a path are words, such as `services` or `alerts`; a secret in a path is longer.
const SHORTEST_PART: usize = 16;

/// How a signing secret is marked (Standard Webhooks 1.0).
const SIGNING_PREFIX: &str = "whsec_";

/// An incoming webhook's URL is a secret as a whole.
pub(super) fn slack(url: &Url) -> Secrets {
    let path = url.path().trim_start_matches('/');
    let own = path.strip_prefix("services/").unwrap_or(path);
    let last = path.rsplit('/').next().unwrap_or_default();
    Secrets::new([url.as_str(), path, own, last])
}

/// The tokens and the signing secret of an app.
pub(super) fn slack_bot(settings: &SlackBot) -> Secrets {
    let secrets = [Some(&settings.token), settings.app_token.as_ref(), settings.signing_secret.as_ref()];
    Secrets::new(secrets.into_iter().flatten().map(ExposeSecret::expose_secret))
}

/// The URL with what it carries, the token and the signing secrets.
pub(super) fn webhook(settings: &WebhookReceiver) -> Secrets {
    let url = &settings.url;
    let mut values = vec![url.as_str().to_owned()];
    values.extend(url.password().map(str::to_owned));
    values.extend(url.query().map(str::to_owned));
    values.extend(url.query_pairs().map(|(_, value)| value.into_owned()));
    values.extend(
        url.path_segments().into_iter().flatten().filter(|part| part.len() >= SHORTEST_PART).map(str::to_owned),
    );
    values.extend(settings.token.iter().map(|token| token.expose_secret().to_owned()));
    for secret in &settings.secrets {
        let secret = secret.expose_secret();
        values.extend([secret.to_owned(), secret.trim_start_matches(SIGNING_PREFIX).to_owned()]);
    }
    Secrets::new(values.iter().map(String::as_str))
}

/// Keys and tokens.
pub(super) fn of<'a>(values: impl IntoIterator<Item = &'a str>) -> Secrets {
    Secrets::new(values)
}

/// What signs in, alone and as it stands in the header.
pub(super) fn alertmanager(settings: &AlertmanagerReceiver) -> Secrets {
    match &settings.auth {
        None => Secrets::default(),
        Some(AlertmanagerAuth::Bearer(token)) => of([token.expose_secret()]),
        Some(AlertmanagerAuth::Basic { user, password }) => {
            let password = password.expose_secret();
            of([password, &format!("{user}:{password}")])
        }
    }
}

/// The URL of a chat's incoming webhook is a secret as a whole: each long part of its path, and what its query carries.
pub(super) fn hook(url: &Url) -> Secrets {
    let mut values = vec![url.as_str().to_owned(), url.path().trim_start_matches('/').to_owned()];
    values.extend(url.query().map(str::to_owned));
    values.extend(url.query_pairs().map(|(_, value)| value.into_owned()).filter(|value| value.len() >= SHORTEST_PART));
    values.extend(
        url.path_segments().into_iter().flatten().filter(|part| part.len() >= SHORTEST_PART).map(str::to_owned),
    );
    // A short token, too, stands last.
    values.extend(
        url.path_segments().and_then(|mut parts| parts.next_back()).filter(|part| !part.is_empty()).map(str::to_owned),
    );
    Secrets::new(values.iter().map(String::as_str))
}

/// The bot's token, whole and without the bot's number, which is none.
pub(super) fn telegram(settings: &TelegramReceiver) -> Secrets {
    let token = settings.token.expose_secret();
    let key = token.split_once(':').map_or(token, |(_, key)| key);
    Secrets::new([token, key])
}

/// The topic, and what signs in.
pub(super) fn ntfy(settings: &NtfyReceiver) -> Secrets {
    let login = match &settings.login {
        NtfyLogin::Nobody => None,
        NtfyLogin::Token(secret) | NtfyLogin::User(_, secret) => Some(secret.expose_secret()),
    };
    Secrets::new([settings.topic.expose_secret()].into_iter().chain(login))
}

/// The password. The user's name is none: servers name it to say whom they don't know.
pub(super) fn email(settings: &EmailReceiver) -> Secrets {
    Secrets::new(settings.server.credentials.iter().map(|(_, password)| password.expose_secret()))
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;

    use super::*;
    use crate::receiver::message::text::reason;

    #[test]
    fn no_part_of_a_slack_url_is_repeated() {
        let url = Url::parse("https://hooks.slack.com/services/T0001/B0002/s3cr3tHookPart").expect("a URL");
        let own = slack(&url);
        for echo in ["/services/T0001/B0002/s3cr3tHookPart", "T0001/B0002/s3cr3tHookPart", "token s3cr3tHookPart"] {
            let said = reason(&format!("no route for {echo}"), &own);
            assert!(said.starts_with("no route for") && !said.contains("s3cr3t") && !said.contains("B0002"), "{said}");
        }
    }

    #[test]
    fn no_secret_of_a_webhook_is_repeated_and_its_words_stay() {
        let own = webhook(&WebhookReceiver {
            url: Url::parse("https://example.com/alerts/0123456789abcdef0?key=queryvalue").expect("a URL"),
            secrets: vec![SecretString::from("whsec_c2lnbmluZyBzZWNyZXQ")],
            token: Some(SecretString::from("plain-token")),
        });
        let said = reason("no /alerts/0123456789abcdef0 by queryvalue, plain-token or c2lnbmluZyBzZWNyZXQ", &own);
        assert!(said.starts_with("no /alerts/[REDACTED:configured] by [REDACTED"), "{said}");
        for secret in ["0123456789", "queryvalue", "plain-token", "c2lnbmlu"] {
            assert!(!said.contains(secret), "{said}");
        }
    }
}
