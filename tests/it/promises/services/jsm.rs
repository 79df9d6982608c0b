//! JSM Operations: Opsgenie's API at another place.

use super::opsgenie;
use crate::promises::service::Service;

pub(crate) static SERVICE: Service = Service {
    name: "jsm",
    section: |base| format!("api = \"jsm\"\n{}", (opsgenie::SERVICE.section)(&format!("{base}/jsm/ops/integration"))),
    ..opsgenie::SERVICE
};
