//! The ledger as the API sees it: what is asked becomes a question to the ledger, the answer the JSON that the commands print, too.

use serde_json::Value;

use super::Bridge;
use crate::ledger::LedgerError;
use crate::server::{Answering, Asked, Clerk, ClerkError};

impl Clerk for Bridge {
    fn ask(&self, asked: Asked) -> Answering<'_> {
        Box::pin(self.answer(asked))
    }
}

impl Bridge {
    async fn answer(&self, asked: Asked) -> Result<Value, ClerkError> {
        match asked {
            Asked::Why { run } => {
                let stories = self.ledger.stories(&run).await.map_err(no_answer)?;
                if stories.is_empty() {
                    let message =
                        format!("the ledger knows no run {run:?}: it was never seen, or is older than the retention");
                    return Err(ClerkError::NotFound(message));
                }
                json(&stories)
            }
            _ => Err(ClerkError::Unavailable("not built yet".to_owned())),
        }
    }
}

fn json(value: &impl serde::Serialize) -> Result<Value, ClerkError> {
    serde_json::to_value(value).map_err(|error| ClerkError::Unavailable(error.to_string()))
}

// Taken by value because it is passed to `map_err` as it is.
#[expect(clippy::needless_pass_by_value, reason = "the signature that map_err wants")]
fn no_answer(error: LedgerError) -> ClerkError {
    match error {
        LedgerError::Full => ClerkError::Full,
        other => ClerkError::Unavailable(other.to_string()),
    }
}
