//! A notification as a mail: headers, text, HTML. Rendered from the delivery alone, so that every attempt sends the same bytes:
//! the date is the decision's, the boundary and the Message-ID follow from the delivery's key. It knows no SMTP.

use lettre::message::header::{
    ContentTransferEncoding, ContentType, Date, HeaderName, HeaderValue, InReplyTo, MessageId, References, Subject,
};
use lettre::message::{Body, Mailbox, Message as Mail, MultiPart, SinglePart};

use super::html;
use crate::engine::{Delivery, IncidentNote, Kind, NotificationId, Subject as About};
use crate::receiver::draft::Draft;
use crate::receiver::message::{Budget, Message, plain, text};
use crate::receiver::payload;

/// The longest value of a header that holds a name from outside.
const LONGEST_NAME: usize = 60;

/// Renders the mail of `delivery` for `to`.
pub(super) fn render(draft: &Draft<'_>, from: &Mailbox, to: &[Mailbox]) -> Result<Vec<u8>, lettre::error::Error> {
    let delivery = draft.delivery;
    let notification = draft.notification();
    let message = draft.message(Budget::FULL);
    let key = delivery.idempotency_key();
    let domain = domain(from);
    let is_reply = notification.incident.as_deref().is_some_and(|note| is_reply(notification.kind, note));

    let mut mail = Mail::builder()
        .header(Date::new(notification.decided_at.into()))
        .from(from.clone())
        .subject_of(&message, is_reply)
        .header(MessageId::from(format!("<{key}@{domain}>")));
    if let Some(note) = &notification.incident {
        // Clients thread by what a mail refers to: here the opening, which this recipient may know only from a summary. So all
        // of an incident refers to a root that is sent to nobody, the opening included.
        let root = format!("<{}@{domain}>", thread(delivery, note));
        mail = mail.header(References::from(root.clone()));
        if is_reply {
            mail = mail.header(InReplyTo::from(root));
        }
    }
    for mailbox in to {
        mail = mail.to(mailbox.clone());
    }
    for (name, value) in [
        // RFC 3834: no answer by a vacation responder.
        (HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned()),
        // MS-OXCMAIL 2.1.3.2.20: the same for Exchange.
        (HeaderName::new_from_ascii_str("X-Auto-Response-Suppress"), "All".to_owned()),
        // RFC 2919: one stable key to filter by.
        (HeaderName::new_from_ascii_str("List-Id"), format!("firstred alerts <alerts.{domain}>")),
        (HeaderName::new_from_ascii_str("X-Firstred-Notification"), notification.id.as_str().to_owned()),
        (HeaderName::new_from_ascii_str("X-Firstred-Kind"), payload::kind(notification.kind).to_owned()),
        (HeaderName::new_from_ascii_str("X-Firstred-Severity"), notification.severity.as_str().to_owned()),
    ] {
        mail = mail.raw_header(HeaderValue::new(name, value));
    }
    if let About::Run(card) = &notification.subject {
        let workflow = in_header(&text::line(card.run.workflow.title()), LONGEST_NAME);
        let name = HeaderName::new_from_ascii_str("X-Firstred-Workflow");
        mail = mail.raw_header(HeaderValue::new(name, workflow));
    }
    if let Some(note) = &notification.incident {
        let name = HeaderName::new_from_ascii_str("X-Firstred-Incident");
        mail = mail.raw_header(HeaderValue::new(name, in_header(&text::line(note.id.as_str()), LONGEST_NAME)));
    }
    let plain = format!("{}\n\n--\n{}\n", plain::card(&message), message.footer);
    let body = MultiPart::alternative()
        // Quoted-printable never holds `=_`, so no text can end its part (RFC 2045, 6.7).
        .boundary(format!("=_{key}"))
        .singlepart(part(ContentType::TEXT_PLAIN, plain))
        .singlepart(part(ContentType::TEXT_HTML, html::render(&message)));
    Ok(mail.multipart(body)?.formatted())
}

trait SubjectOf {
    fn subject_of(self, message: &Message, is_reply: bool) -> Self;
}

impl SubjectOf for lettre::message::MessageBuilder {
    /// The subject has no control character: [`text::line`] made its parts, and lettre encodes what is not ASCII (RFC 2047).
    fn subject_of(self, message: &Message, is_reply: bool) -> Self {
        let subject = in_header(&format!("[firstred] {}", message.subject), 120);
        self.header(Subject::from(if is_reply { format!("Re: {subject}") } else { subject }))
    }
}

/// The root of an incident's thread at one recipient: derived, so that every mail knows it. Safe in a Message-ID.
fn thread(delivery: &Delivery, note: &IncidentNote) -> String {
    let address = delivery.address.as_deref().unwrap_or_default();
    let id = NotificationId::of_parts(&["thread", note.id.as_str(), &delivery.receiver, address]);
    id.as_str().replacen("n_", "t_", 1)
}

/// Whether a mail comes after another one about the same incident.
fn is_reply(kind: Kind, note: &IncidentNote) -> bool {
    let may_open =
        matches!(kind, Kind::Failed | Kind::StillRetrying | Kind::Vanished | Kind::Missed | Kind::ProviderTrouble);
    // What is not all news was told before.
    !may_open || note.more < note.failures
}

/// A text from outside for a header. What looks like an encoded word (RFC 2047) would be decoded by the reader's client, line
/// breaks and all, so its start is broken; lettre lets it pass where the rest is ASCII.
fn in_header(text: &str, most: usize) -> String {
    text::middle_cut(&text.replace("=?", "= ?"), most)
}

fn part(kind: ContentType, content: String) -> SinglePart {
    // The encoding is fixed: left to lettre it would follow from the text. Line breaks become CRLF here.
    let encoding = ContentTransferEncoding::QuotedPrintable;
    let body = Body::new_with_encoding(content, encoding);
    let body = body.unwrap_or_else(Body::new);
    SinglePart::builder().header(kind).body(body)
}

/// The domain of the Message-ID: the sender's, in ASCII. A name without a dot, such as `localhost`, says nothing to others.
fn domain(from: &Mailbox) -> String {
    let domain = url::Host::parse(from.email.domain()).map(|host| host.to_string()).unwrap_or_default();
    if domain.contains('.') && !domain.starts_with("127.") { domain } else { "firstred.invalid".to_owned() }
}
