//! The graph of a DAG's tasks: their order, and what leads to a leaf. It must not know runs beyond the states of tasks.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::wire::Task;

/// A teardown runs whatever happened, and what it does decides nothing.
const TEARDOWN: &str = "all_done_setup_success";

/// The place of each task, from 1, in the order of the graph; of several that could come next, in the order given. A task of a
/// circle has none.
pub(super) fn numbers(tasks: &[Task]) -> BTreeMap<&str, u32> {
    let place: BTreeMap<&str, usize> = tasks.iter().enumerate().map(|(at, task)| (task.id.as_str(), at)).collect();
    let after = |task: &Task| -> BTreeSet<usize> {
        task.downstream_task_ids.iter().filter_map(|id| place.get(id.as_str()).copied()).collect()
    };
    let mut waits = vec![0_usize; tasks.len()];
    for next in tasks.iter().flat_map(after) {
        if let Some(count) = waits.get_mut(next) {
            *count += 1;
        }
    }
    let mut ready: VecDeque<usize> =
        waits.iter().enumerate().filter(|(_, count)| **count == 0).map(|(at, _)| at).collect();
    let mut numbers = BTreeMap::new();
    while let Some(task) = ready.pop_front().and_then(|at| tasks.get(at)) {
        numbers.insert(task.id.as_str(), u32::try_from(numbers.len() + 1).unwrap_or(u32::MAX));
        for next in after(task) {
            if let Some(count) = waits.get_mut(next) {
                *count = count.saturating_sub(1);
                if *count == 0 {
                    ready.push_back(next);
                }
            }
        }
    }
    numbers
}

/// Whether a task is a teardown.
pub(super) fn is_teardown(task: &Task) -> bool {
    task.trigger_rule.as_deref() == Some(TEARDOWN)
}

/// The tasks from which a leaf is reached through tasks that are all in `dead`: what failed there made the run fail. The others
/// failed too, and something after them went on all the same. Teardowns count for nothing.
pub(super) fn deadly<'a>(tasks: &'a [Task], dead: &BTreeSet<&str>) -> BTreeSet<&'a str> {
    let counts = |task: &&Task| !is_teardown(task);
    let by_id: BTreeMap<&str, &Task> = tasks.iter().filter(counts).map(|task| (task.id.as_str(), task)).collect();
    let next = |task: &'a Task| task.downstream_task_ids.iter().filter(|id| by_id.contains_key(id.as_str()));
    let mut before: BTreeMap<&str, Vec<&'a str>> = BTreeMap::new();
    let mut open: Vec<&'a str> = Vec::new();
    for task in tasks.iter().filter(counts).filter(|task| dead.contains(task.id.as_str())) {
        let mut leaf = true;
        for id in next(task) {
            leaf = false;
            before.entry(id.as_str()).or_default().push(task.id.as_str());
        }
        if leaf {
            open.push(task.id.as_str());
        }
    }
    let mut deadly = BTreeSet::new();
    while let Some(id) = open.pop() {
        if deadly.insert(id) {
            open.extend(before.get(id).into_iter().flatten());
        }
    }
    deadly
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(id: &str, after: &[&str], rule: &str) -> Task {
        Task {
            id: id.into(),
            downstream_task_ids: after.iter().map(|id| (*id).to_owned()).collect(),
            trigger_rule: Some(rule.into()),
            ..Task::default()
        }
    }

    #[test]
    fn tasks_are_numbered_in_the_order_of_the_graph_and_not_of_the_list() {
        let tasks = [
            task("load", &[], "all_success"),
            task("extract", &["clean"], "all_success"),
            task("clean", &["load"], "all_success"),
        ];
        let numbers = numbers(&tasks);
        assert_eq!((numbers["extract"], numbers["clean"], numbers["load"]), (1, 2, 3));
    }

    #[test]
    fn a_failure_that_a_later_task_tolerates_is_not_deadly_and_a_teardown_never_is() {
        let tasks = [
            task("optional", &["collect"], "all_success"),
            task("collect", &["send", "tear"], "all_done"),
            task("send", &["tear"], "all_success"),
            task("tear", &[], TEARDOWN),
        ];
        let dead = BTreeSet::from(["optional", "send", "tear"]);
        assert_eq!(deadly(&tasks, &dead), BTreeSet::from(["send"]));
        assert_eq!(deadly(&tasks, &BTreeSet::from(["tear"])), BTreeSet::new());
    }

    #[test]
    fn a_circle_has_no_numbers_and_ends() {
        let tasks = [task("a", &["b"], ""), task("b", &["a"], ""), task("c", &[], "")];
        assert_eq!(numbers(&tasks), BTreeMap::from([("c", 1)]));
    }
}
