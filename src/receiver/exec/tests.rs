//! Tests of the exec receiver, with the shell as the program.

use std::path::PathBuf;

use tokio::io::AsyncReadExt as _;

use super::*;
use crate::receiver::samples::incidents;
use crate::receiver::test_hostile::everything;
use crate::receiver::test_support::{HOSTILE, card, delivery, hostile_with, of_card};

const PATIENT: Duration = Duration::from_secs(20);

fn shell(script: &str, timeout: Duration) -> Exec {
    let settings = ExecReceiver {
        command: PathBuf::from("/bin/sh"),
        args: vec!["-c".to_owned(), script.to_owned(), "sh".to_owned(), "an argument; $(exit 9)".to_owned()],
        environment: vec![("PATH", "/usr/bin:/bin".to_owned())],
    };
    Exec::new(&settings, &Common::patient(timeout))
}

async fn ran(script: &str) -> Outcome {
    shell(script, PATIENT).send(&delivery(of_card(card()))).await
}

fn refused(permanent: bool, reason: &str) -> Outcome {
    Outcome::Refused { permanent, reason: reason.to_owned(), retry_after: None }
}

#[tokio::test]
async fn every_exit_has_its_meaning() {
    assert_eq!(ran("exit 0").await, Outcome::delivered("exit 0"));
    assert_eq!(ran("echo; echo page 17; echo more").await, Outcome::delivered("page 17"));
    assert_eq!(ran("echo no >&2; echo no network >&2; exit 75").await, refused(false, "exit 75: no network"));
    assert_eq!(ran("exit 1").await, refused(false, "exit 1"));
    assert_eq!(ran("exit 69").await, refused(false, "exit 69"));
    for code in NEVER {
        assert_eq!(ran(&format!("exit {code}")).await, refused(true, &format!("exit {code}")));
    }
    assert!(matches!(ran("kill -TERM $$").await, Outcome::Unknown { reason } if reason == "killed by signal 15"));
}

#[tokio::test]
async fn it_reads_the_json_and_the_facts_and_no_shell_reads_its_arguments() {
    let wanted = payload::json(&of_card(card()));
    let script = "[ \"$(cat)\" = \"$FIRSTRED_EXPECTED\" ] || exec cat >/dev/null; printf '%s|' \"$1\" \"$FIRSTRED_TYPE\" \
                  \"$FIRSTRED_WORKFLOW\" \"$FIRSTRED_RUN\" \"$FIRSTRED_ATTEMPT\" \"$FIRSTRED_SEVERITY\" \"${HOME-none}\"";
    let mut exec = shell(script, PATIENT);
    exec.program.environment.push(("FIRSTRED_EXPECTED".to_owned(), wanted));
    let outcome = exec.send(&delivery(of_card(card()))).await;
    assert_eq!(
        outcome,
        Outcome::delivered("an argument; $(exit 9)|run.failed|billing-sync|run_8f3c21|1|critical|none|")
    );
}

#[tokio::test]
async fn it_inherits_nothing_that_is_not_named() {
    let Outcome::Delivered { receipt, .. } = ran("env | cut -d= -f1 | sort | tr '\\n' ' '").await else {
        panic!("delivered")
    };
    let names: Vec<&str> = receipt.split(' ').filter(|name| !["PWD", "SHLVL", "_", "OLDPWD"].contains(name)).collect();
    assert!(names.iter().all(|name| name.starts_with("FIRSTRED_") || *name == "PATH"), "{receipt}");
}

#[tokio::test]
async fn an_incident_has_the_same_key_from_its_beginning_to_its_end() {
    let mut keys = Vec::new();
    for (_, notification) in incidents::samples().into_iter().filter(|(name, _)| ["opened", "resolved"].contains(name))
    {
        let exec = shell("echo \"$FIRSTRED_DEDUP_KEY\"", PATIENT);
        let Outcome::Delivered { receipt, .. } = exec.send(&delivery(notification)).await else { panic!("delivered") };
        keys.push(receipt);
    }
    assert!(keys.len() == 2 && keys[0] == keys[1] && keys[0].starts_with("firstred:incident:"), "{keys:?}");
}

#[tokio::test]
async fn a_program_that_reads_nothing_or_talks_too_much_or_leaves_something_behind_is_waited_for_all_the_same() {
    assert_eq!(ran("exec <&-; exit 0").await, Outcome::delivered("exit 0"));
    assert_eq!(ran("yes first | head -c 3000000; yes x | head -c 3000000 >&2").await, Outcome::delivered("first"));
    // What stays behind holds the pipes open for longer than anybody waits.
    assert_eq!(ran("echo started; sleep 5 & exit 0").await, Outcome::delivered("started"));
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn what_does_not_end_in_time_is_killed_with_all_that_it_started() {
    let folder = tempfile::tempdir().expect("a folder");
    let held = folder.path().join("held");
    assert_eq!(ran(&format!("mkfifo {}", held.display())).await, Outcome::delivered("exit 0"));
    let mut held_open = tokio::net::unix::pipe::OpenOptions::new().open_receiver(&held).expect("a pipe");
    let script = format!("sleep 600 >{} & echo started >&2; trap '' TERM; wait", held.display());
    let outcome = shell(&script, Duration::from_secs(2)).send(&delivery(of_card(card()))).await;
    assert_eq!(outcome, Outcome::Unknown { reason: "did not end within 2 s, and was killed: started".to_owned() });
    // Its end closes the pipe.
    let ended = tokio::time::timeout(PATIENT, held_open.read_to_end(&mut Vec::new())).await;
    assert!(matches!(ended, Ok(Ok(0))), "what it started still runs: {ended:?}");
}

#[tokio::test]
async fn a_program_that_is_not_there_is_refused_for_good() {
    let settings =
        ExecReceiver { command: PathBuf::from("/no/such/program"), args: Vec::new(), environment: Vec::new() };
    let outcome = Exec::new(&settings, &Common::patient(PATIENT)).send(&delivery(of_card(card()))).await;
    let Outcome::Refused { permanent: true, reason, .. } = outcome else { panic!("{outcome:?}") };
    assert!(reason.starts_with("failed to start the program: "), "{reason}");
}

#[tokio::test]
async fn what_it_says_is_redacted() {
    let Outcome::Refused { reason, .. } = ran("echo 'bad password=hunter22 at https://a.example/x' >&2; exit 1").await
    else {
        panic!("refused")
    };
    assert!(
        reason.starts_with("exit 1: bad") && !reason.contains("hunter22") && !reason.contains("a.example"),
        "{reason}"
    );
}

#[tokio::test]
async fn hostile_facts_are_one_line_and_bounded() {
    let draft = Composer::default();
    for notification in everything() {
        for (name, fact) in facts(&draft.draft(&delivery(notification))) {
            assert!(
                text::length(&fact) <= LONGEST_FACT && !fact.contains(['\0', '\n', '\r', '\u{1b}']),
                "{name} {fact:?}"
            );
        }
    }
    for hostile in HOSTILE {
        let outcome =
            shell("printf %s \"$FIRSTRED_WORKFLOW\" >/dev/null", PATIENT).send(&delivery(hostile_with(hostile))).await;
        assert_eq!(outcome, Outcome::delivered("exit 0"), "{hostile}");
    }
}
