//! The questions, as GraphQL documents. One question each, so that one that an older Dagster does not know spoils no other.
//! Checked against 1.11 and 1.13; every field is known since 1.6.

/// A list of runs, newest created first. Without `limit` it would be all of them.
pub(super) const RUNS: &str = "\
query FirstredRuns($filter: RunsFilter, $cursor: String, $limit: Int) {
  runsOrError(filter: $filter, cursor: $cursor, limit: $limit) {
    __typename
    ... on Runs { results { runId status jobName startTime endTime updateTime rootRunId parentRunId
      repositoryOrigin { repositoryName repositoryLocationName } tags { key value } } }
    ... on InvalidPipelineRunsFilterError { message }
    ... on PythonError { className message }
  }
}";

/// The plan of a run and what became of its steps. It says no error.
pub(super) const STEPS: &str = "\
query FirstredSteps($id: ID!) {
  runOrError(runId: $id) {
    __typename
    ... on Run { runId stepKeysToExecute assetSelection { path }
      executionPlan { steps { key kind inputs { dependsOn { key } } } }
      stepStats { stepKey status startTime endTime attempts { startTime } } }
    ... on RunNotFoundError { message }
    ... on PythonError { className message }
  }
}";

/// A page of a run's events. What the run's own code logged comes too, for there is no filter, but without its words. Tracebacks are
/// not asked for: each is repeated in the event of the run.
pub(super) const EVENTS: &str = "\
query FirstredEvents($id: ID!, $after: String, $limit: Int) {
  logsForRun(runId: $id, afterCursor: $after, limit: $limit) {
    __typename
    ... on EventConnection { cursor hasMore events {
      __typename
      ... on MessageEvent { timestamp stepKey }
      ... on ExecutionStepFailureEvent { errorSource error { ...E }
        failureMetadata { description metadataEntries { __typename label
          ... on TextMetadataEntry { text } ... on IntMetadataEntry { intRepr } ... on BoolMetadataEntry { boolValue }
          ... on UrlMetadataEntry { url } ... on FloatMetadataEntry { floatValue } ... on PathMetadataEntry { path }
          ... on JsonMetadataEntry { jsonString } ... on MarkdownMetadataEntry { mdStr } } } }
      ... on ExecutionStepUpForRetryEvent { message secondsToWait error { ...E } }
      ... on RunFailureEvent { message error { ...E } }
      ... on RunCanceledEvent { message }
      ... on EngineEvent { message error { ...E } }
      ... on ResourceInitFailureEvent { message error { ...E } }
    } }
    ... on RunNotFoundError { message }
    ... on PythonError { className message }
  }
}
fragment E on PythonError { className message errorChain { error { className message } } }";

/// Whether every code location loads: one that does not has no jobs, and what is launched there leaves no run.
pub(super) const LOCATIONS: &str = "\
query FirstredLocations {
  workspaceOrError {
    __typename
    ... on Workspace { locationEntries { name
      locationOrLoadError { __typename ... on PythonError { className message errorChain { error { className message } } } } } }
    ... on PythonError { className message }
  }
}";

/// Whether the daemons live, without which no run is started, retried or watched.
pub(super) const DAEMONS: &str = "\
query FirstredDaemons { instance { daemonHealth { allDaemonStatuses { daemonType required healthy } } } }";

/// The version.
pub(super) const VERSION: &str = "query FirstredVersion { version }";

/// What whoever asks may do.
pub(super) const PERMISSIONS: &str = "query FirstredPermissions { permissions { permission value } }";
