//! The pages of Dagster's UI. It must not know what they are linked from.

/// The page of a run. An id that is no id makes no link.
pub(super) fn run(ui: &str, run: &str) -> Option<String> {
    let plain = !run.is_empty() && run.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    plain.then(|| format!("{ui}/runs/{run}"))
}

/// The page of a run with the log of one step.
pub(super) fn step(ui: &str, run: &str, key: &str) -> Option<String> {
    let page = self::run(ui, run)?;
    let encode =
        |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20");
    Some(format!("{page}?logs={}&selection={}", encode(&format!("step:{key}")), encode(key)))
}

/// The page of the code locations.
pub(super) fn locations(ui: &str) -> String {
    format!("{ui}/locations")
}

/// The page of the daemons.
pub(super) fn daemons(ui: &str) -> String {
    format!("{ui}/health")
}
