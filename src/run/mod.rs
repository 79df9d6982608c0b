//! The words of firstred: a run, its steps, their errors and statuses, as every other room uses them.
//! This room holds data and how the native JSON is read. It knows no clock, no I/O and no rule.

mod error;
mod native;
mod run;
mod status;
mod step;

pub use error::{StepError, UNKNOWN_ERROR};
pub use native::{Limits, NativeError, read_batch, read_run};
pub use run::{Progress, Run, RunKey, Workflow};
pub use status::{RunStatus, StepStatus};
pub use step::Step;
