#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What limits in Redis cost: decisions a second without HTTP, and what they add to a request.

    nice tools/bazel build //source:gatehouse //test/bench:redis_bench
    test/bench/redis_limit.py [--seconds 5] [--rounds 5] [--rate 2000]

Ours runs on CPU 0; Redis, nginx behind the gateway and h2load share CPU 1. The gateway is asked at a
fixed rate for a route with the limit and one without, in turns, so that drift hits both. Then Redis
is stopped in mid-run, with many requests under way, and what a route without the limit takes is how
long the worker's loop was held up. Exits 1 when a figure misses its limit.
"""

import argparse
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = os.path.join(os.path.dirname(os.path.realpath(__file__)), "../..")
GATEWAY = os.environ.get("GATEHOUSE", os.path.join(ROOT, "bazel-bin/source/gatehouse"))
BENCH = os.path.join(ROOT, "bazel-bin/test/bench/redis_bench")
LEAST_DECISIONS = 100_000  # A second, of one core.
MOST_ADDED_MS = 1.0  # To the 99th percentile.
MOST_LAG_MS = 5.0  # The 99th percentile of a route that has no limit, in the seconds after the stop.
CONNECTIONS = 32
CROWD = 512  # Connections that ask Redis when it stops.

NGINX = """
daemon off; worker_processes 1; pid {directory}/nginx.pid; error_log {directory}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off; keepalive_requests 100000000;
  client_body_temp_path {directory}; proxy_temp_path {directory}; fastcgi_temp_path {directory};
  uwsgi_temp_path {directory}; scgi_temp_path {directory};
  server {{ listen 127.0.0.1:{port} reuseport; location / {{ return 200 "ok"; }} }}
}}
"""
CONFIG = """
admin: {{address: "127.0.0.1:0"}}
runtime: {{workers: 1}}
listeners: [{{name: web, address: "127.0.0.1:{port}"}}]
filters:
  shared: {{type: rate_limit, rate: 1000000/s, key: {{header: user-agent}},
           store: "redis://127.0.0.1:{redis}", on_store_failure: {failure}}}
clusters: {{up: {{endpoints: ["127.0.0.1:{upstream}"]}}}}
routes:
  - {{match: {{path_prefix: /limited}}, filters: [shared], cluster: up}}
  - {{match: {{path_prefix: /}}, cluster: up}}
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port):
    for _ in range(1000):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.01)
    sys.exit(f"nobody listens on port {port}")


class Parts:
    """The processes, ended together."""

    def __init__(self):
        self.directory = tempfile.mkdtemp(prefix="gatehouse-bench-")
        self.processes = []

    def run(self, cpu, *words):
        self.processes.append(
            subprocess.Popen(
                ["taskset", "-c", str(cpu), *words],
                cwd=self.directory,
                stdout=subprocess.DEVNULL,
            )
        )

    def write(self, name, text):
        path = os.path.join(self.directory, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def redis(self):
        port = free_port()
        self.run(1, "redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "")
        wait_for(port)
        return port

    def stop(self):
        for process in self.processes:
            process.send_signal(signal.SIGCONT)
            process.terminate()
        for process in self.processes:
            process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)


def decisions(parts, arguments):
    """Whether the best of `rounds` is enough: what else the machine does only takes away."""
    port = parts.redis()
    best = 0
    for in_flight in (256,) * arguments.rounds + (1, 32):
        line = subprocess.run(
            ["taskset", "-c", "0", BENCH, f"redis://127.0.0.1:{port}"]
            + [str(arguments.seconds), str(in_flight)],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        print(line, end="", flush=True)
        best = max(best, int(line.split(": ")[1].split(" ")[0]))
    print(f"decisions: {best}/s, at least {LEAST_DECISIONS}", flush=True)
    return best >= LEAST_DECISIONS


def load(parts, port, path, rate, seconds, connections=CONNECTIONS):
    """Starts h2load; (process, its log)."""
    log = os.path.join(parts.directory, f"h2load{path.replace('/', '-')}.log")
    if os.path.exists(log):
        os.unlink(log)
    words = ["taskset", "-c", "1", "h2load", "--h1", f"-c{connections}", f"-D{seconds}"]
    words += [f"--rps={rate / connections}", f"--log-file={log}", f"http://127.0.0.1:{port}{path}"]
    return subprocess.Popen(words, stdout=subprocess.DEVNULL), log


def rows_of(process, log):
    """[(when it began in seconds, how long it took in ms)]; every answer must be a 200."""
    if process.wait() != 0:
        sys.exit("h2load failed")
    with open(log, encoding="utf-8") as file:
        rows = [line.split() for line in file]
    wrong = [row for row in rows if row[1] != "200"]
    if wrong or not rows:
        sys.exit(f"{len(wrong)} of {len(rows)} answers are not 200")
    return [(int(row[0]) / 1e6, int(row[2]) / 1000) for row in rows]


def percentile(times, part):
    times = sorted(times)
    return times[min(int(len(times) * part), len(times) - 1)]


def gateway(parts, failure):
    """(port, Redis' process) with nginx and Redis behind it."""
    redis, upstream, port = parts.redis(), free_port(), free_port()
    redis_process = parts.processes[-1]
    nginx = parts.write("nginx.conf", NGINX.format(directory=parts.directory, port=upstream))
    parts.run(1, "nginx", "-c", nginx)
    wait_for(upstream)
    text = CONFIG.format(port=port, redis=redis, upstream=upstream, failure=failure)
    parts.run(0, os.path.abspath(GATEWAY), "run", "-c", parts.write("g.yaml", text))
    wait_for(port)
    for path in ("/plain", "/limited"):  # Connections and scripts.
        rows_of(*load(parts, port, path, 2000, 1))
    return port, redis_process


def added(parts, arguments):
    """Whether a limit in Redis adds little enough."""
    port, _ = gateway(parts, "deny")
    differences = []
    for _ in range(arguments.rounds):
        found = []
        for path in ("/plain", "/limited"):
            started = load(parts, port, path, arguments.rate, arguments.seconds)
            times = [took for _, took in rows_of(*started)]
            found.append((percentile(times, 0.5), percentile(times, 0.99)))
            print(f"{path}: p50 {found[-1][0]:.3f} ms, p99 {found[-1][1]:.3f} ms", flush=True)
        differences.append([limited - plain for plain, limited in zip(*found)])
    p50, p99 = (percentile(column, 0.5) for column in zip(*differences))
    print(f"added at {arguments.rate}/s: p50 {p50:.3f} ms, p99 {p99:.3f} ms, at most {MOST_ADDED_MS}")
    return p99 <= MOST_ADDED_MS


def stopped(parts, arguments):
    """Whether a Redis that stops in mid-run holds up nobody but those who asked it."""
    port, redis = gateway(parts, "allow")
    lags = []
    for _ in range(arguments.rounds):
        crowd = load(parts, port, "/limited", arguments.rate, 4, CROWD)
        others = load(parts, port, "/plain", 500, 4, 8)
        time.sleep(2)
        redis.send_signal(signal.SIGSTOP)
        at = time.time()
        time.sleep(1)
        redis.send_signal(signal.SIGCONT)
        waited = [took for began, took in rows_of(*crowd) if took >= 100 and began < at + 1]
        rows = [row for row in rows_of(*others) if row[0] > at - 1.5]
        before = [took for began, took in rows if began < at - 0.2]
        after = [took for began, took in rows if at <= began < at + 1]
        lags.append(percentile(after, 0.99))
        print(
            f"{len(waited)} waited for Redis, at most {max(waited, default=0):.0f} ms; others: "
            f"p99 {percentile(before, 0.99):.3f} ms before, {lags[-1]:.3f} ms after, "
            f"at most {max(after):.3f} ms",
            flush=True,
        )
    lag = percentile(lags, 0.5)
    print(f"others after the stop: p99 {lag:.3f} ms, at most {MOST_LAG_MS}; no errors")
    return lag <= MOST_LAG_MS


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rate", type=int, default=2000)
    parser.add_argument("--only", choices=["decisions", "added", "stopped"])
    arguments = parser.parse_args()
    parts = [("decisions", decisions), ("added", added), ("stopped", stopped)]
    good = True
    for name, measure in parts:
        if arguments.only in (None, name):
            processes = Parts()
            try:
                good = measure(processes, arguments) and good
            finally:
                processes.stop()
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
