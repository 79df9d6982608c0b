//! Tests of the whole room: a file and an environment go in, a configuration or every mistake comes out.

mod annotated;
mod chats;
mod github;
mod good;
mod incidents;
mod incidents_mistaken;
mod mistakes;
mod network;
mod never_panics;
mod oncall;
mod secrets;

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use super::{Block, ConfigFile, Diagnostics, Files, Inputs, Loaded, TemplateMistake, load, render};

/// A disk with a few files.
pub(super) struct Shelf;

impl Files for Shelf {
    fn read(&self, path: &Path, _limit: u64) -> io::Result<Vec<u8>> {
        match path.to_str() {
            Some("/run/secrets/smtp" | "/run/secrets/ntfy") => Ok(b"hunter2\n".to_vec()),
            Some("/run/secrets/automation" | "/home/me/open") => Ok(b"t0ken\r\n".to_vec()),
            Some("/run/secrets/signing-old") => Ok(b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n".to_vec()),
            Some("runs/completed.json") => {
                Ok(br#"{ "id": "1", "workflow": { "name": "nightly" }, "status": "completed" }"#.to_vec())
            }
            Some("runs/two.json") => Ok(b"[{ \"id\": \"1\" }, {}]".to_vec()),
            Some("/empty") => Ok(b"\n".to_vec()),
            Some("/binary") => Ok(vec![0xff, 0xfe]),
            Some("/etc/firstred/ca.pem") => Ok(b"-----BEGIN CERTIFICATE-----\nMII\n".to_vec()),
            Some("/not.pem") => Ok(b"hello".to_vec()),
            _ => Err(io::Error::new(io::ErrorKind::NotFound, "No such file or directory (os error 2)")),
        }
    }

    fn world_readable(&self, path: &Path) -> bool {
        path == Path::new("/home/me/open")
    }
}

/// Stands in for the jq compiler.
fn jq(filter: &str) -> Result<(), String> {
    if filter.matches('(').count() == filter.matches(')').count() { Ok(()) } else { Err("unclosed `(`".to_owned()) }
}

/// Stands in for the template engine: refuses the word `wrong`, where it stands.
fn jinja(_: Block, text: &str) -> Vec<TemplateMistake> {
    let wrong = |at| TemplateMistake { at: Some(at..at + 5), message: "this is wrong".to_owned(), help: None };
    text.find("wrong").map(wrong).into_iter().collect()
}

pub(super) fn inputs(text: &str, env: &[(&str, &str)]) -> Inputs<'static> {
    let env: BTreeMap<String, String> = env.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    let file = ConfigFile::Text { name: "firstred.toml".to_owned(), text: text.to_owned() };
    Inputs { file: Some(file), env, files: &Shelf, filter_check: jq, template_check: jinja, now: None }
}

pub(super) fn load_text(text: &str, env: &[(&str, &str)]) -> Result<Loaded, Diagnostics> {
    load(&inputs(text, env))
}

/// A configuration that has no mistake.
pub(super) fn good(text: &str, env: &[(&str, &str)]) -> Loaded {
    load_text(text, env).unwrap_or_else(|diagnostics| panic!("refused:\n{diagnostics}"))
}

/// What is said about a configuration that is refused.
pub(super) fn refused(text: &str, env: &[(&str, &str)]) -> String {
    match load_text(text, env) {
        Ok(loaded) => panic!("accepted, warnings:\n{}", render(&loaded.warnings, false)),
        Err(diagnostics) => diagnostics.render(false),
    }
}

/// What is said about a configuration that is accepted.
pub(super) fn warned(text: &str, env: &[(&str, &str)]) -> String {
    render(&good(text, env).warnings, false)
}
