//! How pages look, and what a browser may do with them: nothing but show them and send their own forms. It must not know what they say.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

/// One column, readable at 380 px, light and dark.
pub(super) const STYLE: &str = "\
:root{color-scheme:light dark;--bg:#f6f8fa;--card:#fff;--text:#1f2328;--muted:#59636e;--line:#d1d9e0;--link:#0b57d0;--code:#f6f8fa;\
--button:#0b57d0;--on:#fff;--bad:#a30200;--warn:#9a6700;--good:#1a7f37;--note:#0b57d0}\
@media(prefers-color-scheme:dark){:root{--bg:#0d1117;--card:#161b22;--text:#e6edf3;--muted:#9da7b3;--line:#30363d;--link:#79b8ff;\
--code:#0d1117;--button:#1f6feb;--on:#fff;--bad:#ff7b72;--warn:#e3b341;--good:#56d364;--note:#79b8ff}}\
*{box-sizing:border-box}\
body{margin:0;padding:16px 8px 48px;background:var(--bg);color:var(--text);\
font:16px/1.5 -apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;overflow-wrap:anywhere}\
main{max-width:720px;margin:0 auto}\
.card{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:16px 20px;margin:0 0 12px}\
.top{border-top:6px solid var(--tone)}\
.bad{--tone:var(--bad)}.warn{--tone:var(--warn)}.good{--tone:var(--good)}.note{--tone:var(--note)}\
.state{margin:0;color:var(--tone);font-size:13px;font-weight:700;letter-spacing:.06em}\
h1{margin:2px 0 4px;font-size:22px;line-height:1.3}\
h2{margin:0 0 8px;font-size:16px}\
p{margin:4px 0}\
.m,dt,time,footer{color:var(--muted)}\
a{color:var(--link)}\
code,pre{font-family:ui-monospace,Consolas,Menlo,monospace;font-size:.9em}\
pre{margin:8px 0 0;padding:10px 12px;background:var(--code);border:1px solid var(--line);border-radius:6px;white-space:pre-wrap}\
.next{margin-top:12px;font-weight:600}\
.row{display:flex;flex-wrap:wrap;gap:8px;margin-top:8px;align-items:center}.row a{padding:8px 12px 8px 0}\
form{margin:0;display:contents}\
button{appearance:none;font:inherit;font-weight:600;min-height:44px;padding:8px 18px;border-radius:6px;cursor:pointer;\
border:1px solid var(--button);background:transparent;color:var(--link)}\
button.first{background:var(--button);color:var(--on)}\
button:focus-visible,a:focus-visible{outline:3px solid var(--link);outline-offset:2px}\
.said{border-left:6px solid var(--tone)}\
:target{outline:2px solid var(--link);outline-offset:2px}\
ul,ol{margin:4px 0;padding-left:20px}li{margin:4px 0}\
ol.story{list-style:none;padding:0}ol.story time{display:block;font-size:13px}ol.story li{margin:8px 0;padding-left:12px;border-left:2px solid var(--line)}\
dl{display:grid;grid-template-columns:max-content 1fr;gap:4px 16px;margin:0}dd{margin:0}\
footer{max-width:720px;margin:0 auto;padding:0 12px;font-size:13px}";

/// The policy that comes with each page: no script, no picture, no frame, and of styles only the one above, by its digest. Forms go
/// where the page came from.
pub(super) static POLICY: LazyLock<String> = LazyLock::new(|| {
    let digest = STANDARD.encode(Sha256::digest(STYLE.as_bytes()));
    format!(
        "default-src 'none'; style-src 'sha256-{digest}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
});
