//! What every reader and every check shares: the world outside, the names, and the mistakes found so far.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::PathBuf;

use jiff::Timestamp;
use secrecy::SecretString;
use toml::Value;

use super::diagnostic::Level;
use super::outside::Files;
use super::path::Path;
use super::settings::TemplateCheck;

/// Where a mistake is.
#[derive(Debug, Clone)]
pub(super) enum Place {
    /// At the value.
    Value(Path),
    /// At the key that names the value.
    Key(Path),
    /// At a part of the text.
    Text(Range<usize>),
    /// Within the string at a path: at these bytes of it.
    Inside(Path, Range<usize>),
    /// In an environment variable, which stands for the value there.
    Variable(String, Option<Path>),
    /// In the file as a whole.
    File,
}

/// A mistake, before its line is looked up.
#[derive(Debug, Clone)]
pub(super) struct Problem {
    pub(super) level: Level,
    pub(super) place: Place,
    pub(super) message: String,
    pub(super) help: Option<String>,
    /// It complains of something that is not there. Beside a syntax error that proves nothing.
    pub(super) absence: bool,
}

/// What readers and checks share.
pub(super) struct Cx<'a> {
    pub(super) env: &'a BTreeMap<String, String>,
    pub(super) files: &'a dyn Files,
    pub(super) filter_check: fn(&str) -> Result<(), String>,
    pub(super) template_check: TemplateCheck,
    /// Paths whose value came from the environment, and the variable.
    pub(super) overrides: BTreeMap<String, String>,
    /// The same for keys of named sources and receivers.
    pub(super) named: Vec<(Path, String)>,
    /// The names that a rule or a fallback may use, whether or not what they name can be read.
    pub(super) receivers: BTreeSet<String>,
    /// The same for quiet hours.
    pub(super) schedules: BTreeSet<String>,
    /// The same for templates.
    pub(super) templates: BTreeSet<String>,
    /// Now, where it is known.
    pub(super) now: Option<Timestamp>,
    /// The folder of the configuration, which the files of its tests are relative to.
    pub(super) folder: PathBuf,
    problems: RefCell<Vec<Problem>>,
    /// Values that must not be shown.
    masked: RefCell<Vec<Path>>,
    /// The secrets that were read.
    secrets: RefCell<Vec<SecretString>>,
    /// Every key that was asked for, as `sources.http.every`, and whether it was there.
    known: RefCell<BTreeMap<String, bool>>,
}

impl<'a> Cx<'a> {
    pub(super) fn new(
        env: &'a BTreeMap<String, String>,
        files: &'a dyn Files,
        filter_check: fn(&str) -> Result<(), String>,
    ) -> Self {
        Self {
            env,
            files,
            filter_check,
            template_check: |_, _| Vec::new(),
            overrides: BTreeMap::new(),
            named: Vec::new(),
            receivers: BTreeSet::new(),
            schedules: BTreeSet::new(),
            templates: BTreeSet::new(),
            now: None,
            folder: PathBuf::new(),
            problems: RefCell::default(),
            masked: RefCell::default(),
            secrets: RefCell::default(),
            known: RefCell::default(),
        }
    }

    fn add(&self, level: Level, place: Place, message: String, help: Option<String>, absence: bool) {
        self.problems.borrow_mut().push(Problem { level, place, message, help, absence });
    }

    /// The variable that the value at `path` came from.
    pub(super) fn variable(&self, path: &Path) -> Option<&String> {
        let named = || self.named.iter().find_map(|(at, variable)| (at == path).then_some(variable));
        self.overrides.get(&path.to_string()).or_else(named)
    }

    fn place(&self, path: &Path) -> Place {
        match self.variable(path) {
            Some(variable) => Place::Variable(variable.clone(), Some(path.clone())),
            None if path.is_root() => Place::File,
            None => Place::Value(path.clone()),
        }
    }

    pub(super) fn error(&self, path: &Path, message: String, help: Option<String>) {
        self.add(Level::Error, self.place(path), message, help, false);
    }

    /// A mistake within the string at `path`, at the bytes `range` of what it says.
    pub(super) fn inside(&self, path: &Path, range: Range<usize>, message: String, help: Option<String>) {
        self.add(Level::Error, Place::Inside(path.clone(), range), message, help, false);
    }

    pub(super) fn warning(&self, path: &Path, message: String, help: Option<String>) {
        self.add(Level::Warning, self.place(path), message, help, false);
    }

    /// A key that must be there and is not; shown at the table that lacks it.
    pub(super) fn missing(&self, table: &Path, message: String, help: Option<String>) {
        self.add(Level::Error, self.place(table), message, help, true);
    }

    /// A warning that something is nowhere.
    pub(super) fn lacking(&self, path: &Path, message: String, help: Option<String>) {
        self.add(Level::Warning, self.place(path), message, help, true);
    }

    /// A name that nothing has.
    pub(super) fn unknown_name(&self, path: &Path, message: String, help: Option<String>) {
        self.add(Level::Error, self.place(path), message, help, true);
    }

    /// A mistake in the key itself.
    pub(super) fn wrong_key(&self, path: &Path, message: String, help: Option<String>) {
        let place = match self.place(path) {
            Place::Value(path) => Place::Key(path),
            place => place,
        };
        self.add(Level::Error, place, message, help, false);
    }

    pub(super) fn wrong_variable(&self, variable: &str, message: String, help: Option<String>) {
        self.add(Level::Error, Place::Variable(variable.to_owned(), None), message, help, false);
    }

    /// A variable for something that is not there.
    pub(super) fn no_such_variable(&self, variable: &str, message: String, help: Option<String>) {
        self.add(Level::Error, Place::Variable(variable.to_owned(), None), message, help, true);
    }

    pub(super) fn syntax(&self, span: Option<Range<usize>>, message: String) {
        self.add(Level::Error, span.map_or(Place::File, Place::Text), message, None, false);
    }

    pub(super) fn hide(&self, path: &Path) {
        self.masked.borrow_mut().push(path.clone());
    }

    /// Keeps a secret in mind, for who looks for it where it must not be.
    pub(super) fn keep(&self, secret: &SecretString) {
        self.secrets.borrow_mut().push(secret.clone());
    }

    /// The secrets that were read so far.
    pub(super) fn secrets(&self) -> Vec<SecretString> {
        self.secrets.borrow().clone()
    }

    pub(super) fn know(&self, scope: &str, key: &str, used: bool) {
        let key = if scope.is_empty() { key.to_owned() } else { format!("{scope}.{key}") };
        *self.known.borrow_mut().entry(key).or_default() |= used;
    }

    pub(super) fn has_errors(&self) -> bool {
        self.problems.borrow().iter().any(|problem| problem.level == Level::Error)
    }

    /// The mistakes, what must not be shown, and the keys that were asked for.
    pub(super) fn finish(self) -> (Vec<Problem>, Vec<Path>, BTreeMap<String, bool>) {
        (self.problems.into_inner(), self.masked.into_inner(), self.known.into_inner())
    }
}

/// A value's kind, in words.
pub(super) fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "a string",
        Value::Integer(_) => "an integer",
        Value::Float(_) => "a number with a fraction",
        Value::Boolean(_) => "a boolean",
        Value::Datetime(_) => "a date",
        Value::Array(_) => "a list",
        Value::Table(_) => "a table",
    }
}
