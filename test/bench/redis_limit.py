# SPDX-License-Identifier: Apache-2.0
"""What limits in Redis cost: decisions a second without HTTP, and what they add to a request.

    nice tools/bazel build //source:gatehouse //test/bench:redis_bench
    test/bench/redis_limit.py [--seconds 5] [--rounds 5] [--rate 2000]

Ours runs on CPU 0; Redis, nginx behind the gateway and h2load share CPU 1. The gateway is asked at a
fixed rate for a route with the limit and one without, in turns, so that drift hits both. Exits 1
when a figure misses its limit.
"""

import argparse
import os
import shutil
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
CONNECTIONS = 32

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
admin: {{enabled: false}}
runtime: {{workers: 1}}
listeners: [{{name: web, address: "127.0.0.1:{port}"}}]
filters:
  shared: {{type: rate_limit, rate: 1000000/s, key: {{header: user-agent}},
           store: "redis://127.0.0.1:{redis}", on_store_failure: deny}}
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
            process.terminate()
        for process in self.processes:
            process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)


def decisions(parts, seconds, rounds):
    """Whether the best of `rounds` is enough: what else the machine does only takes away."""
    port = parts.redis()
    best = 0
    for in_flight in (256,) * rounds + (1, 32):
        line = subprocess.run(
            ["taskset", "-c", "0", BENCH, f"redis://127.0.0.1:{port}", str(seconds), str(in_flight)],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        print(line, end="", flush=True)
        best = max(best, int(line.split(": ")[1].split(" ")[0]))
    print(f"decisions: {best}/s, at least {LEAST_DECISIONS}", flush=True)
    return best >= LEAST_DECISIONS


def percentiles(parts, port, path, rate, seconds):
    """(median, 99th percentile) of a request's time in ms."""
    log = os.path.join(parts.directory, "h2load.log")
    if os.path.exists(log):
        os.unlink(log)
    subprocess.run(
        ["taskset", "-c", "1", "h2load", "--h1", f"-c{CONNECTIONS}", f"-D{seconds}"]
        + [f"--rps={rate / CONNECTIONS}", f"--log-file={log}", f"http://127.0.0.1:{port}{path}"],
        stdout=subprocess.DEVNULL,
        check=True,
    )
    with open(log, encoding="utf-8") as file:
        rows = [line.split() for line in file]
    if any(row[1] != "200" for row in rows) or not rows:
        sys.exit(f"{path}: answers that are not 200")
    times = sorted(int(row[2]) / 1000 for row in rows)
    return times[len(times) // 2], times[int(len(times) * 0.99)]


def added(parts, arguments):
    redis, upstream, port = parts.redis(), free_port(), free_port()
    nginx = parts.write("nginx.conf", NGINX.format(directory=parts.directory, port=upstream))
    parts.run(1, "nginx", "-c", nginx)
    wait_for(upstream)
    config = parts.write("g.yaml", CONFIG.format(port=port, redis=redis, upstream=upstream))
    parts.run(0, os.path.abspath(GATEWAY), "run", "-c", config)
    wait_for(port)
    rows = {"/plain": [], "/limited": []}
    for path in rows:
        percentiles(parts, port, path, arguments.rate, 1)  # Connections and scripts.
    for _ in range(arguments.rounds):
        for path, row in rows.items():
            row.append(percentiles(parts, port, path, arguments.rate, arguments.seconds))
            print(f"{path}: p50 {row[-1][0]:.3f} ms, p99 {row[-1][1]:.3f} ms", flush=True)
    differences = [
        (limited[0] - plain[0], limited[1] - plain[1])
        for plain, limited in zip(rows["/plain"], rows["/limited"])
    ]
    p50 = sorted(one for one, _ in differences)[len(differences) // 2]
    p99 = sorted(one for _, one in differences)[len(differences) // 2]
    print(f"added at {arguments.rate}/s: p50 {p50:.3f} ms, p99 {p99:.3f} ms, at most {MOST_ADDED_MS}")
    return p99 <= MOST_ADDED_MS


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rate", type=int, default=2000)
    parser.add_argument("--only", choices=["decisions", "added"])
    arguments = parser.parse_args()
    parts = Parts()
    try:
        good = True
        if arguments.only != "added":
            good = decisions(parts, arguments.seconds, arguments.rounds) and good
        if arguments.only != "decisions":
            good = added(parts, arguments) and good
    finally:
        parts.stop()
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
