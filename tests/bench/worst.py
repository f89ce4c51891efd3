#!/usr/bin/env python3
"""A search for the most expensive request, in comparison with a plain refusal.

Generates policies and requests of at most 60 KB, and measures the CPU time of the worker thread for each pair, less that of
the same request without a filter. The search continues from the most expensive pairs and changes one part of the policy or
of the request at a time. The numbers are medians of several requests; the printed pairs are measured again. `--seed`
repeats a run, except for the noise of the machine.
"""

import argparse
import json
import pathlib
import random
import socket
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import bench  # noqa: E402

BUDGET_MS = 1.0
MOST_BYTES = 60_000  # the default limit of Envoy

# Short and long regexes, with few and with many simultaneous states.
REGEXES = [
    "[a-z]+-[0-9]{1,3}",
    "(?i).*(bot|crawl|spider).*",
    ".*a.*b.*c.*d.*q",
    "(a|b|c|d|e|f|g|h)*x",
    "[a-z0-9./ -]*z",
    "(a?){20}z",
    "(.*.*.*.*.*)Q",
    "(x{0,20}y?){5}",
    ".*a[ab]{12}",
    "/api/.*",
    ".*bot.*",
    "[\\w.-]+@[\\w.-]+",
    "(.?){100}!",
    "[^^]\\B(.{0,50}){5}Q",
    "(?i)([^\\w\\w\\w\\w\\w]?){60}z",
    "q.*",
]
# Envoy does not normalize paths, so that the filter does all the work.
MANAGER = {"normalize_path": False, "merge_slashes": False}
NAMES = ["x-a", "cookie", "user-agent", "accept"]


# Policies: lists of parts, each a function of a random generator that adds rules, sites or replies.


def text(dice):
    """A TEXT of a rule."""
    kind = dice.randrange(9)
    if kind < 3:
        return {"regex": dice.choice(REGEXES)}
    if kind == 3:
        return [{"regex": f"{dice.choice(REGEXES)}{number}"} for number in range(dice.choice([10, 30]))]
    if kind == 4:
        return {"sha256": f"{dice.getrandbits(256):064x}"}
    if kind == 8:
        return [{"sha256": f"{dice.getrandbits(256):064x}"} for _ in range(dice.choice([10, 300]))]
    if kind == 5:
        return [f"{'a' * dice.randrange(1, 40)}{number}*" for number in range(dice.choice([10, 300]))]
    if kind == 6:
        return [f"*{'a' * dice.randrange(1, 40)}{number}" for number in range(dice.choice([10, 300]))]
    return [f"word-{number}" for number in range(dice.choice([1, 1000]))]


def rule(dice):
    """The conditions of a rule."""
    kind = dice.choice(["headers", "query", "cookies", "paths", "remote_ips", "several"])
    if kind == "paths":
        value = text(dice)
        fits = lambda one: not isinstance(one, str) or one.startswith(("/", "*"))
        values = [one if fits(one) else f"/{one}" for one in (value if isinstance(value, list) else [value])]
        return {"paths": values}
    if kind == "remote_ips":
        alone = {"remote_ips": bench.ranges(dice.choice([1, 1000]))}
        return alone if dice.random() < 0.5 else {**alone, "headers": [{"name": "x-a", "value": text(dice)}]}
    if kind == "several":
        return {"headers": [{"name": dice.choice(NAMES), "value": text(dice)} for _ in range(dice.randrange(1, 6))]}
    name = dice.choice(NAMES) if kind == "headers" else "x-a"
    return {kind: [{"name": name, "value": text(dice)}]}


def part(dice):
    """A part of a policy: rules and their place."""
    place = dice.choice(["always_closed", "exempt", "health_checks", "site-rules", "path-sites", "hosts", "labels", "formats", "cors"])
    count = dice.choice([1, 1, 5, 64])
    if place in ("always_closed", "exempt", "health_checks"):
        return {"place": place, "rules": [rule(dice)] * count if dice.random() < 0.5 else [rule(dice) for _ in range(count)]}
    if place == "cors":
        return {"place": place, "origins": [{"regex": dice.choice(REGEXES)} for _ in range(count)]}
    return {"place": place, "rules": [rule(dice) for _ in range(min(count, 5))], "count": dice.choice([1, 64, 1000])}


def policy(parts, mode):
    """The policy of these parts."""
    result = {"exempt": [], "always_closed": [], "health_checks": [], "reply": {}}
    sites = [{"name": "site", "hosts": ["a.example"]}]
    number = 0

    def named(rules):
        nonlocal number
        for one in rules:
            number += 1
            yield {"name": f"rule-{number}", **one}

    for one in parts:
        place = one["place"]
        if place in result:
            result[place] += named(one["rules"])
        elif place == "site-rules":
            sites[0].setdefault("always_closed", []).extend(named(one["rules"]))
        elif place == "path-sites":
            for index in range(one["count"]):
                site = {"name": f"path-{len(sites)}", "hosts": ["a.example"], "paths": [f"/p{len(sites)}"]}
                site["always_closed"] = list(named(one["rules"])) if index < 64 else []
                sites.append(site)
        elif place == "hosts":
            for index in range(one["count"]):
                site = {"name": f"host-{len(sites)}", "hosts": [f"h{len(sites)}.example"]}
                site["exempt"] = list(named(one["rules"])) if index < 64 else []
                sites.append(site)
        elif place == "labels":
            for index in range(min(one["count"], 124)):
                sites.append({"name": f"label-{len(sites)}", "hosts": ["*." + ".".join(["b"] * (index + 1))], "paths": [f"/p{index}"]})
        elif place == "formats":
            paths = [path for rule in one["rules"] for path in rule.get("paths", [])] or [{"regex": REGEXES[2]}]
            result["reply"]["formats"] = [{"paths": paths, "format": "json"}]
        elif place == "cors":
            result["reply"]["cors"] = {"origins": one["origins"]}
    result["sites"] = sites
    result["state"] = {site["name"]: {"mode": mode, "reason": "Database upgrade"} for site in sites[:64]}
    return result


# Requests: lists of pieces, each with its place and its content.


def filler(dice, length):
    """Bytes that are expensive for regexes and comparisons."""
    kind = dice.randrange(7)
    if kind == 6:
        return ("\u00fc" * length).encode()[:length].decode("latin-1")
    if kind == 0:
        return "a" * length
    if kind == 1:
        return ("abcdefgh" * (length // 8 + 1))[:length]
    if kind == 2:
        return ("x" * 19 + "y")[: max(1, length)] * (length // 20)
    if kind == 3:
        return "ab" * (length // 2)
    if kind == 4:
        return "".join(dice.choice("abcxyz019-./") for _ in range(length))
    return ("%61" * (length // 3 + 1))[:length]


def piece(dice):
    """A piece of a request."""
    place = dice.choice(["header", "header", "header", "cookie", "query", "path", "host", "method", "origin", "accept"])
    size = dice.choice([50, 300, 1000, 4000, 8000, 16_000, 56_000])
    if place == "header":
        count = dice.choice([1, 3, 14, 80])
        return {"place": place, "name": dice.choice(NAMES), "values": [filler(dice, min(size, 56_000 // count))] * count}
    if place == "cookie":
        name, one = dice.choice([("x-a", "x-a=" + filler(dice, size)), ("many", "x-a=a;"), ("other", "b;")])
        return {"place": place, "value": one if name == "x-a" else one * (size // len(one))}
    if place == "query":
        one = dice.choice(["x-a=" + filler(dice, size), "x-a=ab&", "x-a=ab;", "%78-a=%61&", "b&", ";"])
        return {"place": place, "value": one if len(one) > 20 else one * (size // len(one))}
    if place == "path":
        special = dice.choice(["", "%2f", "//", ";a", "%3b%23%00%5c//", "%25252561", "/../", "/x/../.%2fh", "%41", "\\", "%c3%a9", "%09%2f%3f", ";b\\c;d//e%2509f%2500g%23h%20"])
        body = filler(dice, size)
        start = dice.choice(["/", "/p1/", "//%c3%bc.example/", "//h1.example/"])
        many = (special or "a") * (size // max(len(special), 1))
        return {"place": place, "value": start + (special + body if dice.random() < 0.5 else many)}
    if place == "host":
        return {"place": place, "value": dice.choice(["a.example", "h1.example", "user@a.example", "a.example:1", "other", ".".join(["b"] * 126)])}
    if place == "method":
        return {"place": place, "value": dice.choice(["GET", "POST", "OPTIONS", "HEAD"])}
    if place == "origin":
        return {"place": place, "value": dice.choice(["https://a.example", "https://" + filler(dice, min(size, 500))])}
    return {"place": place, "value": dice.choice(["text/html", "a/b;q=0,"]) * (1 if dice.random() < 0.3 else size // 8)}


def request(pieces):
    """The bytes of a request with these pieces, within the limits of Envoy."""
    line = {"method": "GET", "path": "/", "query": "", "host": "a.example"}
    headers = []
    for one in pieces:
        place = one["place"]
        if place in line:
            line[place] = one["value"]
        elif place == "header":
            headers += [(one["name"], value) for value in one["values"]]
        else:
            headers.append((place, one["value"]))
    target = line["path"][:MOST_BYTES] + ("?" + line["query"] if line["query"] else "")
    head = f"{line['method']} {target[:MOST_BYTES]} HTTP/1.1\r\nHost: {line['host']}\r\n"
    left = MOST_BYTES - len(head)
    for name, value in headers[:90]:
        value = value[: max(0, left - 60)].strip()
        header = f"{name}: {value}\r\n"
        left -= len(header) + 32
        if left < 0:
            break
        head += header
    return (head + "\r\n").encode("latin-1")


# Measurements.


class Connection:
    """An open connection that sends requests and reads complete responses."""

    def __init__(self, port):
        self.port = port
        self.open()

    def open(self):
        """Opens a new connection."""
        self.socket = socket.create_connection(("127.0.0.1", self.port), timeout=30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, data):
        """Sends a request and returns the status, or 0 without a response."""
        try:
            self.socket.sendall(data)
            got = b""
            while b"\r\n\r\n" not in got:
                more = self.socket.recv(65536)
                if not more:
                    raise OSError
                got += more
        except OSError:
            self.open()
            return 0
        head, body = got.split(b"\r\n\r\n", 1)
        length = 0
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        if data.startswith(b"HEAD") or head.split(b" ")[1] == b"204":
            length = 0
        while len(body) < length:
            body += self.socket.recv(65536)
        if b"connection: close" in head.lower():
            self.open()
        return int(head.split(b" ")[1])


def cost(envoy, connection, data, times):
    """The median CPU time of a request in microseconds, and the status."""
    found = []
    status = connection.ask(data)
    for _ in range(times):
        before = envoy.worker_seconds()
        connection.ask(data)
        found.append((envoy.worker_seconds() - before) * 1e6)
    return statistics.median(found), status


class Pair:
    """A policy, a request, and their cost."""

    def __init__(self, parts, mode, pieces):
        self.parts, self.mode, self.pieces = parts, mode, pieces
        self.cost, self.status = 0.0, 0

    def changed(self, dice):
        """A copy with one or two changed parts or pieces."""
        parts, pieces, mode = list(self.parts), list(self.pieces), self.mode
        for _ in range(dice.randrange(1, 3)):
            of, make = dice.choice([(parts, part), (pieces, piece)])
            way = dice.randrange(3)
            if way == 0 or not of:
                of.append(make(dice))
            elif way == 1:
                of[dice.randrange(len(of))] = make(dice)
            else:
                of.pop(dice.randrange(len(of)))
        if dice.random() < 0.1:
            mode = dice.choice(["online", "offline", "read_only"])
        return Pair(parts[-6:], mode, pieces[-6:])


def fresh(dice):
    """A new pair."""
    parts = [part(dice) for _ in range(dice.randrange(1, 4))]
    pieces = [piece(dice) for _ in range(dice.randrange(1, 4))]
    return Pair(parts, dice.choice(["online", "offline"]), pieces)


def is_accepted(maintctl, pair):
    """Returns whether lint finds no error in the policy."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(policy(pair.parts, pair.mode), file)
        file.flush()
        said = subprocess.run([maintctl, "lint", file.name], capture_output=True, text=True)
    return not any(line.startswith("error:") for line in (said.stdout + said.stderr).splitlines())


def measure(arguments, pairs, times):
    """Measures pairs in one Envoy: each policy has a listener, and one listener has no filter."""
    listed = [bench.Row("bare", [])]
    listed[0].manager = MANAGER
    for index, pair in enumerate(pairs):
        configuration = policy(pair.parts, pair.mode)
        row = bench.Row(f"pair-{index}", [bench.wasm(arguments.module, "worst", configuration, f"pair-{index}")])
        row.manager = MANAGER
        listed.append(row)
    envoy = bench.Envoy(arguments.envoy, listed)
    try:
        bare = Connection(listed[0].port)
        for row, pair in zip(listed[1:], pairs):
            connection = Connection(row.port)
            data = request(pair.pieces)
            # Warm up: V8 optimises code, and the filter compiles a policy on its first request.
            for _ in range(times):
                connection.ask(data)
            without, _ = cost(envoy, bare, data, times)
            found, pair.status = cost(envoy, connection, data, times)
            pair.cost = found - without
    finally:
        envoy.stop()


def main():
    """Searches, and prints the most expensive pairs."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--envoy", required=True, help="the Envoy to measure")
    parser.add_argument("--module", type=pathlib.Path, default=bench.ROOT / "dist/envoy_maintenance.wasm")
    parser.add_argument("--maintctl", default=bench.ROOT / "dist/maintctl", help="the maintctl whose lint must accept the policies")
    parser.add_argument("--rounds", type=int, default=20, help="rounds of the search (20)")
    parser.add_argument("--width", type=int, default=24, help="pairs per round (24)")
    parser.add_argument("--seed", type=int, default=1, help="seed of the search (1)")
    parser.add_argument("--output", type=pathlib.Path, default=bench.ROOT / "dist/worst.json")
    arguments = parser.parse_args()

    dice = random.Random(arguments.seed)
    best = []
    for number in range(arguments.rounds):
        pairs = [fresh(dice) for _ in range(arguments.width // 2)]
        pairs += [dice.choice(best).changed(dice) if best else fresh(dice) for _ in range(arguments.width - len(pairs))]
        pairs = [pair for pair in pairs if is_accepted(arguments.maintctl, pair)]
        measure(arguments, pairs, 5)
        best = sorted(best + pairs, key=lambda pair: -pair.cost)[:12]
        print(f"bench: round {number + 1} of {arguments.rounds}: {best[0].cost / 1000:.2f} ms", file=sys.stderr, flush=True)
    plain = Pair([], "offline", [])
    worst = best[:6]
    measure(arguments, [plain, *worst], 31)
    worst.sort(key=lambda pair: -pair.cost)

    def told(pair):
        places = ", ".join(sorted({one["place"] for one in pair.parts})) or "none"
        return places, ", ".join(sorted({one["place"] for one in pair.pieces})) or "plain", str(len(request(pair.pieces)))

    print()
    bench.table(
        ["rules in", "content in", "bytes", "status", "ms per request"],
        [[*told(pair), pair.status, f"{pair.cost / 1000:.3f}"] for pair in [plain, *worst]],
    )
    holds = worst[0].cost <= BUDGET_MS * 1000
    print(f"\nbudget: {worst[0].cost / 1000:.2f} ms, at most {BUDGET_MS:g} ms: {'within budget' if holds else 'OVER BUDGET'}")
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    found = [
        {"ms": pair.cost / 1000, "status": pair.status, "policy": policy(pair.parts, pair.mode), "request": request(pair.pieces).decode("latin-1")}
        for pair in worst
    ]
    arguments.output.write_text(json.dumps({"plain_ms": plain.cost / 1000, "worst": found}) + "\n")
    if not holds:
        sys.exit(1)


if __name__ == "__main__":
    main()
