//! Tests of masking.

use proptest::prelude::*;

use super::*;

#[test]
fn what_changes_goes_and_what_tells_errors_apart_stays() {
    for (text, masked) in [
        ("run 3f2b8c1e-9d4a-4e6f-8a7b-1c2d3e4f5a6b took 17 ms", "run # took # ms"),
        ("at 2026-11-22T20:35:44.123456Z or 02:07:09", "at # or #"),
        ("Sun, 22 Nov 2026 20:35:44 GMT", "#, # # # # GMT"),
        ("10.0.0.7:5432 and [fe80::1ff:fe23:4567:890a%eth0]", "# and [#]"),
        ("GET https://api.example.com:8443/v1/users/42?x=1 failed", "GET https://api.example.com/# failed"),
        ("mail to a.b@example.com bounced", "mail to # bounced"),
        ("object at 0x7ffe12ab, 250ms, 1h30m", "object at #, #, #"),
        ("File \"/app/flows/etl.py\", line 88, in load", "File \"#\", line #, in load"),
        ("pod etl-7d9f8b6c5d-x2k4q", "pod etl-#"),
        ("01JD8X4ZK3M5N6P7Q8R9S0T1V2 commit 9fceb02d0ae5", "# commit #"),
        ("status 401", "status 401"),
        ("HTTP Error 500: Internal", "HTTP Error 500: Internal"),
        ("HTTP/1.1 404", "HTTP/1.1 404"),
        ("404 Not Found after 17 tries", "404 Not Found after # tries"),
        (
            "exit code 137, status code: 1, signal 9, exit_code=3",
            "exit code 137, status code: 1, signal 9, exit_code=3",
        ),
        ("status_code=502 exit137", "status_code=502 exit137"),
        ("node12 of 30", "node# of #"),
        ("KeyError: 'customer_id'", "KeyError: 'customer_id'"),
    ] {
        assert_eq!(mask(text), masked, "{text}");
        assert_eq!(mask(masked), masked);
    }
}

proptest! {
    #[test]
    fn masking_is_idempotent(text in "\\PC{0,60}|([a-zé ]{0,4}|[0-9#]{1,4}|[-:./=@%?_]|http|://|status |Nov |[\"'(,] ?){0,16}") {
        let once = mask(&text);
        prop_assert_eq!(mask(&once), once);
    }

    #[test]
    fn another_uuid_or_number_makes_no_difference(a in any::<u128>(), b in any::<u128>(), n in any::<u64>(), m in any::<u64>()) {
        let uuid = |id: u128| {
            let hex = format!("{id:032x}");
            [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
        };
        let text = |id, number: u64| format!("run {} of item {number} (row-{number}) failed after {number}s", uuid(id));
        prop_assert_eq!(mask(&text(a, n)), mask(&text(b, m)));
    }
}
