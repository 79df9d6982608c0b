"""Jobs that fail in the ways that people meet, and some that nobody needs to hear of."""

import os
import urllib.request

from dagster import (
    Backoff,
    Definitions,
    DynamicOut,
    DynamicOutput,
    Failure,
    RetryPolicy,
    in_process_executor,
    job,
    op,
    resource,
)

# One process for a run, not one for each step: what fails is the same, in a third of the time.
QUICK = {"executor_def": in_process_executor}


@op
def extract():
    return 1


@op
def sync(rows):
    try:
        {}["account 4711"]
    except KeyError as cause:
        raise RuntimeError("the ledger could not be read") from cause


@job(**QUICK)
def close_of_day():
    """An exception with a cause, in the second step."""
    sync(extract())


@op
def push_contact(context):
    # The address of the outside service comes with the run.
    urllib.request.urlopen(context.run.tags["stub"] + "/status/401").read()


@job(**QUICK)
def lead_sync():
    """An outside service refuses."""
    push_contact()


@op(retry_policy=RetryPolicy(max_retries=1, delay=1, backoff=Backoff.EXPONENTIAL))
def pull_prices():
    raise ConnectionError("HTTP 503 from the price service")


@job(**QUICK)
def price_feed():
    """A step that is tried again, in vain."""
    pull_prices()


@op(retry_policy=RetryPolicy(max_retries=2, delay=1))
def pull_digest(context):
    if context.retry_number == 0:
        raise TimeoutError("not yet")


@job(**QUICK)
def digest():
    """A step that is tried again, and goes well: nobody hears of it."""
    pull_digest()


@op
def charge():
    raise Failure(
        "the card was declined",
        metadata={"http_status": 402, "code": "card_declined", "retryable": False},
    )


@job(tags={"dagster/max_retries": "1"}, **QUICK)
def billing():
    """A run that Dagster runs again, in vain: told once, for the second."""
    charge()


@op
def import_statement():
    if not os.path.exists(os.path.join(os.environ["DAGSTER_HOME"], "healed")):
        raise ValueError("the bank sent an empty file")


@job(**QUICK)
def bank_import():
    """Fails until a file appears; re-executed then."""
    import_statement()


@op(out=DynamicOut())
def customers():
    for name in ("acme", "initech"):
        yield DynamicOutput(name, mapping_key=name)


@op
def sync_customer(name: str):
    if name == "initech":
        raise ValueError("no contract for initech")


@job(**QUICK)
def fan_out():
    """One of several dynamic steps fails."""
    customers().map(sync_customer)


@resource
def warehouse(_):
    raise ConnectionError("the warehouse does not answer")


@op(required_resource_keys={"warehouse"})
def load(context):
    return context.resources.warehouse


@job(resource_defs={"warehouse": warehouse}, **QUICK)
def nightly_load():
    """Fails before any step."""
    load()


@job(**QUICK)
def healthy():
    """Goes well."""
    extract()


defs = Definitions(
    jobs=[close_of_day, lead_sync, price_feed, digest, billing, bank_import, fan_out, nightly_load, healthy]
)
