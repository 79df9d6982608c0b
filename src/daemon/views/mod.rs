//! Incidents, silences and what waits, as programs read them: the JSON of the API and of the commands, which are the same. Pure: the
//! ledger's and the engine's values go in.

mod coverage;
mod incident;
mod pending;
mod receivers;
mod silence;

pub use coverage::{Coverage, Covered, Old, OldSilence, Proven, Rest};
pub use incident::{IncidentStory, IncidentView, Next, Receiver, member_numbers};
pub use pending::{PendingView, held, withheld};
pub use receivers::{BudgetView, Can, OfLedger, ReceiverView, RefusalView, TroubleView, receivers};
pub use silence::{SilenceView, silences};
