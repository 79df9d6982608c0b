//! What is pushed in forms that are not native, as the server reads it.

use reqwest::header::HeaderMap;

use crate::run::{Limits, NativeError};
use crate::server::{Pushed, Reading, Unread};
use crate::source::github;
use crate::source::n8n::Mail;
use crate::source::push::{PushError, Reader};

impl Reading for Reader {
    fn read(&self, headers: &HeaderMap, body: &[u8], limits: Limits) -> Result<Pushed, Unread> {
        let runs = Self::read(self, headers, body, limits).map_err(|error| match error {
            PushError::Wrong(error) => Unread::Wrong(error),
            PushError::Busy(reason) => Unread::Later(reason),
        })?;
        Ok(Pushed { numbered: runs.len() > 1, runs, wake: false })
    }

    fn is_slow(&self) -> bool {
        Self::is_slow(self)
    }
}

impl Reading for Mail {
    fn read(&self, headers: &HeaderMap, body: &[u8], limits: Limits) -> Result<Pushed, Unread> {
        let runs = self.post(headers, body, limits)?;
        Ok(Pushed { numbered: body.trim_ascii_start().starts_with(b"["), runs, wake: true })
    }
}

impl Reading for github::Reader {
    fn read(&self, headers: &HeaderMap, body: &[u8], _limits: Limits) -> Result<Pushed, Unread> {
        let received = Self::read(self, headers, body).map_err(|message| NativeError {
            index: 0,
            pointer: String::new(),
            message,
        })?;
        Ok(Pushed { runs: received.run.map(Ok).into_iter().collect(), numbered: false, wake: received.wake })
    }
}
