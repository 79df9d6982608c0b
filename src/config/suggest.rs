//! "Did you mean": the known word that is nearest to what was written.

/// The nearest of `known`, if it is near enough to be meant.
pub(super) fn nearest<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = plain(written);
    if wanted.is_empty() || wanted.len() > 64 {
        return None;
    }
    known
        .into_iter()
        .filter_map(|candidate| {
            let plain = plain(candidate);
            let distance = strsim::damerau_levenshtein(&wanted, &plain);
            // A third of the longer word may be wrong: `tokn` and `timeuot` are meant, `host` for `token` is not.
            let near = distance <= wanted.chars().count().max(plain.chars().count()).div_ceil(3);
            // `webhook` for `webhook_url`, `api` for `api_key`.
            let begins = wanted.len() >= 3 && (plain.starts_with(&wanted) || wanted.starts_with(&plain));
            (near || begins).then_some((distance, candidate))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// "did you mean `x`?", or what the words are.
pub(super) fn hint<'a>(written: &str, what: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> Option<String> {
    if let Some(near) = nearest(written, known.clone()) {
        return Some(format!("did you mean `{near}`?"));
    }
    let mut words: Vec<String> = known.into_iter().map(|word| format!("`{word}`")).collect();
    if words.is_empty() {
        return None;
    }
    if words.len() > 20 {
        words.truncate(20);
        words.push("…".to_owned());
    }
    Some(format!("{what}: {}", words.join(", ")))
}

/// Case, `-` and `_` don't make another word.
fn plain(word: &str) -> String {
    word.chars().filter(|c| !matches!(c, '-' | '_')).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typo_is_understood_and_another_word_is_not() {
        let known = ["token", "timeout", "webhook_url", "workspaces"];
        assert_eq!(nearest("tokn", known), Some("token"));
        assert_eq!(nearest("webhookUrl", known), Some("webhook_url"));
        assert_eq!(nearest("webhook", known), Some("webhook_url"));
        assert_eq!(nearest("workspace", known), Some("workspaces"));
        assert_eq!(nearest("host", known), None);
        assert_eq!(nearest("", known), None);
    }
}
