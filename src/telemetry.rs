//! Logs: one line a record, whatever is in it, through a writer that never waits for its output. A blocked pipe must not stop
//! a delivery, so lines are dropped and counted instead. It must not know what is logged.

mod line;
#[cfg(test)]
mod tests;
mod writer;

use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;

pub use writer::LogGuard;
use writer::Writer;

use crate::config::LogSettings;
use crate::metrics::Metrics;

/// Why there is no log.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The filter can't be read.
    #[error("the log filter {filter:?} can't be read: {cause}")]
    Filter {
        /// The filter.
        filter: String,
        /// Why not.
        #[source]
        cause: ParseError,
    },
    /// There is a log already.
    #[error("the log was set up twice")]
    Twice,
    /// The writer's thread can't be started.
    #[error("failed to start the log writer: {0}")]
    Thread(std::io::Error),
}

/// Sends all events of this process to standard error until the guard is dropped, which waits for the last lines.
///
/// # Errors
/// When the filter can't be read, there is a log already, or no thread can be started.
pub fn init(settings: &LogSettings, metrics: &Metrics) -> Result<LogGuard, TelemetryError> {
    // The filter first: a thread for nothing would stay.
    let filter = filter(settings)?;
    let (writer, guard) = Writer::start(std::io::stderr(), settings.json, metrics.dropped_log_lines.clone())
        .map_err(TelemetryError::Thread)?;
    tracing::subscriber::set_global_default(subscriber(settings, filter, writer)).map_err(|_| TelemetryError::Twice)?;
    Ok(guard)
}

/// Sends all that this process logs, whatever its level, to `output`, as JSON: for who looks for what must not be in a log.
///
/// # Errors
/// When there is a log already, or no thread can be started.
pub fn record(output: impl std::io::Write + Send + 'static) -> Result<LogGuard, TelemetryError> {
    let settings = LogSettings { json: true, filter: "info,firstred=trace".to_owned() };
    let filter = filter(&settings)?;
    let (writer, guard) =
        Writer::start(output, settings.json, Metrics::default().dropped_log_lines).map_err(TelemetryError::Thread)?;
    tracing::subscriber::set_global_default(subscriber(&settings, filter, writer))
        .map_err(|_| TelemetryError::Twice)?;
    Ok(guard)
}

fn filter(settings: &LogSettings) -> Result<EnvFilter, TelemetryError> {
    EnvFilter::builder()
        .parse(&settings.filter)
        .map_err(|cause| TelemetryError::Filter { filter: settings.filter.clone(), cause })
}

fn subscriber(settings: &LogSettings, filter: EnvFilter, writer: Writer) -> Box<dyn Subscriber + Send + Sync> {
    // No colours: each escape character in a line is somebody else's, and is taken out.
    let common = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(writer);
    if settings.json { Box::new(common.json().flatten_event(true).finish()) } else { Box::new(common.finish()) }
}
