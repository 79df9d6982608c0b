//! Secrets that the text around them gives away: PEM blocks, URLs, headers, cookies, command lines.
//! Data only: this file knows patterns, not how they are applied.

use super::{Need, Rule};

pub(super) static RULES: [Rule; 17] = [
    Rule::new("pem-private-key", r"-----BEGIN[ A-Z0-9_-]{0,100}PRIVATE KEY(?: BLOCK)?-----(?:[\s\S]*?-----END[ A-Z0-9_-]{0,100}PRIVATE KEY(?: BLOCK)?-----|[\s\S]*)|(?:[A-Za-z0-9+/=]{16,}(?:\s|\\[nr])+)+-----END[ A-Z0-9_-]{0,100}PRIVATE KEY(?: BLOCK)?-----", &["PRIVATE KEY", "private key", "Private Key"]),
    Rule::new("slack-webhook-url", r"(?i-u:hooks\.slack(?:-gov)?\.com/(?:services|workflows|triggers)/)(?P<s>[A-Za-z0-9+/_-]{12,})", &["hooks.slack", "HOOKS.SLACK", "Hooks.Slack"]),
    Rule::new("discord-webhook-url", r"(?i-u:discord(?:app)?\.com/api(?:/v[0-9]{1,2})?/webhooks/)[0-9]{15,21}/(?P<s>[A-Za-z0-9_-]{20,})", &["/webhooks/", "/WEBHOOKS/", "/Webhooks/"]),
    Rule::new("teams-webhook-url", r"(?i-u:\.webhook\.office\.com/webhookb2/)(?P<s>[A-Za-z0-9@/_-]{30,})", &["webhook.office.com", "WEBHOOK.OFFICE.COM", "Webhook.Office.Com"]),
    Rule::new("telegram-bot-token", r"(?:(?-u:\b)|bot)(?P<s>[0-9]{8,10}:AA[A-Za-z0-9_-]{30,36})", &[":AA", ":aa", ":Aa"]),
    Rule::new("url-userinfo-password", r#"(?-u:\b)[A-Za-z][A-Za-z0-9+.-]{1,30}://[^\s/?#:@'"<>]*:(?P<s>[^\s/?#'"<>]+)@"#, &["://"]).stops(),
    Rule::new("url-userinfo-token", r#"(?i-u:(?-u:\b)https?)://(?P<s>[^\s/?#:@'"<>]{20,})@"#, &["://"]),
    Rule::new("auth-header-scheme", r#"(?i-u:(?-u:\b)authorization(?-u:\b))(?:["'\\]{0,8}\s*(?:[:=]|=>)\s*b?["'\\]{0,8}|["'\\]{1,8}\s*,\s*b?["'\\]{1,8})(?i-u:bearer|basic|token|bot|apikey|api-key|geniekey|splunk|key)[\s=]+(?P<s>[^\s"'\\,;]{4,})"#, &["uthorization", "UTHORIZATION", "Uthorization"]).stops(),
    Rule::new("auth-header-params", r#"(?i-u:(?-u:\b)authorization(?-u:\b))(?:["'\\]{0,8}\s*(?:[:=]|=>)\s*b?["'\\]{0,8}|["'\\]{1,8}\s*,\s*b?["'\\]{1,8})(?i-u:digest|aws4-hmac-sha256|negotiate|ntlm|hawk|signature)\s+(?P<s>[^\r\n]{8,}(?:\r?\n[ \t]+[A-Za-z0-9-]+=[^\r\n]*)*)"#, &["uthorization", "UTHORIZATION", "Uthorization"]),
    Rule::new("auth-header-raw", r#"(?i-u:(?-u:\b)(?:proxy-authorization|authorization|x-api-key|x-auth-token|x-access-token|x-gitlab-token|private-token|x-vault-token|x-n8n-api-key|x-shopify-access-token|circle-token|dd-api-key|api-key|apikey))(?:["'\\]{0,8}\s*(?:[:=]|=>)\s*b?["'\\]{0,8}|["'\\]{1,8}\s*,\s*b?["'\\]{1,8})(?P<s>[^\s"'\\,;]{8,})"#, &["uthorization", "UTHORIZATION", "Uthorization", "-token", "-TOKEN", "-Token", "apikey", "APIKEY", "Apikey", "api-key", "API-KEY", "Api-Key", "ApiKey", "API-Key", "Api-key"]).stops().needs(Need::DigitOrSymbol),
    Rule::new("bare-bearer", r"(?i-u:(?-u:\b)bearer)\s+(?P<s>[A-Za-z0-9._~+/=-]{16,})", &["earer", "EARER", "Earer"]).needs(Need::Digit),
    Rule::new("bare-basic", r"(?-u:\b)(?i-u:basic)\s+(?P<s>[A-Za-z0-9+/]{12,}={1,2})", &["asic", "ASIC", "Asic"]),
    Rule::new("geniekey", r"(?i-u:(?-u:\b)geniekey)\s+(?P<s>[0-9a-f-]{32,36})", &["enie", "ENIE", "Enie"]),
    Rule::new("url-query-secret", r#"(?:[?&;](?i-u:(?:token|secret|sig|signature|jwt|sid|session|sessionid|session_id|x-amz-signature|x-goog-signature|passw(?:or)?d|pwd|passphrase|api[_.-]?key|client[_.-]?secret|(?:access|auth|refresh|id|session|bot)[_.-]?token))=(?P<s>[^&\s#"'<>]{4,})|(?:[?&;]|%3[Ff]|%26|(?-u:\b))(?i-u:(?:token|secret|sig|signature|jwt|sid|session|sessionid|session_id|x-amz-signature|x-goog-signature|passw(?:or)?d|pwd|passphrase|api[_.-]?key|client[_.-]?secret|(?:access|auth|refresh|id|session|bot)[_.-]?token))%3[Dd](?P<s2>(?:[^&\s#"'<>%]|%(?:[013-9A-Fa-f][0-9A-Fa-f]|2[0-57-9A-Fa-f])){4,}))"#, &["?", "&", "%3D", "%3d"]).stops(),
    Rule::new("cookie-header", r#"(?i-u:(?-u:\b)(?:set-cookie|cookie)(?-u:\b))["'\\]{0,8}\s*[:=]\s*["'\\]{0,8}(?P<s>[A-Za-z0-9_.-]{1,64}=[^\r\n"']+(?:\r?\n[ \t]+[^\r\n"':=]*=[^\r\n"']+)*)"#, &["ookie", "OOKIE", "Ookie"]),
    Rule::new("cli-secret-flag", r#"(?:^|[\s'"\[(,])--?(?i-u:password|passwd|pass|token|secret|api-key|apikey|client-secret|access-token|auth-token|db-password)(?:=|[ \t]+(?:\\\r?\n[ \t]*)?|["'],\s*["'])["']?(?P<s>[^\s"']{3,})"#, &["--", "-p", "-P"]).stops(),
    Rule::new("curl-user-flag", r#"(?-u:\b)curl(?-u:\b)[^\r\n]*?\s(?:-u|--user)[ =]?["']?[^\s:"']{1,128}:(?P<s>[^\s"']+)"#, &["curl", "CURL", "Curl"]),
];
