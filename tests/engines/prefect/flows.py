"""Flows that end in every way that matters to firstred. One process runs one of them: `flows.py NAME STUB_URL`.

Eight of them must be told once, with the step and the code in FAILING of `tests/it/prefect.rs`; one retries for longer than
it may go unsaid and is told twice; the others must not be told.
The exit code of this process says nothing: what counts is what the server recorded.
"""

import sys
import time

import httpx
from prefect import flow, task
from prefect.states import Cancelled

STUB = sys.argv[2] if len(sys.argv) > 2 else "http://127.0.0.1:9"


@task
def fetch():
    return 3


@task
def push_contact(rows):
    httpx.get(f"{STUB}/status/401?rows={rows}", timeout=10).raise_for_status()


@flow(name="lead-sync")
def unauthorized():
    """HTTP 401 in the second task."""
    push_contact(fetch())


@task(retries=2, retry_delay_seconds=1)
def pull_prices():
    httpx.get(f"{STUB}/status/503", timeout=10).raise_for_status()


@flow(name="price-feed")
def exhausted():
    """HTTP 503, and every retry of the task with it."""
    pull_prices()


@task
def slow_branch():
    time.sleep(3)
    raise RuntimeError("slow branch gave up")


@task
def quick_branch():
    time.sleep(0.2)
    raise ValueError("quick branch broke first")


@flow(name="fan-out")
def parallel():
    """Two branches side by side; the one that is defined later fails first."""
    branches = [slow_branch.submit(), quick_branch.submit()]
    for branch in branches:
        branch.wait()
    for branch in branches:
        branch.result()


@task
def load_ledger():
    raise KeyError("account 4711")


@flow(name="close-of-day-ledger")
def child():
    load_ledger()


@flow(name="close-of-day")
def nested():
    """A flow in a flow: to be told once, at the leaf."""
    fetch()
    child()


@flow(name="no-input")
def before_any_task(customer: str = ""):
    """The run fails before any task has started."""
    if not customer:
        raise LookupError("no customer was given")
    fetch()


@task
def leave():
    raise SystemExit(1)


@flow(name="hard-stop")
def crash():
    """The process ends in the middle of a task: Prefect calls it Crashed."""
    fetch()
    leave()


@task(timeout_seconds=1)
def wait_for_export():
    for _ in range(100):
        time.sleep(0.1)


@flow(name="export-wait")
def timeout():
    """The task runs out of its time."""
    wait_for_export()


class CardDeclined(Exception):
    """An exception of our own."""


@task
def charge_card():
    # Not a real key: the test asserts that it reaches no message, no log and no database.
    raise CardDeclined("charge refused: Invalid API Key provided: " + "sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc")


@flow(name="billing")
def custom():
    """An exception of our own, with a secret in its text."""
    fetch()
    charge_card()


@task(retries=2, retry_delay_seconds=9)
def read_statement():
    raise ConnectionError("the bank does not answer")


@flow(name="bank-import")
def persistent():
    """Retries for longer than its hold: to be told while it retries, and again when it gives up."""
    read_statement()


TRIES = []


@task(retries=1, retry_delay_seconds=3)
def send_digest():
    TRIES.append("a try")
    if len(TRIES) == 1:
        raise ConnectionError("not yet")


@flow(name="digest")
def recovering():
    """The retry repairs it before its hold ends: nothing to tell."""
    send_digest()


@flow(name="healthy")
def success():
    """Nothing to tell."""
    fetch()


@task
def optional_step():
    raise RuntimeError("nobody minds")


@flow(name="tolerant")
def swallowed():
    """A task fails, the flow handles it and completes: nothing to tell."""
    try:
        optional_step()
    except RuntimeError:
        pass
    return "done"


@flow(name="called-off")
def cancelled():
    """A person stops it: nothing to tell."""
    fetch()
    return Cancelled(message="stopped by a person")


FLOWS = {
    flow.fn.__name__: flow
    for flow in [
        unauthorized, exhausted, parallel, nested, before_any_task, crash, timeout, custom,
        persistent, recovering, success, swallowed, cancelled,
    ]
}

if __name__ == "__main__":
    FLOWS[sys.argv[1]]()
