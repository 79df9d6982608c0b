# Puts a cargo tool on the PATH: the one that is installed, or a prebuilt one from PyPI (built by Astral from the tool's own tag,
# seconds), or else built from crates.io (minutes). Sourced by `.ci/run` and `./test`.

tools_dir=$PWD/target/tools
export PATH=$tools_dir/bin:$PATH

tool() {
    local name=$1 version=$2
    if command -v "$name" >/dev/null; then
        return
    fi
    echo "installing $name $version" >&2
    if [ -x "$tools_dir/bin/python" ] || python3 -m venv "$tools_dir"; then
        if "$tools_dir/bin/pip" install --quiet --disable-pip-version-check --no-deps --only-binary :all: \
            "astral-dev-toolchain-$name==$version"; then
            return
        fi
    fi
    cargo install --locked --version "$version" --root "$tools_dir" "$name"
}
