#!/usr/bin/env python3
"""The time that closing and opening a site takes, and the cost of documents with invalid signatures.

`maintctl` closes and opens a site of an Envoy with four workers under load, by push and by file. The first numbers are the
times from the start of the command to its end, when every worker has adopted, and the times from the acceptance of a
document to its adoption by every worker. The same times follow for a fleet of twenty Envoys, of which two are frozen and one is
dead. Then one worker gets documents with invalid signatures: the number is the CPU
time of a check, and the largest share of a worker that such documents can use.
"""

import argparse
import base64
import hashlib
import http.client
import json
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import tempfile
import time

from bench import ROOT, TYPES, Envoy, Row, table, wasm

PREFIX = "/.maintenance"
SIGNATURES = 50  # checks per second and worker: the budget of the filter


def text(data):
    """base64url without padding (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def policies(jwk):
    """The policy of the site, and that of the control listener."""
    keys = [{"name": "ops", "jwk": jwk, "sites": ["shop"], "may": ["state"]}]
    site = {"fleet": "bench", "sites": [{"name": "shop"}], "keys": keys}
    return site, {"fleet": "bench", "sites": [], "keys": keys, "control": {"path_prefix": PREFIX}}


class Desk:
    """An operator's folder with a key and a target."""

    def __init__(self, maintctl):
        self.maintctl = maintctl
        self.folder = tempfile.TemporaryDirectory(prefix="bench-")
        self.path = pathlib.Path(self.folder.name)
        self.jwk = json.loads(self.run("init"))

    def target(self, lines):
        """Writes the target."""
        head = 'default = "one"\nfleet = "bench"\nkey = "maintctl.key"\n[target.one]\n'
        (self.path / "maintctl.toml").write_text(head + lines)

    def run(self, *words):
        """Runs maintctl, which must succeed."""
        done = subprocess.run([self.maintctl, *words], cwd=self.path, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"bench: maintctl {' '.join(words)}: {done.stderr}")
        return done.stdout


def status(connection):
    """The short status of the site."""
    connection.request("GET", f"{PREFIX}/v1/status")
    return json.loads(connection.getresponse().read())["sites"][0]


def adoption(desk, port, verb):
    """Seconds from the acceptance of a document to its adoption by the last worker."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    before = status(connection)["revision"]
    command = subprocess.Popen([desk.maintctl, verb, "shop", "--wait=false"], cwd=desk.path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    accepted = None
    while True:
        seen = status(connection)
        now = time.perf_counter()
        if seen["revision"] != before:
            accepted = accepted or now
            if seen["workers"]["adopted"] == seen["workers"]["members"]:
                command.wait()
                return now - accepted


def switch(desk, rounds):
    """The duration of each close and each open, in seconds."""
    taken = []
    for _ in range(rounds):
        for verb in ("close", "open"):
            begin = time.perf_counter()
            desk.run(verb, "shop")
            taken.append(time.perf_counter() - begin)
    return taken


def closed(ports):
    """True if every Envoy refuses a request."""
    for port in ports:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("GET", "/")
        if connection.getresponse().status != 503:
            return False
    return True


def fleet(arguments, desk):
    """Closes twenty Envoys, of which two are frozen and one is dead, beside a name that does not resolve: seconds until all
    healthy ones refuse requests, and until the command ends with a timeout of one second. The tests of switched Envoys cost
    time themselves."""
    site, control = policies(desk.jwk)
    fleet = []
    for _ in range(20):
        rows = [Row("data", [wasm(arguments.module, "maintenance", site, "data")])]
        rows.append(Row("control", [wasm(arguments.module, "maintenance", control, "control")]))
        fleet.append((Envoy(arguments.envoy, rows, concurrency=1), rows))
    urls = [f"http://127.0.0.1:{rows[1].port}{PREFIX}" for _, rows in fleet] + ["http://no-such-host.invalid:1"]
    desk.target(f"envoys = {json.dumps(urls)}\n")
    frozen, dead, healthy = fleet[:2], fleet[2], fleet[3:]
    ports = [rows[0].port for _, rows in healthy]
    switched, proven = [], []
    try:
        dead[0].stop()
        for envoy, _ in frozen:
            os.kill(envoy.process.pid, signal.SIGSTOP)
        for _ in range(arguments.rounds):
            begin = time.perf_counter()
            command = [desk.maintctl, "close", "shop", "--timeout", "1s"]
            running = subprocess.Popen(command, cwd=desk.path, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
            while not closed(ports):
                time.sleep(0.002)
            switched.append(time.perf_counter() - begin)
            answer = running.communicate()[0]
            proven.append(answer.count("17/21"))
            opening = [desk.maintctl, "open", "shop", "--timeout", "1s"]
            subprocess.run(opening, cwd=desk.path, capture_output=True, check=False)
    finally:
        for envoy, _ in frozen:
            os.kill(envoy.process.pid, signal.SIGCONT)
        for envoy, _ in frozen + healthy:
            envoy.stop()
    return switched, sum(proven)


def discovered(folder):
    """A filter that Envoy reads from a watched file."""
    source = {"path_config_source": {"path": f"{folder}/ecds.json", "watched_directory": {"path": folder}}}
    kinds = [TYPES + "envoy.extensions.filters.http.wasm.v3.Wasm"]
    return {"name": "data", "config_discovery": {"config_source": {**source, "resource_api_version": "V3"}, "type_urls": kinds}}


def under_load(arguments, desk, by_file):
    """Closes and opens with four workers under load: seconds per command, and seconds until all workers have adopted."""
    site, control = policies(desk.jwk)
    data = wasm(arguments.module, "maintenance", site, "data")
    if by_file:
        extension = {"@type": TYPES + "envoy.config.core.v3.TypedExtensionConfig", **data, "name": "data-0"}
        (desk.path / "ecds.json").write_text(json.dumps({"resources": [extension]}))
        (desk.path / "policy.json").write_text(json.dumps(site))
        data = discovered(str(desk.path))
    listed = [Row("data", [data]), Row("control", [wasm(arguments.module, "maintenance", control, "control")])]
    envoy = Envoy(arguments.envoy, listed, concurrency=4)
    port = listed[1].port
    lines = f'envoys = ["http://127.0.0.1:{port}{PREFIX}"]\n'
    desk.target(lines + ('file = "ecds.json"\npolicy = "policy.json"\n' if by_file else ""))
    load = subprocess.Popen(
        ["h2load", "--h1", "-D", "600", "-c", "40", "-t", "1", f"http://127.0.0.1:{listed[0].port}/"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        time.sleep(1)
        taken = switch(desk, arguments.rounds)
        verbs = ["close", "open"] * arguments.rounds
        return taken, [] if by_file else [adoption(desk, port, verb) for verb in verbs]
    finally:
        load.kill()
        load.wait()
        envoy.stop()


def forged(jwk, known):
    """A document with an invalid signature, with the id of a known or of an unknown key."""
    members = json.dumps({name: jwk[name] for name in ("crv", "kty", "x")}, separators=(",", ":"))
    kid = text(hashlib.sha256(members.encode()).digest()) if known else "unknown"
    now = time.time_ns() // 1_000_000
    document = {"site": "shop", "fleet": "bench", "revision": now, "mode": "offline"}
    parts = [{"alg": "EdDSA", "typ": "maintenance-state+jwt", "kid": kid}, document]
    # With a scalar below the group order, the check runs to its end (RFC 8032 section 5.1.7).
    signature = os.urandom(63) + b"\x05"
    return ".".join([text(json.dumps(part).encode()) for part in parts] + [text(signature)])


def signature_cost(arguments, desk):
    """The CPU time of a signature check, in microseconds."""
    site, control = policies(desk.jwk)
    listed = [
        Row("data", [wasm(arguments.module, "maintenance", site, "data")]),
        Row("control", [wasm(arguments.module, "maintenance", control, "control")]),
    ]
    envoy = Envoy(arguments.envoy, listed)
    spent = {True: [], False: []}
    try:
        connection = http.client.HTTPConnection("127.0.0.1", listed[1].port, timeout=10)
        for number in range(arguments.rounds * 2):
            known = number % 2 == 0
            count = SIGNATURES - 5
            time.sleep(1.1)
            before = envoy.worker_seconds()
            for _ in range(count):
                headers = {"x-maintenance-document": forged(desk.jwk, known), "content-length": "0"}
                connection.request("PUT", f"{PREFIX}/v1/sites/shop", headers=headers)
                answer = json.loads(connection.getresponse().read())["code"]
                if answer != ("bad_signature" if known else "unknown_key"):
                    sys.exit(f"bench: the response to a forged document is {answer}")
            spent[known].append((envoy.worker_seconds() - before) / count * 1e6)
    finally:
        envoy.stop()
    return statistics.median(spent[True]) - statistics.median(spent[False])


def main():
    """Measures and prints the results."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--envoy", required=True, help="the Envoy to measure")
    parser.add_argument("--module", type=pathlib.Path, default=ROOT / "dist/envoy_maintenance.wasm")
    parser.add_argument("--maintctl", type=pathlib.Path, default=ROOT / "dist/maintctl")
    parser.add_argument("--rounds", type=int, default=10, help="rounds of closing and opening, each by push and by file (10)")
    parser.add_argument("--output", type=pathlib.Path, default=ROOT / "dist/switch.json")
    arguments = parser.parse_args()
    desk = Desk(arguments.maintctl.resolve())
    rows = {}
    for name, by_file in (("push", False), ("file", True)):
        print(f"bench: close and open by {name}", file=sys.stderr, flush=True)
        taken, adopted = under_load(arguments, desk, by_file)
        rows[f"maintctl close or open, by {name}"] = taken
        if adopted:
            rows["a document that Envoy has accepted, until every worker has adopted it"] = adopted
    print("bench: twenty Envoys, two frozen, one dead", file=sys.stderr, flush=True)
    switched, proven = fleet(arguments, desk)
    print("bench: forged documents", file=sys.stderr, flush=True)
    check = signature_cost(arguments, desk)
    print()
    cells = [[name, f"{statistics.median(row) * 1e3:.0f}", f"{max(row) * 1e3:.0f}"] for name, row in rows.items()]
    table(["four workers under load", "median, ms", "slowest, ms"], cells)
    print(
        f"\n17 healthy of 20 Envoys: closed after {statistics.median(switched) * 1e3:.0f} ms (slowest"
        f" {max(switched) * 1e3:.0f} ms), and all proven within one second in {proven} of {len(switched)} rounds"
    )
    share = check * SIGNATURES / 1e6
    print(f"\na signature check takes {check:.0f} µs; {SIGNATURES} per second are {share:.1%} of a worker")
    rows["17 healthy of 20 Envoys, until all refuse requests"] = switched
    result = {"seconds": rows, "proven_within_a_second": [proven, len(switched)], "signature_us": round(check, 1), "share_of_a_worker": round(share, 4)}
    arguments.output.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
