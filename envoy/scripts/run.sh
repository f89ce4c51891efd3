#!/bin/sh
# The demo of `make run`: Envoy with the filter in front of a demo application. The state is in a watched file in .run/, so
# a closed site stays closed after the next start. ^C ends everything.
set -eu
cd "$(dirname "$0")/../.."

# The ports of envoy/file.yaml.
python3 - 0.0.0.0:10000 127.0.0.1:10001 127.0.0.1:10002 127.0.0.1:9901 <<'PYTHON'
import shutil, socket, subprocess, sys

for where in sys.argv[1:]:
    host, port = where.rsplit(":", 1)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, int(port)))
            continue
        except OSError as error:
            problem = error.strerror
    owner = ""
    if shutil.which("ss"):
        lines = subprocess.run(["ss", "-Hltnp", f"sport = :{port}"], capture_output=True, text=True).stdout
        owner = lines.partition("users:")[2].partition("\n")[0].strip()
    sys.exit(f"port {port} ({host}) is not available: {problem.lower()}{' ' if owner else ''}{owner}")
PYTHON

envoy=$(envoy/scripts/get-envoy.sh)

# First start: make a key, a maintctl.toml with a file target, a policy with the key, and the watched file.
if [ ! -e .run/maintctl.toml ]; then
    echo "== demo: make a key and a configuration for maintctl in .run/"
    rm -rf .run/new
    mkdir -p .run/new/ecds
    (cd .run/new && ../../dist/maintctl init >key.json 2>init.log) || { cat .run/new/init.log >&2; exit 1; }
    rm .run/new/init.log
    sed "s|KEY|$(cat .run/new/key.json)|" envoy/scripts/demo.yaml >.run/new/policy.yaml
    { cat envoy/ecds.yaml && sed 's/^/          /' .run/new/policy.yaml; } >.run/new/ecds/maintenance.yaml
    cat >.run/new/maintctl.toml <<'TOML'
# The target of `make run`.
default = "local"
fleet = "demo"
key = "maintctl.key"

[target.local]
file = "ecds/maintenance.yaml" # Envoy watches it; maintctl generates it from the policy
policy = "policy.yaml"         # edit this file
envoys = ["http://127.0.0.1:10001/.maintenance"]
TOML
    # Move everything at the end, so that ^C leaves no partial demo.
    mv .run/new/* .run/
    rmdir .run/new
fi

process=
end() {
    [ -z "$process" ] || { kill "$process" 2>/dev/null || true; wait "$process" || true; }
    exit 0
}
trap end INT TERM HUP
"$envoy" --config-path envoy/file.yaml --disable-hot-restart --file-flush-interval-msec 100 \
    --log-level warning --component-log-level wasm:info &
process=$!

# Wait until Envoy serves or exits. The request goes to no proxy.
ready='import urllib.request as http; http.urlopen("http://127.0.0.1:9901/ready", timeout=1)'
until no_proxy='*' python3 -c "$ready" 2>/dev/null; do
    kill -0 "$process" 2>/dev/null || { wait "$process"; exit 1; }
    sleep 0.1
done

cat <<'TEXT'

Envoy runs in front of a demo application on http://localhost:10000. In another terminal, in this folder, try:

    curl -i http://localhost:10000/

    export MAINTCTL_CONFIG=.run/maintctl.toml
    dist/maintctl status
    dist/maintctl close demo --reason 'Database upgrade' --for 10m
    curl -i http://localhost:10000/
    curl -i -H 'accept: text/html' http://localhost:10000/
    curl -i -H 'x-staff: letmein' http://localhost:10000/
    dist/maintctl explain --policy .run/ecds/maintenance.yaml http://localhost:10000/
    dist/maintctl open demo

Envoy's output follows, with one line for each request. ^C stops the demo; a closed site stays closed at the next start.

TEXT

wait "$process"
