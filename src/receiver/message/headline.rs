//! The whole message in one line, as a lock screen shows it: what failed where, the code, whether a retry helps. When it is too long,
//! it gives up the verdict first, then the provider, then the middle of names; never the code. It knows no channel.

use jiff::Timestamp;

use super::{code, named, text, verdict};
use crate::engine::Kind;
use crate::triage::{Card, Cause, RetryLevel};

/// The longest headline.
pub(crate) const LONGEST: usize = 120;

/// The shortest that a name is cut to before something else gives way.
const SHORTEST_NAME: usize = 12;

/// The parts that a headline is put together from.
#[derive(Clone)]
struct Parts {
    emoji: &'static str,
    workflow: String,
    /// ` failed at `, or all of ` failed before any step ran` when there is no step.
    happened: String,
    step: Option<String>,
    /// `, attempt 4 of 10, next try 02:14 UTC`
    tries: String,
    code: Option<String>,
    /// ` (HTTP 402)`
    provider: String,
    /// `retry will not help`
    verdict: Option<&'static str>,
    /// The error's own sentence, where nothing better is to be said.
    sentence: Option<String>,
}

/// The headline and the subject of what is said about a run.
pub(super) fn of_run(kind: Kind, card: &Card, now: Timestamp) -> (String, String) {
    let parts = Parts::new(kind, card, now);
    let plain = Parts { emoji: "", tries: String::new(), provider: String::new(), verdict: None, ..parts.clone() };
    (parts.fit(LONGEST), plain.fit(SUBJECT))
}

/// The longest subject, without the `[firstred] ` that it begins with.
pub(super) const SUBJECT: usize = LONGEST - 11;

/// The first of `lines`, which say less and less, that is short enough.
pub(super) fn fitting(mut lines: Vec<String>) -> String {
    let last = lines.pop().unwrap_or_default();
    lines.into_iter().find(|line| text::length(line) <= LONGEST).unwrap_or_else(|| text::end_cut(&last, LONGEST))
}

impl Parts {
    fn new(kind: Kind, card: &Card, now: Timestamp) -> Self {
        let error = card.cause.error();
        let code = error.and_then(code);
        let verdict = verdict::of(card, now).map(|verdict| verdict.short);
        let (emoji, retrying) = match kind {
            Kind::StillRetrying => ("🟠 ", true),
            Kind::Vanished => ("🟠 ", false),
            Kind::Test => ("🔔 Test: ", false),
            Kind::Resolved => ("✅ ", false),
            _ => ("🔴 ", false),
        };
        let retry = card.retrying.as_ref().filter(|_| retrying);
        let step = match retry {
            Some(retry) => retry.step.as_deref().or_else(|| card.cause.step_title()),
            None => card.cause.step_title(),
        };
        let whole_run = retry.is_some_and(|retry| retry.level == RetryLevel::Run);
        let (happened, step) = match (&card.cause, step) {
            (_, Some(step)) if kind == Kind::Vanished => (" vanished while it was retrying ", Some(named(step))),
            (_, None) if kind == Kind::Vanished => (" vanished while it was retried", None),
            (_, Some(step)) if retrying && !whole_run => (" is still retrying ", Some(named(step))),
            (_, _) if retrying => (" is still being retried", None),
            (_, Some(step)) => (" failed at ", Some(named(step))),
            (Cause::Run { before_any_step: true, .. }, None) => (" failed before any step ran", None),
            (Cause::Nothing, None) => (" failed, no failing step recorded", None),
            (_, None) => (" failed", None),
        };
        let sentence = error.map(|error| first_line(&error.message)).filter(|_| verdict.is_none() || code.is_none());
        Self {
            emoji,
            workflow: named(card.run.workflow.title()),
            happened: happened.to_owned(),
            step,
            tries: retry.map(|retry| format!(", {}", verdict::tries(retry, now))).unwrap_or_default(),
            code,
            provider: error
                .and_then(|error| error.provider_status)
                .map(|status| format!(" (HTTP {status})"))
                .unwrap_or_default(),
            verdict: verdict.filter(|_| !retrying),
            sentence: sentence.filter(|sentence| !sentence.is_empty()),
        }
    }

    fn text(&self) -> String {
        let Self { emoji, workflow, happened, tries, provider, .. } = self;
        let step = self.step.as_deref().unwrap_or_default();
        let mut out = format!("{emoji}{workflow}{happened}{step}{tries}");
        match &self.code {
            Some(code) => out.extend([": ", code, provider]),
            None if !provider.is_empty() => out.extend([":", provider]),
            None => {}
        }
        if let Some(verdict) = self.verdict {
            out.push_str(", ");
            out.push_str(verdict);
        }
        out
    }

    /// The headline in at most `max`: each measure is taken only where the ones before were not enough.
    fn fit(mut self, max: usize) -> String {
        self.say_sentence(max);
        for give_up in 0..6 {
            let over = text::length(&self.text()).saturating_sub(max);
            if over == 0 {
                break;
            }
            match give_up {
                0 => self.verdict = None,
                1 => self.provider.clear(),
                2 => self.step = self.step.take().map(|step| shorter(&step, over)),
                3 => self.workflow = shorter(&self.workflow, over),
                4 => self.tries.clear(),
                _ => self.step = self.step.take().map(|_| "a step".to_owned()),
            }
        }
        let line = self.text();
        match self.code {
            Some(code) if text::length(&line) > max => text::end_cut(&format!("{}{code}", self.emoji), max),
            _ => text::end_cut(&line, max),
        }
    }

    /// Puts the error's sentence where the code would stand, or behind it, as far as there is room.
    fn say_sentence(&mut self, max: usize) {
        let Some(sentence) = self.sentence.take() else { return };
        let room = max.saturating_sub(text::length(&self.text()) + 2);
        if room < 16 {
            return;
        }
        let said = text::end_cut(&sentence, room);
        match self.code.take() {
            Some(code) if self.provider.is_empty() => self.code = Some(format!("{code}: {said}")),
            Some(code) => self.code = Some(code),
            None => self.code = Some(said),
        }
    }
}

fn shorter(name: &str, by: usize) -> String {
    let length = text::length(name);
    text::middle_cut(name, length.saturating_sub(by).max(SHORTEST_NAME.min(length)))
}

fn first_line(message: &str) -> String {
    let message = text::block(text::head(message, 1_000));
    text::line(message.trim_start().lines().next().unwrap_or_default())
}
