//! The links that lead from a message to the page of its incident. Each address has its own: what is done there is put down to it. It
//! knows no channel, and not what the page shows.

use super::message::{Message, link};
use crate::engine::{Delivery, Kind};
use crate::net::permit::{Issuer, LIFETIME, Permit};

/// The labels of the links to the page: what a receiver with buttons of its own leaves out.
pub(crate) const LABELS: [&str; 3] = [ACKNOWLEDGE, SILENCE, WHY];
/// What is done about a problem first.
pub(crate) const ACKNOWLEDGE: &str = "Acknowledge";
const SILENCE: &str = "Silence";
const WHY: &str = "Why";

/// Makes the links of one receiver.
#[derive(Debug, Clone)]
pub(crate) struct Links {
    issuer: Issuer,
    receiver: String,
}

impl Links {
    /// The links in what `receiver` is told.
    pub(crate) fn new(issuer: Issuer, receiver: &str) -> Self {
        Self { issuer, receiver: receiver.to_owned() }
    }

    /// The page of the incident that a delivery is about; nothing where it is about none. Derived from the delivery alone, so that every
    /// attempt sends the same bytes.
    pub(crate) fn page(&self, delivery: &Delivery) -> Option<String> {
        let notification = &delivery.notification;
        let permit = Permit {
            incident: notification.incident.as_ref()?.id.as_str().to_owned(),
            receiver: self.receiver.clone(),
            address: delivery.address.clone(),
            expires: notification.decided_at.checked_add(LIFETIME).ok()?,
        };
        link::checked(&self.issuer.link(&permit))
    }

    /// Adds the links to a message: what can be done behind the run that is looked at first, the story at the end.
    pub(crate) fn add(&self, delivery: &Delivery, message: &mut Message) {
        let Some(page) = self.page(delivery) else { return };
        let notification = &delivery.notification;
        if notification.kind != Kind::Resolved {
            let known = notification.incident.as_ref().is_some_and(|note| note.acknowledged.is_some());
            let to_do = [(ACKNOWLEDGE, "acknowledge"), (SILENCE, "silence")].into_iter().skip(usize::from(known));
            let to_do = to_do.map(|(label, place)| (label, format!("{page}#{place}")));
            // The first link is where a title leads: never to a button while there is anything else.
            let runs = message.links.iter().take_while(|(label, _)| label.starts_with("Open")).count();
            let behind = if runs > 0 { runs } else { message.links.len() };
            message.links.splice(behind..behind, to_do);
        }
        message.links.push((WHY, format!("{page}#why")));
    }
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::*;
    use crate::net::permit::Key;
    use crate::receiver::draft::Composer;
    use crate::receiver::message::Budget;
    use crate::receiver::test_support::{at, delivery, of_card, samples};

    fn issuer() -> Issuer {
        Issuer::new(Url::parse("https://red.example.com").expect("a URL"), Key::new(&[7; 32]))
    }

    fn composer() -> Composer {
        Composer { links: Some(Links::new(issuer(), "mail")), template: None }
    }

    fn sample(wanted: &str) -> Delivery {
        delivery(samples().into_iter().find(|(name, _)| *name == wanted).expect("a sample").1)
    }

    fn labels(delivery: &Delivery) -> Vec<&'static str> {
        composer().draft(delivery).message(Budget::FULL).links.into_iter().map(|(label, _)| label).collect()
    }

    #[test]
    fn a_message_says_what_can_be_done_now() {
        assert_eq!(labels(&sample("opened")), ["Open run", "Acknowledge", "Silence", "Runbook", "Why"]);
        assert_eq!(labels(&sample("still_open_acknowledged")), ["Open last run", "Silence", "Runbook", "Why"]);
        assert_eq!(labels(&sample("resolved")), ["Open run", "Open failed run", "Why"]);
        assert_eq!(labels(&delivery(of_card(crate::receiver::test_support::card()))), ["Open run", "Runbook"]);
        let mut unlinked = sample("opened");
        if let crate::engine::Subject::Run(card) = &mut unlinked.notification.subject {
            card.run.url = None;
        }
        assert_eq!(labels(&unlinked), ["Runbook", "Acknowledge", "Silence", "Why"]);
        assert!(labels(&sample("summary_storm")).is_empty(), "it is about no single incident");
    }

    #[test]
    fn each_address_has_its_own_link_and_every_attempt_the_same() {
        let mut mail = sample("opened");
        mail.address = Some("ada@example.com".to_owned());
        let page = composer().page(&mail).expect("a link");
        mail.attempts = 3;
        assert_eq!(composer().page(&mail).as_ref(), Some(&page));
        mail.address = Some("bob@example.com".to_owned());
        assert_ne!(composer().page(&mail).as_ref(), Some(&page));
        let permit = page.rsplit('/').next().and_then(|permit| issuer().open(permit, at("2026-11-22T10:14:02Z")).ok());
        let permit = permit.expect("a permit");
        assert_eq!((permit.holder(), permit.receiver.as_str()), ("ada@example.com", "mail"));
        assert_eq!(permit.expires, at("2026-11-29T10:14:02Z"));
    }
}
