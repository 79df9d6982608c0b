//! A local program: the payload on its standard input, and what its end says.

use serde_json::Value;

use super::webhook::effect;
use crate::promises::check::{Check, text_of};
use crate::promises::service::{Door, Judged, Keeps, Repeats, Service, Told};
use crate::support::http::Answer;

pub(crate) static SERVICE: Service = Service {
    name: "exec",
    kind: "exec",
    section: |base| format!("command = \"/bin/sh\"\nargs = [\"{base}/program.sh\", \"{base}\"]"),
    secret: "",
    door: Door::Program(judge),
    keeps: Keeps::Alert,
    repeats: Repeats::Recognised,
    hears_acknowledged: true,
    any_2xx: true,
    form: None,
};

fn judge(input: &str) -> Judged {
    let mut check = Check::default();
    let body: Value = serde_json::from_str(input).unwrap_or_default();
    check.that(body.is_object(), "the standard input is no JSON");
    for text in crate::support::webhook::leaves(&body) {
        check.readable(text);
    }
    check.that(input.trim_end_matches('\n').lines().count() == 1, "not one line");
    let told = Told {
        effect: effect(&body),
        thing: body["data"]["dedupKey"].as_str().unwrap_or_default().to_owned(),
        key: body["data"]["notification"].as_str().unwrap_or_default().to_owned(),
        text: text_of(&body),
        body,
    };
    Judged { told, mistakes: check.mistakes(), yes: Answer::Drop }
}
