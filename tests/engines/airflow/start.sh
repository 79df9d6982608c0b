#!/usr/bin/env bash
# Starts a real Airflow 3 (SQLite, LocalExecutor, users in a file) on loopback, with its own home, and stays in the foreground. The
# processes are those of `airflow standalone`, started one by one: standalone leaves them behind when it is ended, and lets two of
# them listen to the network. Nothing here waits for a trigger, so that there is no triggerer.
#
#   start.sh install VENV        makes the virtual environment, once; a second call is free
#   start.sh serve VENV HOME PORT
#
# DAGs are read from HOME/dags. HOME/stub, where it is there, holds the port of the outside service that they call.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)

# shellcheck source=tests/engines/venv.sh
source "$here/../venv.sh"

install() {
    pinned "$1" "$here/constraints.txt" apache-airflow==3.3.2 apache-airflow-providers-standard apache-airflow-providers-http
}

children=()

# Each child leads a group of its own, with all that it starts.
end() {
    trap '' TERM INT
    for child in "${children[@]}"; do kill -TERM -- "-$child" 2>/dev/null || true; done
    for _ in $(seq 1 50); do
        local left=0
        for child in "${children[@]}"; do kill -0 -- "-$child" 2>/dev/null && left=1; done
        [ "$left" = 0 ] && exit 0
        sleep 0.1
    done
    for child in "${children[@]}"; do kill -KILL -- "-$child" 2>/dev/null || true; done
    exit 0
}

serve() {
    local venv=$1 home=$2 port=$3
    mkdir -p "$home/dags"
    cp "$here/dags.py" "$home/dags/"
    export PATH=$venv/bin:$PATH AIRFLOW_HOME=$home
    export AIRFLOW__CORE__DAGS_FOLDER=$home/dags AIRFLOW__CORE__LOAD_EXAMPLES=False
    # Seconds that one process waits for another one's write.
    export AIRFLOW__DATABASE__SQL_ALCHEMY_CONN="sqlite:///$home/airflow.db?timeout=60"
    export AIRFLOW__CORE__EXECUTOR=LocalExecutor AIRFLOW__CORE__PARALLELISM=4
    export AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION=False
    export AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS="admin:admin,viewer:viewer"
    export AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE=$home/passwords.json
    echo '{"admin":"adminpw","viewer":"viewerpw"}' >"$home/passwords.json"
    export AIRFLOW__API__BASE_URL=http://127.0.0.1:$port
    export AIRFLOW__CORE__EXECUTION_API_SERVER_URL=http://127.0.0.1:$port/execution/
    export AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL=2 AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL=2
    export AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL=1
    # No word to the outside.
    export AIRFLOW__USAGE_DATA_COLLECTION__ENABLED=False SCARF_NO_ANALYTICS=true DO_NOT_TRACK=1
    export no_proxy='*'
    if [ -e "$home/stub" ]; then
        AIRFLOW_CONN_STUB="{\"conn_type\":\"http\",\"host\":\"127.0.0.1\",\"port\":$(cat "$home/stub"),\"schema\":\"http\"}"
        export AIRFLOW_CONN_STUB
    fi
    # A child that is not there yet can't be ended.
    trap end TERM INT
    setsid airflow db migrate &
    children=($!)
    wait "$!"
    children=()
    setsid airflow api-server --workers 1 --host 127.0.0.1 --port "$port" &
    local api=$!
    children=("$api")
    # On a busy machine SQLite may be locked for so long that they give up, as supervisors of real ones know.
    for process in "scheduler --skip-serve-logs" dag-processor; do
        setsid bash -c "while true; do airflow $process; sleep 1; done" &
        children+=($!)
    done
    wait "$api" || true
    end
}

case ${1:-} in
install) install "$2" ;;
serve) serve "$2" "$3" "$4" ;;
*)
    echo "usage: start.sh install VENV | serve VENV HOME PORT" >&2
    exit 2
    ;;
esac
