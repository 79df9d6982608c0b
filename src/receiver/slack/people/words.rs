//! What people are answered in Slack: seen by them alone. Every text from outside is literal. It knows no HTTP.

use jiff::Timestamp;
use serde_json::{Value as Json, json};

use super::press::What;
use crate::receiver::message::{text, when};
use crate::receiver::slack::escape::escape;
use crate::receiver::slack::rich::{bold, words};
use crate::receiver::{Done, NotDone, Problem};

/// The longest title of a problem, and the longest text about it.
const TITLE: usize = 120;
const LINE: usize = 300;

/// An answer.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Answer {
    text: String,
    /// The sections of the rich form; none: the text is all.
    sections: Vec<Json>,
}

impl Answer {
    /// A sentence of ours, or with a name from outside.
    pub(super) fn plain(said: &str) -> Self {
        let said = text::end_cut(&text::line(said), LINE);
        Self { sections: vec![section(&[words(&said)])], text: said }
    }

    /// As Slack takes it: in the answer to a command, and at a `response_url`.
    pub(super) fn json(&self) -> Json {
        json!({
            "response_type": "ephemeral",
            "replace_original": false,
            "text": escape(&self.text),
            "blocks": [{ "type": "rich_text", "elements": self.sections }],
        })
    }
}

/// What is said of what was done. None: the message in the channel says it.
pub(super) fn done(done: &Done, what: &What) -> Option<Answer> {
    let is_click = matches!(what, What::Click(_));
    Some(match done {
        Done::Acknowledged { changed: true, .. } if is_click => return None,
        Done::Acknowledged { problem, changed } => {
            let by = problem.acknowledged.as_deref().map(|by| format!(" by {}", short(by))).unwrap_or_default();
            let is = if *changed { "is acknowledged" } else { "was acknowledged already" };
            about(problem, &format!(" {is}{by}."))
        }
        Done::Silenced { problem, until, silence } => {
            let mut answer = about(problem, " is silent until ");
            answer.push(moment(*until), &when::moment(*until));
            let rest = ". What is withheld is told when it ends. What ends it now: ";
            answer.push(words(rest), rest);
            let command = format!("firstred silence end {}", short(silence));
            answer.push(code(&command), &command);
            answer
        }
        Done::Why { problem, lines } => {
            let mut answer = about(problem, "");
            for (label, said) in lines {
                let said = text::end_cut(&text::line(text::head(said, 2_000)), LINE);
                answer.sections.push(section(&[bold(label), words(&format!("  {said}"))]));
            }
            answer
        }
        Done::Incidents { problems, .. } if problems.is_empty() => {
            Answer::plain("No incident that was told here is open.")
        }
        Done::Incidents { problems, more } => list(problems, *more),
    })
}

/// What is said where nothing was done.
pub(super) fn not_done(error: &NotDone) -> Answer {
    let said = error.to_string();
    let mut start = said.chars();
    let capital: String = start.next().map(|c| c.to_ascii_uppercase()).into_iter().chain(start).collect();
    Answer::plain(&format!("{capital}."))
}

/// `/firstred help`
pub(super) fn help(wrong: Option<&str>) -> Answer {
    let lines = [
        ("/firstred", "the open incidents that were told here"),
        ("/firstred ack ID", "you take care of it: no reminders, no escalation"),
        ("/firstred silence ID 2h", "what fails so is not told for that time, and summed up after it"),
        ("/firstred why ID", "what is known of it, and why it was told"),
    ];
    let mut answer = Answer { text: "What firstred understands".to_owned(), sections: Vec::new() };
    if let Some(wrong) = wrong {
        answer = Answer::plain(&format!("Nothing was done: {wrong}."));
    }
    for (command, says) in lines {
        answer.sections.push(section(&[code(command), words(&format!("  {says}"))]));
    }
    answer
}

impl Answer {
    fn push(&mut self, element: Json, said: &str) {
        self.text.push_str(said);
        if let Some(elements) = self.sections.last_mut().and_then(|section| section["elements"].as_array_mut()) {
            elements.push(element);
        }
    }
}

/// A sentence that begins with the problem.
fn about(problem: &Problem, said: &str) -> Answer {
    let title = text::end_cut(&text::line(text::head(&problem.title, 1_000)), TITLE);
    let mut elements = vec![bold(&title), words("  "), code(&short(&problem.id))];
    if !said.is_empty() {
        elements.push(words(said));
    }
    Answer { text: format!("{title}{said}"), sections: vec![section(&elements)] }
}

fn list(problems: &[Problem], more: usize) -> Answer {
    let shown = problems.iter().map(|problem| {
        let mut elements = about(problem, "").sections.remove(0);
        let mut rest = vec![
            words(&format!("  {} since ", text::counted(problem.failures, "failure", "failures"))),
            moment(problem.since),
        ];
        if let Some(by) = &problem.acknowledged {
            rest.push(words(&format!(", acknowledged by {}", short(by))));
        }
        if let Some(elements) = elements["elements"].as_array_mut() {
            elements.extend(rest);
        }
        elements
    });
    let items: Vec<Json> = shown.collect();
    let count =
        text::counted(u32::try_from(problems.len() + more).unwrap_or(u32::MAX), "open incident", "open incidents");
    let mut sections =
        vec![section(&[bold(&count)]), json!({ "type": "rich_text_list", "style": "bullet", "elements": items })];
    if more > 0 {
        sections.push(section(&[words(&format!("and {} more, older ones", text::grouped(more)))]));
    }
    Answer { text: count, sections }
}

fn short(name: &str) -> String {
    text::end_cut(&text::line(text::head(name, 1_000)), TITLE)
}

fn moment(at: Timestamp) -> Json {
    json!({
        "type": "date", "timestamp": at.as_second(), "format": "{date_short_pretty} {time}", "fallback": when::moment(at),
    })
}

fn code(said: &str) -> Json {
    json!({ "type": "text", "text": said, "style": { "code": true } })
}

fn section(elements: &[Json]) -> Json {
    json!({ "type": "rich_text_section", "elements": elements })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::receiver::Action;
    use crate::receiver::slack::people::press::Command;
    use crate::receiver::test_support::at;

    fn problem() -> Problem {
        Problem {
            id: "i_01J9ZK".to_owned(),
            title: "billing-sync / charge-card / <!channel> & CARD_DECLINED".to_owned(),
            since: at("2026-11-22T10:14:02Z"),
            last_at: at("2026-11-22T10:21:00Z"),
            failures: 14,
            runs: 13,
            acknowledged: Some("ada (U012AB3CD)".to_owned()),
            over: false,
        }
    }

    #[test]
    fn the_answers_are_as_they_were() {
        let command = What::Command(Command::Act(Action::Incidents));
        let until = at("2026-11-22T12:14:02Z");
        let lines = vec![("Rule", "billing".to_owned()), ("Told to", "oncall".to_owned())];
        let answers = [
            ("acknowledged", Done::Acknowledged { problem: problem(), changed: true }),
            ("acknowledged_before", Done::Acknowledged { problem: problem(), changed: false }),
            ("silenced", Done::Silenced { problem: problem(), until, silence: "s_17".to_owned() }),
            ("why", Done::Why { problem: problem(), lines }),
            ("incidents", Done::Incidents { problems: vec![problem(), problem()], more: 1_200 }),
            ("no_incidents", Done::Incidents { problems: Vec::new(), more: 0 }),
        ];
        for (name, answer) in answers {
            let answer = done(&answer, &command).expect("an answer");
            insta::assert_json_snapshot!(format!("answer_{name}"), answer.json());
        }
        insta::assert_json_snapshot!("answer_help", help(None).json());
        insta::assert_json_snapshot!("answer_unknown", not_done(&NotDone::Unknown("<!here>".to_owned())).json());
    }
}
