//! Matchers as people write them on a command line, `workflow=nightly-*`, and as they are told, `workflow nightly-*`.

use std::fmt::Display;

use super::{Matcher, Pattern, PatternError, StatusPattern};
use crate::triage::Class;

/// The keys, as they are listed when one is not known.
const KEYS: &str = "source, workspace, workflow, step, kind, code, class, status, retryable, trigger, labels.NAME";

/// The classes, to be found by their words.
const CLASSES: [Class; 5] =
    [Class::Transient, Class::Authorization, Class::Configuration, Class::Engine, Class::Unknown];

/// Why texts are no matcher.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MatcherError {
    /// There is none.
    #[error(
        "a matcher needs at least one KEY=VALUE, such as workflow=nightly-*; without one it would match everything"
    )]
    Empty,
    /// It has no `=`.
    #[error("`{0}` is no KEY=VALUE, such as workflow=nightly-*")]
    NoPair(String),
    /// Nothing is called so.
    #[error("`{0}` is nothing that can be matched; known are: {KEYS}")]
    UnknownKey(String),
    /// It matches nothing, or can't be read.
    #[error("{key}: {error}")]
    Pattern {
        /// The key.
        key: String,
        /// What is wrong with the pattern.
        error: PatternError,
    },
    /// Not a class.
    #[error("class: `{0}` is no class; known are: transient, authorization, configuration, engine, unknown")]
    Class(String),
    /// Neither true nor false.
    #[error("retryable: write true or false, not `{0}`")]
    Retryable(String),
    /// A run can't be both.
    #[error("retryable is said twice; nothing is both")]
    RetryableTwice,
}

impl Matcher {
    /// Reads `KEY=VALUE` texts, as a command or an API takes them. A key that is repeated matches any of its values.
    ///
    /// # Errors
    /// When there is none, or one can't be read.
    pub fn parse<T: AsRef<str>>(pairs: impl IntoIterator<Item = T>) -> Result<Self, MatcherError> {
        let mut matcher = Self::default();
        for pair in pairs {
            let pair = pair.as_ref();
            let (key, value) = pair.split_once('=').ok_or_else(|| MatcherError::NoPair(pair.to_owned()))?;
            matcher.add(key.trim(), value.trim())?;
        }
        if matcher.is_empty() { Err(MatcherError::Empty) } else { Ok(matcher) }
    }

    fn add(&mut self, key: &str, value: &str) -> Result<(), MatcherError> {
        let wrong = |error| MatcherError::Pattern { key: key.to_owned(), error };
        let patterns = match key {
            "class" => {
                let class = CLASSES.into_iter().find(|class| class.as_str() == value);
                self.class.push(class.ok_or_else(|| MatcherError::Class(value.to_owned()))?);
                return Ok(());
            }
            "status" | "provider_status" | "providerStatus" => {
                self.status.push(StatusPattern::parse(value).map_err(wrong)?);
                return Ok(());
            }
            "retryable" => {
                let retryable = value.parse().map_err(|_| MatcherError::Retryable(value.to_owned()))?;
                return match self.retryable.replace(retryable) {
                    Some(other) if other != retryable => Err(MatcherError::RetryableTwice),
                    _ => Ok(()),
                };
            }
            "source" => &mut self.source,
            "workspace" => &mut self.workspace,
            "workflow" => &mut self.workflow,
            "step" | "step_title" | "stepTitle" => &mut self.step,
            "kind" | "step_kind" | "stepKind" => &mut self.kind,
            "code" => &mut self.code,
            "trigger" => &mut self.trigger,
            _ => match key.strip_prefix("labels.").filter(|name| !name.is_empty()) {
                Some(name) => {
                    let pattern = Pattern::parse(value).map_err(wrong)?;
                    self.labels.entry(name.to_owned()).or_default().push(pattern);
                    return Ok(());
                }
                None => return Err(MatcherError::UnknownKey(key.to_owned())),
            },
        };
        patterns.push(Pattern::parse(value).map_err(wrong)?);
        Ok(())
    }

    /// What it matches, in one line for people: `workflow nightly-*, class transient or engine`.
    #[must_use]
    pub fn describe(&self) -> String {
        let mut said = Vec::new();
        say(&mut said, "source", &self.source);
        say(&mut said, "workspace", &self.workspace);
        say(&mut said, "workflow", &self.workflow);
        say(&mut said, "step", &self.step);
        say(&mut said, "kind", &self.kind);
        say(&mut said, "code", &self.code);
        say(&mut said, "class", &self.class.iter().map(|class| class.as_str()).collect::<Vec<_>>());
        say(&mut said, "status", &self.status);
        match self.retryable {
            Some(true) => said.push("retryable".to_owned()),
            Some(false) => said.push("not retryable".to_owned()),
            None => {}
        }
        say(&mut said, "trigger", &self.trigger);
        for (name, patterns) in &self.labels {
            say(&mut said, &format!("label {name}"), patterns);
        }
        if said.is_empty() { "everything".to_owned() } else { said.join(", ") }
    }
}

fn say<T: Display>(said: &mut Vec<String>, what: &str, values: &[T]) {
    if !values.is_empty() {
        let values: Vec<String> = values.iter().map(ToString::to_string).collect();
        said.push(format!("{what} {}", values.join(" or ")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::rule::Facts;
    use crate::engine::testing::card;

    fn parse(pairs: &[&str]) -> Result<Matcher, MatcherError> {
        Matcher::parse(pairs)
    }

    #[test]
    fn pairs_are_a_matcher_and_a_repeated_key_is_one_of() {
        let matcher = parse(&["workflow=nightly-*", "code=A", "code=TIMEOUT", "class=unknown"]).expect("a matcher");
        assert!(matcher.matches(Facts::of(&card("nightly-eu", "load", "TIMEOUT"))));
        assert!(!matcher.matches(Facts::of(&card("nightly-eu", "load", "B"))));
        assert!(!matcher.matches(Facts::of(&card("hourly", "load", "A"))));
        let matcher =
            parse(&["labels.team.name = a=b", "retryable=false", "status=5xx", "stepTitle=x"]).expect("a matcher");
        assert_eq!(matcher.labels["team.name"], [Pattern::Exact("a=b".to_owned())]);
        assert_eq!((matcher.retryable, matcher.step.len()), (Some(false), 1));
    }

    #[test]
    fn what_is_no_matcher_says_why() {
        for (pairs, says) in [
            (&[] as &[&str], "at least one KEY=VALUE"),
            (&["nightly"], "`nightly` is no KEY=VALUE"),
            (&["wrokflow=x"], "known are: source, workspace, workflow"),
            (&["labels.=x"], "nothing that can be matched"),
            (&["workflow="], "workflow: an empty pattern"),
            (&["code=/(/"], "code: not a regular expression"),
            (&["class=transiant"], "`transiant` is no class"),
            (&["status=99"], "status: `99` is no HTTP status"),
            (&["retryable=yes"], "write true or false"),
            (&["retryable=true", "retryable=false"], "said twice"),
        ] {
            let error = parse(pairs).expect_err("no matcher").to_string();
            assert!(error.contains(says), "{pairs:?}: {error}");
        }
    }

    #[test]
    fn a_matcher_is_told_in_one_line() {
        let matcher = parse(&[
            "workflow=nightly-*",
            "class=transient",
            "class=engine",
            "labels.env=prod",
            "status=429",
            "retryable=false",
        ]);
        assert_eq!(
            matcher.expect("a matcher").describe(),
            "workflow nightly-*, class transient or engine, status 429, not retryable, label env prod"
        );
        assert_eq!(Matcher::default().describe(), "everything");
    }
}
