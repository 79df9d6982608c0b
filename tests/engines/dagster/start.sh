#!/usr/bin/env bash
# Starts a real Dagster on loopback, offline, with its own home: the webserver, and the daemon that starts runs and runs them again.
# Stays in the foreground; on SIGTERM it ends both and all that they started.
#
#   start.sh install VENV        makes the virtual environment, once; a second call is free
#   start.sh serve VENV HOME PORT
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)

# shellcheck source=tests/engines/venv.sh
source "$here/../venv.sh"

install() {
    pinned "$1" "$here/constraints.txt" dagster==1.13.27 dagster-webserver==1.13.27 dagster-graphql==1.13.27
}

serve() {
    local venv=$1 home=$2 port=$3
    mkdir -p "$home"
    cp "$here/dagster.yaml" "$home/dagster.yaml"
    cat >"$home/workspace.yaml" <<YAML
load_from:
  - python_file: {relative_path: "$here/jobs.py", location_name: lab}
  - python_file: {relative_path: "$here/broken.py", location_name: broken_location}
YAML
    # No word to the outside, and nothing that is written beside the sources.
    export DAGSTER_HOME=$home DAGSTER_DISABLE_TELEMETRY=yes DO_NOT_TRACK=1 PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
    export PATH=$venv/bin:$PATH no_proxy='*'
    # Two processes that make the database at the same moment break each other.
    dagster instance info
    trap 'end' TERM INT
    dagster-webserver -h 127.0.0.1 -p "$port" -w "$home/workspace.yaml" &
    web=$!
    dagster-daemon run -w "$home/workspace.yaml" &
    daemon=$!
    # Whichever ends first ends the other: half a Dagster proves nothing.
    wait -n || true
    end
}

end() {
    trap - TERM INT
    kill -TERM "$web" "$daemon" 2>/dev/null || true
    wait || true
    exit 0
}

case ${1:-} in
install) install "$2" ;;
serve) serve "$2" "$3" "$4" ;;
*)
    echo "usage: start.sh install VENV | serve VENV HOME PORT" >&2
    exit 2
    ;;
esac
