//! `type = "airflow"`: what is set.

use secrecy::SecretString;
use url::Url;

use super::Polling;
use crate::config::Way;

/// `type = "airflow"`
#[derive(Debug, Clone)]
pub struct AirflowSource {
    /// The server's root, such as `http://127.0.0.1:8080`: without `/api/…` and without a slash at its end.
    pub url: Url,
    /// The root of the UI for links; default: `url`.
    pub ui_url: Url,
    /// How to sign in.
    pub auth: AirflowAuth,
    /// Whether DAG files that can't be read are told as failures of their own. Default true.
    pub import_errors: bool,
    /// Intervals and deadlines.
    pub polling: Polling,
    /// How it is reached.
    pub way: Way,
}

/// How to sign in to Airflow.
#[derive(Debug, Clone)]
pub enum AirflowAuth {
    /// Nobody asks.
    None,
    /// Airflow 3 gives a token for it, which is renewed when it has run out; to Airflow 2 it goes as Basic.
    Password {
        /// The user.
        user: String,
        /// Their password.
        password: SecretString,
    },
    /// A token that somebody made: sent as Bearer.
    Token(SecretString),
}
