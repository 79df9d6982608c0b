//! One pattern of a rule: exact, `*` glob, or `/regex/`; and the patterns of provider statuses.

use std::fmt;

use regex::{Regex, RegexBuilder};
use wildmatch::WildMatch;

/// The longest regular expression, in bytes.
const MAX_REGEX: usize = 1024;
/// The largest compiled regular expression, in bytes.
const MAX_REGEX_SIZE: usize = 1 << 20;

/// How one text is matched. Case matters, as it does in the engines.
#[derive(Debug, Clone)]
pub enum Pattern {
    /// The text itself.
    Exact(String),
    /// `*` stands for any text, `?` for one character.
    Glob(WildMatch),
    /// `/…/`: a regular expression, unanchored, in linear time.
    Regex(Box<Regex>),
}

/// Why a pattern can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// Nothing matches it.
    #[error("an empty pattern matches nothing; leave the key out to match everything")]
    Empty,
    /// Not a regular expression.
    #[error("not a regular expression: {0}")]
    Regex(String),
    /// Too long.
    #[error("a regular expression has at most {MAX_REGEX} bytes, this one has {0}")]
    TooLong(usize),
    /// Not a status.
    #[error("`{0}` is no HTTP status; write 401, \"401\", \"4xx\" or \"5xx\"")]
    Status(String),
}

impl Pattern {
    /// Reads a pattern as the configuration writes it.
    ///
    /// # Errors
    /// When it is empty, or a regular expression that doesn't compile or is too large.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        if text.is_empty() {
            return Err(PatternError::Empty);
        }
        if let Some(source) = text.strip_prefix('/').and_then(|rest| rest.strip_suffix('/')).filter(|s| !s.is_empty()) {
            if source.len() > MAX_REGEX {
                return Err(PatternError::TooLong(source.len()));
            }
            let regex = RegexBuilder::new(source).size_limit(MAX_REGEX_SIZE).build();
            return match regex {
                Ok(regex) => Ok(Self::Regex(Box::new(regex))),
                Err(error) => Err(PatternError::Regex(error.to_string())),
            };
        }
        if text.contains(['*', '?']) {
            return Ok(Self::Glob(WildMatch::new(text)));
        }
        Ok(Self::Exact(text.to_owned()))
    }

    /// Whether `text` fits.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        match self {
            Self::Exact(exact) => exact == text,
            Self::Glob(glob) => glob.matches(text),
            Self::Regex(regex) => regex.is_match(text),
        }
    }

    /// The text that everything which fits begins with, and whether nothing may follow it. Empty: could be anything.
    #[must_use]
    pub fn literal_prefix(&self) -> (String, bool) {
        match self {
            Self::Exact(exact) => (exact.clone(), true),
            Self::Glob(glob) => {
                let text = glob.to_string();
                let end = text.find(['*', '?']).unwrap_or(text.len());
                (text[..end].to_owned(), false)
            }
            Self::Regex(_) => (String::new(), false),
        }
    }
}

impl PartialEq for Pattern {
    /// Whether they are written the same.
    fn eq(&self, other: &Self) -> bool {
        self.to_string() == other.to_string()
    }
}

impl Eq for Pattern {}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(exact) => f.write_str(exact),
            Self::Glob(glob) => write!(f, "{glob}"),
            Self::Regex(regex) => write!(f, "/{}/", regex.as_str()),
        }
    }
}

/// How a provider's HTTP status is matched: `401`, or `5xx` for the hundred.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusPattern {
    /// This status.
    Exact(u16),
    /// 4 for 400 to 499.
    Hundred(u16),
}

impl StatusPattern {
    /// Reads `401` or `5xx`.
    ///
    /// # Errors
    /// When it is neither.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let wrong = || PatternError::Status(text.to_owned());
        if let Some(hundred) = text.strip_suffix("xx").or_else(|| text.strip_suffix("XX")) {
            return match hundred.parse::<u16>() {
                Ok(hundred @ 1..=5) => Ok(Self::Hundred(hundred)),
                _ => Err(wrong()),
            };
        }
        match text.parse::<u16>() {
            Ok(status @ 100..=599) => Ok(Self::Exact(status)),
            _ => Err(wrong()),
        }
    }

    /// Whether `status` fits.
    #[must_use]
    pub fn matches(self, status: u16) -> bool {
        match self {
            Self::Exact(exact) => exact == status,
            Self::Hundred(hundred) => status / 100 == hundred,
        }
    }
}

impl fmt::Display for StatusPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(exact) => write!(f, "{exact}"),
            Self::Hundred(hundred) => write!(f, "{hundred}xx"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(pattern: &str, text: &str) -> bool {
        Pattern::parse(pattern).expect("a pattern").matches(text)
    }

    #[test]
    fn a_pattern_is_exact_a_glob_or_a_regular_expression() {
        assert!(fits("payments", "payments"));
        assert!(!fits("payments", "payments-eu"));
        assert!(fits("payments-*", "payments-eu"));
        assert!(fits("*-sync", "billing-sync"));
        assert!(!fits("payments-*", "Payments-eu"));
        assert!(fits("/^pay(ments)?-\\d+$/", "pay-12"));
        assert!(fits("/etl", "/etl"));
    }

    #[test]
    fn a_status_pattern_is_a_status_or_its_hundred() {
        assert!(StatusPattern::parse("401").expect("a status").matches(401));
        assert!(StatusPattern::parse("5xx").expect("a hundred").matches(503));
        assert!(!StatusPattern::parse("5xx").expect("a hundred").matches(499));
        for wrong in ["", "xx", "9xx", "40", "4x", "abc", "600"] {
            assert!(StatusPattern::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_regular_expression_that_is_wrong_or_huge_is_refused() {
        assert!(matches!(Pattern::parse("/(/"), Err(PatternError::Regex(_))));
        assert!(matches!(Pattern::parse("/a{1000}{1000}/"), Err(PatternError::Regex(_))));
        assert!(matches!(Pattern::parse(&format!("/{}/", "a".repeat(2000))), Err(PatternError::TooLong(2000))));
        assert_eq!(Pattern::parse("").unwrap_err(), PatternError::Empty);
    }
}
