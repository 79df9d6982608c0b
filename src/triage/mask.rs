//! Takes out of an error's text what changes from run to run: ids, times, numbers, addresses, paths. HTTP statuses and
//! exit codes stay, for they tell errors apart. It must not know what the text is for.

/// What stands in for what changes.
const MASK: char = '#';
/// More than this is not looked at, in bytes.
const MAX: usize = 2_000;

/// Words after which a short number is a status or an exit code.
const NAMES: [&str; 12] = [
    "code", "errno", "exit", "exitcode", "exited", "http", "httpstatus", "returncode", "signal", "status", "statuscode",
    "exit_code",
];
/// Words that may stand between those and the number.
const GLUE: [&str; 9] = ["code", "error", "is", "of", "returned", "response", "status", "was", "with"];
/// What follows an HTTP status that is written before its reason.
const REASONS: [&str; 18] = [
    "bad gateway", "bad request", "client error", "conflict", "forbidden", "gateway time", "gone", "internal server",
    "method not allowed", "not found", "not implemented", "payment required", "proxy auth", "request time",
    "server error", "service unavailable", "too many requests", "unauthorized",
];
const CALENDAR: [&str; 19] = [
    "apr", "aug", "dec", "feb", "fri", "jan", "jul", "jun", "mar", "may", "mon", "nov", "oct", "sat", "sep", "sun", "thu",
    "tue", "wed",
];

/// The text without what changes. Masking masked text changes nothing.
pub(super) fn mask(text: &str) -> String {
    let mut rest = &text[..text.floor_char_boundary(MAX)];
    let mut out = Masked::default();
    while let Some(c) = rest.chars().next() {
        if c.is_whitespace() {
            out.space();
            rest = rest.trim_start();
        } else if is_delimiter(c) {
            out.push(c);
            rest = &rest[c.len_utf8()..];
        } else {
            let token = token(rest);
            rest = &rest[token.len()..];
            out.token(token, rest);
        }
    }
    out.text.truncate(out.text.trim_end().len());
    out.text
}

/// What a token ends at. `/`, `:`, `-` and the like join.
fn is_delimiter(c: char) -> bool {
    matches!(c, '"' | '\'' | '`' | '(' | ')' | '[' | ']' | '{' | '}' | '<' | '>' | ',' | ';' | '=' | '|')
}

fn token(rest: &str) -> &str {
    let end = |fits: fn(char) -> bool| rest.find(|c: char| c.is_whitespace() || fits(c)).unwrap_or(rest.len());
    let token = &rest[..end(is_delimiter)];
    // In an address, `=`, `,` and `;` are part of what goes.
    let address = |c| matches!(c, '"' | '\'' | '`' | '<' | '>' | ')' | ']' | '}' | '|');
    if token.contains("://") || is_path(token) { &rest[..end(address)] } else { token }
}

fn is_path(token: &str) -> bool {
    let windows = matches!(token.as_bytes(), [drive, b':', b'\\', ..] if drive.is_ascii_alphabetic());
    let rooted = ["/", "./", "../", "~/"].iter().any(|root| token.strip_prefix(root).is_some_and(|rest| rest.contains(is_word)));
    windows || rooted || (token.contains('?') && token.contains('/'))
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[derive(Default)]
struct Masked {
    text: String,
    /// Whether a short number would be a status or an exit code here.
    armed: bool,
}

impl Masked {
    fn space(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with(' ') {
            self.text.push(' ');
        }
    }

    fn push(&mut self, c: char) {
        if c == MASK { self.mask() } else { self.text.push(c) }
    }

    /// Writes one mask for a whole chain such as a date, an address with its port, or a version.
    fn mask(&mut self) {
        let chain = self.text.trim_end_matches(['-', ':', '.', '/', '+', MASK]).len();
        if let Some(first) = self.text[chain..].find(MASK) {
            self.text.truncate(chain + first);
        }
        self.text.push(MASK);
    }

    fn token(&mut self, token: &str, after: &str) {
        if let Some((scheme, host, path)) = address(token) {
            self.armed = false;
            self.text.push_str(scheme);
            self.text.push_str("://");
            // A host with a number in it may be one of many, or an address.
            if host.bytes().any(|byte| byte.is_ascii_digit()) { self.text.push(MASK) } else { self.text.push_str(host) }
            if path.contains(is_word) || path.contains(MASK) {
                self.text.push('/');
                self.text.push(MASK);
            }
        } else if is_path(token) || is_mail(token) || is_ipv6(token) {
            self.armed = false;
            self.mask();
        } else {
            self.words(token, after);
        }
    }

    /// Masks a token word by word. `after` is what follows the token.
    fn words(&mut self, token: &str, after: &str) {
        let mut rest = token;
        while let Some(c) = rest.chars().next() {
            if let Some(next) = uuid(rest) {
                self.mask();
                rest = next;
                continue;
            }
            let end = rest.find(|c: char| !is_word(c)).unwrap_or(rest.len());
            if end == 0 {
                self.push(c);
                rest = &rest[c.len_utf8()..];
                continue;
            }
            let (word, next) = rest.split_at(end);
            self.word(word, next, if next.is_empty() { after } else { next });
            rest = next;
        }
    }

    fn word(&mut self, word: &str, next: &str, after: &str) {
        let lower = word.to_ascii_lowercase();
        if !word.bytes().any(|byte| byte.is_ascii_digit()) {
            let dated = after.trim_start_matches([',', ' ', '.']).starts_with(|c: char| c.is_ascii_digit() || c == MASK);
            if dated && lower.get(..3).is_some_and(|start| CALENDAR.contains(&start)) && is_calendar(&lower) {
                return self.mask();
            }
            let ends_armed = lower.rsplit('_').next().is_some_and(|last| NAMES.contains(&last));
            self.armed = NAMES.contains(&lower.as_str()) || ends_armed || (self.armed && GLUE.contains(&lower.as_str()));
            return self.text.push_str(word);
        }
        let digits = word.bytes().all(|byte| byte.is_ascii_digit());
        let version = word.len() == 1 && (next.starts_with('.') || self.text.ends_with('.'));
        if digits && word.len() <= 3 && (self.armed || is_status(word, after)) {
            self.armed = self.armed && version;
            return self.text.push_str(word);
        }
        self.armed = false;
        let letters = word.trim_end_matches(|c: char| c.is_ascii_digit());
        let ends_in_number = !letters.is_empty() && !letters.bytes().any(|byte| byte.is_ascii_digit());
        let hex = word.len() >= 8 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
        if ends_in_number && !hex {
            self.text.push_str(letters);
            let tells = matches!(letters.to_ascii_lowercase().as_str(), "http" | "exit" | "exit_" | "status" | "sig");
            if tells && word.len() - letters.len() <= 3 {
                return self.text.push_str(&word[letters.len()..]);
            }
        }
        self.mask();
    }
}

/// Scheme, host and the rest of a token that is a URL.
fn address(token: &str) -> Option<(&str, &str, &str)> {
    let (scheme, address) = token.split_once("://")?;
    let (host, path) = address.split_at(address.find(['/', '?']).unwrap_or(address.len()));
    let host = host.rsplit('@').next().unwrap_or(host);
    let (host, port) = host.split_once(':').unwrap_or((host, ""));
    let is_name = !scheme.is_empty() && scheme.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'+');
    let is_host = host.contains(|c| is_word(c) || c == MASK);
    (is_name && is_host).then_some((scheme, host, if path.is_empty() { port } else { path }))
}

/// Whether a number is an HTTP status by the reason behind it.
fn is_status(word: &str, after: &str) -> bool {
    let reason = after.trim_start_matches([' ', ':', '-', '(']);
    word.len() == 3
        && matches!(word.as_bytes()[0], b'4' | b'5')
        && REASONS.iter().any(|known| reason.get(..known.len()).is_some_and(|start| start.eq_ignore_ascii_case(known)))
}

fn is_calendar(lower: &str) -> bool {
    lower.len() == 3 || lower.ends_with("day") || lower.ends_with("ber") || lower.ends_with("uary") || lower == "sept"
        || matches!(lower, "march" | "april" | "june" | "july" | "august")
}

fn is_mail(token: &str) -> bool {
    token.split_once('@').is_some_and(|(local, domain)| {
        local.contains(is_word) && domain.trim_end_matches(['.', ':']).contains('.') && !domain.contains(['@', '/'])
    })
}

fn is_ipv6(token: &str) -> bool {
    let address = token.split('%').next().unwrap_or(token);
    address.bytes().filter(|byte| *byte == b':').count() >= 2
        && address.bytes().any(|byte| byte.is_ascii_digit())
        && address.bytes().all(|byte| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.'))
}

/// What follows the UUID that `text` begins with.
fn uuid(text: &str) -> Option<&str> {
    let bytes = text.as_bytes().get(..36)?;
    let fits = |(at, byte): (usize, &u8)| if matches!(at, 8 | 13 | 18 | 23) { *byte == b'-' } else { byte.is_ascii_hexdigit() };
    bytes.iter().enumerate().all(fits).then(|| &text[36..])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_changes_goes_and_what_tells_errors_apart_stays() {
        for (text, masked) in [
            ("run 3f2b8c1e-9d4a-4e6f-8a7b-1c2d3e4f5a6b took 17 ms", "run # took # ms"),
            ("at 2026-11-22T20:35:44.123456Z or 02:07:09", "at # or #"),
            ("Sun, 22 Nov 2026 20:35:44 GMT", "#, # # # # GMT"),
            ("10.0.0.7:5432 and [fe80::1ff:fe23:4567:890a%eth0]", "# and [#]"),
            ("GET https://api.example.com:8443/v1/users/42?x=1 failed", "GET https://api.example.com/# failed"),
            ("mail to a.b@example.com bounced", "mail to # bounced"),
            ("object at 0x7ffe12ab, 250ms, 1h30m", "object at #, #, #"),
            ("File \"/app/flows/etl.py\", line 88, in load", "File \"#\", line #, in load"),
            ("pod etl-7d9f8b6c5d-x2k4q", "pod etl-#"),
            ("01JD8X4ZK3M5N6P7Q8R9S0T1V2 commit 9fceb02d0ae5", "# commit #"),
            ("status 401", "status 401"),
            ("HTTP Error 500: Internal", "HTTP Error 500: Internal"),
            ("HTTP/1.1 404", "HTTP/1.1 404"),
            ("404 Not Found after 17 tries", "404 Not Found after # tries"),
            ("exit code 137, status code: 1, signal 9, exit_code=3", "exit code 137, status code: 1, signal 9, exit_code=3"),
            ("status_code=502 exit137", "status_code=502 exit137"),
            ("node12 of 30", "node# of #"),
            ("KeyError: 'customer_id'", "KeyError: 'customer_id'"),
        ] {
            assert_eq!(mask(text), masked, "{text}");
            assert_eq!(mask(masked), masked);
        }
    }

    proptest! {
        #[test]
        fn masking_is_idempotent(text in "\\PC{0,60}|([a-zé ]{0,4}|[0-9#]{1,4}|[-:./=@%?_]|http|://|status |Nov |[\"'(,] ?){0,16}") {
            let once = mask(&text);
            prop_assert_eq!(mask(&once), once);
        }

        #[test]
        fn another_uuid_or_number_makes_no_difference(a in any::<u128>(), b in any::<u128>(), n in any::<u64>(), m in any::<u64>()) {
            let uuid = |id: u128| {
                let hex = format!("{id:032x}");
                [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
            };
            let text = |id, number: u64| format!("run {} of item {number} (row-{number}) failed after {number}s", uuid(id));
            prop_assert_eq!(mask(&text(a, n)), mask(&text(b, m)));
        }
    }
}
