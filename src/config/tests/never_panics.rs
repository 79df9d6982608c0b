//! Whatever the file says, loading it ends with a configuration or with at least one error.

use proptest::prelude::*;

use super::load_text;

const PIECES: [&str; 46] = [
    "[sources.a]\n",
    "[receivers.r]\n",
    "[[rules]]\n",
    "[rules.match]\n",
    "[defaults]\n",
    "[server]\n",
    "[classes]\n",
    "type = \"http\"\n",
    "type = \"slack\"\n",
    "type = \"email\"\n",
    "type = \"webhook\"\n",
    "type = 3\n",
    "url = \"https://a.example.com/{id}\"\n",
    "webhook_url = \"\"\n",
    "smtp_url = \"smtp://a:%@b\"\n",
    "match = { status = [99, \"x\"], labels = { a = [] } }\n",
    "every = \"1\"\n",
    "every = 1979-05-27\n",
    "notify = [\"r\"]\n",
    "fallback = \"r\"\n",
    "queue = 99999999999999999999\n",
    "max_body = \"1é\"\n",
    "\"é\" = 'ü'\n",
    "x = \"",
    "\"\"\"",
    "pagination = { type = \"page\", size = 1 }\n",
    "detail = { url = \"{id}\" }\n",
    "{ [ = ] }",
    "[schedules.s]\n",
    "windows = [{ days = \"sun-sat\", from = \"24:00\" }]\n",
    "zone = \"Europe/Berlin\"\n",
    "quiet = \"s\"\n",
    "budget = { messages = 1 }\n",
    "[[silences]]\n",
    "until = \"9999-12-31T23:59:59-25:59\"\n",
    "[[inhibit]]\n",
    "while = { }\n",
    "same = [\"labels.é\"]\n",
    "[[owners]]\n",
    "[[expect]]\n",
    "success_every = \"25h\"\n",
    "running_at_most_usual = nan\n",
    "[[test]]\n",
    "run = { id = \"1\", workflow = {}, steps = [inf] }\n",
    "after = { rate = nan, of_last = 1 }\n",
    "after = { engine = 1, é = {} }\n",
];

fn ends_well(text: &str) {
    match load_text(text, &[("FIRSTRED__SERVER__QUEUE", "x"), ("FIRSTRED__", "")]) {
        Ok(_) => panic!("the environment is wrong"),
        Err(diagnostics) => {
            assert!(diagnostics.errors() > 0);
            let _ = (diagnostics.render(false), diagnostics.render(true), serde_json::to_string(&diagnostics));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_text(text in ".{0,200}") {
        ends_well(&text);
    }

    #[test]
    fn any_order_of_lines(pieces in prop::collection::vec(prop::sample::select(&PIECES[..]), 0..14)) {
        ends_well(&pieces.concat());
    }
}
