//! `type = "exec"`: the program and its arguments.

use crate::config::ExecReceiver;
use crate::config::read::{Section, list, path, text};

/// What a program needs to find others, its files and its words. The rest may hold secrets of firstred.
const INHERITED: [&str; 3] = ["PATH", "HOME", "LANG"];

pub(super) fn exec(section: &Section<'_>) -> Option<ExecReceiver> {
    let command = section.need("command", "write command = \"/usr/local/bin/page\"", |at| {
        let path = path(at)?;
        if path.is_absolute() {
            return Some(path);
        }
        let help = "no shell looks for it, so write the whole path; arguments go into `args`".to_owned();
        at.fail("the program is named by an absolute path", Some(help))
    });
    let args = section.get("args", list(text)).unwrap_or_default();
    let inherited = |name: &'static str| Some((name, section.at().cx.env.get(name)?.clone()));
    let environment = INHERITED.into_iter().filter_map(inherited).collect();
    Some(ExecReceiver { command: command?, args, environment })
}
