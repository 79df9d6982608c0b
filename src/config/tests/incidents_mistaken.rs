//! What can be wrong in what incidents need, and what is said about it: the snapshots are the text that somebody reads at night.

use super::refused;

/// A source and a receiver, so that only the mistake at hand is told.
const HEAD: &str =
    "[sources.events]\ntype = \"webhook\"\n[receivers.ops]\ntype = \"console\"\n[defaults]\nnotify = \"ops\"\n";

macro_rules! refused {
    ($($name:ident: $text:expr;)*) => {$(
        #[test]
        fn $name() {
            let text = format!("{HEAD}{}", $text);
            insta::with_settings!({ description => text.clone(), omit_expression => true, prepend_module_to_snapshot => false }, {
                insta::assert_snapshot!(stringify!($name), refused(&text, &[]));
            });
        }
    )*};
}

refused! {
    wrong_incident_defaults: r#"group_by = ["worklfow", "label.env", "labels", "banana", 3]
update_every = "0s"
remind = false
resolve_after = "soon"
reopen_wihtin = "1h"
[providers]
workflows = 2
within = 10
gate = 1
"#;
    wrong_conditions: r#"
[[rules]]
after = { failures = 3 }
[[rules]]
after = { within = "1h", failures = 0 }
[[rules]]
after = { rate = 1.5, of_last = 201 }
[[rules]]
after = { rate = 0, of_last = 10 }
[[rules]]
after = { rate = 0.5 }
[[rules]]
after = { failures = 3, within = "1h", consecutive = 2 }
[[rules]]
after = {}
[[rules]]
after = 3
[[rules]]
after = { failurs = 3, within = "1h" }
"#;
    wrong_conditions_by_class: r#"
[[rules]]
after = { transient = { failures = 3, within = "1h" }, consecutive = 3, transiant = { consecutive = 2 } }
[[rules]]
after = { engine = { rate = -1, of_last = 0 }, unknown = 3 }
"#;
    wrong_rhythm_and_escalation: r#"
[[rules]]
group_by = "workflwo"
update_every = "never"
remind = "1s"
escalate = { after = "30m" }
[[rules]]
escalate = { after = 30, notify = ["leed", "@owner"], to = "x" }
[[rules]]
escalate = { after = "1h", notify = [] }
"#;
    wrong_limits_of_a_receiver: r#"
[receivers.slack]
type = "console"
budget = { messages = 0 }
quiet = "night"
passes = "critcal"
[receivers.mail]
type = "console"
budget = 20
quiet = "always"
[schedules.nights]
windows = [{ from = "22:00", to = "07:00" }]
[schedules.always]
windows = [{ days = "mon-sat" }, { days = "sun", to = "12:00" }, { days = "sun", from = "11:00" }]
"#;
    wrong_schedules: r#"
[schedules.a]
zone = "Europe/Berln"
windows = [{ days = ["mon-fry", "someday"], from = "25:00", to = 7, untill = "x" }]
[schedules.b]
zone = "CEST"
windows = []
[schedules.c]
zone = "new york"
[schedules.d]
windows = [{ from = 22:00:00 }, 3]
[schedules."e/f"]
windows = [{}]
"#;
    wrong_silences: r#"
[[silences]]
name = "a"
match = {}
until = "2030-11-25T06:00"
[[silences]]
name = "a"
match = { code = "X" }
from = "2030-11-26T06:00Z"
until = "2030-11-25T06:00Z"
[[silences]]
name = "s_20301125"
match = { wrokflow = "x" }
[[silences]]
until = "2030-11-25T06:00[Europe/Berln]"
unless_new = "yes"
[[silences]]
match = { code = "X" }
until = "tomorrow"
"#;
    wrong_inhibitions: r#"
[[inhibit]]
while = {}
same = ["sources"]
[[inhibit]]
name = "b"
if = { code = "X" }
mute = { class = "engin" }
"#;
    wrong_owners: r#"
[[owners]]
match = { labels = "growth" }
notify = ["ops", "opps", "@owner"]
[[owners]]
name = "a"
mention = ""
runbook = "wiki"
[[owners]]
name = "a"
"#;
    wrong_expectations: r#"
[[rules]]
name = "nightly"
[[expect]]
name = "nightly"
match = { workflow = "x", class = "engine", labels = { a = "b" } }
success_every = "25h"
[[expect]]
[[expect]]
success_every = "25h"
waiting_at_most = "1d"
[[expect]]
reauthorization = false
[[expect]]
running_at_most_usual = 1
running_at_most = "1"
[[expect]]
name = "nightly"
waiting_at_most = "1d"
severity = "bad"
notify = "opps"
"#;
    wrong_tests: r#"
[[test]]
want = { held = false }
[[test]]
run = { id = "1", workflow = { name = "x" }, status = "failde", steps = [{ number = "a" }] }
[[test]]
run = { id = "1", workflow = { name = "x" }, status = "failed" }
file = "runs/completed.json"
source = "event"
want = {}
[[test]]
file = "runs/none.json"
want = { receivers = "opps", class = "transiant", held = "no", rule = "paymets", told = 1 }
[[test]]
file = "runs/two.json"
want = { held = false }
[[test]]
run = 3
want = 3
[[rules]]
name = "payments"
match = { class = "x" }
"#;
}

#[test]
fn wrong_kinds_of_section() {
    let text = format!("silences = {{}}\nschedules = []\ntest = 1\n{HEAD}[inhibit]\nname = \"x\"\n[expects]\n");
    insta::with_settings!({ description => text.clone(), omit_expression => true, prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!("wrong_kinds_of_section", refused(&text, &[]));
    });
}
