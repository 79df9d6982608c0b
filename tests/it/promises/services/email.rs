//! Mail: a hardened server, and a reader that shows HTML.

use std::sync::LazyLock;
use std::time::Duration;

use regex::Regex;
use serde_json::json;

use crate::promises::check::{Check, is_ours};
use crate::promises::fault::Fault;
use crate::promises::service::{Door, Effect, Judged, Keeps, Repeats, Service, Told};
use crate::support::smtp::{Mail, Smtp};

const ADDRESS: &str = "data@example.com";
/// Gmail cuts a mail above this many bytes of HTML.
const CLIPPED_AT: usize = 102_000;
/// The longest line that SMTP takes, without CRLF (RFC 5321 4.5.3.1.6).
const LONGEST_LINE: usize = 998;

static ACTIVE: LazyLock<Regex> = LazyLock::new(|| {
    let tags = r"(?i)<\s*/?\s*(script|img|iframe|object|embed|svg|form|input|link|base|video|audio)\b";
    Regex::new(&format!(r"{tags}|<[^>]*\son[a-z]+\s*=|url\s*\(\s*['\x22]?https?:")).expect("a pattern")
});
static LINK: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#"(?i)<[^>]*\shref\s*=\s*["']?([^"'>\s]*)"#).expect("a pattern"));

pub(crate) static SERVICE: Service = Service {
    name: "email",
    kind: "email",
    section: |base| format!("smtp_url = \"{base}\"\nfrom = \"firstred <firstred@example.com>\"\nto = [\"{ADDRESS}\"]"),
    secret: "",
    door: Door::Smtp(judge),
    keeps: Keeps::Posts,
    repeats: Repeats::Recognised,
    hears_acknowledged: false,
    any_2xx: false,
    form: None,
};

fn judge(mail: &Mail) -> Judged {
    let mut check = Check::default();
    let header = |name: &str| mail.headers.get(name).cloned().unwrap_or_default();
    check.that(mail.to == [ADDRESS], format!("to {:?}", mail.to));
    let names = ["from", "to", "subject", "date", "message-id", "mime-version", "auto-submitted"];
    for name in names {
        check.that(!header(name).is_empty(), format!("no {name}"));
        let times = mail.raw.lines().take_while(|line| !line.is_empty());
        let times = times.filter(|line| line.to_lowercase().starts_with(&format!("{name}:"))).count();
        check.that(times == 1, format!("{times} times {name}"));
    }
    for name in ["bcc", "cc", "reply-to"] {
        check.that(header(name).is_empty(), format!("{name}: {}", header(name)));
    }
    for text in [mail.subject(), &mail.text, &mail.html] {
        check.readable(text);
    }
    check.that(!mail.subject().contains(['\n', '\t']), "a line break in the subject");
    check.that(mail.raw.lines().all(|line| line.len() <= LONGEST_LINE), "a line that is too long");
    check.that(mail.html.len() < CLIPPED_AT, format!("{} bytes of HTML", mail.html.len()));
    check.all(ACTIVE.find(&mail.html).map(|found| format!("active HTML {:?}", found.as_str())));
    for link in LINK.captures_iter(&mail.html) {
        check.that(is_ours(&link[1].replace("&amp;", "&")), format!("a link to {:?}", &link[1]));
    }
    let told = Told {
        effect: Effect::Post,
        // Two mails with one Message-ID are one to who reads them.
        thing: header("message-id"),
        key: header("message-id"),
        text: format!("{}\n{}", mail.subject(), mail.text),
        body: json!(mail.raw),
    };
    Judged { told, mistakes: check.mistakes(), yes: crate::support::http::Answer::Drop }
}

/// What a server can do of what goes wrong.
pub(crate) fn meets(server: &Smtp, fault: &Fault) {
    server.script(|script| match fault {
        Fault::Busy(_) | Fault::Down => script.too_busy += 1,
        Fault::CutAfter => script.drops_after_dot += 1,
        Fault::Hang => script.hangs_at_data += 1,
        Fault::Cut => script.drops_at_data += 1,
        Fault::HangAfter => script.slow_dots.push_back(Duration::from_mins(10)),
        Fault::Page | Fault::Redirect(_) | Fault::Gone | Fault::Form => {
            panic!("a mail server does not fail by {fault:?} once")
        }
    });
}

/// Whether it knows the address no more.
pub(crate) fn refuses_all(server: &Smtp, fault: Option<&Fault>) {
    server.script(|script| match fault {
        None => script.refused.clear(),
        Some(Fault::Gone) => {
            script.refused.insert(ADDRESS.to_owned());
        }
        Some(other) => panic!("a mail server does not always fail by {other:?}"),
    });
}
