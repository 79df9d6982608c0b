//! The tokens that open the API. It must not know where they come from.

use secrecy::SecretString;

use crate::server::gate;

/// The tokens that open the API, as digests: comparing these hides how long a token is, and none of them can be printed.
#[derive(Debug)]
pub struct Keys(Vec<[u8; 32]>);

impl Keys {
    /// Makes them ready. Without any, nobody gets in.
    #[must_use]
    pub fn new<'a>(tokens: impl IntoIterator<Item = &'a SecretString>) -> Self {
        Self(tokens.into_iter().map(gate::digest).collect())
    }

    pub(in crate::server) fn digests(&self) -> &[[u8; 32]] {
        &self.0
    }
}
