//! What incidents need of a configuration, without a mistake: every key becomes what the engine decides by.

use jiff::SignedDuration;
use jiff::civil::{Weekday, time};

use super::{good, inputs, warned};
use crate::config::{Config, load, render};
use crate::engine::{Budget, Condition, Expected, Field, Policy, ProviderGate, Rhythm, Severity};
use crate::triage::Class;

const HEAD: &str = "[sources.events]\ntype = \"webhook\"\n[receivers.ops]\ntype = \"console\"\n[receivers.lead]\ntype = \"console\"\n\
                    [defaults]\nnotify = [\"ops\", \"lead\"]\n";

fn config(more: &str) -> Config {
    let loaded = good(&format!("{HEAD}{more}"), &[]);
    assert_eq!(render(&loaded.warnings, false), "");
    loaded.config
}

fn policy(more: &str) -> Policy {
    (*config(more).policy).clone()
}

fn instant(text: &str) -> jiff::Timestamp {
    text.parse().expect("a time")
}

#[test]
fn what_the_file_says_nothing_of_is_as_the_engine_has_it() {
    let (policy, usual) = (policy(""), Policy::default());
    assert_eq!((policy.group_by, policy.rhythm, policy.providers), (usual.group_by, usual.rhythm, usual.providers));
}

#[test]
fn the_defaults_say_what_one_problem_is_and_how_it_goes_on() {
    let said = policy(
        "group_by = [\"workflow\", \"labels.env\", \"fingerprint\"]\nupdate_every = \"5m\"\nremind = \"never\"\nresolve_after = \"2d\"\n\
         reopen_within = \"0s\"\n[providers]\nworkflows = 5\nwithin = \"1h\"\n",
    );
    assert_eq!(said.group_by, [Field::Workflow, Field::Label("env".to_owned()), Field::Fingerprint]);
    let rhythm = Rhythm {
        update_every: SignedDuration::from_mins(5),
        remind: None,
        resolve_after: SignedDuration::from_hours(48),
        reopen_within: SignedDuration::ZERO,
    };
    assert_eq!(said.rhythm, rhythm);
    assert_eq!(said.providers, ProviderGate { workflows: Some(5), within: SignedDuration::from_hours(1) });
    for never in ["0", "\"never\""] {
        assert_eq!(policy(&format!("[providers]\nworkflows = {never}\n")).providers.workflows, None);
    }
}

#[test]
fn the_environment_lies_over_them() {
    let env = [
        ("FIRSTRED__DEFAULTS__REMIND", "never"),
        ("FIRSTRED__DEFAULTS__GROUP_BY", "run"),
        ("FIRSTRED__PROVIDERS__WORKFLOWS", "7"),
        ("FIRSTRED__RECEIVERS__OPS__QUIET", "nights"),
    ];
    let policy = good(&format!("{HEAD}[schedules.nights]\nwindows = [{{ from = \"22:00\" }}]\n"), &env).config.policy;
    assert_eq!((policy.rhythm.remind, policy.providers.workflows), (None, Some(7)));
    assert_eq!(policy.group_by, [Field::Run]);
    assert_eq!(policy.receivers["ops"].quiet.as_deref(), Some("nights"));
}

#[test]
fn a_rule_says_how_much_must_fail_and_how_it_goes_on() {
    let policy = policy(
        "[[rules]]\nmatch = { code = \"A\" }\nnotify = [\"@owner\", \"ops\"]\ngroup_by = []\nafter = { failures = 3, within = \"1h\" }\n\
         update_every = \"1h\"\nremind = \"never\"\nescalate = { after = \"30m\", notify = \"lead\" }\n\
         [[rules]]\nmatch = { code = \"B\" }\nafter = { consecutive = 3 }\nremind = \"2h\"\n\
         [[rules]]\nmatch = { code = \"C\" }\nafter = { rate = 1, of_last = 200 }\n\
         [[rules]]\nafter = { transient = { failures = 3, within = \"1h\" }, engine = { rate = 0.2, of_last = 50 } }\n\
         [[owners]]\nname = \"growth\"\nmatch = { labels = { owner = \"growth\" } }\nnotify = \"lead\"\nmention = \"<@U1>\"\n\
         runbook = \"https://wiki.example.com\"\n",
    );
    let rules = policy.rules.rules();
    assert_eq!(
        (rules[0].group_by.as_deref(), rules[0].notify.as_slice()),
        (Some(&[][..]), &["@owner".to_owned(), "ops".to_owned()][..])
    );
    let failures = Condition::Failures { failures: 3, within: SignedDuration::from_hours(1) };
    let of = |rule: usize, class| rules[rule].after.as_ref().and_then(|after| after.of(class));
    assert_eq!(of(0, Class::Unknown), Some(failures));
    assert_eq!(rules[0].rhythm.remind, Some(None));
    assert_eq!(rules[0].rhythm.over(policy.rhythm).resolve_after, SignedDuration::from_hours(36));
    let escalate = rules[0].escalate.as_ref().expect("an escalation");
    assert_eq!((escalate.after, escalate.notify.as_slice()), (SignedDuration::from_mins(30), &["lead".to_owned()][..]));
    assert_eq!(of(1, Class::Transient), Some(Condition::Consecutive { consecutive: 3 }));
    assert_eq!(rules[1].rhythm.remind, Some(Some(SignedDuration::from_hours(2))));
    assert_eq!(of(2, Class::Transient), Some(Condition::Rate { rate: 1.0, of_last: 200 }));
    assert_eq!(of(3, Class::Transient), Some(failures));
    assert_eq!(of(3, Class::Engine), Some(Condition::Rate { rate: 0.2, of_last: 50 }));
    assert_eq!(of(3, Class::Authorization), None, "at once");
    let owner = &policy.owners[0];
    assert_eq!(
        (owner.name.as_str(), owner.mention.as_deref(), owner.notify.as_slice()),
        ("growth", Some("<@U1>"), &["lead".to_owned()][..])
    );
}

#[test]
fn a_receiver_has_a_budget_and_quiet_hours_on_the_clock_of_a_place() {
    let policy = policy(
        "[receivers.slack]\ntype = \"console\"\nbudget = { messages = 20, within = \"5m\" }\nquiet = \"off hours\"\npasses = \"error\"\n\
         [schedules.\"off hours\"]\nzone = \"Europe/Berlin\"\n\
         windows = [{ days = \"fri-mon\", from = \"22:00\", to = \"7:00\" }, { days = [\"sat\", \"sun\"] }, { to = \"06:00\" }]\n\
         [[rules]]\nnotify = \"slack\"\n",
    );
    let slack = &policy.receivers["slack"];
    assert_eq!(slack.budget, Some(Budget { messages: 20, within: SignedDuration::from_mins(5) }));
    assert_eq!((slack.quiet.as_deref(), slack.passes), (Some("off hours"), Severity::Error));
    assert_eq!((policy.receivers["ops"].quiet.as_deref(), policy.receivers["ops"].passes), (None, Severity::Critical));
    let schedule = &policy.schedules["off hours"];
    assert_eq!(schedule.zone.iana_name(), Some("Europe/Berlin"));
    let windows = &schedule.windows;
    assert_eq!(windows[0].days, [Weekday::Monday, Weekday::Friday, Weekday::Saturday, Weekday::Sunday]);
    assert_eq!((windows[0].from, windows[0].to), (time(22, 0, 0, 0), time(7, 0, 0, 0)));
    assert_eq!((windows[1].days.len(), windows[1].from, windows[1].to), (2, time(0, 0, 0, 0), time(0, 0, 0, 0)));
    assert_eq!((windows[2].days.len(), windows[2].to), (7, time(6, 0, 0, 0)));
    // A Saturday, then the Tuesday after it.
    assert_eq!(schedule.on_until(instant("2026-06-06T10:00:00Z")), Some(instant("2026-06-08T05:00:00Z")));
    assert_eq!(schedule.on_until(instant("2026-06-09T10:00:00Z")), None);
}

#[test]
fn silences_and_inhibitions_have_matchers_and_names() {
    let policy = policy(
        "[[silences]]\nmatch = { workflow = \"nightly-*\" }\nuntil = \"2030-11-25T06:00[Europe/Berlin]\"\n\
         [[silences]]\nname = \"move\"\nmatch = { source = \"events\" }\nfrom = 2030-11-24T22:00:00+01:00\nuntil = \"2030-11-25T05:00:00Z\"\n\
         comment = \"the warehouse moves\"\nunless_new = true\n\
         [[inhibit]]\nwhile = { code = \"DOWN\" }\nmute = { class = \"engine\" }\nsame = [\"source\", \"labels.env\"]\n",
    );
    let [first, second] = policy.silences.as_slice() else { panic!("two silences") };
    assert_eq!((first.id.as_str(), first.from, first.until), ("silence 1", None, instant("2030-11-25T05:00:00Z")));
    assert_eq!((second.id.as_str(), second.from), ("move", Some(instant("2030-11-24T21:00:00Z"))));
    assert_eq!(
        (second.comment.as_deref(), second.unless_new, second.by.as_deref()),
        (Some("the warehouse moves"), true, None)
    );
    assert_eq!(first.when.describe(), "workflow nightly-*");
    let inhibition = &policy.inhibitions[0];
    assert_eq!((inhibition.name.as_str(), inhibition.source.describe()), ("inhibition 1", "code DOWN".to_owned()));
    assert_eq!(inhibition.target.describe(), "class engine");
    assert_eq!(inhibition.equal, [Field::Source, Field::Label("env".to_owned())]);
}

#[test]
fn a_silence_that_is_over_is_a_warning() {
    let text = format!("{HEAD}[[silences]]\nmatch = {{ code = \"X\" }}\nuntil = \"2026-01-01T00:00:00Z\"\n");
    let said = |now: &str| {
        let loaded = load(&crate::config::Inputs { now: Some(instant(now)), ..inputs(&text, &[]) }).expect("accepted");
        render(&loaded.warnings, false)
    };
    assert_eq!(said("2025-12-31T23:59:59Z"), "");
    assert!(said("2026-01-01T00:00:00Z").contains("silences[0].until: the silence is over already"));
}

#[test]
fn each_expectation_is_one_thing() {
    let policy = policy(
        "[[expect]]\nname = \"nightly\"\nmatch = { workflow = \"nightly\" }\nsuccess_every = \"25h\"\nseverity = \"critical\"\n\
         notify = [\"lead\"]\nrunbook = \"https://wiki.example.com\"\n\
         [[expect]]\nrunning_at_most = \"2h\"\nrunning_at_most_usual = 3\n[[expect]]\nrunning_at_most_usual = 2.5\n\
         [[expect]]\nwaiting_at_most = \"1d\"\n[[expect]]\nreauthorization = true\n",
    );
    let expected: Vec<Expected> = policy.expectations.iter().map(|expectation| expectation.expected).collect();
    let hours = SignedDuration::from_hours;
    assert_eq!(
        expected,
        [
            Expected::Success { every: hours(25) },
            Expected::Running { at_most: Some(hours(2)), times_usual: Some(3.0) },
            Expected::Running { at_most: None, times_usual: Some(2.5) },
            Expected::Waiting { at_most: hours(24) },
            Expected::Reauthorization,
        ]
    );
    let [first, second, ..] = policy.expectations.as_slice() else { panic!("expectations") };
    assert_eq!(
        (first.name.as_str(), first.severity, first.notify.as_slice()),
        ("nightly", Severity::Critical, &["lead".to_owned()][..])
    );
    assert_eq!(
        (second.name.as_str(), second.severity, second.notify.len()),
        ("expectation 2", Severity::Error, 2),
        "those of [defaults]"
    );
}

#[test]
fn a_test_has_a_run_from_the_file_or_beside_it() {
    let tests = config(
        "[[test]]\nrun = { id = \"1\", workflow = { name = \"a\" }, status = \"failed\", startedAt = 2026-01-01T00:00:00Z }\n\
         want = { class = \"unknown\", held = false }\n\
         [[test]]\nname = \"fine\"\nfile = \"runs/completed.json\"\nsource = \"events\"\nwant = { receivers = [] }\n",
    )
    .tests;
    let [first, second] = tests.as_slice() else { panic!("two tests") };
    assert_eq!((first.name.as_str(), first.run.id.as_str(), first.source.as_deref()), ("test 1", "1", None));
    assert_eq!(first.run.started_at, Some(instant("2026-01-01T00:00:00Z")));
    assert_eq!((first.want.class, first.want.held, &first.want.receivers), (Some(Class::Unknown), Some(false), &None));
    assert_eq!((second.name.as_str(), second.source.as_deref()), ("fine", Some("events")));
    assert_eq!(second.want.receivers.as_ref().map(std::collections::BTreeSet::len), Some(0));
}

#[test]
fn a_file_of_a_test_is_relative_to_the_configuration() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("runs")).expect("a folder");
    std::fs::write(
        folder.path().join("runs/x.json"),
        r#"{ "id": "7", "workflow": { "name": "w" }, "status": "failed" }"#,
    )
    .expect("written");
    let file = folder.path().join("firstred.toml");
    std::fs::write(&file, format!("{HEAD}[[test]]\nfile = \"runs/x.json\"\nwant = {{ held = false }}\n"))
        .expect("written");
    let inputs = crate::config::Inputs::of_file(Some(file), std::collections::BTreeMap::new(), |_| Ok(()));
    assert_eq!(load(&inputs).expect("accepted").config.tests[0].run.id, "7");
}

#[test]
fn escalations_owners_and_expectations_use_a_receiver() {
    let receiver = |name: &str| format!("[receivers.{name}]\ntype = \"console\"\n");
    let said = warned(
        &format!(
            "{HEAD}{}{}{}{}[[rules]]\nescalate = {{ after = \"1h\", notify = \"a\" }}\n[[owners]]\nname = \"o\"\nnotify = \"b\"\n\
             [[expect]]\nmatch = {{ source = \"event\" }}\nwaiting_at_most = \"1d\"\nnotify = \"c\"\n",
            receiver("a"),
            receiver("b"),
            receiver("c"),
            receiver("d"),
        ),
        &[],
    );
    assert!(
        said.contains("nothing is ever sent to \"d\"") && said.matches("nothing is ever sent").count() == 1,
        "{said}"
    );
    assert!(said.contains("expect[0].match.source: no source has the name \"event\""), "{said}");
}

#[test]
fn what_nobody_uses_or_hears_is_a_warning() {
    let said = warned(
        &format!(
            "{HEAD}[schedules.nights]\nwindows = [{{ from = \"22:00\" }}]\n[[rules]]\nnotify = \"@owner\"\n\
             [[expect]]\nreauthorization = true\nnotify = []\n[receivers.p]\ntype = \"console\"\npasses = \"info\"\nfallback = \"ops\"\n"
        ),
        &[],
    );
    for needle in [
        "nothing uses the schedule \"nights\"",
        "no owner has a receiver, so that @owner is nobody",
        "\"expectation 1\" tells nobody when it is not met",
        "no quiet hours that a message could pass",
    ] {
        assert!(said.contains(needle), "no {needle:?} in\n{said}");
    }
}
