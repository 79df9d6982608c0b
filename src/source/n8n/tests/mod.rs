//! Tests of the n8n source.
