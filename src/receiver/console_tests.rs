//! Tests of the console.

use super::*;
use crate::engine::Notification;
use crate::receiver::test_support::{HOSTILE, card, delivery, hostile_with, of_card, samples};

/// A writer that can be looked at.
#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("not poisoned").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

struct Broken;

impl Write for Broken {
    fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
        Err(std::io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

async fn written(json: bool, colour: bool, notifications: Vec<Notification>) -> String {
    let paper = Paper::default();
    let console = Console::to(
        Box::new(paper.clone()),
        ConsoleReceiver { json },
        colour,
        &Common::patient(Duration::from_secs(20)),
    );
    for notification in notifications {
        let outcome = console.send(&delivery(notification)).await;
        assert_eq!(outcome, Outcome::delivered("written"));
    }
    let bytes = paper.0.lock().expect("not poisoned").clone();
    String::from_utf8(bytes).expect("utf-8")
}

#[tokio::test]
async fn the_cards_are_as_they_were() {
    for (name, notification) in samples() {
        insta::assert_snapshot!(format!("console_{name}"), written(false, false, vec![notification]).await);
    }
}

#[tokio::test]
async fn json_is_one_object_a_line() {
    let lines = written(true, true, samples().into_iter().map(|(_, notification)| notification).collect()).await;
    assert_eq!(lines.lines().count(), samples().len());
    for line in lines.lines() {
        assert!(serde_json::from_str::<serde_json::Value>(line).is_ok_and(|value| value.is_object()), "{line}");
    }
}

#[tokio::test]
async fn only_our_own_colours_reach_a_terminal() {
    for hostile in HOSTILE {
        let card = written(false, true, vec![hostile_with(hostile)]).await;
        let rest = card.replace("\x1b[1;31m", "").replace("\x1b[0m", "");
        assert!(rest.chars().all(|c| c == '\n' || !c.is_control()), "{rest:?}");
        assert_eq!(card.matches('\x1b').count(), 2);
    }
}

#[tokio::test]
async fn a_broken_pipe_is_no_delivery() {
    let console = Console::to(
        Box::new(Broken),
        ConsoleReceiver { json: false },
        false,
        &Common::patient(Duration::from_secs(20)),
    );
    let outcome = console.send(&delivery(of_card(card()))).await;
    assert!(matches!(outcome, Outcome::Refused { permanent: false, .. }), "{outcome:?}");
}
