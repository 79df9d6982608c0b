#!/usr/bin/env bash
# Starts a real Prefect server on loopback, offline, with its own home, and stays in the foreground (exec), so that the
# process id of this script is the server's.
#
#   start.sh install VENV        makes the virtual environment, once; a second call is free
#   start.sh serve VENV HOME PORT
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)

# shellcheck source=tests/engines/venv.sh
source "$here/../venv.sh"

install() {
    # fastapi has to be named: prefect 3.8.8 refuses versions under 0.139 and dies on 0.155.
    pinned "$1" "$here/constraints.txt" prefect==3.8.8 fastapi==0.150.0
}

serve() {
    local venv=$1 home=$2 port=$3
    mkdir -p "$home"
    export PREFECT_HOME=$home
    export PREFECT_API_URL=http://127.0.0.1:$port/api
    # No word to the outside: neither from the server nor from the SDK.
    export PREFECT_SERVER_ANALYTICS_ENABLED=false DO_NOT_TRACK=1
    export PREFECT_SERVER_LOGGING_LEVEL=WARNING PREFECT_CLI_PROMPT=false PREFECT_SERVER_UI_ENABLED=false
    exec "$venv/bin/prefect" server start --host 127.0.0.1 --port "$port"
}

case ${1:-} in
install) install "$2" ;;
serve) serve "$2" "$3" "$4" ;;
*)
    echo "usage: start.sh install VENV | serve VENV HOME PORT" >&2
    exit 2
    ;;
esac
