//! What stands in a path and behind its `?`.

use url::form_urlencoded::parse;

/// `?state=open`, which is the default, or `?state=all`.
pub(super) fn all(query: Option<&str>) -> Result<bool, String> {
    let mut all = false;
    for (key, value) in parse(query.unwrap_or_default().as_bytes()) {
        all = match (&*key, &*value) {
            ("state", "open") => false,
            ("state", "all") => true,
            ("state", _) => return Err("`state` is `open` or `all`".to_owned()),
            _ => return Err("only `state` is understood, as `?state=all`".to_owned()),
        };
    }
    Ok(all)
}

/// A part of a path, without its percent signs.
pub(super) fn decoded(part: &str) -> String {
    // In a path these three stand for themselves.
    let form = part.replace('+', "%2B").replace('&', "%26").replace('=', "%3D");
    parse(form.as_bytes()).next().map(|(text, _)| text.into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_path_says_what_it_says() {
        for (part, text) in [("r1", "r1"), ("a%20b", "a b"), ("a+b&c=d", "a+b&c=d"), ("%C3%A4%2Fb", "ä/b"), ("", "")] {
            assert_eq!(decoded(part), text);
        }
    }
}
