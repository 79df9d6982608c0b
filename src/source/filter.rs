//! jq: from a foreign answer to native runs. It knows no HTTP, and of runs only how their errors are read from a sentence.
//!
//! A filter is compiled once. It runs on a thread of its own, because jq may compute without ever yielding: after the deadline the
//! thread is left behind, and no second one is started until it ends. A filter is trusted as far as its memory goes: what it
//! collects within one output (`[repeat(.)]`) is not bounded.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use jaq_core::data::JustLut;
use jaq_core::load::{self, Arena, File, Loader};
use jaq_core::{Bind, Ctx, Native, Vars};
use jaq_json::Val;
use tokio::sync::Semaphore;
use url::Url;

use super::python;

/// The most values that one answer may become.
const MOST_OUTPUTS: usize = 20_000;
/// The most bytes that these may have together.
const MOST_BYTES: usize = 64 * 1024 * 1024;
/// Enough for any recursion over JSON that `serde_json` reads (128 deep).
const STACK: usize = 16 * 1024 * 1024;
const ERROR_CHARS: usize = 60;

/// What jq has and jaq has not, as people find it in examples.
const MORE: &str = "def IN(s): any(s == .; .); def IN(src; s): any(src == s; .);
def INDEX(stream; f): reduce stream as $row ({}; .[$row | f | tostring] |= $row); def INDEX(f): INDEX(.[]; f);";

type Program = jaq_core::Filter<JustLut<Val>>;

/// A compiled jq filter.
#[derive(Clone)]
pub(super) struct Filter {
    program: Arc<Program>,
    /// What `$origin` says.
    origin: Option<String>,
    turn: Arc<Semaphore>,
}

/// Why a filter can't be used, or had no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// It is no jq.
    #[error("{0}")]
    Compile(String),
    /// The answer is no JSON.
    #[error("the answer is not JSON: {0}")]
    NotJson(String),
    /// jq raised an error.
    #[error("the jq filter failed: {0}")]
    Run(String),
    /// More than anybody needs.
    #[error("the jq filter gives more than {MOST_OUTPUTS} values or {} MiB", MOST_BYTES / 1024 / 1024)]
    TooMuch,
    /// There is no thread for it now.
    #[error("no thread for the jq filter: {0}")]
    NoThread(String),
    /// It did not end.
    #[error("the jq filter did not end within {} s", .0.as_secs_f32())]
    Endless(Duration),
    /// It still has not ended since an earlier poll.
    #[error("the jq filter is still busy with an earlier answer: it may be endless")]
    Busy,
}

/// Checks a filter for the configuration.
///
/// # Errors
/// What is wrong with it, and where.
pub fn check_filter(code: &str) -> Result<(), String> {
    Filter::compile(code).map(|_| ()).map_err(|error| error.to_string())
}

impl std::fmt::Debug for Filter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Filter")
    }
}

impl Filter {
    /// Compiles a filter. What reads the environment, prints or ends the process is not there.
    ///
    /// # Errors
    /// When it is no jq, or calls what does not exist.
    pub(super) fn compile(code: &str) -> Result<Self, FilterError> {
        // `env` would hand our secrets to whatever the filter builds; `halt` would end the daemon.
        let defs = jaq_core::defs()
            .chain(jaq_std::defs())
            .chain(jaq_json::defs())
            .chain(load::parse(MORE, |parser| parser.defs()).into_iter().flatten())
            .filter(|def| !matches!(def.name, "halt" | "halt_error" | "stderr" | "debug" | "input_line_number"));
        let funs = jaq_core::funs()
            .chain(jaq_std::funs())
            .chain(jaq_json::funs())
            .filter(|(name, _, _)| !matches!(*name, "env" | "halt" | "stderr_empty" | "debug_empty" | "fromjson"))
            .chain([bounded_fromjson(), as_error()]);
        let arena = Arena::default();
        let modules = Loader::new(defs)
            .load(&arena, File { code, path: () })
            .map_err(|errors| FilterError::Compile(load_errors(code, errors)))?;
        let program = jaq_core::Compiler::default()
            .with_funs(funs)
            .with_global_vars(["$origin"])
            .compile(modules)
            .map_err(|errors| FilterError::Compile(compile_errors(code, errors)))?;
        Ok(Self { program: Arc::new(program), origin: None, turn: Arc::new(Semaphore::new(1)) })
    }

    /// Tells the filter, as `$origin`, where the engine is: scheme, host and port, so that it can make links. Without it, `null`.
    #[must_use]
    pub(super) fn knowing(self, engine: &Url) -> Self {
        Self { origin: Some(engine.origin().ascii_serialization()), ..self }
    }

    /// Runs the filter over one JSON text. The outputs are JSON texts.
    ///
    /// # Errors
    /// When the text is no JSON, or the filter fails, gives too much or does not end in time.
    pub(super) async fn run(&self, json: Arc<Vec<u8>>, deadline: Duration) -> Result<Vec<Vec<u8>>, FilterError> {
        let turn = tokio::time::timeout(deadline, Arc::clone(&self.turn).acquire_owned()).await;
        let Ok(Ok(turn)) = turn else { return Err(FilterError::Busy) };
        let (result, done) = tokio::sync::oneshot::channel();
        self.start(json, turn, move |outputs| {
            // Nobody listens after the deadline.
            let _ = result.send(outputs);
        })?;
        match tokio::time::timeout(deadline, done).await {
            Ok(Ok(outputs)) => outputs,
            Ok(Err(_)) => Err(FilterError::Run("jq panicked".to_owned())),
            Err(_) => Err(FilterError::Endless(deadline)),
        }
    }

    /// As [`Self::run`], for a thread that may block.
    ///
    /// # Errors
    /// As there; it does not wait for a turn while another answer is being worked on for longer than the deadline.
    pub(super) fn run_here(&self, json: Arc<Vec<u8>>, deadline: Duration) -> Result<Vec<Vec<u8>>, FilterError> {
        let until = std::time::Instant::now() + deadline;
        let turn = loop {
            if let Ok(turn) = Arc::clone(&self.turn).try_acquire_owned() {
                break turn;
            }
            if std::time::Instant::now() >= until {
                return Err(FilterError::Busy);
            }
            std::thread::sleep(Duration::from_millis(2));
        };
        let (result, done) = std::sync::mpsc::sync_channel(1);
        self.start(json, turn, move |outputs| {
            let _ = result.send(outputs);
        })?;
        match done.recv_timeout(deadline) {
            Ok(outputs) => outputs,
            Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => Err(FilterError::Run("jq panicked".to_owned())),
            Err(std::sync::mpsc::RecvTimeoutError::Timeout) => Err(FilterError::Endless(deadline)),
        }
    }

    fn start(
        &self,
        json: Arc<Vec<u8>>,
        turn: tokio::sync::OwnedSemaphorePermit,
        done: impl FnOnce(Result<Vec<Vec<u8>>, FilterError>) + Send + 'static,
    ) -> Result<(), FilterError> {
        let (program, origin) = (Arc::clone(&self.program), self.origin.clone());
        let thread = std::thread::Builder::new().name("jq".to_owned()).stack_size(STACK);
        let thread = thread.spawn(move || {
            let outputs = outputs(&program, origin, &json);
            // Only now, and also when jq panics: one thread at a time, however long it takes.
            drop(turn);
            done(outputs);
        });
        thread.map(|_| ()).map_err(|error| FilterError::NoThread(error.to_string()))
    }
}

fn outputs(program: &Program, origin: Option<String>, json: &[u8]) -> Result<Vec<Vec<u8>>, FilterError> {
    // serde_json stops at depth 128; jaq's own parser recurses until the stack ends.
    let input: Val = serde_json::from_slice(json).map_err(|error| FilterError::NotJson(error.to_string()))?;
    let context = Ctx::<JustLut<Val>>::new(&program.lut, Vars::new([origin.map_or(Val::Null, Val::from)]));
    let (mut outputs, mut bytes) = (Vec::new(), 0_usize);
    for value in program.id.run((context, input)) {
        let value = value.map_err(|exception| {
            let text = exception.get_err().map_or_else(|_| "stopped".to_owned(), |error| error.to_string());
            FilterError::Run(short(&text))
        })?;
        let mut text = Vec::new();
        write!(text, "{value}").map_err(|error| FilterError::Run(error.to_string()))?;
        bytes = bytes.saturating_add(text.len());
        if outputs.len() >= MOST_OUTPUTS || bytes > MOST_BYTES {
            return Err(FilterError::TooMuch);
        }
        outputs.push(text);
    }
    Ok(outputs)
}

/// `fromjson` on the text of an error must not end the process by its depth.
fn bounded_fromjson() -> (&'static str, Box<[Bind]>, Native<JustLut<Val>>) {
    jaq_core::native::run(("fromjson", Box::default(), |(_, value)| {
        let (Val::TStr(text) | Val::BStr(text)) = &value else {
            return jaq_core::box_iter::box_once(Err(jaq_core::Error::typ(value, "string").into()));
        };
        let parsed = serde_json::from_slice::<Val>(text);
        jaq_core::box_iter::box_once(parsed.map_err(|error| jaq_core::Error::str(error).into()))
    }))
}

/// `as_error`: from what an engine says of an error to a native one, as the sources themselves read it: the class before the colon is the
/// code, and the status of the service that it names. Anything but a text is no error.
fn as_error() -> (&'static str, Box<[Bind]>, Native<JustLut<Val>>) {
    jaq_core::native::run(("as_error", Box::default(), |(_, value)| {
        let (Val::TStr(text) | Val::BStr(text)) = &value else {
            return jaq_core::box_iter::box_once(Ok(Val::Null));
        };
        let error = python::sentence(&String::from_utf8_lossy(text), None);
        let made = serde_json::to_vec(&error).and_then(|json| serde_json::from_slice::<Val>(&json));
        jaq_core::box_iter::box_once(made.map_err(|error| jaq_core::Error::str(error).into()))
    }))
}

fn load_errors(code: &str, errors: load::Errors<&str, ()>) -> String {
    let mut texts = Vec::new();
    for (_, error) in errors {
        match error {
            load::Error::Io(list) => {
                texts.extend(list.into_iter().map(|(path, _)| format!("no module {path:?}: a filter stands alone")));
            }
            load::Error::Lex(list) => {
                texts.extend(
                    list.into_iter()
                        .map(|(expected, at)| format!("expected {} {}", expected.as_str(), place(code, at))),
                );
            }
            load::Error::Parse(list) => {
                texts.extend(
                    list.into_iter()
                        .map(|(expected, at)| format!("expected {} {}", expected.as_str(), place(code, at))),
                );
            }
        }
    }
    texts.join("; ")
}

fn compile_errors(code: &str, errors: jaq_core::compile::Errors<&str, ()>) -> String {
    let undefined = errors.into_iter().flat_map(|(_, list)| list);
    let texts: Vec<_> = undefined
        .map(|(name, kind)| match kind {
            jaq_core::compile::Undefined::Filter(arity) => {
                format!("no filter `{name}/{arity}` {}", place(code, name))
            }
            kind => format!("no {} `{name}` {}", kind.as_str(), place(code, name)),
        })
        .collect();
    texts.join("; ")
}

/// Where a piece of the filter stands, counted in lines and characters from 1.
fn place(code: &str, piece: &str) -> String {
    let offset = (piece.as_ptr() as usize).wrapping_sub(code.as_ptr() as usize);
    let Some(before) = code.get(..offset) else { return "in a built-in".to_owned() };
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count()) + 1;
    format!("at line {line}, column {column}")
}

/// jq quotes the value that it stumbled over, which may be a whole page: what it did is said at the beginning, and why at the end.
fn short(text: &str) -> String {
    let count = text.chars().count();
    let calm = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    if count <= 2 * ERROR_CHARS {
        return calm.collect();
    }
    let begin: String = calm.clone().take(ERROR_CHARS).collect();
    let end: String = calm.skip(count - ERROR_CHARS).collect();
    format!("{begin} … {end}")
}
