//! The TOML: its types, its checks, its errors with file, line and a hint. Everything that leaves this room is valid.

mod settings;

pub use settings::*;
