#!/usr/bin/env python3
"""The cost of a request without a filter, with an empty SDK filter, with one bare callback, with Lua, and with this filter.

Prints a table and writes dist/bench.json; `--slices 3 --memory 0` is a quick run. Each row is a listener of one Envoy with
one worker. Envoy responds itself, so that the numbers include no application. Envoy runs on one core, h2load on another.
The cost is the CPU time of the worker thread, not elapsed time. Rows run in turn, in short slices, so that other work of
the machine affects all rows alike; the result of a row is the lower quartile of its slices. A filter that lets requests
pass costs less than the noise: it is in the chain ten times, and its cost is a tenth of the difference to no filter.
"""

import argparse
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
TIMES = 10  # how often a filter that lets requests pass is in the chain
TYPES = "type.googleapis.com/"
EXTENSIONS = TYPES + "envoy.extensions."
PATH = "/shop/articles/4711?colour=blue"
# A browser's headers. Rules and sites match the path and the host.
HEADERS = {
    "user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "accept-language": "en-GB,en;q=0.5",
    "sec-fetch-dest": "document",
    "sec-fetch-mode": "navigate",
    "cookie": "session=3f2504e04f8911d39a0c0305e82c3301; theme=dark",
}
# The page of the comparison with Lua: 1 KiB.
PAGE = "<!doctype html><title>Closed</title><h1>Closed for maintenance</h1><p>" + "Please come back later. " * 40
PAGE = PAGE.ljust(1020) + "</p>"

BUDGET_ONLINE = 0.65  # times an empty SDK filter
AIM_ONLINE = 1.5  # times a bare callback
BUDGET_REFUSING = 1.0  # times a Lua filter with the same features
BUDGET_SCALE = 1.2  # times a policy with one of each
BUDGET_MODULE = 560 * 1024  # bytes
BUDGET_MEMORY = 4 * 1024 * 1024  # bytes per worker with 100 sites, more than an empty filter


# The policies.


def policy(sites=1, hosts=None, mode="online", exempt=(), reply=None):
    """A policy whose last site has the host of the requests; all sites have the same mode."""
    names = [f"site-{number}" for number in range(sites)]
    own = [[f"{name}.example.com"] for name in names[:-1]] + [["127.0.0.1"]]
    result = {
        "sites": [{"name": name, "hosts": hosts} for name, hosts in zip(names, own)],
        "exempt": list(exempt),
        "state": {name: {"mode": mode, "reason": "Database upgrade"} for name in names},
    }
    if reply:
        result["reply"] = reply
    return result


def ranges(count):
    """Disjoint CIDR ranges that do not contain the client."""
    return [f"10.{number >> 8}.{number & 255}.0/25" for number in range(count)]


def paths(count):
    """Exact paths other than the path of the requests."""
    return [f"/shop/open/{number}" for number in range(count)]


def strangers(count):
    """Two rules that do not match the requests."""
    return [{"name": "office", "remote_ips": ranges(count)}, {"name": "open", "paths": paths(count)}]


def friends(count):
    """A rule that matches the requests by address and path, each the last of `count`."""
    own = {"remote_ips": ranges(count - 1) + ["127.0.0.1"], "paths": paths(count - 1) + [PATH.split("?")[0]]}
    return [{"name": "friends", **own}]


# A Lua filter with the same features, as far as Lua can: it considers one interpretation of the host and the path, has
# rules on path and user agent, responds in the form that the client accepts, and puts the verdict into the access log. Lua
# has no counters.

LUA = """
local sites = { ["127.0.0.1"] = { name = "site-0", mode = "%(mode)s", retry_after = 300 } }
local page = [[%(page)s]]
local problem = '{"type":"about:blank","title":"Closed for maintenance","status":503}'

local function host_of(headers)
  local authority = headers:get(":authority")
  return authority and authority:lower():match("^([%%w%%-._]-)%%.?:?%%d*$")
end

local function path_of(headers)
  local path = headers:get(":path"):match("^[^?]*")
  if path:find("//", 1, true) or path:find("/%%.%%.?/") or path:find("[%%%%;\\\\]") then return nil end
  return path
end

local function exempt(headers)
  local path = path_of(headers)
  return path ~= nil and path:sub(1, 28) == "/.well-known/acme-challenge/"
end

local function is_probe(headers)
  local agent = headers:get("user-agent")
  return agent ~= nil and agent:sub(1, 11) == "kube-probe/"
end

local function form_of(headers)
  local kind = headers:get("content-type")
  if kind ~= nil and kind:sub(1, 16) == "application/grpc" then return "grpc" end
  local destination = headers:get("sec-fetch-dest")
  if destination == "image" or destination == "script" or destination == "style" then return "bare" end
  local accept = headers:get("accept")
  return accept ~= nil and accept:find("text/html", 1, true) and "html" or "json"
end

function envoy_on_request(handle)
  local headers = handle:headers()
  local host = host_of(headers)
  local site = host and sites[host]
  if site == nil or site.mode == "online" then return end
  local metadata = handle:streamInfo():dynamicMetadata()
  if is_probe(headers) then
    metadata:set("maintenance", "via", "health-check")
    return handle:respond({ [":status"] = "200", ["content-type"] = "text/plain" }, "ok")
  end
  if exempt(headers) then
    metadata:set("maintenance", "via", "exempt")
    return
  end
  metadata:set("maintenance", "via", site.mode)
  local form = form_of(headers)
  local answer = {
    [":status"] = form == "grpc" and "200" or "503",
    ["retry-after"] = tostring(site.retry_after),
    ["x-maintenance-mode"] = site.mode,
    ["cache-control"] = "no-store, max-age=0",
    ["x-robots-tag"] = "noindex",
    ["vary"] = "accept, origin",
    ["x-envoy-ratelimited"] = "true",
  }
  local origin = headers:get("origin")
  if origin ~= nil and origin == "https://" .. host then
    answer["access-control-allow-origin"] = origin
  end
  local body
  if form == "html" then
    answer["content-type"] = "text/html; charset=utf-8"
    answer["x-content-type-options"] = "nosniff"
    body = page
  elseif form == "json" then
    answer["content-type"] = "application/problem+json"
    body = problem
  elseif form == "grpc" then
    answer["content-type"] = "application/grpc"
    answer["grpc-status"] = "14"
  end
  handle:respond(answer, body)
end
"""

# The simplest Lua filter with the same response: one host, one response for every client, no verdict in the log.
LEAST_LUA = """
local page = [[%(page)s]]

function envoy_on_request(handle)
  if handle:headers():get(":authority"):match("^[^:]*") ~= "127.0.0.1" then return end
  handle:respond({
    [":status"] = "503",
    ["retry-after"] = "300",
    ["x-maintenance-mode"] = "%(mode)s",
    ["cache-control"] = "no-store, max-age=0",
    ["x-robots-tag"] = "noindex",
    ["vary"] = "accept, origin",
    ["x-envoy-ratelimited"] = "true",
    ["content-type"] = "text/html; charset=utf-8",
    ["x-content-type-options"] = "nosniff",
  }, page)
end
"""


def lua(mode, source=LUA):
    """A Lua filter."""
    source = source % {"mode": mode, "page": PAGE}
    any_type = EXTENSIONS + "filters.http.lua.v3.Lua"
    return {"name": "lua", "typed_config": {"@type": any_type, "default_source_code": {"inline_string": source}}}


def wasm(module, vm_id, configuration=None, name="filter"):
    """A wasm filter. Filters with the same `vm_id` share a VM."""
    config = {
        "name": name,
        "failure_policy": "FAIL_RELOAD",
        "vm_config": {"vm_id": vm_id, "runtime": "envoy.wasm.runtime.v8", "code": {"local": {"filename": str(module)}}},
    }
    if configuration is not None:
        value = json.dumps(configuration)
        config["configuration"] = {"@type": TYPES + "google.protobuf.StringValue", "value": value}
    return {"name": name, "typed_config": {"@type": EXTENSIONS + "filters.http.wasm.v3.Wasm", "config": config}}


class Row:
    """A row of the table: the filters before Envoy's own response, and the expected status."""

    def __init__(self, name, filters, status=200, counted=None):
        self.name, self.filters, self.status, self.counted = name, filters, status, counted
        # Filters that let requests pass are in the chain ten times.
        self.times = max(len(filters), 1)
        # Settings of the connection manager that override the default ones.
        self.manager = {}
        self.port = 0
        self.slices = []

    def cost(self):
        """Microseconds per request: the lower quartile of the slices."""
        ordered = sorted(self.slices)
        return ordered[(len(ordered) - 1) // 4]


def rows(modules):
    """All rows, in the order of the table."""

    def own(name, configuration, status=200, counted=None):
        filters = [wasm(modules["filter"], name, configuration)]
        return Row(name, filters * (TIMES if status == 200 else 1), status, counted)

    several = [wasm(modules["filter"], "several", policy(sites=n), f"filter-{n}") for n in range(1, TIMES + 1)]
    page = {"html": PAGE}
    return [
        Row("no filter", []),
        Row("no filter, again", []),
        Row("one bare callback", [wasm(modules["bare"], "bare")] * TIMES),
        Row("empty SDK filter", [wasm(modules["empty"], "empty")] * TIMES),
        Row("empty SDK filter, stripped", [wasm(modules["stripped"], "stripped")] * TIMES),
        Row("Lua, online", [lua("online")] * TIMES),
        own("online, 1 site", policy()),
        own("online, 1000 sites", policy(sites=1000)),
        Row("online, several policies in one VM", several),
        own("exempt, 1 site, 1 range, 1 path", policy(mode="offline", exempt=friends(1)), counted="rq_bypassed"),
        own(
            "exempt, 1000 sites, 10000 ranges, 10000 paths",
            policy(sites=1000, mode="offline", exempt=friends(10_000)),
            counted="rq_bypassed",
        ),
        Row("Lua, refusing", [lua("offline")], 503),
        Row("Lua, refusing, same answer for everyone", [lua("offline", LEAST_LUA)], 503),
        own("refusing, same body as Lua", policy(mode="offline", reply=page), 503),
        own("refusing, 1 site, 1 range, 1 path", policy(mode="offline", exempt=strangers(1)), 503),
        own("refusing, 1000 sites", policy(sites=1000, mode="offline", exempt=strangers(1)), 503),
        own("refusing, 10000 ranges, 10000 paths", policy(mode="offline", exempt=strangers(10_000)), 503),
    ]


# Envoy.


def free_ports(count):
    """Free ports."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def listener(name, port, filters, own=None):
    """A listener whose route has a direct response; `own` settings of the connection manager come last."""
    router = {
        "name": "envoy.filters.http.router",
        "typed_config": {"@type": EXTENSIONS + "filters.http.router.v3.Router"},
    }
    filters = [{**one, "name": f"{one['name']}-{place}"} for place, one in enumerate(filters)]
    manager = {
        "@type": EXTENSIONS + "filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "bench",
        "use_remote_address": True,
        "normalize_path": True,
        "merge_slashes": True,
        "generate_request_id": False,
        "http_filters": filters + [router],
        "route_config": {
            "virtual_hosts": [
                {
                    "name": "all",
                    "domains": ["*"],
                    "routes": [
                        {
                            "match": {"prefix": "/"},
                            "direct_response": {"status": 200, "body": {"inline_string": "ok"}},
                        }
                    ],
                }
            ]
        },
    }
    manager.update(own or {})
    return {
        "name": name,
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": port}},
        "filter_chains": [
            {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}
        ],
    }


class Envoy:
    """A running Envoy with a listener for each row."""

    def __init__(self, program, listed, concurrency=1, core=None):
        self.folder = tempfile.TemporaryDirectory(prefix="bench-")
        *ports, self.admin = free_ports(len(listed) + 1)
        for row, port in zip(listed, ports):
            row.port = port
        config = {
            "node": {"id": "bench", "cluster": "bench"},
            "admin": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": self.admin}}},
            "stats_flush_interval": "200s",
            "static_resources": {"listeners": [listener(row.name, row.port, row.filters, row.manager) for row in listed]},
        }
        bootstrap = pathlib.Path(self.folder.name) / "envoy.json"
        bootstrap.write_text(json.dumps(config))
        self.log = pathlib.Path(self.folder.name) / "log"
        command = [program, "-c", str(bootstrap), "--concurrency", str(concurrency)]
        command += ["--use-dynamic-base-id", "--log-level", "warn", "--log-path", str(self.log)]
        pin = None if core is None else (lambda: os.sched_setaffinity(0, {core}))
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=pin)
        self.wait()

    def wait(self):
        """Waits until Envoy is ready."""
        for _ in range(1200):
            if self.process.poll() is not None:
                said = [line[:300] for line in self.log.read_text().splitlines()]
                sys.exit("\n".join(["bench: Envoy does not start:", *said[:5], *said[-5:]]))
            try:
                if self.get("/ready")[0] == 200:
                    return
            except OSError:
                pass
            time.sleep(0.1)
        self.stop()
        sys.exit("bench: Envoy is not ready after two minutes")

    def get(self, path):
        """A page of the admin interface."""
        connection = http.client.HTTPConnection("127.0.0.1", self.admin, timeout=30)
        connection.request("GET", path)
        response = connection.getresponse()
        result = response.status, response.read().decode()
        connection.close()
        return result

    def worker_seconds(self):
        """The CPU time of the worker thread so far."""
        total = 0
        for task in pathlib.Path(f"/proc/{self.process.pid}/task").iterdir():
            if (task / "comm").read_text().startswith("wrk:worker_"):
                total += int((task / "schedstat").read_text().split()[0])
        return total / 1e9

    def resident(self):
        """Bytes of memory in use."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) * 1024

    def stop(self):
        """Stops Envoy."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.folder.cleanup()


def ask(row):
    """Sends a request and returns status, headers and body."""
    connection = http.client.HTTPConnection("127.0.0.1", row.port, timeout=30)
    connection.request("GET", PATH, headers=HEADERS)
    response = connection.getresponse()
    result = response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()
    connection.close()
    return result


def load(row, requests, core, connections=8):
    """Sends requests and checks that every response has the expected status."""
    command = ["h2load", "--h1", "-n", str(requests), "-c", str(connections), "-t", "1"]
    for name, value in HEADERS.items():
        command += ["-H", f"{name}: {value}"]
    command.append(f"http://127.0.0.1:{row.port}{PATH}")
    pin = None if core is None else (lambda: os.sched_setaffinity(0, {core}))
    said = subprocess.run(command, capture_output=True, text=True, preexec_fn=pin, check=True).stdout
    found = re.search(r"status codes: (\d+) 2xx, \d+ 3xx, \d+ 4xx, (\d+) 5xx", said)
    answered = int(found[1 if row.status == 200 else 2]) if found else 0
    if answered != requests:
        sys.exit(f"bench: {row.name}: {requests} requests, but {answered} responses with status {row.status}:\n{said}")


# Measurements.


def check(envoy, listed):
    """Checks that every row has the behaviour of its name."""
    answers = {}
    for row in listed:
        answers[row.name] = ask(row)
        if answers[row.name][0] != row.status:
            sys.exit(f"bench: {row.name}: status {answers[row.name][0]}, expected {row.status}")
        if row.counted:
            counters = re.findall(rf"{row.counted}\S*: (\d+)", envoy.get("/stats")[1])
            if sum(map(int, counters)) < TIMES:
                sys.exit(f"bench: {row.name}: {row.counted} has not counted the request")
    alike = ["refusing, same body as Lua", "Lua, refusing", "Lua, refusing, same answer for everyone"]
    found = [answers[name] for name in alike if name in answers]
    responses = [(status, {**headers, "date": ""}, body) for status, headers, body in found]
    if any(response != responses[0] for response in responses):
        sys.exit(f"bench: Lua and the filter respond differently: {responses}")


def measure(arguments, listed):
    """Measures the slices of all rows."""
    envoy_core, load_core = sorted(os.sched_getaffinity(0))[:2]
    envoy = Envoy(arguments.envoy, listed, core=envoy_core)
    try:
        check(envoy, listed)
        # Warm up, so that V8 does not optimise code during a slice.
        for row in listed:
            load(row, arguments.requests * 4, load_core)
        for number in range(arguments.slices):
            print(f"bench: slice {number + 1} of {arguments.slices}", file=sys.stderr, flush=True)
            for row in listed:
                before = envoy.worker_seconds()
                load(row, arguments.requests, load_core)
                row.slices.append((envoy.worker_seconds() - before) / arguments.requests * 1e6)
    finally:
        envoy.stop()


def memory(arguments, modules):
    """Bytes of memory of each further worker, for the filter with 100 sites and for an empty one."""
    result = {}
    for name, configuration in (("empty", None), ("filter", policy(sites=100))):
        sizes = {1: [], 9: []}
        for _ in range(arguments.memory):
            for concurrency, found in sizes.items():
                row = Row(name, [wasm(modules[name], name, configuration)])
                envoy = Envoy(arguments.envoy, [row], concurrency=concurrency)
                try:
                    load(row, 5000, None, connections=50)
                    time.sleep(0.5)
                    found.append(envoy.resident())
                finally:
                    envoy.stop()
        result[name] = (statistics.median(sizes[9]) - statistics.median(sizes[1])) / 8
    return result


def build(strip, filter_module):
    """Builds the other modules of the comparison."""
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve() / "bench"
    target.mkdir(parents=True, exist_ok=True)
    here = ROOT / "tests/bench/modules"
    bare = target / "bare.wasm"
    wasi = ["--target", "wasm32-wasip1"]
    flags = ["--edition", "2024", "--crate-type", "cdylib", "-C", "opt-level=3", "-C", "panic=abort"]
    subprocess.run(["rustc", *wasi, *flags, "-C", "strip=symbols", here / "bare/lib.rs", "-o", bare], check=True)
    manifest = ["--manifest-path", here / "empty/Cargo.toml", "--target-dir", target]
    subprocess.run(["cargo", "build", "--quiet", "--release", "--locked", *wasi, *manifest], check=True)
    empty = target / "wasm32-wasip1/release/bench_empty.wasm"
    stripped = target / "stripped.wasm"
    subprocess.run([*strip, empty, stripped], check=True)
    return {"filter": filter_module, "empty": empty, "stripped": stripped, "bare": bare}


# Output.


def budgets(costs, modules, memory_found):
    """The budgets: name, measured value, maximum, and whether the value is within the budget."""
    empty, bare = costs["empty SDK filter"], costs["one bare callback"]
    found = []
    for name in ("online, 1 site", "online, 1000 sites", "online, several policies in one VM"):
        found.append((f"{name} / empty SDK filter", costs[name] / empty, BUDGET_ONLINE, ""))
    online = costs["online, 1 site"]
    found.append(("online, 1 site / one bare callback (aim)", online / bare, AIM_ONLINE, ""))
    refusing = costs["refusing, same body as Lua"]
    found.append(("refusing / Lua with the same features", refusing / costs["Lua, refusing"], BUDGET_REFUSING, ""))
    for many, one in (
        ("exempt, 1000 sites, 10000 ranges, 10000 paths", "exempt, 1 site, 1 range, 1 path"),
        ("refusing, 1000 sites", "refusing, 1 site, 1 range, 1 path"),
        ("refusing, 10000 ranges, 10000 paths", "refusing, 1 site, 1 range, 1 path"),
    ):
        found.append((f"{many} / 1 of each", costs[many] / costs[one], BUDGET_SCALE, ""))
    found.append(("module", modules["filter"].stat().st_size / 1024, BUDGET_MODULE / 1024, "KiB"))
    if memory_found:
        over = (memory_found["filter"] - memory_found["empty"]) / 1024
        found.append(("memory per worker, more than an empty filter, 100 sites", over, BUDGET_MEMORY / 1024, "KiB"))
    return [
        {"name": name, "found": round(value, 2), "budget": most, "unit": unit, "holds": value <= most}
        for name, value, most, unit in found
    ]


def table(head, lines):
    """Prints a Markdown table with aligned columns."""
    lines = [[str(cell) for cell in line] for line in [head, *lines]]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]

    def form(line):
        cells = [line[0].ljust(widths[0])] + [cell.rjust(width) for cell, width in zip(line[1:], widths[1:])]
        return f"| {' | '.join(cells)} |"

    rule = "|".join(["-" * (widths[0] + 2)] + ["-" * (width + 1) + ":" for width in widths[1:]])
    print("\n".join([form(lines[0]), f"|{rule}|", *map(form, lines[1:])]))


def main():
    """Builds the modules, measures, and prints the results."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--envoy", required=True, help="the Envoy to measure")
    parser.add_argument("--module", type=pathlib.Path, default=ROOT / "dist/envoy_maintenance.wasm")
    parser.add_argument("--strip", required=True, help="the command that strips exports, without its two paths")
    parser.add_argument("--slices", type=int, default=12, help="slices per row (12)")
    parser.add_argument("--requests", type=int, default=6000, help="requests per slice (6000)")
    parser.add_argument("--memory", type=int, default=3, help="measurements of memory (3); 0 for none")
    parser.add_argument("--only", default="", help="measure only rows whose name matches this regex; prints no budgets")
    parser.add_argument("--output", type=pathlib.Path, default=ROOT / "dist/bench.json")
    arguments = parser.parse_args()
    if shutil.which("h2load") is None:
        sys.exit("bench: needs h2load (Debian: tests/install-debian-packages.sh)")
    if len(os.sched_getaffinity(0)) < 2:
        sys.exit("bench: needs two cores, one for Envoy and one for the load")

    modules = build(arguments.strip.split(), arguments.module)
    listed = [row for row in rows(modules) if row.name == "no filter" or re.search(arguments.only, row.name)]
    measure(arguments, listed)
    none = listed[0].cost()
    costs = {row.name: (row.cost() - none) / row.times for row in listed}
    print()
    table(
        ["row", "filters", "µs per request", "µs per filter"],
        [[row.name, row.times if row.filters else 0, f"{row.cost():.2f}", f"{costs[row.name]:.2f}"] for row in listed],
    )
    memory_found = memory(arguments, modules) if arguments.memory else None
    sizes = {name: path.stat().st_size for name, path in modules.items()}
    print()
    table(
        ["module", "KiB", "KiB of memory per worker"],
        [
            [name, f"{size / 1024:.1f}", f"{memory_found[name] / 1024:.0f}" if name in (memory_found or {}) else ""]
            for name, size in sizes.items()
        ],
    )
    if arguments.only:
        return
    kept = budgets(costs, modules, memory_found)
    print()
    table(
        ["budget", "measured", "at most", "within"],
        [
            [
                one["name"],
                f"{one['found']:.2f} {one['unit']}".strip(),
                f"{one['budget']:g} {one['unit']}".strip(),
                "yes" if one["holds"] else "NO",
            ]
            for one in kept
        ],
    )
    version = subprocess.run([arguments.envoy, "--version"], capture_output=True, text=True, check=True).stdout.split()
    result = {
        "envoy": version[2] if len(version) > 2 else "",
        "slices": arguments.slices,
        "requests": arguments.requests,
        "rows": [
            {
                "name": row.name,
                "filters": len(row.filters),
                "request_us": round(row.cost(), 3),
                "filter_us": round(costs[row.name], 3),
                "slices_us": [round(slice, 3) for slice in row.slices],
            }
            for row in listed
        ],
        "module_bytes": sizes,
        "memory_bytes_a_worker": memory_found,
        "budgets": kept,
    }
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n")
    print(f"\n{arguments.output}")


if __name__ == "__main__":
    main()
