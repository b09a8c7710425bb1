#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs peers.py, scale.py and handshakes.py and says where the gateway stands; tools/bench calls it.

Most figures are ratios of CPU time per request to the scenario's unit, from runs in which all peers
took turns. A limit holds when the median of the calls does and no call is more than 3 % over. An
answer that is not 2xx voids the figure.
"""

import argparse
import dataclasses
import importlib.util
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
from typing import Callable

HERE = pathlib.Path(__file__).resolve().parent

# scenario: peers in the order of the table; the first is the unit.
SCENARIOS = {
    "plain": ["haproxy-l4", "haproxy", "nginx", "h2o", "nghttpx", "envoy"],
    "plain-workers": ["ours-1", "ours-2"],
    "pipeline-workers": ["ours-1", "ours-2"],
    "cold-workers": ["ours-1", "ours-2"],
    "pipeline": ["haproxy-l4", "haproxy", "nginx", "h2o", "envoy"],
    "cold": ["haproxy-l4", "haproxy", "envoy"],
    "tls": ["nginx", "haproxy", "h2o", "nghttpx", "envoy"],
    "h2": ["h2o", "haproxy", "nginx", "nghttpx", "envoy"],
    "h2-h2": ["nghttpx", "envoy", "haproxy"],
    "handshakes": ["nginx", "haproxy"],
    "tls-idle": ["nginx", "haproxy", "h2o", "nghttpx", "envoy"],
    "zero-window": ["haproxy", "nginx", "nghttpx", "h2o", "envoy"],
    "big": ["haproxy", "haproxy-l4", "nginx", "h2o", "nghttpx", "envoy"],
    "idle": ["nginx", "haproxy", "h2o", "nghttpx", "envoy"],
    "scale": ["haproxy", "nginx", "envoy"],
}
SCALE = 10_000  # Clusters; twice as many routes.

TOLERANCE = 1.03
PROGRAMS = {"haproxy-l4": "haproxy", "nginx-l4": "nginx"}
TITLES = {
    "haproxy-l4": "HAProxy, TCP mode",
    "haproxy": "HAProxy",
    "nginx": "nginx",
    "h2o": "H2O",
    "nghttpx": "nghttpx",
    "envoy": "Envoy",
}


@dataclasses.dataclass
class Row:
    """One figure and what it may be."""

    scenario: str
    title: str  # In the table of --markdown.
    limit: float | None
    figure: Callable[[dict, str], float | None]  # Of one call's costs, for a peer.
    digits: int = 2


def ratio(scenario):
    """Of a peer's CPU time per request to the unit's."""
    return lambda costs, peer: costs[peer] / costs[SCENARIOS[scenario][0]]


def lowest(*rivals):
    """Of a peer's CPU time per request to that of whichever of these takes least."""
    return lambda costs, peer: costs[peer] / min(costs[one] for one in rivals if one in costs)


def to_unit(scenario, name):
    """One of several figures, to the unit's."""
    return lambda costs, peer: costs[peer][name] / costs[SCENARIOS[scenario][0]][name]


def part(name):
    """One of a peer's several figures."""
    return lambda costs, peer: costs[peer][name]


ROWS = {
    "plain": Row("plain", "plain HTTP/1.1: CPU a request", 1.05, ratio("plain")),
    # As much as with one, give or take what measuring does.
    "two_workers": Row("plain-workers", "… two workers to one", TOLERANCE, ratio("plain-workers")),
    "pipeline": Row(
        "pipeline", "deny list, JWT, rate limit, breaker, access log: CPU a request", 1.20, ratio("pipeline")
    ),
    "pipeline_two_workers": Row(
        "pipeline-workers", "… two workers to one", TOLERANCE, ratio("pipeline-workers")
    ),
    "cold": Row("cold", "the same, tokens mostly new", 1.60, ratio("cold")),
    "cold_two_workers": Row("cold-workers", "… two workers to one", TOLERANCE, ratio("cold-workers")),
    "tls": Row("tls", "TLS 1.3, HTTP/1.1: CPU a request", 0.95, ratio("tls")),
    "h2": Row("h2", "TLS, HTTP/2: CPU a request", 0.90, ratio("h2")),
    "h2_h2": Row(
        "h2-h2", "… and HTTP/2 upstream, to the better of nghttpx and Envoy", 1.00, lowest("nghttpx", "envoy")
    ),
    "full_handshake": Row("handshakes", "a full handshake: CPU", 1.00, to_unit("handshakes", "full")),
    "resumed_handshake": Row("handshakes", "… resumed", 1.00, to_unit("handshakes", "resumed")),
    "tls_idle": Row("tls-idle", "an idle TLS connection, bytes", 6144, part("connection"), 0),
    "zero_window": Row("zero-window", "80 × 1 MiB at zero window, KiB", 2048, part("KiB"), 0),
    "big": Row("big", "1 MiB responses: CPU a request", 1.00, ratio("big")),
    "idle": Row("idle", "an idle connection, bytes", 700, part("connection"), 0),
    "base": Row("idle", "memory at rest, MiB", 20, part("base"), 1),
    "start": Row("scale", "10,000 clusters: start, s", 1.0, part("start")),
    "cluster_bytes": Row("scale", "… bytes each", 4000, part("bytes"), 0),
    "last_path": Row("scale", "… last path to first: CPU a request", 1.05, part("path")),
}


class Void(Exception):
    """The run gave no figure that may be quoted."""


def installed(peer):
    if peer == "envoy":
        binary = shutil.which(os.environ.get("ENVOY", "envoy"))
        return binary is not None or importlib.util.find_spec("envoy") is not None
    return peer.startswith("ours") or shutil.which(PROGRAMS.get(peer, peer)) is not None


def run(script, *arguments):
    command = [sys.executable, str(HERE / script), *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise Void((done.stderr or done.stdout).strip()[-2000:])
    return done


def call(scenario, peers, options):
    """One call: {peer: CPU microseconds per request, or a dictionary of figures}."""
    if scenario == "scale":
        done = run("scale.py", str(SCALE), "--ours", options.ours, "--peers", ",".join(peers), "--json")
        figures = json.loads(done.stdout.splitlines()[-1])
        if bad := [peer for peer, one in figures.items() if one.pop("bad")]:
            raise Void(f"answers that are not 2xx: {bad}")
        return figures
    if scenario == "handshakes":
        done = run(
            "handshakes.py", "--ours", options.ours, "--peers", ",".join(peers), "--json",
            "--rounds", str(options.rounds), "--secs", str(options.secs),
        )  # fmt: skip
        return json.loads(done.stdout)
    done = run(
        "peers.py", "--scenario", scenario, "--json", "--ours", options.ours,
        "--peers", ",".join(peers), "--rounds", str(options.rounds), "--secs", str(options.secs),
    )  # fmt: skip
    if scenario == "zero-window":
        found = re.findall(r"^(\S+) +(-?\d+) KiB$", done.stdout, re.MULTILINE)
        if len(found) != len(peers) + 1:
            raise Void(done.stdout + done.stderr)
        return {peer: {"KiB": int(kib)} for peer, kib in found}
    if scenario in ("idle", "tls-idle"):
        pattern = r"^(\S+) +base (\d+) KiB.* (-?\d+) B/connection$"
        found = re.findall(pattern, done.stdout, re.MULTILINE)
        if len(found) != len(peers) + 1:
            raise Void(done.stdout + done.stderr)
        return {p: {"base": int(base) / 1024, "connection": int(size)} for p, base, size in found}
    figures = json.loads(done.stdout.splitlines()[-1])
    bad = {peer: what for peer, what in figures.pop("bad").items() if what != "0"}
    if bad:
        raise Void(f"answers that are not 2xx: {bad}")
    return figures


def ours_in(scenario):
    """The gateway's name among the peers."""
    return "ours-2" if scenario.endswith("-workers") else "ours"


def medians(calls, figure):
    """{peer: the median of the calls}"""
    return {peer: statistics.median(figure(costs, peer) for costs in calls) for peer in calls[0]}


def show(scenario, calls):
    print(f"\n{scenario}: median of {len(calls)} calls")
    if isinstance(calls[0][ours_in(scenario)], dict):
        names = list(calls[0][ours_in(scenario)])
        print(f"{'peer':12}" + "".join(f"{name:>14}" for name in names))
        columns = [medians(calls, part(name)) for name in names]
        for peer in calls[0]:
            print(f"{peer:12}" + "".join(f"{column[peer]:14.2f}" for column in columns))
        return
    print(f"{'peer':12} {'CPU us/request':>14} {'x ' + SCENARIOS[scenario][0]:>14}")
    costs = medians(calls, lambda one, peer: one[peer])
    ratios = medians(calls, ratio(scenario))
    for peer, cost in costs.items():
        print(f"{peer:12} {cost:14.2f} {ratios[peer]:14.2f}")


def measure(scenario, options):
    """The calls of one scenario, or why there are none."""
    chosen = SCENARIOS[scenario]
    if options.unit_only and not scenario.endswith("-workers"):
        chosen = chosen[:1]
    peers = [peer for peer in chosen if installed(peer)]
    left_out = [peer for peer in chosen if peer not in peers]
    if left_out:
        print(f"\n{scenario}: left out, not installed: {', '.join(left_out)}")
    try:
        if chosen[0] not in peers:
            raise Void(f"its unit {chosen[0]} is not installed; tools/install --bench brings it")
        calls = [call(scenario, peers, options) for _ in range(options.calls)]
    except Void as reason:
        print(f"\n{scenario}: void: {reason}")
        return None
    show(scenario, calls)
    return calls


def judge(row, calls):
    """(value, limit, verdict)"""
    limit = "-" if row.limit is None else f"{row.limit:g}"
    if calls is None:
        return "void", limit, "-" if row.limit is None else "over"
    ours = ours_in(row.scenario)
    values = [row.figure(costs, ours) for costs in calls]
    value = statistics.median(values)
    if row.limit is None:
        return f"{value:.{row.digits}f}", limit, "-"
    good = value <= row.limit and max(values) <= row.limit * TOLERANCE
    return f"{value:.{row.digits}f}", limit, "ok" if good else "over"


def markdown(results):
    """The README's table: a line for each row, a column for each peer."""
    peers = [peer for peer in TITLES if any(calls and peer in calls[0] for _, calls in results)]
    print("\n<!-- bench -->")
    print("| | **Gatehouse** | at most | " + " | ".join(TITLES[peer] for peer in peers) + " |")
    print("|---" * (len(peers) + 3) + "|")
    for name, calls in results:
        row = ROWS[name]
        value, limit, _ = judge(row, calls)
        others = medians(calls, row.figure) if calls else {}
        cells = [f"{others[peer]:.{row.digits}f}" if peer in others else "" for peer in peers]
        print(f"| {row.title} | **{value}** | {limit} | " + " | ".join(cells) + " |")
    print("<!-- /bench -->")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ours", required=True, help="the gateway's binary")
    parser.add_argument("--calls", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--secs", type=int, default=3)
    parser.add_argument("--unit-only", action="store_true", help="no peer but the unit")
    parser.add_argument("--markdown", action="store_true", help="also the README's table")
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help=", ".join(SCENARIOS))
    options = parser.parse_args()
    if unknown := set(options.scenarios) - set(SCENARIOS):
        parser.error(f"no scenario {', '.join(sorted(unknown))}; there are {', '.join(SCENARIOS)}")
    if len(os.sched_getaffinity(0)) < 2:
        parser.error("needs two CPUs: one for the proxies, one for the load and the upstream")
    limited = {row.scenario for row in ROWS.values() if row.limit is not None}
    wanted = options.scenarios or [scenario for scenario in SCENARIOS if scenario in limited]
    calls = {scenario: measure(scenario, options) for scenario in wanted}
    results = [(name, calls[row.scenario]) for name, row in ROWS.items() if row.scenario in calls]
    if options.markdown:
        markdown(results)
    print()
    verdicts = []
    for name, found in results:
        value, limit, verdict = judge(ROWS[name], found)
        verdicts.append(verdict)
        print(name, value, limit, verdict)
    return 1 if "over" in verdicts else 0


if __name__ == "__main__":
    sys.exit(main())
