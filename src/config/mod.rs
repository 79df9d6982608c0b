//! The TOML: its types, its checks, its errors with file, line and a hint. Everything that leaves this room is valid.
//!
//! The way of a file: [`load()`] reads it, `spans` parses it past every mistake, `layers` puts the defaults under it and the
//! environment over it, `read` and `parts` turn values into settings key by key, `check` weighs them against each other,
//! and `report` gives every problem its line. Nothing stops at the first mistake; nothing that is shown holds a secret.
//!
//! Values are read by hand and not through serde: serde stops at the first mistake in a table, and loses the way to a
//! field inside an enum.

mod check;
mod cx;
mod diagnostic;
mod layers;
mod load;
mod mask;
mod named;
mod outside;
mod parts;
mod path;
mod presets;
mod read;
mod render;
mod report;
mod settings;
mod spans;
mod suggest;
#[cfg(test)]
mod tests;
mod within;

pub use diagnostic::{Diagnostic, Diagnostics, Level};
pub use load::{ConfigFile, Inputs, Loaded, load};
pub use outside::{Disk, Files};
pub use parts::receiver_types;
pub use presets::{PRESETS, Preset};
pub use render::render;
pub use settings::*;
