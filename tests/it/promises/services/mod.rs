//! The services, one file for each family: what each documents of its requests and answers.

pub(super) mod email;
pub(super) mod slack_webhook;
pub(super) mod webhook;
