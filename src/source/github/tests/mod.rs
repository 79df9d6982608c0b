//! Tests of the GitHub source.
