//! End to end on real workflow engines. `tests/engines/README.md` says how to run one.

mod airflow;
mod n8n;
mod prefect;
