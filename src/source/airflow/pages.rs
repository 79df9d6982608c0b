//! Lists, read page by page to their end. It must not know what is listed, nor why.

use std::collections::BTreeSet;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::api::{Api, Fault, FaultKind, Transport};
use super::wire::{DagRun, ImportError, Instance};

/// The most rows that Airflow gives in one answer (`maximum_page_limit`; a lower one is respected).
pub(super) const PAGE: usize = 100;
/// How many rows of a page are read again with the next one: what leaves the list meanwhile must not hide others.
const AGAIN: usize = 10;
/// How often a list is read that is short of its own count.
const ROUNDS: usize = 4;
/// A list, as far as it was read.
#[derive(Debug)]
pub(super) struct List<R> {
    pub rows: Vec<R>,
    /// How many there are in all, where the server says so.
    pub total: Option<usize>,
    /// Where to go on: it has more rows than were read.
    pub next: Option<usize>,
    /// Why it ends before its end.
    pub fault: Option<Fault>,
}

impl<R> List<R> {
    pub(super) fn is_whole(&self) -> bool {
        self.next.is_none() && self.fault.is_none()
    }
}

/// What a list is made of.
pub(super) trait Row: DeserializeOwned + Send {
    /// The member of the answer that holds the rows.
    const NAME: &'static str;
    /// What tells it from the others.
    fn id(&self) -> String;
}

impl Row for DagRun {
    const NAME: &'static str = "dag_runs";
    fn id(&self) -> String {
        self.name()
    }
}

impl Row for Instance {
    const NAME: &'static str = "task_instances";
    fn id(&self) -> String {
        format!("{}/{}/{}/{}", self.dag_id, self.dag_run_id, self.task_id, self.map_index)
    }
}

impl Row for ImportError {
    const NAME: &'static str = "import_errors";
    fn id(&self) -> String {
        self.id.map_or_else(|| self.filename.clone(), |id| id.to_string())
    }
}

/// A stretch of a list.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stretch {
    /// The first row.
    pub from: usize,
    /// The most pages to read.
    pub pages: usize,
}

impl<T: Transport> Api<T> {
    /// Reads a list page by page. Where the server's order leaves it open which of two rows comes first, it may give one of them
    /// twice and the other never: what is short of its own count is read again.
    pub(super) async fn list<R: Row>(&self, doing: &str, path: &str, stretch: Stretch) -> List<R> {
        let mut list = List { rows: Vec::new(), total: None, next: None, fault: None };
        let mut known: BTreeSet<String> = BTreeSet::new();
        for _ in 0..ROUNDS {
            list.next = None;
            let torn = self.read(doing, path, stretch, &mut list, &mut known).await;
            let short = list.total.is_some_and(|total| list.rows.len() < total);
            let reads_again = torn || (short && list.next.is_none() && stretch.from == 0);
            if !reads_again || list.fault.is_some() {
                return list;
            }
        }
        list.fault = Some(Fault::new(FaultKind::Shape, doing, "the list changed too fast while it was read"));
        list
    }

    /// Whether two pages did not meet: more rows left the list meanwhile than are read twice.
    async fn read<R: Row>(
        &self,
        doing: &str,
        path: &str,
        stretch: Stretch,
        list: &mut List<R>,
        known: &mut BTreeSet<String>,
    ) -> bool {
        let (mut limit, mut offset, mut pages, mut torn) = (PAGE, stretch.from, 0, false);
        let joint = if path.contains('?') { '&' } else { '?' };
        let mut again = false;
        loop {
            let query = match offset {
                0 => format!("{path}{joint}limit={limit}"),
                _ => format!("{path}{joint}limit={limit}&offset={offset}"),
            };
            let doing = if pages == 0 { doing.to_owned() } else { format!("{doing} (page {})", pages + 1) };
            let mut answer: Value = match self.get(&doing, &query).await {
                Ok(answer) => answer,
                Err(fault) if fault.kind == FaultKind::TooLarge && limit > 1 => {
                    limit = (limit / 10).max(1);
                    continue;
                }
                Err(fault) => {
                    list.fault = Some(fault);
                    return torn;
                }
            };
            pages += 1;
            let Value::Array(rows) = answer[R::NAME].take() else {
                list.fault = Some(Fault::new(FaultKind::Shape, &doing, format!("an answer without `{}`", R::NAME)));
                return torn;
            };
            list.total = total(&answer);
            let read = rows.len();
            let old = take(list, known, rows, &doing);
            torn |= pages > 1 && again && old == 0 && read > 0;
            let end = offset + read;
            if read == 0 || list.total.map_or(read < limit, |total| end >= total) {
                return torn;
            }
            // A server may give fewer rows than it was asked for.
            again = read > AGAIN;
            offset = if again { end - AGAIN } else { end };
            if pages >= stretch.pages {
                list.next = Some(offset);
                return torn;
            }
        }
    }
}

/// Takes the rows of a page that are not known yet; answers how many were.
fn take<R: Row>(list: &mut List<R>, known: &mut BTreeSet<String>, rows: Vec<Value>, doing: &str) -> usize {
    let mut old = 0;
    for row in rows {
        match serde_json::from_value::<R>(row) {
            Ok(row) if known.insert(row.id()) => list.rows.push(row),
            Ok(_) => old += 1,
            // The other rows can be read: they must not wait for this one.
            Err(error) => {
                let reason = format!("a row that Airflow does not give ({error})");
                list.fault.get_or_insert_with(|| Fault::new(FaultKind::Shape, doing, reason));
            }
        }
    }
    old
}

/// How many rows there are. A server that counts no further than some limit says nothing by having reached it.
fn total(answer: &Value) -> Option<usize> {
    let number = |name: &str| answer[name].as_u64().and_then(|number| usize::try_from(number).ok());
    number("total_entries").filter(|total| number("total_entries_limit").is_none_or(|limit| *total < limit))
}
