//! Tests of permits: what was signed comes back, and nothing else does.

use proptest::prelude::*;

use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("a time")
}

fn key() -> Key {
    Key::new(&[7; 32])
}

fn permit() -> Permit {
    Permit {
        incident: "i_0123456789abcdef".to_owned(),
        receiver: "mail".to_owned(),
        address: Some("ada@example.com".to_owned()),
        expires: at(1_800_000_000),
    }
}

#[test]
fn a_permit_is_good_until_it_expires() {
    let text = key().sign(&permit());
    assert_eq!(key().open(&text, at(1_799_999_999)), Ok(permit()));
    assert_eq!(key().open(&text, at(1_800_000_000)), Err(Refusal::Expired));
}

#[test]
fn a_permit_of_another_key_or_version_is_forged_also_when_it_has_expired() {
    let text = key().sign(&permit());
    assert_eq!(Key::new(&[8; 32]).open(&text, at(2_000_000_000)), Err(Refusal::Forged));
    let mut fields = vec![2];
    fields.extend_from_slice(&[0; 11]);
    let signature = key().signature(&fields);
    fields.extend_from_slice(&signature);
    assert_eq!(key().open(&URL_SAFE_NO_PAD.encode(&fields), at(0)), Err(Refusal::Forged));
}

#[test]
fn what_is_no_permit_is_forged() {
    for text in
        ["", "x", "AQ", &"A".repeat(100), &"A".repeat(100_000), "%2e%2e", "ä", &format!("{}=", key().sign(&permit()))]
    {
        assert_eq!(key().open(text, at(0)), Err(Refusal::Forged), "{text:.20}");
    }
}

#[test]
fn a_link_begins_with_the_public_url_and_stays_short() {
    for base in ["https://red.example.com", "https://red.example.com/", "https://example.com/tools/firstred/"] {
        let base = Url::parse(base).expect("a URL");
        let issuer = Issuer::new(base.clone(), key());
        let link = issuer.link(&permit());
        let text = link.strip_prefix(&format!("{}/i/", base.as_str().trim_end_matches('/'))).expect("our link");
        assert!(text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')), "{text}");
        assert!(link.len() < 200, "{} characters: {link}", link.len());
        assert_eq!(issuer.open(text, at(0)), Ok(permit()));
    }
}

#[test]
fn the_longest_link_is_still_one_that_is_shown() {
    let base = Url::parse(&format!("https://red.example.com/{}", "p".repeat(176))).expect("a URL");
    assert_eq!(base.as_str().len(), 200, "the longest public_url");
    let long = |name: &str| name.repeat(300);
    let permit = Permit { receiver: long("r"), address: Some(long("é")), ..permit() };
    let link = Issuer::new(base, key()).link(&permit);
    assert!(link.len() + "#acknowledge".len() < 1_000, "{}", link.len());
}

#[test]
fn only_its_own_origin_is_its_own() {
    let issuer = Issuer::new(Url::parse("https://red.example.com/tools/").expect("a URL"), key());
    assert!(issuer.is_own_origin("https://red.example.com"));
    for other in ["http://red.example.com", "https://red.example.com:8443", "https://example.com", "null", ""] {
        assert!(!issuer.is_own_origin(other), "{other}");
    }
}

#[test]
fn the_key_does_not_print() {
    let issuer = Issuer::new(
        Url::parse("https://red.example.com").expect("a URL"),
        Key::new(b"0123456789abcdef0123456789abcdef"),
    );
    assert!(format!("{issuer:?}").contains("Key(***)") && !format!("{issuer:?}").contains("0123"));
}

proptest! {
    #[test]
    fn whatever_was_signed_comes_back(
        incident in "\\PC{0,80}", receiver in "\\PC{0,80}", address in proptest::option::of("\\PC{1,80}"), expires in 1_i64..4_000_000_000,
    ) {
        let permit = Permit { incident, receiver, address, expires: at(expires) };
        let cut = |field: &String| field[..field.floor_char_boundary(LONGEST_FIELD)].to_owned();
        let kept = Permit {
            incident: cut(&permit.incident),
            receiver: cut(&permit.receiver),
            address: permit.address.as_ref().map(cut),
            ..permit.clone()
        };
        prop_assert_eq!(key().open(&key().sign(&permit), at(0)), Ok(kept));
    }

    #[test]
    fn any_flipped_bit_is_refused(bit in 0_usize..8 * 200) {
        let mut text = key().sign(&permit()).into_bytes();
        let bit = bit % (text.len() * 8);
        text[bit / 8] ^= 1 << (bit % 8);
        // What is no text any more is no path either.
        if let Ok(text) = String::from_utf8(text) {
            prop_assert_eq!(key().open(&text, at(0)), Err(Refusal::Forged));
        }
    }

    #[test]
    fn no_text_opens_anything(text in "[A-Za-z0-9_-]{0,300}") {
        prop_assert_eq!(key().open(&text, at(0)), Err(Refusal::Forged));
    }
}
