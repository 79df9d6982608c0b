//! What firstred promises of every kind of receiver, each promise against each service. The services' stand-ins judge by what the services
//! document (`services/`), not by what firstred does.
//!
//! `tests/promises` runs all of it once and prints a table: what was asked of each service, what it kept, what came twice.

mod arrive;
mod check;
mod fault;
mod harmless;
mod program;
mod refuse;
mod rendered;
mod service;
mod services;
mod stand_in;
mod strict;
mod survive;
mod table;
mod whole;

/// Makes a test of each promise for each service, and the list of all services.
macro_rules! promises {
    ($($service:ident)*) => {
        /// Every kind of receiver.
        pub(crate) const ALL: &[&service::Service] = &[$(&services::$service::SERVICE),*];

        $(mod $service {
            use super::services::$service::SERVICE;

            #[tokio::test]
            async fn a_whole_life_leaves_it_in_the_right_state() {
                super::arrive::a_whole_life(&SERVICE).await;
            }

            #[tokio::test]
            async fn a_resolve_never_overtakes_its_opening() {
                super::arrive::in_order(&SERVICE).await;
            }

            #[tokio::test]
            async fn what_it_asks_to_wait_is_waited() {
                super::refuse::later(&SERVICE).await;
            }

            #[tokio::test]
            async fn a_refusal_for_good_goes_to_the_fallback_and_is_reported() {
                super::refuse::for_good(&SERVICE).await;
            }

            #[tokio::test]
            async fn a_redirect_is_not_followed_and_another_s_yes_is_none() {
                super::refuse::somebody_else(&SERVICE).await;
            }

            #[tokio::test]
            async fn what_breaks_the_form_goes_out_plainly() {
                super::harmless::plainly(&SERVICE).await;
            }

            #[tokio::test]
            async fn hostile_text_is_harmless() {
                super::harmless::hostile(&SERVICE).await;
            }

            #[tokio::test]
            async fn an_outcome_that_is_not_known_is_repeated_safely() {
                super::survive::a_lost_answer(&SERVICE).await;
            }

            #[tokio::test]
            async fn a_kill_before_it_has_the_message_loses_nothing() {
                super::survive::killed_before(&SERVICE).await;
            }

            #[tokio::test]
            async fn a_kill_after_it_has_the_message_repeats_it_at_most_once() {
                super::survive::killed_after(&SERVICE).await;
            }
        })*
    };
}

promises! {
    alertmanager
    discord
    email
    exec
    goalert
    incidentio
    jsm
    mattermost
    ntfy
    opsgenie
    pagerduty
    rocketchat
    slack_bot
    slack_webhook
    teams
    telegram
    webhook
}
