#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs peers.py scenario by scenario and says where the gateway stands; tools/bench calls it.

A figure is a ratio of CPU time per request to the scenario's unit, from runs in which all peers
took turns; for `idle` it is bytes for each idle connection. A limit holds when the median of the
calls does and no call is more than 3 % over. An answer that is not 2xx voids the figure.
"""

import argparse
import importlib.util
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent

# scenario: peers in the order of the table; the first is the unit.
SCENARIOS = {
    "plain": ["haproxy-l4", "haproxy", "nginx", "h2o", "nghttpx", "envoy"],
    "pipeline": ["haproxy-l4", "haproxy", "nginx", "h2o", "envoy"],
    "cold": ["haproxy-l4", "haproxy", "envoy"],
    "tls": ["nginx", "haproxy", "h2o", "nghttpx", "envoy"],
    "h2": ["h2o", "haproxy", "nginx", "nghttpx", "envoy"],
    "big": ["haproxy", "haproxy-l4", "nginx", "h2o", "nghttpx", "envoy"],
    "idle": ["nginx", "haproxy", "h2o", "nghttpx", "envoy"],
}

# What the gateway may cost (docs/benchmarks.md). A scenario without a limit is only shown.
LIMITS = {
    "plain": 1.15,
}

TOLERANCE = 1.03
PROGRAMS = {"haproxy-l4": "haproxy", "nginx-l4": "nginx"}


class Void(Exception):
    """The run gave no figure that may be quoted."""


def installed(peer):
    if peer == "envoy":
        binary = shutil.which(os.environ.get("ENVOY", "envoy"))
        return binary is not None or importlib.util.find_spec("envoy") is not None
    return shutil.which(PROGRAMS.get(peer, peer)) is not None


def call(scenario, peers, options):
    """One call of peers.py: {peer: CPU microseconds per request, or bytes per connection}."""
    command = [sys.executable, str(HERE / "peers.py"), "--scenario", scenario, "--json"]
    command += ["--ours", options.ours, "--peers", ",".join(peers)]
    command += ["--rounds", str(options.rounds), "--secs", str(options.secs)]
    run = subprocess.run(command, capture_output=True, text=True)
    if run.returncode != 0:
        raise Void((run.stderr or run.stdout).strip()[-2000:])
    if scenario == "idle":
        found = re.findall(r"^(\S+) .* (-?\d+) B/connection$", run.stdout, re.MULTILINE)
        if len(found) != len(peers) + 1:
            raise Void(run.stdout + run.stderr)
        return {peer: float(size) for peer, size in found}
    figures = json.loads(run.stdout.splitlines()[-1])
    bad = {peer: what for peer, what in figures.pop("bad").items() if what != "0"}
    if bad:
        raise Void(f"answers that are not 2xx: {bad}")
    return figures


def figure(scenario, costs):
    """What a limit is set for, from one call's costs."""
    return costs["ours"] if scenario == "idle" else costs["ours"] / costs[SCENARIOS[scenario][0]]


def show(scenario, calls):
    unit = SCENARIOS[scenario][0]
    name = "B/connection" if scenario == "idle" else "CPU us/request"
    print(f"\n{scenario}: median of {len(calls)} calls")
    print(f"{'peer':12} {name:>14} {'x ' + unit:>14}")
    for peer in calls[0]:
        cost = statistics.median(costs[peer] for costs in calls)
        ratio = statistics.median(costs[peer] / costs[unit] for costs in calls)
        print(f"{peer:12} {cost:14.2f} {ratio:14.2f}")


def measure(scenario, options):
    """(name, value, limit, verdict) of one scenario."""
    limit = LIMITS.get(scenario)
    chosen = SCENARIOS[scenario][:1] if options.unit_only else SCENARIOS[scenario]
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
        return scenario, "void", limit, "over"
    show(scenario, calls)
    values = [figure(scenario, costs) for costs in calls]
    value = statistics.median(values)
    if limit is None:
        return scenario, f"{value:.2f}", None, "-"
    good = value <= limit and max(values) <= limit * TOLERANCE
    return scenario, f"{value:.2f}", limit, "ok" if good else "over"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ours", required=True, help="the gateway's binary")
    parser.add_argument("--calls", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--secs", type=int, default=3)
    parser.add_argument("--unit-only", action="store_true", help="no peer but the unit")
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help=", ".join(SCENARIOS))
    options = parser.parse_args()
    if unknown := set(options.scenarios) - set(SCENARIOS):
        parser.error(f"no scenario {', '.join(sorted(unknown))}; there are {', '.join(SCENARIOS)}")
    if len(os.sched_getaffinity(0)) < 2:
        parser.error("needs two CPUs: one for the proxies, one for the load and the upstream")
    rows = [measure(scenario, options) for scenario in options.scenarios or LIMITS]
    print()
    for name, value, limit, verdict in rows:
        print(name, value, "-" if limit is None else limit, verdict)
    return 1 if any(verdict == "over" for *_, verdict in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
