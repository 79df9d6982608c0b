//! A short list in a message: the failed runs, the workflows, the problems. It knows no channel.

use super::Budget;
use super::line::Line;
use super::text;
use super::text::counted;
use crate::engine::{ProviderNote, SummaryLine};

/// A list.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct List {
    /// What is listed.
    pub(crate) title: String,
    /// The items.
    pub(crate) items: Vec<Line>,
    /// What is left out, counted.
    pub(crate) more: Option<String>,
}

/// The workflows that a service fails.
pub(super) fn members(provider: &ProviderNote, budget: Budget) -> Option<List> {
    if provider.members.is_empty() {
        return None;
    }
    let items: Vec<Line> = provider.members.iter().take(budget.items).map(member).collect();
    let left = u32::try_from(provider.members.len() - items.len()).unwrap_or(u32::MAX);
    let more = provider.more_members.saturating_add(left);
    let more = (more > 0).then(|| format!("+ {}", counted(more, "more workflow", "more workflows")));
    Some(List { title: "Workflows".to_owned(), items, more })
}

/// `billing-sync  9 failures  ·  PROVIDER_TIMEOUT at charge-card  ·  HTTP 504, transient  ·  last run_8f3c21`
pub(super) fn item(line: &SummaryLine) -> Line {
    let status = line.status.map(|status| format!("HTTP {status}"));
    let class = (line.class != crate::triage::Class::Unknown).then(|| line.class.as_str().to_owned());
    let kind: Vec<String> = [status, class].into_iter().flatten().collect();
    let mut out = where_and_what(line);
    if !kind.is_empty() {
        out = out.text(format!("  ·  {}", kind.join(", ")));
    }
    with_run(out, line)
}

/// A workflow that a service fails: status and class are those of all.
fn member(line: &SummaryLine) -> Line {
    with_run(where_and_what(line), line)
}

fn where_and_what(line: &SummaryLine) -> Line {
    let failures = counted(line.failures, "failure", "failures");
    let mut out = Line::default().strong(super::line::short(&line.workflow)).text(format!("  {failures}"));
    if line.resolved {
        out = out.text(", over");
    }
    let step = line.step.as_deref().map(text::line).filter(|step| !step.is_empty());
    let code = line.code.as_deref().map(text::line).filter(|code| !code.is_empty());
    match (&code, &step) {
        (Some(code), Some(step)) => out.text("  ·  ").code(code).text(" at ").code(step),
        (Some(code), None) => out.text("  ·  ").code(code),
        (None, Some(step)) => out.text("  ·  at ").code(step),
        (None, None) => out,
    }
}

fn with_run(out: Line, line: &SummaryLine) -> Line {
    if line.run.id.trim().is_empty() {
        return out;
    }
    out.text("  ·  last ").link(&line.run.id, line.run.url.as_deref())
}
