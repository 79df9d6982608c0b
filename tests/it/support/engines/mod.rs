//! Real workflow engines as processes: each pinned, offline, in a folder of its own and on a free port.

pub(crate) mod airflow;
pub(crate) mod dagster;
pub(crate) mod n8n;
pub(crate) mod prefect;
pub(crate) mod served;
