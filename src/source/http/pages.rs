//! How a list goes on: from one answer to the address of the next page. It sends nothing and knows no run.

use std::collections::BTreeSet;
use std::time::Duration;

use reqwest::header::{HeaderMap, LINK};
use url::{Url, form_urlencoded};

use super::super::filter::Filter;
use crate::config::Pagination;

/// Where a walk through the pages of one poll stands.
pub(super) struct Pager<'a> {
    how: &'a Pagination,
    /// The compiled `next` of a cursor.
    next: Option<&'a Filter>,
    base: Url,
    /// Page number or offset of the page that was asked last.
    position: u64,
    cursors: BTreeSet<String>,
}

/// What the next page depends on.
pub(super) struct Page<'a> {
    pub(super) url: &'a Url,
    pub(super) headers: &'a HeaderMap,
    pub(super) body: &'a std::sync::Arc<Vec<u8>>,
    /// Rows that the engine sent, before any filter; unknown in a foreign shape.
    pub(super) rows: Option<usize>,
    /// Items after the filter.
    pub(super) items: usize,
}

impl<'a> Pager<'a> {
    /// A walk that begins at `base`.
    pub(super) fn new(how: &'a Pagination, next: Option<&'a Filter>, base: Url) -> Self {
        let position = match how {
            Pagination::Page { first, .. } => u64::from(*first),
            _ => 0,
        };
        Self { how, next, base, position, cursors: BTreeSet::new() }
    }

    /// The address of the first page.
    pub(super) fn first(&self) -> Url {
        match self.how {
            Pagination::None | Pagination::Link | Pagination::Cursor { .. } => self.base.clone(),
            Pagination::Page { .. } | Pagination::Offset { .. } => self.numbered(),
        }
    }

    /// The address of the page after this one; nothing at the end.
    ///
    /// # Errors
    /// When the list runs in a circle, leads to another host, or its cursor can't be read.
    pub(super) async fn after(&mut self, page: Page<'_>, deadline: Duration) -> Result<Option<Url>, String> {
        match self.how {
            Pagination::None => Ok(None),
            Pagination::Link => link(page.headers, page.url),
            Pagination::Cursor { param, .. } => {
                let Some(next) = self.next else { return Ok(None) };
                let found =
                    next.run(page.body.clone(), deadline).await.map_err(|error| format!("the cursor: {error}"))?;
                let Some(cursor) = cursor(&found)? else { return Ok(None) };
                if !self.cursors.insert(cursor.clone()) {
                    return Err("pages repeat: the cursor leads in a circle".to_owned());
                }
                Ok(Some(with_param(&self.base, param, &cursor)))
            }
            Pagination::Page { size, .. } => {
                if ends(&page, size.as_ref().map(|(_, size)| *size)) {
                    return Ok(None);
                }
                self.position += 1;
                Ok(Some(self.numbered()))
            }
            Pagination::Offset { limit, .. } => {
                if ends(&page, Some(*limit)) {
                    return Ok(None);
                }
                self.position += u64::from(*limit);
                Ok(Some(self.numbered()))
            }
        }
    }

    fn numbered(&self) -> Url {
        let position = self.position.to_string();
        match self.how {
            Pagination::Page { param, size, .. } => {
                let url = with_param(&self.base, param, &position);
                match size {
                    Some((param, size)) => with_param(&url, param, &size.to_string()),
                    None => url,
                }
            }
            Pagination::Offset { param, limit_param, limit } => {
                with_param(&with_param(&self.base, param, &position), limit_param, &limit.to_string())
            }
            Pagination::None | Pagination::Link | Pagination::Cursor { .. } => self.base.clone(),
        }
    }
}

/// A filter may drop rows, so that only the engine's own rows tell a short page; where they can't be counted, an empty one does.
fn ends(page: &Page<'_>, size: Option<u32>) -> bool {
    match (page.rows, size) {
        (Some(rows), Some(size)) => rows < usize::try_from(size).unwrap_or(usize::MAX),
        (Some(rows), None) => rows == 0,
        (None, _) => page.items == 0,
    }
}

fn cursor(found: &[Vec<u8>]) -> Result<Option<String>, String> {
    let Some(value) = found.first() else { return Ok(None) };
    match serde_json::from_slice(value) {
        Ok(serde_json::Value::Null | serde_json::Value::Bool(false)) => Ok(None),
        Ok(serde_json::Value::String(text)) => Ok(Some(text).filter(|text| !text.is_empty())),
        Ok(serde_json::Value::Number(number)) => Ok(Some(number.to_string())),
        _ => Err("the cursor is neither a string nor a number".to_owned()),
    }
}

/// Sets one query parameter and leaves the others letter by letter as they are.
fn with_param(url: &Url, name: &str, value: &str) -> Url {
    let is_it = |pair: &&str| form_urlencoded::parse(pair.as_bytes()).next().is_some_and(|(key, _)| key == name);
    let mut pairs: Vec<String> = url
        .query()
        .unwrap_or("")
        .split('&')
        .filter(|pair| !pair.is_empty() && !is_it(pair))
        .map(str::to_owned)
        .collect();
    pairs.push(form_urlencoded::Serializer::new(String::new()).append_pair(name, value).finish());
    let mut url = url.clone();
    url.set_query(Some(&pairs.join("&")));
    url
}

/// The target of `rel="next"` (RFC 8288). Only the same scheme, host and port: the token goes with it.
fn link(headers: &HeaderMap, base: &Url) -> Result<Option<Url>, String> {
    for header in headers.get_all(LINK) {
        let text = header.to_str().map_err(|_| "the Link header is not ASCII".to_owned())?;
        let Some(target) = next_of(text) else { continue };
        let url = base.join(target).map_err(|_| "the Link header's next is no address".to_owned())?;
        if url.origin() != base.origin() || !url.username().is_empty() || url.password().is_some() {
            return Err("the Link header's next leads to another host".to_owned());
        }
        return Ok(Some(url));
    }
    Ok(None)
}

fn next_of(header: &str) -> Option<&str> {
    let mut rest = header;
    loop {
        let (_, after) = rest.split_once('<')?;
        let (target, after) = after.split_once('>')?;
        let end = unquoted_comma(after);
        let (params, following) = after.split_at(end);
        if params.split(';').any(is_next) {
            return Some(target);
        }
        rest = following;
    }
}

fn is_next(param: &str) -> bool {
    let Some((name, value)) = param.split_once('=') else { return false };
    let value = value.trim().trim_matches('"');
    name.trim().eq_ignore_ascii_case("rel")
        && value.split_ascii_whitespace().any(|rel| rel.eq_ignore_ascii_case("next"))
}

fn unquoted_comma(text: &str) -> usize {
    let mut quoted = false;
    for (index, c) in text.char_indices() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => return index,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_link_is_found_among_others_whatever_the_spelling() {
        for (header, expected) in [
            (r#"</a?page=2>; rel="next""#, Some("/a?page=2")),
            (r"</a>; REL=Next", Some("/a")),
            (r#"</p>; rel="prev", </n>; title="a, b"; rel="last next""#, Some("/n")),
            (r#"</p>; rel="prev""#, None),
            ("<<<>>", None),
            ("", None),
        ] {
            assert_eq!(next_of(header), expected, "{header}");
        }
    }

    #[test]
    fn a_link_to_another_host_scheme_or_port_is_refused() {
        let base: Url = "https://engine.example/api/runs".parse().unwrap();
        for target in
            ["https://evil.example/", "http://engine.example/", "https://engine.example:8443/", "//evil.example/"]
        {
            let mut headers = HeaderMap::new();
            headers.insert(LINK, format!("<{target}>; rel=next").parse().unwrap());
            assert!(link(&headers, &base).is_err(), "{target}");
        }
    }

    #[test]
    fn a_parameter_is_set_and_the_others_stay_letter_by_letter() {
        let url: Url = "https://e.example/r?$filter=a%20eq%201&page=7&x".parse().unwrap();
        assert_eq!(with_param(&url, "page", "8").as_str(), "https://e.example/r?$filter=a%20eq%201&x&page=8");
        let bare: Url = "https://e.example/r".parse().unwrap();
        assert_eq!(with_param(&bare, "cursor", "a b&c").as_str(), "https://e.example/r?cursor=a+b%26c");
    }
}
