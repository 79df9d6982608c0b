//! Made-up secrets of every kind that redaction knows, each one of its own, so that one that shows tells where it was planted. It knows
//! no run and no receiver.
//!
//! In a shape, `{a20}` stands for twenty letters and digits, `{h32}` for hex digits, `{l34}` for letters, `{u16}` for what base32 has,
//! `{U24}` for capitals and digits, `{d24}` for digits; they are made when needed, so that no scanner takes this file for a leak.

use sha2::{Digest as _, Sha256};

/// How long the pieces are by which a secret is found again, in characters.
pub(super) const PIECE: usize = 12;

/// The id of each rule of `triage::redact`, and what it looks like.
pub(super) const SHAPES: [(&str, &str); 84] = [
    ("pem-private-key", "-----BEGIN RSA PRIV|ATE KEY-----\n{a64}\n{a64}\n-----END RSA PRIV|ATE KEY-----"),
    ("slack-webhook-url", "https://hooks.slack.|com/services/T0123456789/B0123456789/{a24}"),
    ("discord-webhook-url", "https://discord.com/api/web|hooks/123456789012345678/{a60}"),
    ("teams-webhook-url", "https://x.webhook.|office.com/webhookb2/{h32}@{h32}/IncomingWebhook/{h32}"),
    ("telegram-bot-token", "987654321:A|A{a33}"),
    ("url-userinfo-password", "postgres://app:{a24}@db.example:5432/x"),
    ("url-userinfo-token", "https://{a40}@git.example/x"),
    ("auth-header-scheme", "Authorization: Bear|er {a24}"),
    ("auth-header-params", "Authorization: Dig|est username=x, response={a32}"),
    ("auth-header-raw", "X-Api-|Key: 1{a24}"),
    ("bare-bearer", "sent bear|er 7{a24}"),
    ("bare-basic", "sent Bas|ic {a22}=="),
    ("geniekey", "Genie|Key {h32}"),
    ("url-query-secret", "https://api.example.com/v1?jw|t={a24}&page=2"),
    ("cookie-header", "Cook|ie: sid={a32}"),
    ("cli-secret-flag", "mysql --pass|word {a24}"),
    ("curl-user-flag", "curl -u admin|:{a24}"),
    ("aws-access-key-id", "AK|IA{u16}"),
    ("aws-bedrock-key", "AB|SK{a80}"),
    ("github-token", "gh|p_{a36}"),
    ("github-fine-grained", "github_|pat_{a60}"),
    ("gitlab-token", "glp|at-{a24}"),
    ("slack-token", "xo|xb-123456789012-{a24}"),
    ("slack-app-token", "xa|pp-1-A0123456789-1234567890-{h64}"),
    ("discord-bot-token", "M{a24}.{a6}.{a38}"),
    ("stripe-key", "sk_|live_{a24}"),
    ("webhook-signing-secret", "whs|ec_{a32}"),
    ("anthropic-key", "sk-|ant-api03-{a40}"),
    ("openai-key", "sk-|proj-{a40}"),
    ("sk-generic", "s|k-{a40}"),
    ("elevenlabs-key", "s|k_{h48}"),
    ("google-api-key", "AI|za{a35}"),
    ("google-oauth", "ya|29.{a60}"),
    ("groq-key", "gs|k_{a48}"),
    ("xai-key", "xa|i-{a60}"),
    ("perplexity-key", "pp|lx-{a48}"),
    ("huggingface-token", "h|f_{l34}"),
    ("replicate-token", "r|8_{a37}"),
    ("langsmith-key", "lsv2|_pt_{h32}_{h10}"),
    ("pinecone-key", "pcs|k_{a50}"),
    ("npm-token", "np|m_{a36}"),
    ("pypi-token", "pypi-|AgE{a60}"),
    ("rubygems-token", "ruby|gems_{h48}"),
    ("docker-token", "dckr|_pat_{a27}"),
    ("crates-io-token", "ci|o{a32}"),
    ("sendgrid-key", "S|G.{a22}.{a43}"),
    ("mailgun-key", "ke|y-{h32}"),
    ("mailchimp-key", "{h32}-u|s12"),
    ("twilio-key", "S|K{h32}"),
    ("digitalocean-token", "dop|_v1_{h64}"),
    ("databricks-token", "da|pi{h32}"),
    ("vault-token", "hv|s.{a40}"),
    ("terraform-cloud-token", "{a14}.atlas|v1.{a60}"),
    ("pulumi-token", "pu|l-{h40}"),
    ("doppler-token", "dp|.pt.{a43}"),
    ("linear-key", "lin_|api_{a40}"),
    ("notion-token", "ntn|_{d12}{a35}"),
    ("airtable-pat", "pa|t{a14}.{h64}"),
    ("figma-token", "fi|gd_{a40}"),
    ("postman-key", "PM|AK-{h24}-{h34}"),
    ("grafana-token", "gl|sa_{a32}_{h8}"),
    ("dynatrace-token", "dt0|c01.{U24}.{U64}"),
    ("newrelic-key", "NR|AK-{U27}"),
    ("sentry-token", "snt|rys_{a60}"),
    ("shopify-token", "shp|at_{h32}"),
    ("square-token", "EA|AA{a60}"),
    ("flyio-token", "fo|1_{a43}"),
    ("heroku-key", "HR|KU-{a60}"),
    ("netlify-token", "nf|p_{a36}"),
    ("supabase-token", "sb|p_{h40}"),
    ("planetscale-token", "pscale|_tkn_{a43}"),
    ("neon-key", "na|pi_{h64}"),
    ("prefect-key", "pn|u_{a36}"),
    ("tailscale-key", "tsk|ey-auth-{a12}-{a32}"),
    ("onepassword-token", "ops|_eyJ{a80}"),
    ("age-secret-key", "AGE-SEC|RET-KEY-1{g58}"),
    ("azure-ad-secret", "a8c7|Q~{a34}"),
    ("openshift-token", "sha|256~{a43}"),
    ("atlassian-token", "ATA|TT3{a80}"),
    ("jwt", "ey|J{a20}.ey|J{a40}.{a43}"),
    ("kv-strong-quoted", "{\"pass|word\": \"{a24}\"}"),
    ("kv-strong-eq", "DB_PASS|WORD={a24}"),
    ("kv-strong-colon", "pass|word: 1{a24}"),
    ("kv-weak", "tok|en: 5{a24}"),
];

/// One planted secret.
#[derive(Debug, Clone)]
pub(super) struct Canary {
    /// Which kind of secret: the id of the rule that should find it, or what the user planted.
    pub(super) kind: String,
    /// Where it was planted: `steps[].error.message`.
    pub(super) field: &'static str,
    /// What is planted.
    pub(super) text: String,
    /// What must not be seen anywhere: pieces of it, so that half a secret is one too.
    pub(super) pieces: Vec<String>,
}

/// A secret of the shape of `kind`, for `field` of run `salt`.
pub(super) fn of_shape(kind: &str, shape: &str, field: &'static str, salt: &str) -> Canary {
    let (mut text, mut pieces) = (String::new(), Vec::new());
    let mut rest = shape;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(&before.replace('|', ""));
        let Some((what, after)) = after.split_once('}').filter(|(what, _)| is_made(what)) else {
            text.push('{');
            rest = after;
            continue;
        };
        let made = made(what, &[kind, field, salt, &text.len().to_string()]);
        pieces.extend(pieces_of(&made));
        text.push_str(&made);
        rest = after;
    }
    text.push_str(&rest.replace('|', ""));
    Canary { kind: kind.to_owned(), field, text, pieces }
}

/// A secret that is somebody's own and planted nowhere: all of it must not be seen.
pub(super) fn of_own(secret: &str, field: &'static str) -> Canary {
    Canary { kind: "configured".to_owned(), field, text: secret.to_owned(), pieces: pieces_of(secret) }
}

/// What the user wants to see found, with a mark behind it that tells the field: the secret is the same in all of them. Where the end of
/// it stands before the mark, it was not taken out.
pub(super) fn of_text(secret: &str, field: &'static str) -> Canary {
    let mark = made("a16", &["planted", secret, field]);
    let chars: Vec<char> = secret.chars().collect();
    let end: String = chars[chars.len().saturating_sub(PIECE)..].iter().collect();
    // In a link, a space is a plus sign, and so is one in the secret.
    let pieces = vec![format!("{end} {mark}"), format!("{end}+{mark}").replace(' ', "+")];
    Canary { kind: "planted".to_owned(), field, text: format!("{secret} {mark}"), pieces }
}

fn is_made(what: &str) -> bool {
    let mut chars = what.chars();
    chars.next().is_some_and(|kind| "ahludUg".contains(kind)) && chars.as_str().parse::<usize>().is_ok()
}

/// The start, the middle and the end of a part. A part that is too short is found in other things as well.
fn pieces_of(part: &str) -> Vec<String> {
    let chars: Vec<char> = part.chars().collect();
    let Some(last) = chars.len().checked_sub(PIECE) else { return Vec::new() };
    let mut pieces: Vec<String> =
        [0, last / 2, last].iter().map(|at| chars[*at..*at + PIECE].iter().collect()).collect();
    pieces.dedup();
    pieces
}

fn made(what: &str, seeds: &[&str]) -> String {
    let (kind, length) = what.split_at(1);
    let alphabet: &[u8] = match kind {
        "h" => b"0123456789abcdef",
        "l" => b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
        "u" => b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
        "U" => b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
        "d" => b"0123456789",
        // What bech32 has.
        "g" => b"QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L",
        _ => b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
    };
    let length = length.parse().unwrap_or(PIECE);
    let mut out = String::with_capacity(length);
    let mut block = 0_u32;
    while out.len() < length {
        let mut hash = Sha256::new();
        for seed in seeds {
            hash.update(format!("{}:{seed}", seed.len()));
        }
        hash.update(block.to_le_bytes());
        let digest = hash.finalize();
        out.extend(digest.iter().map(|byte| char::from(alphabet[usize::from(*byte) % alphabet.len()])));
        block += 1;
    }
    out.truncate(length);
    out
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::triage::redact::{redact, rule_ids};

    #[test]
    fn there_is_a_canary_for_every_rule_and_its_rule_finds_it() {
        let known: BTreeSet<&str> = rule_ids().collect();
        let shaped: BTreeSet<&str> = SHAPES.iter().map(|(kind, _)| *kind).collect();
        assert_eq!(known, shaped, "a rule without a shape, or a shape without a rule");
        let mut wrong = Vec::new();
        for (kind, shape) in SHAPES {
            let canary = of_shape(kind, shape, "error.message", "0");
            let redacted = redact(&canary.text).text.into_owned();
            let named = redacted.contains(&format!("[REDACTED:{kind}]"));
            if !named || canary.pieces.is_empty() || canary.pieces.iter().any(|piece| redacted.contains(piece)) {
                wrong.push(format!("{kind}: {redacted}"));
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    #[test]
    fn no_two_fields_have_the_same_secret() {
        let make = |field| of_shape("github-token", "gh|p_{a36}", field, "0");
        let (one, other) = (make("error.message"), make("error.detail"));
        assert!(one.pieces.iter().all(|piece| !other.text.contains(piece)));
        assert_eq!(one.text, make("error.message").text, "the same each time");
    }
}
