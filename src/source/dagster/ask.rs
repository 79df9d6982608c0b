//! The questions that are put to Dagster, and how long lists are read to their end. It must not know why they are asked.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::api::{Api, Fault, FaultKind, Transport};
use super::evidence::Inside;
use super::story::Story;
use super::wire::{Daemon, Detail, Events, Instance, Location, Permission, Run, Workspace};
use super::{query, wire};

/// How many rows a page of runs has.
pub(super) const PAGE: usize = 500;
/// How many rows of a page are read again with the next one. A page begins after the run whose id it is given, and is empty when that
/// run was deleted meanwhile: the rows that must come again tell that from the end of the list.
const AGAIN: usize = 5;
/// The most pages of a list that can be divided.
pub(super) const PAGES: usize = 20;
/// The most pages of any other list.
const MOST_PAGES: usize = 5_000;
/// The most events that Dagster gives in one answer.
const EVENTS_PAGE: usize = 1_000;
/// The most pages of one run's events. What its own code logged is among them, and the failure stands on the last.
const EVENTS_PAGES: usize = 200;

/// The states of a run that has not ended.
const OPEN: [&str; 7] = ["QUEUED", "NOT_STARTED", "STARTING", "MANAGED", "STARTED", "SUSPENDED", "CANCELING"];

/// Which runs.
#[derive(Debug, Clone, Copy)]
pub(super) enum Which<'a> {
    /// Those that changed after the one moment, and before the other where there is one; whatever they are now.
    Changed(Timestamp, Option<Timestamp>),
    /// Those that failed and changed after this moment.
    Failed(Timestamp),
    /// Those that have not ended.
    Open,
    /// These, at most [`PAGE`].
    These(&'a [&'a str]),
}

/// A list, as far as it was read.
#[derive(Debug, Default)]
pub(super) struct List {
    pub rows: Vec<Run>,
    /// The engine's clock when its first page was read, where it says so.
    pub began: Option<Timestamp>,
    /// It goes on beyond what was to be read.
    pub more: bool,
    /// A row of it is none that Dagster gives, and is left out.
    pub odd: bool,
    /// Why it ends before its end.
    pub fault: Option<Fault>,
}

#[derive(Deserialize)]
struct Rows {
    results: Vec<Value>,
}

impl List {
    pub(super) fn is_whole(&self) -> bool {
        !self.more && !self.odd && self.fault.is_none()
    }
}

impl Which<'_> {
    fn filter(&self) -> Value {
        match self {
            Self::Changed(after, before) => {
                let seconds = |at: &Timestamp| at.as_duration().as_secs_f64();
                let mut filter = json!({ "updatedAfter": seconds(after) });
                if let Some(before) = before {
                    filter["updatedBefore"] = json!(seconds(before));
                }
                filter
            }
            Self::Failed(after) => {
                json!({ "statuses": ["FAILURE"], "updatedAfter": after.as_duration().as_secs_f64() })
            }
            Self::Open => json!({ "statuses": OPEN }),
            Self::These(ids) => json!({ "runIds": ids }),
        }
    }
}

impl<T: Transport> Api<T> {
    /// Runs, newest created first. Where rows are so long that a page is too large, it goes on with smaller pages.
    pub(super) async fn runs(&self, doing: &str, which: Which<'_>) -> List {
        self.first_runs(doing, which, MOST_PAGES).await
    }

    /// As [`Self::runs`], but not more than so many pages.
    pub(super) async fn first_runs(&self, doing: &str, which: Which<'_>, most: usize) -> List {
        let (mut list, mut limit, mut pages) = (List::default(), PAGE, 0);
        let (mut cursor, mut expects, filter) = (None, false, which.filter());
        let mut known = BTreeSet::new();
        loop {
            let doing = if pages == 0 { doing.to_owned() } else { format!("{doing} (page {})", pages + 1) };
            let variables = json!({ "filter": filter, "cursor": cursor, "limit": limit });
            let results = match self.ask::<Rows>(&doing, query::RUNS, variables, "runsOrError").await {
                Ok(rows) => rows.map(|rows| rows.results).unwrap_or_default(),
                Err(fault) if fault.kind == FaultKind::TooLarge && limit > 1 => {
                    limit = (limit / 10).max(1);
                    continue;
                }
                Err(fault) => {
                    list.fault = Some(fault);
                    return list;
                }
            };
            list.began = list.began.or_else(|| self.date());
            let (read, before) = (results.len(), known.len());
            let mut ids = Vec::with_capacity(read);
            for row in results {
                match Run::read(&row) {
                    Ok(row) => {
                        ids.push(row.id.clone());
                        if known.insert(row.id.clone()) {
                            list.rows.push(row);
                        }
                    }
                    // The other rows can be read: they must not wait for this one, which will never be.
                    Err(error) => {
                        tracing::warn!(doing, %error, "a row that Dagster does not give was left out");
                        list.odd = true;
                    }
                }
            }
            // What was read again has to come again: else the run that the page was to begin after is gone.
            if read == 0 && expects {
                let reason = "the list changed while it was read";
                list.fault.get_or_insert_with(|| Fault::new(FaultKind::Shape, &doing, reason));
                return list;
            }
            let all = matches!(which, Which::These(ids) if known.len() >= ids.len());
            if read < limit || all {
                return list;
            }
            if known.len() == before {
                let reason = "the same page again and again";
                list.fault.get_or_insert_with(|| Fault::new(FaultKind::Shape, &doing, reason));
                return list;
            }
            let again = if limit > AGAIN { AGAIN } else { 0 };
            let Some(next) = ids.len().checked_sub(1 + again).and_then(|at| ids.get(at).cloned()) else { return list };
            expects = again > 0;
            pages += 1;
            if pages >= most {
                list.more = true;
                return list;
            }
            cursor = Some(next);
        }
    }

    /// The plan of a run and all of its events. `None`: Dagster no longer has it.
    pub(super) async fn inside(&self, id: &str) -> Result<Option<Inside>, Fault> {
        let Some(detail) = self.detail(id).await? else { return Ok(None) };
        let mut story = Story::default();
        let known = self.story(id, &mut story).await?;
        Ok(known.then_some(Inside { detail, story }))
    }

    /// As [`Self::inside`], with whichever of its parts can be had.
    pub(super) async fn inside_as_far(&self, id: &str) -> Option<Inside> {
        let detail = self.detail(id).await;
        let mut story = Story::default();
        let told = self.story(id, &mut story).await;
        match (detail, told) {
            (Err(_), Err(_)) | (Ok(None), _) => None,
            (detail, _) => Some(Inside { detail: detail.ok().flatten().unwrap_or_default(), story }),
        }
    }

    async fn detail(&self, id: &str) -> Result<Option<Detail>, Fault> {
        self.ask("asking for the steps of a run", query::STEPS, json!({ "id": id }), "runOrError").await
    }

    /// Reads all events of a run. `false`: Dagster no longer has it.
    async fn story(&self, id: &str, story: &mut Story) -> Result<bool, Fault> {
        let mut after = None;
        for _ in 0..EVENTS_PAGES {
            let Some(page) = self.events(id, after.as_deref()).await? else { return Ok(false) };
            let goes_on = page.has_more && !page.list.is_empty() && page.cursor != after;
            page.list.into_iter().for_each(|event| story.absorb(event));
            if !goes_on {
                break;
            }
            after = page.cursor;
        }
        Ok(true)
    }

    /// A page of a run's events.
    pub(super) async fn events(&self, id: &str, after: Option<&str>) -> Result<Option<Events>, Fault> {
        let mut limit = EVENTS_PAGE;
        loop {
            let variables = json!({ "id": id, "after": after, "limit": limit });
            match self.ask("asking for the events of a run", query::EVENTS, variables, "logsForRun").await {
                Err(fault) if fault.kind == FaultKind::TooLarge && limit > 1 => limit = (limit / 10).max(1),
                answer => return answer,
            }
        }
    }

    /// The code locations, each loaded or not.
    pub(super) async fn locations(&self) -> Result<Vec<Location>, Fault> {
        let doing = "asking for the code locations";
        let workspace: Option<Workspace> = self.ask(doing, query::LOCATIONS, json!({}), "workspaceOrError").await?;
        Ok(workspace.map(|workspace| workspace.location_entries).unwrap_or_default())
    }

    /// The daemons, each alive or not.
    pub(super) async fn daemons(&self) -> Result<Vec<Daemon>, Fault> {
        let doing = "asking for the daemons";
        let instance: Option<Instance> = self.ask(doing, query::DAEMONS, json!({}), "instance").await?;
        let health = instance.and_then(|instance| instance.daemon_health);
        Ok(health.map(|health| health.all_daemon_statuses).unwrap_or_default())
    }

    /// What whoever asks may do, by the name of the right.
    pub(super) async fn permissions(&self) -> Result<Vec<Permission>, Fault> {
        let rights = self.ask("asking for our rights", query::PERMISSIONS, json!({}), "permissions").await?;
        Ok(rights.unwrap_or_default())
    }

    /// The version.
    pub(super) async fn version(&self) -> Result<Option<String>, Fault> {
        self.ask("asking for the version", query::VERSION, json!({}), "version").await
    }
}

/// Whether an event says anything about a step's next try: what is looked for in a run that goes on.
pub(super) fn is_about_retries(event: &wire::Event) -> bool {
    matches!(
        event.kind.as_str(),
        "ExecutionStepUpForRetryEvent" | "ExecutionStepRestartEvent" | "ExecutionStepFailureEvent"
    ) || (event.kind == "EngineEvent" && event.message.as_deref().is_some_and(|message| message.contains("blocked by")))
}
