//! What is pushed in forms that are not native, as the server reads it.

use reqwest::header::HeaderMap;

use crate::run::{Limits, NativeError};
use crate::server::{Pushed, Reading};
use crate::source::push::Reader;

impl Reading for Reader {
    fn read(&self, headers: &HeaderMap, body: &[u8], limits: Limits) -> Result<Pushed, NativeError> {
        let runs = Self::read(self, headers, body, limits)?;
        Ok(Pushed { numbered: runs.len() > 1, runs, wake: false })
    }

    fn is_slow(&self) -> bool {
        Self::is_slow(self)
    }
}
