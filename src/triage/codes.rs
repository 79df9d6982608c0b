//! The codes that engines, languages and protocols share, and the class that each stands for. How a code is
//! compared; the data is in `known`. A wrong class is worse than none: what depends on the case (`ValueError`, `KeyError`) is not here.

#[path = "known_codes.rs"]
mod known;

use self::known::{AUTHORIZATION, CONFIGURATION, ENGINE, TRANSIENT};
use super::Class;

/// The class of a well-known code. `of_run`: the error is the run's, whose timeout is the engine's doing.
pub(super) fn class(code: &str, of_run: bool) -> Option<Class> {
    let known = |code: &str| {
        let code = bare(code);
        let is_in = |codes: &[&str]| codes.binary_search(&code.as_str()).is_ok();
        match () {
            () if of_run && matches!(code.as_str(), "timeout" | "timedout" | "deadlineexceeded") => Some(Class::Engine),
            () if is_in(&TRANSIENT) => Some(Class::Transient),
            () if is_in(&AUTHORIZATION) => Some(Class::Authorization),
            () if is_in(&CONFIGURATION) => Some(Class::Configuration),
            () if is_in(&ENGINE) => Some(Class::Engine),
            () => None,
        }
    };
    // Of a qualified name (`java.net.ConnectException`) the last part counts, where the whole says nothing.
    known(code).or_else(|| known(code.rsplit(['.', ':', '/', '\\']).next()?))
}

/// Whether two codes are the same but for case and separators.
pub(super) fn same(one: &str, other: &str) -> bool {
    letters(one).eq(letters(other))
}

/// Whether the code says that memory ran out.
pub(super) fn is_out_of_memory(code: &str) -> bool {
    let last = bare(code.rsplit('.').next().unwrap_or(code));
    matches!(
        last.as_str(),
        "oom" | "oomkill" | "oomkilled" | "outofmemory" | "memory" | "memorylimitexceeded" | "exit137" | "exitcode137"
    )
}

/// Whether the code says that the time was up.
pub(super) fn is_timeout(code: &str) -> bool {
    let code = bare(code);
    code.contains("timeout") || code.contains("timedout")
}

/// Whether the code says that there were too many requests.
pub(super) fn is_rate_limit(code: &str) -> bool {
    matches!(
        bare(code).as_str(),
        "ratelimit" | "ratelimited" | "ratelimitexceeded" | "throttled" | "throttling" | "toomanyrequests"
    )
}

fn letters(code: &str) -> impl Iterator<Item = char> {
    code.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase())
}

/// A code without case, separators and the `Error` or `Exception` that languages put behind it.
fn bare(code: &str) -> String {
    let mut code: String = letters(code).take(100).collect();
    let shorter = |code: &str| ["exception", "error"].iter().find_map(|end| code.strip_suffix(end)).map(str::len);
    while let Some(length) = shorter(&code).filter(|length| *length > 0) {
        code.truncate(length);
    }
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_sorted_bare_and_share_no_code() {
        let mut all: Vec<&str> = Vec::new();
        for table in [&TRANSIENT[..], &AUTHORIZATION, &CONFIGURATION, &ENGINE] {
            assert!(table.is_sorted() && table.iter().all(|code| bare(code) == *code));
            all.extend(table);
        }
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
    }

    #[test]
    fn a_qualified_name_counts_by_its_last_part() {
        assert_eq!(class("java.net.SocketTimeoutException", false), Some(Class::Transient));
        assert_eq!(class("builtins.MemoryError", false), Some(Class::Engine));
        assert_eq!(class("com.example.PaymentException", false), None);
    }
}
