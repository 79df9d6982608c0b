//! Where problems are to be found by a run that may prove them over: by workflow and by the step that failed. A run is held against
//! the places that it got past, however many problems its workflow has.

use std::collections::{BTreeMap, BTreeSet};

use super::{Board, joined};
use crate::engine::incident::{Incident, Number};
use crate::triage::{Observation, Standing};

/// The problems of one workflow, by the step that failed; none where no step did.
pub(super) type Places = BTreeMap<Option<String>, BTreeSet<Number>>;

impl Board {
    /// Lets an incident be found by every place that was not passed yet.
    pub(super) fn index_places(&mut self, number: Number, incident: &Incident) {
        for point in incident.points.iter().filter(|point| !point.passed) {
            let key = joined(&[&incident.workspace, &point.workflow]);
            let places = self.by_workflow.entry(key).or_default();
            match places.get_mut(&point.step) {
                Some(numbers) => numbers.insert(number),
                None => places.entry(point.step.clone()).or_default().insert(number),
            };
        }
    }

    /// No run of this workflow is held against an incident any more.
    pub(super) fn unindex_workflow(&mut self, key: &str, number: Number) {
        if let Some(places) = self.by_workflow.get_mut(key) {
            places.retain(|_, numbers| {
                numbers.remove(&number);
                !numbers.is_empty()
            });
            if places.is_empty() {
                self.by_workflow.remove(key);
            }
        }
    }

    /// The incidents that the run may prove over, or whose row of failures it may break. `ended`: it ended just now, as far as is known.
    pub(super) fn touched(&self, key: &str, seen: &Observation, ended: bool) -> BTreeSet<Number> {
        let completed = seen.standing == Standing::Completed;
        let past = |step: &Option<String>| {
            let seen_there = step.as_ref().and_then(|step| seen.passed.has(step));
            (completed && ended) || seen_there.unwrap_or(completed)
        };
        let places = self.by_workflow.get(key).into_iter().flatten();
        places.filter(|(step, _)| past(step)).flat_map(|(_, numbers)| numbers.iter().copied()).collect()
    }
}
