//! A local program as a service: a shell script that keeps its standard input in a folder and ends as it is told to. It knows no receiver.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;

use super::fault::Fault;

/// What runs. A call's folder is complete when `input` is in it; `stored` is there when it counts.
const SCRIPT: &str = r#"cd "$1" || exit 70
n=1
until mkdir "call-$n" 2>/dev/null; do n=$((n + 1)); done
cat >"call-$n/part"
fault=$(cat "fault-$n" 2>/dev/null || cat always 2>/dev/null)
case $fault in
'' | *-after) : >"call-$n/stored" ;;
esac
mv "call-$n/part" "call-$n/input"
case $fault in
'') echo "kept as call $n" ;;
busy) echo 'come back later' >&2; exit 75 ;;
gone) echo 'nobody here wants this' >&2; exit 77 ;;
hang*) exec sleep 600 ;;
cut*) kill -9 $$ ;;
esac
"#;

/// The program and its folder.
#[derive(Debug, Clone)]
pub(crate) struct Program(Arc<TempDir>);

impl Program {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder for the program");
        std::fs::write(folder.path().join("program.sh"), SCRIPT).expect("the folder is writable");
        Self(Arc::new(folder))
    }

    /// The folder, to which the configuration points.
    pub(crate) fn path(&self) -> String {
        self.0.path().to_string_lossy().into_owned()
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The next call that has no fault yet meets this one.
    pub(crate) fn meets(&self, fault: &Fault) {
        let free = |number: &usize| {
            !self.at(&format!("fault-{number}")).exists() && !self.at(&format!("call-{number}")).exists()
        };
        let number = (1..1_000).find(free).expect("no test calls so often");
        write(&self.at(&format!("fault-{number}")), word(fault));
    }

    /// Every call without a fault of its own meets this one.
    pub(crate) fn always(&self, fault: Option<&Fault>) {
        write(&self.at("always"), fault.map(word).unwrap_or_default());
    }

    /// Waits for a call: its standard input, and whether it was stored. A file tells nobody that it is there, so it is asked for.
    pub(crate) async fn called(&self, number: usize) -> (String, bool) {
        let folder = self.at(&format!("call-{number}"));
        loop {
            if let Ok(input) = std::fs::read(folder.join("input")) {
                return (String::from_utf8_lossy(&input).into_owned(), folder.join("stored").exists());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

fn word(fault: &Fault) -> &'static str {
    match fault {
        Fault::Busy(_) | Fault::Down => "busy",
        Fault::Gone => "gone",
        Fault::Hang => "hang",
        Fault::HangAfter => "hang-after",
        Fault::Cut => "cut",
        Fault::CutAfter => "cut-after",
        Fault::Page | Fault::Redirect(_) | Fault::Form => panic!("a program can't fail by {fault:?}"),
    }
}

fn write(file: &Path, text: &str) {
    std::fs::write(file, text).expect("the folder is writable");
}
