//! Templates: parts of a message in the words of whoever configured them. A part that can't be rendered is said as it is built in, and
//! the message says so; so a template can change how an alert reads, and never whether it goes out. It knows the message and the payload,
//! and no channel: what it writes is text, which each channel escapes as it does all texts.

mod context;
mod filters;
mod jinja;
mod rendered;
#[cfg(test)]
mod tests;
mod trial;

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use jiff::{SignedDuration, Timestamp};
use minijinja::Environment;
use prometheus_client::metrics::counter::Counter;

use super::BuildError;
use super::message::{Budget, Message, text};
use crate::clock;
use crate::config::{Block, TemplateSettings};
use crate::engine::Notification;
use crate::metrics::{Metrics, TemplateLabel};

pub(crate) use rendered::Rendered;
pub use trial::{Tried, check, try_out};

/// A template that fails is logged this often.
const WARN_EVERY: SignedDuration = SignedDuration::from_hours(1);

/// One `[templates.NAME]`, compiled.
#[derive(Debug)]
pub(crate) struct Template {
    name: String,
    blocks: Vec<Block>,
    jinja: Environment<'static>,
    /// Counts the messages that it failed, once somebody wants to know.
    failures: OnceLock<Counter>,
    warned: Mutex<Option<Timestamp>>,
}

impl Template {
    /// Compiles `settings`.
    ///
    /// # Errors
    /// When the text of a block is no template.
    pub(crate) fn build(settings: &TemplateSettings) -> Result<Arc<Self>, BuildError> {
        let mut jinja = jinja::environment();
        for (block, text) in &settings.blocks {
            jinja.add_template_owned(block.as_str(), text.clone()).map_err(|error| BuildError::Template {
                name: settings.name.clone(),
                block: block.as_str(),
                reason: jinja::reason(&error),
            })?;
        }
        Ok(Arc::new(Self {
            name: settings.name.clone(),
            blocks: settings.blocks.iter().map(|(block, _)| *block).collect(),
            jinja,
            failures: OnceLock::new(),
            warned: Mutex::new(None),
        }))
    }

    /// What it writes of `notification`.
    pub(crate) fn render(&self, notification: &Notification) -> Rendered {
        let plain = Message::new(notification, Budget::FULL);
        let context = context::of(notification, &plain);
        let mut rendered = Rendered::default();
        for block in self.blocks.iter().copied().filter(|block| rendered::is_asked(*block, &plain)) {
            match jinja::render(&self.jinja, block, &context) {
                Ok(said) => rendered.put(block, said),
                Err(failure) => rendered.fail(block, &self.name, &failure.message),
            }
        }
        rendered
    }

    /// The same for a message that goes out: what fails is counted and logged.
    pub(crate) fn render_in_service(&self, notification: &Notification) -> Rendered {
        let rendered = self.render(notification);
        if let Some(reason) = rendered.failure() {
            if let Some(failures) = self.failures.get() {
                failures.inc();
            }
            if self.is_time_to_warn(clock::now()) {
                let (template, notification) = (&self.name, notification.id.as_str());
                tracing::warn!(template, notification, reason = ?text::line(reason), "a template failed; saying that part as it is built in");
            }
        }
        rendered
    }

    /// Counts its failures in `metrics`.
    pub(crate) fn count_in(&self, metrics: &Metrics) {
        let label = TemplateLabel { template: self.name.clone() };
        // Only the first one counts: a reload builds another template.
        let _ = self.failures.set(metrics.template_failures.get_or_create(&label).clone());
    }

    fn is_time_to_warn(&self, now: Timestamp) -> bool {
        let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
        let due = warned.is_none_or(|at| now.duration_since(at) >= WARN_EVERY);
        if due {
            *warned = Some(now);
        }
        due
    }
}
