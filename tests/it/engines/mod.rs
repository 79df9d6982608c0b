//! End to end on real workflow engines. `tests/engines/README.md` says how to run one.

mod airflow;
mod dagster;
mod n8n;
mod prefect;
