//! One delivery, put into words: as long as the receiver wants them, with what its settings add to every message. It knows no channel.

use std::sync::Arc;

use super::links::Links;
use super::message::{Budget, Message};
use super::template::{Rendered, Template};
use crate::engine::{Delivery, Notification};

/// What a receiver's settings add to its messages.
#[derive(Debug, Clone, Default)]
pub(crate) struct Composer {
    /// What writes parts of each message.
    pub(crate) template: Option<Arc<Template>>,
    /// What leads from a message to its incident's page; absent where there are no pages.
    pub(crate) links: Option<Links>,
}

impl Composer {
    /// The draft of `delivery`.
    pub(crate) fn draft<'a>(&'a self, delivery: &'a Delivery) -> Draft<'a> {
        // Once for all forms of the message, so that a failure is counted once.
        let rendered = self.template.as_ref().map(|template| template.render_in_service(&delivery.notification));
        Draft { delivery, composer: self, rendered }
    }

    /// The page of the incident that `delivery` is about, for its address.
    pub(crate) fn page(&self, delivery: &Delivery) -> Option<String> {
        self.links.as_ref()?.page(delivery)
    }
}

/// One delivery that is being written.
#[derive(Debug, Clone)]
pub(crate) struct Draft<'a> {
    /// What is delivered.
    pub(crate) delivery: &'a Delivery,
    composer: &'a Composer,
    rendered: Option<Rendered>,
}

impl<'a> Draft<'a> {
    /// What is said.
    pub(crate) fn notification(&self) -> &'a Notification {
        &self.delivery.notification
    }

    /// The message as this receiver's people want it.
    pub(crate) fn message(&self, budget: Budget) -> Message {
        let mut message = self.plain(budget);
        if let Some(rendered) = &self.rendered {
            rendered.apply(&mut message, budget);
        }
        message
    }

    /// How the problem stands, in full, for a receiver that edits one message.
    pub(crate) fn present(&self, budget: Budget) -> Message {
        let mut message = self.linked(Message::present(self.notification(), budget));
        if let Some(rendered) = &self.rendered {
            rendered.apply(&mut message, budget);
        }
        message
    }

    /// The built-in message: what goes out when another can't.
    pub(crate) fn plain(&self, budget: Budget) -> Message {
        self.linked(Message::new(self.notification(), budget))
    }

    fn linked(&self, mut message: Message) -> Message {
        if let Some(links) = &self.composer.links {
            links.add(self.delivery, &mut message);
        }
        message
    }
}
