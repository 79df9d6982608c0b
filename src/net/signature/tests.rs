//! The shared vectors S11 to S24, and the ways round.

use super::*;

/// Split, so that no whole token stands in the repository.
fn secret() -> Secret {
    parse(&["whsec_plJ3nmyC", "DGBKInavdOK15jsl"].concat()).unwrap()
}

fn parse(text: &str) -> Result<Secret, SecretError> {
    Secret::parse(&SecretString::from(text))
}

const ID: &str = "msg_loFOjxBNrRLzqYUf";
const AT: i64 = 1_731_705_121;
const BODY: &str = r#"{"event_type":"ping","data":{"success":true}}"#;
const GOOD: &str = "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=";

fn check(id: &str, timestamp: &str, signatures: &str, body: &str, now: i64) -> Result<(), Refusal> {
    let now = Timestamp::from_second(now).unwrap();
    verify(&[secret()], Some(id), Some(timestamp), Some(signatures), body.as_bytes(), now)
}

#[test]
fn the_known_answer_is_accepted_and_made() {
    assert_eq!(check(ID, "1731705121", GOOD, BODY, AT), Ok(()), "S11");
    assert_eq!(sign(&[secret()], ID, AT, BODY.as_bytes()), GOOD);
}

#[test]
fn a_timestamp_may_be_300_seconds_off_and_no_more() {
    for (now, expected) in [
        (AT + 299, Ok(())),
        (AT + 300, Ok(())),
        (AT + 301, Err(Refusal::Time)),
        (AT - 300, Ok(())),
        (AT - 301, Err(Refusal::Time)),
    ] {
        assert_eq!(check(ID, "1731705121", GOOD, BODY, now), expected, "S12 to S14: {now}");
    }
    for timestamp in ["now", "1000000000000000000000000000000", "-9223372036854775808", "1731705121.0", " 1731705121"] {
        assert_eq!(check(ID, timestamp, GOOD, BODY, AT), Err(Refusal::Time), "S20, S21: {timestamp}");
    }
}

#[test]
fn any_of_several_signatures_is_enough_when_it_is_a_v1() {
    for list in [format!("v1,AAAA {GOOD}"), format!("v1a,AAAA {GOOD}"), format!("v1,%%% {GOOD}")] {
        assert_eq!(check(ID, "1731705121", &list, BODY, AT), Ok(()), "S15, S16: {list}");
    }
    for list in [GOOD.replace("v1,", "v2,"), GOOD.replace("v1,", ""), "v1,".to_owned()] {
        assert_eq!(check(ID, "1731705121", &list, BODY, AT), Err(Refusal::Mismatch), "S17: {list}");
    }
}

#[test]
fn only_the_first_eight_signatures_are_tried() {
    let eighth = format!("{}{GOOD}", "v1,AAAA ".repeat(7));
    assert_eq!(check(ID, "1731705121", &eighth, BODY, AT), Ok(()));
    let last = format!("{}{GOOD}", "v1,AAAA ".repeat(10_000));
    assert_eq!(check(ID, "1731705121", &last, BODY, AT), Err(Refusal::Mismatch), "S23");
}

#[test]
fn id_timestamp_and_body_are_all_signed() {
    assert_eq!(check("msg_other", "1731705121", GOOD, BODY, AT), Err(Refusal::Mismatch), "S18");
    assert_eq!(check(ID, "1731705122", GOOD, BODY, AT), Err(Refusal::Mismatch), "S19");
    let spaced = r#"{"event_type": "ping","data": {"success": true}}"#;
    assert_eq!(check(ID, "1731705121", GOOD, spaced, AT), Err(Refusal::Mismatch), "S24");
}

#[test]
fn what_is_missing_or_empty_is_said_to_be_missing() {
    assert_eq!(check(ID, "1731705121", "", BODY, AT), Err(Refusal::Missing), "S22");
    assert_eq!(check("", "1731705121", GOOD, BODY, AT), Err(Refusal::Missing));
    let now = Timestamp::from_second(AT).unwrap();
    assert_eq!(verify(&[secret()], None, None, None, b"", now), Err(Refusal::Missing));
}

#[test]
fn during_a_rotation_both_secrets_work() {
    let old = secret();
    let new = parse("a plain secret of some length").unwrap();
    let now = Timestamp::from_second(AT).unwrap();
    let both = sign(&[new.clone(), old.clone()], ID, AT, b"x");
    for accepted in [vec![old.clone()], vec![new.clone()], vec![old.clone(), new]] {
        assert_eq!(verify(&accepted, Some(ID), Some("1731705121"), Some(&both), b"x", now), Ok(()));
    }
    let stranger = parse("another secret of some length").unwrap();
    let refused = verify(&[stranger], Some(ID), Some("1731705121"), Some(&both), b"x", now);
    assert_eq!(refused, Err(Refusal::Mismatch));
}

#[test]
fn weak_and_broken_secrets_are_refused_and_good_ones_never_print() {
    assert_eq!(parse("").unwrap_err(), SecretError::TooShort);
    assert_eq!(parse("short").unwrap_err(), SecretError::TooShort);
    assert_eq!(parse("whsec_").unwrap_err(), SecretError::TooShort);
    assert_eq!(parse("whsec_AAAA").unwrap_err(), SecretError::TooShort);
    assert_eq!(parse("whsec_not base64!").unwrap_err(), SecretError::NotBase64);
    assert_eq!(format!("{:?}", secret()), "Secret(***)");
}
