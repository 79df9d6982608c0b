"""The DAGs that fail, and those that nobody needs to hear of, for `tests/it/engines/airflow.rs`."""

import os
import signal
import time
from datetime import timedelta

from airflow.exceptions import AirflowFailException
from airflow.providers.http.operators.http import HttpOperator
from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import dag, get_current_context, task

SECRET = "sk_live_4eC39HqLyjWDarjtT1zdp7dc"


def number_of_try():
    return get_current_context()["ti"].try_number


@dag(dag_id="lead-sync", tags=["crm"])
def lead_sync():
    """A service says 401."""
    call = HttpOperator(task_id="push_contact", http_conn_id="stub", endpoint="status/401", method="GET")

    @task
    def load():
        pass

    call >> load()


@dag(dag_id="price-feed")
def price_feed():
    """Every try fails."""

    @task(retries=1, retry_delay=timedelta(seconds=2))
    def pull_prices():
        raise ConnectionError("the exchange does not answer")

    pull_prices()


@dag(dag_id="digest")
def digest():
    """The second try is well: nobody hears of it."""

    @task(retries=2, retry_delay=timedelta(seconds=2))
    def collect():
        if number_of_try() < 2:
            raise ConnectionError("not yet")

    collect()


@dag(dag_id="customers")
def customers():
    """One of the mapped ones fails."""

    @task(map_index_template="{{ customer }}")
    def sync(customer):
        get_current_context()["customer"] = customer
        if customer == "initech":
            raise LookupError(f"HTTP 404 for {customer}")

    sync.expand(customer=["acme", "initech"])


@dag(dag_id="close-of-day")
def close_of_day():
    """The first red task is tolerated by the next one; the run fails at the last."""

    @task
    def optional():
        raise ValueError("nobody minds")

    @task(trigger_rule="all_done")
    def gather():
        pass

    @task
    def send():
        raise AirflowFailException("the bank refused the file")

    optional() >> gather() >> send()


@dag(dag_id="tolerant")
def tolerant():
    """A failed task, a teardown that fails, and a run that is well."""

    @task
    def optional():
        raise ValueError("nobody minds")

    @task(trigger_rule="all_done")
    def gather():
        pass

    @task
    def clean_up():
        raise RuntimeError("the cluster is gone already")

    optional() >> gather() >> clean_up().as_teardown()


@dag(dag_id="export-wait")
def export_wait():
    """A task takes longer than it may."""

    @task(execution_timeout=timedelta(seconds=2))
    def wait_for_export():
        time.sleep(60)

    wait_for_export()


@dag(dag_id="night-shift", dagrun_timeout=timedelta(seconds=8))
def night_shift():
    """The whole run takes longer than it may."""

    @task
    def crunch():
        time.sleep(120)

    crunch()


@dag(dag_id="hard-stop")
def hard_stop():
    """The process is killed."""

    @task
    def crunch():
        os.kill(os.getpid(), signal.SIGKILL)

    crunch()


@dag(dag_id="month-end")
def month_end():
    """Waits for another DAG, which fails: told once, for this one, at the task in there."""
    TriggerDagRunOperator(
        task_id="run_ledger", trigger_dag_id="ledger", wait_for_completion=True, poke_interval=1, allowed_states=["success"]
    )


@dag(dag_id="ledger")
def ledger():
    @task
    def load_ledger():
        raise KeyError("account 4711")

    load_ledger()


@dag(dag_id="billing")
def billing():
    """Leaks a secret, and fails in another way when it is cleared and run again."""

    @task
    def charge_card():
        if number_of_try() < 2:
            raise RuntimeError(f"card declined, key {SECRET}")
        raise ValueError("no such customer")

    charge_card()


@dag(dag_id="called-off")
def called_off():
    """Somebody marks the run as failed while it runs: that is a cancel."""

    @task
    def long_work():
        time.sleep(120)

    long_work()


@dag(dag_id="last-week")
def last_week():
    """Fails before firstred first looks."""

    @task
    def old():
        raise ValueError("nobody may be woken for this")

    old()


for define in (
    lead_sync,
    price_feed,
    digest,
    customers,
    close_of_day,
    tolerant,
    export_wait,
    night_shift,
    hard_stop,
    month_end,
    ledger,
    billing,
    called_off,
    last_week,
):
    define()
