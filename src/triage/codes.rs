//! The codes that engines, languages and protocols share, and the class that each stands for. Data, and how a code is
//! compared. A wrong class is worse than none: what depends on the case (`ValueError`, `KeyError`) is not here.

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
    matches!(last.as_str(), "oom" | "oomkill" | "oomkilled" | "outofmemory" | "memory" | "memorylimitexceeded" | "exit137" | "exitcode137")
}

/// Whether the code says that the time was up.
pub(super) fn is_timeout(code: &str) -> bool {
    let code = bare(code);
    code.contains("timeout") || code.contains("timedout")
}

/// Whether the code says that there were too many requests.
pub(super) fn is_rate_limit(code: &str) -> bool {
    matches!(bare(code).as_str(), "ratelimit" | "ratelimited" | "ratelimitexceeded" | "throttled" | "throttling" | "toomanyrequests")
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

/// It may pass. Sorted.
const TRANSIENT: [&str; 84] = ["activitytimeout", "airflowtasktimeout", "apiconnection", "apitimeout", "badgateway", "brokenpipe", "chunkedencoding", "clientconnection", "clientconnector", "clientos", "connect", "connection", "connectionaborted", "connectionclosed", "connectionfailed", "connectionlost", "connectionrefused", "connectionreset", "connectiontimedout", "connectiontimeout", "connecttimedout", "connecttimeout", "deadlineexceeded", "deadlock", "deadlockdetected", "eaiagain", "econnaborted", "econnection", "econnrefused", "econnreset", "ehostdown", "ehostunreach", "enetdown", "enetunreach", "epipe", "esockettimedout", "etimedout", "gatewaytimeout", "incompleteread", "internalserver", "lockwaittimeout", "network", "nodetimeout", "nohttpresponse", "overloaded", "pooltimeout", "quotarateexceeded", "ratelimit", "ratelimited", "ratelimitexceeded", "read", "readtimeout", "remoteprotocol", "requestaborted", "requestlimitexceeded", "requesttimedout", "requesttimeout", "resourceexhausted", "serializationfailure", "server", "serverbusy", "serverdisconnected", "serveroverloaded", "serviceunavailable", "slowdown", "sockethangup", "sockettimedout", "sockettimeout", "steptimeout", "tasktimeout", "temporarilyunavailable", "throttled", "throttling", "timedout", "timeout", "toomanyrequests", "unavailable", "underrbodytimeout", "underrconnecttimeout", "underrheaderstimeout", "underrsocket", "undsocket", "write", "writetimeout"];

/// Access is missing or has ended. Sorted.
const AUTHORIZATION: [&str; 46] = ["accessdenied", "accountinactive", "apikeyexpired", "apikeyinvalid", "authentication", "authenticationfailed", "authenticationrequired", "authexpired", "authfailed", "authmissing", "authorization", "authorizationfailed", "authorizationrequired", "authrequired", "connectionexpired", "connectionmissing", "connectionrevoked", "credentialsexpired", "credentialsinvalid", "credentialsmissing", "expiredcredentials", "expiredtoken", "forbidden", "insufficientpermissions", "insufficientscope", "invalidapikey", "invalidauth", "invalidclient", "invalidclienttokenid", "invalidcredential", "invalidcredentials", "invalidgrant", "invalidtoken", "missingcredentials", "missingscope", "nocredentials", "notauthed", "notauthenticated", "permissiondenied", "proxyauthenticationrequired", "signaturedoesnotmatch", "tokenexpired", "tokeninvalid", "tokenrevoked", "unauthenticated", "unauthorized"];

/// The workflow, its input or its target is wrong. Sorted.
const CONFIGURATION: [&str; 50] = ["airflownotfound", "badrequest", "classnotfound", "configuration", "dagnotfound", "dagsterimport", "dagsterinvalidconfig", "dagsterinvalidsubset", "enotfound", "import", "indentation", "invalidargument", "invalidconfig", "invalidconfiguration", "invalidinput", "invalidparameter", "invalidparameters", "invalidrequest", "invalidschema", "invalidurl", "jinjaundefined", "methodnotallowed", "misconfigured", "missingfield", "missingflow", "missingparameter", "missingrequiredfield", "missingschema", "modulenotfound", "noclassdeffound", "nosuchbucket", "nosuchkey", "nosuchmethod", "notfound", "parameterbind", "parametertype", "resourcenotfound", "script", "signaturemismatch", "syntax", "templatenotfound", "templatesyntax", "undefinedcolumn", "undefinedtable", "undefinedvariable", "unprocessableentity", "unsupportedprotocol", "validation", "validationfailed", "workflownotfound"];

/// The engine or its machine ended it. Sorted.
const ENGINE: [&str; 66] = ["brokenprocesspool", "childprocesscrash", "childprocesscrashed", "crash", "crashed", "crashedrun", "crashloopbackoff", "dagruntimedout", "dagruntimeout", "dagrununresponsive", "engine", "enginecrashed", "enginerestarted", "evicted", "executionlost", "executiontimedout", "executiontimeout", "exit137", "exitcode137", "failedtosubmit", "flowruntimedout", "flowruntimeout", "heartbeatlost", "heartbeattimedout", "heartbeattimeout", "infrastructure", "infrastructurefailed", "javascriptheapoutofmemory", "jobtimedout", "jobtimeout", "killed", "lost", "memory", "memorylimitexceeded", "nodecrashed", "nodelost", "oom", "oomkill", "oomkilled", "outofmemory", "pipelinetimeout", "podcrashed", "podevicted", "preempted", "runcrashed", "runtimedout", "runtimeout", "scheduletostarttimeout", "sigkill", "sigsegv", "sigterm", "spotinterruption", "taskcrashed", "terminated", "workercrashed", "workerdied", "workerlost", "workershutdown", "workflowcrashed", "workflowexecutiontimedout", "workflowexecutiontimeout", "workflowruntimeout", "workflowtimedout", "workflowtimeout", "zombie", "zombiedetected"];

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
