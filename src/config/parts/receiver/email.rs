//! `type = "email"`: the server, how the connection is protected, and the addresses.

use lettre::message::Mailbox;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::config::read::{At, Section, loopback_host, one_or_many, secret, text};
use crate::config::{EmailReceiver, SmtpSecurity, SmtpServer};

const FORMS: &str = "write \"smtps://user:password@host:465\" (TLS), \"smtp://host:587\" (STARTTLS, always required) or \
                     \"smtp://host:25?tls=none\"";

pub(super) fn email(section: &Section<'_>) -> Option<EmailReceiver> {
    let server = server(section);
    let from = section.need("from", "write the sender, such as \"firstred <firstred@example.com>\"", mailbox);
    let to = section.need("to", "write whom, such as [\"data@example.com\"]", one_or_many(mailbox));
    Some(EmailReceiver { server: server?, from: from?, to: to? })
}

fn mailbox(at: &At<'_>) -> Option<Mailbox> {
    let written = text(at)?;
    written.parse().ok().or_else(|| {
        at.fail(
            format!("expected an e-mail address, found {written:?}"),
            Some("write \"data@example.com\" or \"Data team <data@example.com>\"".to_owned()),
        )
    })
}

fn server(section: &Section<'_>) -> Option<SmtpServer> {
    let url = section.need("smtp_url", FORMS, smtp_url);
    let user = section.get("username", secret);
    let password = section.get("password", secret);
    if section.has("username") != section.has("password") {
        let message = "`username` and `password` go together".to_owned();
        section.at().cx.missing(section.path(), message, None);
    }
    let (host, port, security, in_url) = url?;
    let separate = user.map(|user| user.expose_secret().to_owned()).zip(password);
    if in_url.is_some() && separate.is_some() {
        return section.at().fail("user and password stand in `smtp_url` and beside it", Some("keep one".to_owned()));
    }
    let credentials = in_url.or(separate);
    if credentials.is_some() && security == SmtpSecurity::None && !loopback_host(&host) {
        return section.at().fail(
            "the password would go over the network in clear text",
            Some("use smtps:// or smtp:// with STARTTLS; `tls=none` is for a relay without a password".to_owned()),
        );
    }
    Some(SmtpServer { host, port, security, credentials })
}

type Parts = (String, u16, SmtpSecurity, Option<(String, SecretString)>);

fn smtp_url(at: &At<'_>) -> Option<Parts> {
    let secret = secret(at)?;
    // No message says what stands in the URL: it is a secret as a whole.
    match parse(secret.expose_secret()) {
        Ok(parts) => Some(parts),
        Err(message) => at.fail(message, Some(FORMS.to_owned())),
    }
}

fn parse(text: &str) -> Result<Parts, String> {
    let url = Url::parse(text).map_err(|error| {
        format!(
            "not an SMTP URL: {error}; in a password, `@ : / ? #` are percent-encoded, or use `username` and `password`"
        )
    })?;
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']').to_owned();
    if host.is_empty() {
        return Err("the SMTP URL names no host".to_owned());
    }
    if !matches!(url.path(), "" | "/") || url.fragment().is_some() {
        return Err("an SMTP URL has no path and no `#`; in a password they are percent-encoded".to_owned());
    }
    let mut none = false;
    for (key, value) in url.query_pairs() {
        match (key.as_ref(), value.as_ref()) {
            ("tls", "none") => none = true,
            _ => return Err("only `?tls=none` is known after the host".to_owned()),
        }
    }
    let (security, default_port) = match (url.scheme(), none) {
        ("smtps", false) => (SmtpSecurity::Implicit, 465),
        ("smtp", false) => (SmtpSecurity::StartTls, 587),
        ("smtp", true) => (SmtpSecurity::None, 25),
        ("smtps", true) => return Err("smtps:// is TLS, `tls=none` is none; which one?".to_owned()),
        _ => return Err("expected smtp:// or smtps://".to_owned()),
    };
    let credentials = match (url.username(), url.password()) {
        ("", None) => None,
        (user, Some(password)) if !user.is_empty() && !password.is_empty() => {
            let decoded = percent_decode(user).zip(percent_decode(password));
            let (user, password) = decoded.ok_or("user and password must be percent-encoded UTF-8")?;
            Some((user, SecretString::from(password)))
        }
        _ => return Err("the SMTP URL needs a user and a password, or neither".to_owned()),
    };
    Ok((host, url.port().unwrap_or(default_port), security, credentials))
}

fn percent_decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let code = rest.get(..2).and_then(|code| std::str::from_utf8(code).ok())?;
        bytes.push(u8::from_str_radix(code, 16).ok()?);
        rest = rest.get(2..)?;
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scheme_says_how_the_connection_is_protected() {
        let read = |url: &str| parse(url).map(|(host, port, security, _)| (host, port, security));
        assert_eq!(read("smtps://mail.example.com"), Ok(("mail.example.com".into(), 465, SmtpSecurity::Implicit)));
        assert_eq!(read("smtp://mail.example.com"), Ok(("mail.example.com".into(), 587, SmtpSecurity::StartTls)));
        assert_eq!(read("smtp://localhost:25?tls=none"), Ok(("localhost".into(), 25, SmtpSecurity::None)));
        assert_eq!(read("smtp://[::1]:25?tls=none"), Ok(("::1".into(), 25, SmtpSecurity::None)));
        for wrong in
            ["", "mail.example.com", "https://x", "smtps://x?tls=none", "smtp://x?tls=maybe", "smtp://u@x", "smtp:///"]
        {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn user_and_password_are_percent_decoded() {
        let (_, _, _, credentials) = parse("smtps://a%40b:p%2F%C3%A4+@mail.example.com").expect("a URL");
        let (user, password) = credentials.expect("credentials");
        assert_eq!((user.as_str(), password.expose_secret()), ("a@b", "p/ä+"));
        assert!(parse("smtps://a:%zz@mail.example.com").is_err());
    }
}
