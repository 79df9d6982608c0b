//! Parses the command line and calls `cli`.

use std::process::ExitCode;

fn main() -> ExitCode {
    // Two providers in one binary make TLS ambiguous; the choice is made once, before anything connects.
    if rustls::crypto::aws_lc_rs::default_provider().install_default().is_err() {
        // Somebody was first: there is a provider, which is all that is needed.
    }
    firstred::cli::main()
}
