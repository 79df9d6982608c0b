//! What a double has seen: appended by the double, waited for by the test.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::watch;

/// A list that can be waited on. Clones share it.
#[derive(Debug)]
pub(crate) struct Record<T> {
    items: Arc<Mutex<Vec<T>>>,
    length: watch::Sender<usize>,
}

impl<T> Clone for Record<T> {
    fn clone(&self) -> Self {
        Self { items: Arc::clone(&self.items), length: self.length.clone() }
    }
}

impl<T> Default for Record<T> {
    fn default() -> Self {
        Self { items: Arc::default(), length: watch::Sender::new(0) }
    }
}

impl<T: Clone> Record<T> {
    /// Appends.
    pub(crate) fn push(&self, item: T) {
        let length = {
            let mut items = self.items.lock().expect("no panic while recording");
            items.push(item);
            items.len()
        };
        self.length.send_replace(length);
    }

    /// All of it so far.
    pub(crate) fn all(&self) -> Vec<T> {
        self.items.lock().expect("no panic while recording").clone()
    }

    /// Looks at it without a copy.
    pub(crate) fn with<R>(&self, look: impl FnOnce(&[T]) -> R) -> R {
        look(&self.items.lock().expect("no panic while recording"))
    }

    /// Waits until `enough` says so. `None` when the deadline passes first.
    pub(crate) async fn wait(&self, deadline: Duration, enough: impl Fn(&[T]) -> bool) -> Option<Vec<T>> {
        let mut length = self.length.subscribe();
        let waiting = length.wait_for(|_| self.with(&enough));
        match tokio::time::timeout(deadline, waiting).await {
            Ok(found) => {
                found.expect("the sender lives as long as self");
            }
            Err(_) => return None,
        }
        Some(self.all())
    }

    /// Waits for at least `count` items.
    pub(crate) async fn wait_for(&self, count: usize, deadline: Duration) -> Option<Vec<T>> {
        self.wait(deadline, |items| items.len() >= count).await
    }
}
