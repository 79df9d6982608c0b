# A virtual environment of pinned packages, made once. Sourced by the engines' `start.sh`.
#
#   pinned VENV PINS PACKAGE...
pinned() {
    local venv=$1 pins=$2
    shift 2
    # The stamp is written last: a half-made environment is made again. It holds the pins, so that new pins rebuild it.
    if [ -x "$venv/bin/python" ] && cmp -s "$pins" "$venv/stamp"; then
        return
    fi
    rm -rf "$venv"
    mkdir -p "$(dirname "$venv")"
    python3 -m venv "$venv"
    # uv installs a hundred packages in seconds where pip takes a minute; pip is what is there when uv cannot be had.
    if "$venv/bin/pip" install --quiet --disable-pip-version-check uv==0.13.9; then
        "$venv/bin/uv" pip install --quiet --python "$venv/bin/python" --constraint "$pins" "$@"
    else
        "$venv/bin/pip" install --quiet --disable-pip-version-check --constraint "$pins" "$@"
    fi
    cp "$pins" "$venv/stamp"
}
