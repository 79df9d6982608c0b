//! From the file and the environment to a configuration, or to every mistake in them at once.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use toml::{Table, Value};

use super::cx::Cx;
use super::diagnostic::{Diagnostic, Diagnostics};
use super::outside::{Disk, Files};
use super::path::Path;
use super::read::{At, Section};
use super::settings::TemplateCheck;
use super::{Config, check, layers, parts, report, spans};
use crate::engine::{Audience, Patience, Policy, RuleSet};
use crate::triage::Classes;

/// The largest configuration file.
const MAX_FILE: u64 = 16 << 20;

/// What a configuration is made of. Nothing else is looked at: no variable and no clock of this process.
#[derive(Clone)]
pub struct Inputs<'a> {
    /// The file; without one, there are the defaults and the environment.
    pub file: Option<ConfigFile>,
    /// The environment: overrides, and what `{ env = … }` names.
    pub env: BTreeMap<String, String>,
    /// Where `{ file = … }` and the file itself are read from.
    pub files: &'a dyn Files,
    /// Compiles a jq filter, and says what is wrong with it.
    pub filter_check: fn(&str) -> Result<(), String>,
    /// Says what is wrong with a template.
    pub template_check: TemplateCheck,
    /// Now, to tell a silence that is over; absent: nothing is said about that.
    pub now: Option<Timestamp>,
}

/// The file of a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfigFile {
    /// To be read.
    Path(PathBuf),
    /// Already read; the name is for messages.
    Text {
        /// What messages call it.
        name: String,
        /// What it says.
        text: String,
    },
}

impl Inputs<'static> {
    /// A file on this machine's disk.
    #[must_use]
    pub fn of_file(
        path: Option<PathBuf>,
        env: BTreeMap<String, String>,
        filter_check: fn(&str) -> Result<(), String>,
    ) -> Self {
        Self {
            file: path.map(ConfigFile::Path),
            env,
            files: &Disk,
            filter_check,
            template_check: |_, _| Vec::new(),
            now: None,
        }
    }
}

/// A configuration that can be used, and what is odd about it.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// What works, but hardly as it is meant. Shown by `render`.
    pub warnings: Vec<Diagnostic>,
}

/// Reads, layers, checks and resolves a configuration.
///
/// # Errors
/// When there is any mistake: then all of them, warnings included, in the order of the file.
pub fn load(inputs: &Inputs<'_>) -> Result<Loaded, Diagnostics> {
    trace(inputs).0
}

/// As [`load`], with every key that was asked for, and whether it was there.
pub(super) fn trace(inputs: &Inputs<'_>) -> (Result<Loaded, Diagnostics>, BTreeMap<String, bool>) {
    let (name, text) = match text_of(inputs) {
        Ok(named) => named,
        Err(diagnostics) => return (Err(diagnostics), BTreeMap::new()),
    };
    let parsed = spans::parse(&text);
    let mut cx = Cx::new(&inputs.env, inputs.files, inputs.filter_check);
    layers::overrides(&mut cx, &parsed.table);
    for error in &parsed.errors {
        cx.syntax(error.span.clone(), error.message.clone());
    }
    let mut table = parsed.table.clone();
    layers::merge(&cx, &mut table);
    cx.receivers = names(&table, "receivers");
    cx.schedules = names(&table, "schedules");
    cx.templates = names(&table, "templates");
    cx.template_check = inputs.template_check;
    cx.now = inputs.now;
    if let Some(ConfigFile::Path(path)) = &inputs.file {
        cx.folder = path.parent().map(PathBuf::from).unwrap_or_default();
    }

    let root = Value::Table(table);
    let config = read(&cx, &root);
    let broken = cx.has_errors() || config.is_none();
    let (problems, masked, known) = cx.finish();
    let diagnostics = report::diagnostics(name.as_deref(), &text, &parsed, problems, &masked);
    let result = match config {
        Some(config) if !broken => Ok(Loaded { config, warnings: diagnostics }),
        _ => Err(Diagnostics(diagnostics)),
    };
    (result, known)
}

fn text_of(inputs: &Inputs<'_>) -> Result<(Option<String>, String), Diagnostics> {
    let (name, bytes) = match &inputs.file {
        None => return Ok((None, String::new())),
        Some(ConfigFile::Text { name, text }) => (name.clone(), text.clone().into_bytes()),
        Some(ConfigFile::Path(path)) => {
            let name = path.display().to_string();
            let bytes = inputs.files.read(path, MAX_FILE).map_err(|error| {
                let help = "write one, or name another with --config: `config/firstred.toml` of the source shows every key; \
                            `firstred demo` needs none";
                report::whole_file(&name, format!("failed to read the configuration: {error}"), Some(help.to_owned()))
            })?;
            (name, bytes)
        }
    };
    match String::from_utf8(bytes) {
        // Some editors begin a file with a byte order mark.
        Ok(text) => Ok((Some(name), text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))),
        Err(error) => {
            let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            let line = 1 + good.split(|byte| *byte == b'\n').count().saturating_sub(1);
            let message = format!("the file is not UTF-8 text: see line {line}");
            Err(report::whole_file(&name, message, Some("save it as UTF-8".to_owned())))
        }
    }
}

fn names(table: &Table, section: &str) -> BTreeSet<String> {
    table.get(section).and_then(Value::as_table).map(|table| table.keys().cloned().collect()).unwrap_or_default()
}

fn read(cx: &Cx<'_>, root: &Value) -> Option<Config> {
    let section = Section::open(&At { cx, value: root, path: Path::default() }, "")?;
    let server = section.get("server", parts::server);
    let ledger = section.get("ledger", parts::ledger);
    let log = section.get("log", parts::log);
    let defaults = section.get("defaults", parts::defaults);
    let classes = section.get("classes", parts::classes);
    let listen = server.as_ref().map(|server| server.listen);
    let proxy = section.get("http", parts::network).unwrap_or_default();
    let sources = section.get("sources", |at| parts::sources(at, listen, &proxy)).unwrap_or_default();
    let templates = section.get("templates", parts::templates).unwrap_or_default();
    let receivers = section.get("receivers", |at| parts::receivers(at, &proxy)).unwrap_or_default();
    let heartbeat = section.get("heartbeat", |at| parts::heartbeat(at, &proxy));
    let notify = defaults.as_ref().map(|defaults| defaults.notify.clone()).unwrap_or_default();
    let mut daily = section.get("daily", |at| parts::daily(at, &notify)).unwrap_or_default();
    let rules = section.get("rules", |at| parts::rules(at, &notify)).unwrap_or_default();
    let schedules = section.get("schedules", parts::schedules).unwrap_or_default();
    let silences = section.get("silences", parts::silences).unwrap_or_default();
    let inhibitions = section.get("inhibit", parts::inhibitions).unwrap_or_default();
    let owners = section.get("owners", parts::owners).unwrap_or_default();
    let rules_known = rule_names(root);
    let expectations = section.get("expect", |at| parts::expectations(at, &notify, &rules_known)).unwrap_or_default();
    let providers = section.get("providers", parts::providers);
    let sources_known = root.as_table().map(|table| names(table, "sources")).unwrap_or_default();
    let tests = section.get("test", |at| parts::tests(at, &sources_known, &rules_known)).unwrap_or_default();
    section.finish();

    check::fallbacks(cx, &receivers);
    let in_daily = Path::of(&["daily", "notify"]);
    let named = root.get("daily").is_some_and(|daily| daily.get("notify").is_some());
    check::daily(cx, &mut daily, &receivers, Some(&in_daily).filter(|_| named));
    check::never_off(cx, &receivers, &schedules);
    // The rest weighs what is there against what is not: with something unread it would only mislead.
    if !cx.has_errors() {
        let parts = check::Parts {
            receivers: &receivers,
            rules: &rules,
            default_notify: &notify,
            daily: &daily.notify,
            schedules: &schedules,
            templates: &templates,
            silences: &silences,
            inhibitions: &inhibitions,
            owners: &owners,
            expectations: &expectations,
        };
        check::shadowed(cx, &rules);
        check::unused(cx, &parts);
        check::nobody(cx, &parts);
        check::sources_named(cx, &parts, &sources_known);
        if sources.is_empty() {
            let help = Some("write a [sources.NAME] section".to_owned());
            cx.lacking(&Path::default(), "there is no source: nothing is watched".to_owned(), help);
        }
    }

    let defaults = defaults?;
    let audience = |receiver: &parts::Receiver| Audience {
        kind: receiver.kind,
        workspaces: receiver.workspaces.clone(),
        fallback: receiver.fallback.clone(),
        addresses: receiver.settings.addresses(),
        budget: receiver.budget,
        quiet: receiver.quiet.clone(),
        passes: receiver.passes,
        manner: receiver.settings.manner(),
        patience: Patience { give_up_after: receiver.give_up_after.unwrap_or(defaults.give_up_after) },
    };
    let policy = Policy {
        rules: RuleSet::new(without_paths(rules)),
        default_notify: notify,
        default_hold: defaults.hold,
        receivers: receivers.iter().map(|(name, receiver)| (name.clone(), audience(receiver))).collect(),
        sources: sources.iter().map(|(name, (_, tenancy))| (name.clone(), tenancy.clone())).collect(),
        group_by: defaults.group_by,
        rhythm: defaults.rhythm,
        schedules: schedules.into_iter().map(|(name, (schedule, _))| (name, schedule)).collect(),
        silences: without_paths(silences),
        inhibitions: without_paths(inhibitions),
        owners: without_paths(owners),
        expectations: without_paths(expectations),
        providers: providers?,
    };
    let templates: BTreeMap<_, _> =
        templates.into_iter().map(|(name, (template, _))| (name, Arc::new(template))).collect();
    let with_template = |mut receiver: parts::Receiver| {
        receiver.settings.template = receiver.template.and_then(|name| templates.get(&name).cloned());
        receiver.settings
    };
    Some(Config {
        server: server?,
        ledger: ledger?,
        log: log?,
        sources: sources.into_iter().map(|(name, (settings, _))| (name, settings)).collect(),
        receivers: receivers.into_iter().map(|(name, receiver)| (name, with_template(receiver))).collect(),
        templates,
        policy: Arc::new(policy),
        classes: Arc::new(classes.unwrap_or_else(Classes::default)),
        secrets: cx.secrets(),
        heartbeat,
        daily,
        tests,
    })
}

/// The names of the rules, those that can't be read among them.
fn rule_names(root: &Value) -> BTreeSet<String> {
    let rules = root.get("rules").and_then(Value::as_array).into_iter().flatten();
    let name = |rule: &Value| rule.get("name").and_then(Value::as_str).map(str::to_owned);
    rules.enumerate().map(|(index, rule)| name(rule).unwrap_or_else(|| parts::rule_name(index))).collect()
}

fn without_paths<T>(list: Vec<(T, Path)>) -> Vec<T> {
    list.into_iter().map(|(item, _)| item).collect()
}
