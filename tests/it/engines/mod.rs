//! End to end on real workflow engines. `tests/engines/README.md` says how to run one.

mod n8n;
mod prefect;
