//! Looks for planted secrets in what was sent, written and logged. It knows bytes and pieces of secrets, and not what either is.

use std::borrow::Cow;
use std::collections::BTreeMap;

use aho_corasick::{AhoCorasick, BuildError};

use super::canaries::Canary;
use super::pipeline::Seen;
use super::plant::{FIELDS, Keeps};

/// Secrets that showed, by where: field and kind of each.
pub(super) type Leaks = BTreeMap<String, Vec<(String, String)>>;

/// Everything of `canaries` that shows in `seen`, but for what may.
pub(super) fn leaks(canaries: &[&Canary], seen: &[Seen]) -> Result<Leaks, BuildError> {
    let owners: Vec<(&Canary, &str)> =
        canaries.iter().flat_map(|canary| canary.pieces.iter().map(|piece| (*canary, piece.as_str()))).collect();
    let pieces = AhoCorasick::new(owners.iter().map(|(_, piece)| piece))?;
    let mut leaks = Leaks::new();
    for Seen { place, bytes } in seen {
        let in_ledger = place.starts_with("the ledger");
        for view in views(bytes) {
            for found in pieces.find_overlapping_iter(view.as_ref()) {
                let Some((canary, _)) = owners.get(found.pattern().as_usize()) else { continue };
                if in_ledger && keeps(canary) == Keeps::Identity {
                    continue;
                }
                let leak = (canary.field.to_owned(), canary.kind.clone());
                let known = leaks.entry(place.clone()).or_default();
                if !known.contains(&leak) {
                    known.push(leak);
                }
            }
        }
    }
    Ok(leaks)
}

fn keeps(canary: &Canary) -> Keeps {
    FIELDS.iter().find(|field| field.name == canary.field).map_or(Keeps::Redacted, |field| field.keeps)
}

/// The bytes as they are; without the line breaks of quoted-printable; and without any white space, which folds and indents.
fn views(bytes: &[u8]) -> [Cow<'_, [u8]>; 3] {
    let text = String::from_utf8_lossy(bytes);
    let joined = text.replace("=\r\n", "");
    let dense: String = joined.chars().filter(|c| !c.is_whitespace()).collect();
    [Cow::Borrowed(bytes), Cow::Owned(joined.into_bytes()), Cow::Owned(dense.into_bytes())]
}

#[cfg(test)]
mod tests {
    use super::super::canaries::of_shape;
    use super::*;

    fn found(text: &str, canary: &Canary, place: &str) -> bool {
        let seen = [Seen { place: place.to_owned(), bytes: text.as_bytes().to_vec() }];
        !leaks(&[canary], &seen).expect("pieces").is_empty()
    }

    #[test]
    fn a_secret_is_found_whole_in_half_and_folded() {
        let canary = of_shape("github-token", "gh|p_{a36}", "error.message", "0");
        let (half, rest) = canary.text.split_at(22);
        for text in [
            canary.text.clone(),
            format!("cut {half}…"),
            format!("folded {half}=\r\n{rest}"),
            format!("folded {}\n  {}", &canary.text[..10], &canary.text[10..]),
        ] {
            assert!(found(&text, &canary, "slack, blocks"), "{text}");
        }
        assert!(!found("nothing of it", &canary, "slack, blocks"));
    }

    #[test]
    fn what_a_run_is_known_by_may_stand_in_the_ledger_and_nowhere_else() {
        let canary = of_shape("github-token", "gh|p_{a36}", "workflow.id", "0");
        assert!(!found(&canary.text, &canary, "the ledger's files"));
        assert!(found(&canary.text, &canary, "the log"));
    }
}
