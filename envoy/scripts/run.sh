#!/bin/sh
# The demo of `make run`: Envoy with the filter in front of a demo application. The state is in a watched file in .run/, so
# a closed site stays closed after the next start. PORT moves all ports: PORT=12000 moves them by 2000. ^C ends everything.
set -eu
cd "$(dirname "$0")/../.."

# The ports of envoy/file.yaml, all moved by the same number.
port=${PORT:-10000}
case $port in
    *[!0-9]* | 0* | ??????* | "") port=0 ;;
esac
if [ "$port" -lt 1123 ] || [ "$port" -gt 65533 ]; then
    echo "PORT=${PORT:-} is not a port between 1123 and 65533; for example, make run PORT=12000" >&2
    exit 2
fi
control=$((port + 1)) application=$((port + 2)) admin=$((port - 99))

python3 - "0.0.0.0:$port" "127.0.0.1:$control" "127.0.0.1:$application" "127.0.0.1:$admin" <<'PYTHON'
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
    advice = "; to move all ports: make run PORT=12000"
    sys.exit(f"port {port} ({host}) is not available: {problem.lower()}{' ' if owner else ''}{owner}{advice}")
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

# Write the bootstrap, and the address of its control endpoint, with the ports of this start.
sed -e "s/port_value: 10000 /port_value: $port /" -e "s/port_value: 10001 /port_value: $control /" \
    -e "s/port_value: 10002 /port_value: $application /" -e "s/port_value: 9901 /port_value: $admin /" \
    envoy/file.yaml >.run/envoy.yaml
sed "s|http://127\.0\.0\.1:[0-9]*/\.maintenance|http://127.0.0.1:$control/.maintenance|" .run/maintctl.toml >.run/new.toml
mv .run/new.toml .run/maintctl.toml

process=
end() {
    [ -z "$process" ] || { kill "$process" 2>/dev/null || true; wait "$process" || true; }
    exit 0
}
trap end INT TERM HUP
"$envoy" --config-path .run/envoy.yaml --disable-hot-restart --file-flush-interval-msec 100 \
    --log-level warning --component-log-level wasm:info &
process=$!

# Wait until Envoy serves or exits. The request goes to no proxy.
ready="import urllib.request as http; http.urlopen('http://127.0.0.1:$admin/ready', timeout=1)"
until no_proxy='*' python3 -c "$ready" 2>/dev/null; do
    kill -0 "$process" 2>/dev/null || { wait "$process"; exit 1; }
    sleep 0.1
done

cat <<TEXT

Envoy runs in front of a demo application on http://localhost:$port. In another terminal, in this folder, try:

    curl -i http://localhost:$port/

    export MAINTCTL_CONFIG=.run/maintctl.toml
    dist/maintctl status
    dist/maintctl close demo --reason 'Database upgrade' --for 10m
    curl -i http://localhost:$port/
    curl -i -H 'accept: text/html' http://localhost:$port/
    curl -i -H 'x-staff: letmein' http://localhost:$port/
    dist/maintctl explain --policy .run/ecds/maintenance.yaml http://localhost:$port/
    dist/maintctl open demo

Envoy's output follows, with one line for each request. ^C stops the demo; a closed site stays closed at the next start.

TEXT

wait "$process"
