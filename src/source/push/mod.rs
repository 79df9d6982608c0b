//! What is pushed, in forms that are not native: CloudEvents, CDEvents, OpenLineage, or anything that a jq filter turns into native runs.
//! From bytes to runs; it knows no HTTP but the names of headers, and not who sent it.

mod cdevents;
mod envelope;
mod family;
mod gather;
mod openlineage;
#[cfg(test)]
mod standards_tests;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::HeaderMap;
use serde_json::Value;

use self::envelope::Event;
use self::gather::{Gather, Item};
use super::filter::{Filter, FilterError};
use crate::config::{PushFormat, WebhookSource};
use crate::run::{Limits, NativeError, Run, read_run};

/// How long a jq filter may take over one body: the sender waits.
const FILTER_DEADLINE: Duration = Duration::from_secs(3);

/// Reads what is pushed to one source.
#[derive(Debug)]
pub struct Reader {
    format: PushFormat,
    filter: Option<Filter>,
    /// Which parts belong to which run.
    gather: Mutex<Gather>,
}

/// Why a body was not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PushError {
    /// What is in it is wrong.
    Wrong(NativeError),
    /// The jq filter is still at work, or did not end in time: whoever sends it again may be luckier.
    Busy(String),
}

impl From<NativeError> for PushError {
    fn from(error: NativeError) -> Self {
        Self::Wrong(error)
    }
}

/// The runs of a body or event, each for itself.
type Read = Vec<Result<Run, NativeError>>;

impl Reader {
    /// A reader for what the settings say; none where it is plainly native.
    ///
    /// # Errors
    /// When the filter does not compile, which the configuration has checked.
    pub fn new(settings: &WebhookSource) -> Result<Option<Self>, FilterError> {
        let filter = settings.filter.as_deref().map(Filter::compile).transpose()?;
        if settings.format == PushFormat::Native && filter.is_none() {
            return Ok(None);
        }
        Ok(Some(Self { format: settings.format, filter, gather: Mutex::default() }))
    }

    /// Whether reading may take long, whatever the size of the body.
    #[must_use]
    pub fn is_slow(&self) -> bool {
        self.filter.is_some()
    }

    /// The runs of a body, each for itself. It may take seconds where there is a filter.
    ///
    /// # Errors
    /// When the body as a whole can't be read, or not now.
    pub fn read(&self, headers: &HeaderMap, body: &[u8], limits: Limits) -> Result<Read, PushError> {
        if self.format == PushFormat::Native {
            return self.filtered(body, 0, limits);
        }
        let events = envelope::open(self.format, headers, body, limits)?;
        let many = events.len() > 1;
        let mut runs = Vec::new();
        for (index, event) in events.into_iter().enumerate() {
            let found = event.map_err(PushError::from).and_then(|event| self.of_event(&event, index, limits));
            let found = found.or_else(|error| match error {
                PushError::Wrong(error) => Ok(vec![Err(error)]),
                // The others are taken when all of it is sent again.
                busy @ PushError::Busy(_) => Err(busy),
            })?;
            runs.extend(found.into_iter().map(|run| {
                run.map_err(|error| {
                    let place = if many { format!("/{index}") } else { String::new() };
                    NativeError { index, pointer: place + &error.pointer, message: error.message }
                })
            }));
        }
        Ok(runs)
    }

    fn of_event(&self, event: &Event, index: usize, limits: Limits) -> Result<Read, PushError> {
        let item = match self.format {
            PushFormat::CdEvents => cdevents::item(event)?,
            PushFormat::OpenLineage => openlineage::item(event)?,
            PushFormat::Native | PushFormat::CloudEvents => {
                if event.is_cdevent() {
                    cdevents::item(event)?
                } else if openlineage::is_run_event(&event.data) {
                    openlineage::item(event)?
                } else if self.filter.is_some() {
                    return self.filtered(event.whole().to_string().as_bytes(), index, limits);
                } else {
                    let run = read_run(event.data.to_string().as_bytes(), limits);
                    return Ok(vec![run.map_err(|error| NativeError { index, ..error })]);
                }
            }
        };
        let mut gather = self.gather.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(gather.put(item).map(Ok).into_iter().collect())
    }

    /// What the filter makes of a text: a stream of native runs, or arrays of them. `null` stands for nothing.
    fn filtered(&self, text: &[u8], index: usize, limits: Limits) -> Result<Read, PushError> {
        let Some(filter) = &self.filter else {
            return Ok(Vec::new());
        };
        let outputs = filter.run_here(Arc::new(text.to_vec()), FILTER_DEADLINE);
        let outputs = outputs.map_err(|error| match error {
            FilterError::Busy | FilterError::Endless(_) | FilterError::NoThread(_) => {
                PushError::Busy(error.to_string())
            }
            wrong => PushError::Wrong(broken(index, wrong.to_string())),
        })?;
        let mut runs = Vec::new();
        for output in outputs {
            match serde_json::from_slice::<Value>(&output) {
                Ok(Value::Null) => {}
                Ok(Value::Array(items)) => {
                    runs.extend(items.iter().map(|item| read_run(item.to_string().as_bytes(), limits)));
                }
                _ => runs.push(read_run(&output, limits)),
            }
        }
        for run in &mut runs {
            if let Err(error) = run {
                error.index = index;
                error.message = format!("the jq filter gives no native run: {}", error.message);
            }
        }
        Ok(runs)
    }
}

/// A body, or an event of it, that can't be read.
fn broken(index: usize, message: String) -> NativeError {
    NativeError { index, pointer: String::new(), message }
}

/// The text at a path of keys, unless it is empty.
fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer)?.as_str().map(str::trim).filter(|text| !text.is_empty())
}

/// The time at a path of keys. A time that can't be read is no time: the event says more than that.
fn time(value: &Value, pointer: &str) -> Option<jiff::Timestamp> {
    text(value, pointer)?.parse().ok()
}

/// The item of an event that says nothing about runs.
fn nothing() -> Item {
    Item::Nothing
}
