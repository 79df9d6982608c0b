//! `firstred ack`: somebody knows. No reminders and no escalation any more; the end is still told.

use std::path::Path;

use reqwest::Method;
use serde_json::json;

use super::remote::Remote;
use super::{Failure, Format, output, setup};
use crate::triage::redact::clean;

pub(super) fn run(config: &Path, id: &str, by: &str, url: Option<&str>, format: Format) -> Result<(), Failure> {
    let config = setup::config(config)?;
    let remote = Remote::of(&config, url)?;
    let path = format!("incidents/{id}/ack");
    let answer = remote.ask(&Method::POST, &path, Some(&json!({ "by": by })))?;
    if format == Format::Json {
        return output::say_json(&answer);
    }
    let name = clean(answer["id"].as_str().unwrap_or(id)).into_owned();
    let who = clean(answer["acknowledged"]["by"].as_str().unwrap_or(by)).into_owned();
    output::say(&if answer["changed"] == false {
        format!("incident {name} was acknowledged already, by {who}")
    } else {
        format!("incident {name} is acknowledged by {who}: no reminders and no escalation; its end is still told")
    });
    Ok(())
}
