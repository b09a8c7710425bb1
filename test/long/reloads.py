#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A thousand reloads, every other one broken, while wrk asks and WebSockets are open: nothing is
lost, nothing grows. And with ten thousand routes, nobody waits for a reload.

RELOADS=n does so many. GATEHOUSE names the binary; without it, the one that Bazel has built.
"""

import json
import os
import re
import signal
import statistics
import subprocess
import sys
import threading
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../integration"))

from gatehouse import PATIENCE, GatewayTest, wait_until  # noqa: E402
from http1 import pss_bytes  # noqa: E402
from programs import nginx, tool  # noqa: E402

RELOADS = int(os.environ.get("RELOADS", "1000"))
WEBSOCKETS = 20
CONNECTIONS = 16
# Caches and pools reach their size in the first tenth or so. After that, what a reload leaves behind
# for good would add up: this much is what measuring does.
LEFT_BYTES_A_RELOAD = 512
LEFT_FDS = 4
MOST_PAUSE_US = 1000
ROUTES = 10_000

WRK_PATHS = """
local paths, i = {"/up", "/changing", "/word"}, 0
request = function() i = i % #paths + 1; return wrk.format("GET", paths[i]) end
"""


def config(word, up, websocket, limit, filters):
    """What the traffic runs through; `word`, `limit` and `filters` change from one to the next."""
    return f"""
version: 1
admin: {{address: "127.0.0.1:0"}}
runtime: {{workers: 2}}
listeners:
  - {{name: web, address: "127.0.0.1:0", upgrades: [websocket], filters: [fields]}}
filters:
  fields: {{type: headers, response: {{set: {{x-word: "{filters}"}}}}}}
clusters:
  up: {{endpoints: ["{up}"]}}
  changing: {{endpoints: ["{up}"], limits: {{max_connections: {limit}}}}}
  chat: {{endpoints: ["127.0.0.1:{websocket}"]}}
routes:
  - {{name: chat, match: {{path: /chat}}, cluster: chat}}
  - {{name: up, match: {{path: /up}}, cluster: up}}
  - {{name: changing, match: {{path: /changing}}, cluster: changing}}
  - {{name: word, match: {{path: /word}}, respond: {{status: 200, body: "{word}"}}}}
"""


class Node:
    """websockets.js, in one of its roles."""

    def __init__(self, test, *arguments):
        # Debian's packages of Node's modules (tools/install --test) are not on its path elsewhere.
        environment = dict(os.environ, NODE_PATH="/usr/share/nodejs")
        self.process = subprocess.Popen(
            [tool("node", "nodejs"), os.path.join(HERE, "websockets.js"), *arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment,
        )  # fmt: skip
        test.addCleanup(self._kill)
        self.first = self.line()

    def line(self):
        text = self.process.stdout.readline()
        if not text:
            raise AssertionError("node has ended; tools/install --test installs node-ws")
        return json.loads(text)

    def end(self):
        """What it says at its end."""
        self.process.stdin.close()
        return self.line()

    def _kill(self):
        self.process.kill()
        self.process.wait(PATIENCE)
        self.process.stdout.close()


class Wrk:
    """Constant load until stopped."""

    def __init__(self, test, gateway, script=""):
        host, port = gateway.addresses["web"]
        command = [tool("wrk", "wrk"), "-t1", f"-c{CONNECTIONS}", "-d3h", "--latency"]
        if script:
            path = gateway.path("paths.lua")
            with open(path, "w", encoding="ascii") as file:
                file.write(script)
            command += ["-s", path]
        self.process = subprocess.Popen(
            command + [f"http://{host}:{port}/up"], stdout=subprocess.PIPE, text=True
        )
        test.addCleanup(self._kill)

    def _kill(self):
        self.process.kill()
        self.process.communicate()

    def stop(self):
        """(requests, what went wrong)"""
        self.process.send_signal(signal.SIGINT)
        out = self.process.communicate(timeout=PATIENCE)[0]
        wrong = re.findall(r"Non-2xx.*|Socket errors.*", out)
        return int(re.search(r"(\d+) requests in", out).group(1)), wrong


class ReloadStorm(GatewayTest):
    pace = threading.Event()  # Never set: only waited on.

    def test_reloads_lose_nothing_and_leave_nothing(self):
        gateway = self.gateway("")
        os.chmod(gateway.directory, 0o755)  # nginx's worker is another user.
        up = nginx(self, gateway.path("n"), 'location / { return 200 "up"; }')
        server = Node(self, "server")

        def text(i):
            return config(f"word{i}", up, server.first["port"], 100 + i % 7, i % 5)

        gateway.write(text(0))
        gateway.start()
        host, port = gateway.addresses["web"]
        sockets = Node(self, "clients", f"ws://{host}:{port}/chat", str(WEBSOCKETS))
        self.assertEqual(sockets.first, {"open": WEBSOCKETS})
        load = Wrk(self, gateway, WRK_PATHS)
        self.reload(gateway, text, range(1, RELOADS // 10))
        before = self.sizes(gateway)
        began = time.monotonic()
        marks = [RELOADS // 10 * i for i in range(1, 11)]
        for start, stop in zip(marks, marks[1:]):
            self.reload(gateway, text, range(start, stop))
            print(f"{stop} reloads: {self.sizes(gateway)}", flush=True)
        rate = RELOADS * 0.9 / (time.monotonic() - began)
        after = self.sizes(gateway)
        requests, wrong = load.stop()
        chats = sockets.end()
        print(f"{rate:.1f} reloads/s, {requests} requests {wrong}, WebSockets: {chats}")
        self.assertEqual(wrong, [])
        self.assertGreater(requests, RELOADS)
        self.assertEqual((chats["closed"], chats["wrong"], chats["errors"]), (0, 0, []))
        self.assertGreater(chats["messages"], WEBSOCKETS)
        self.assertLessEqual(after["fds"], before["fds"] + LEFT_FDS)
        self.assertLessEqual(after["bytes"], before["bytes"] + LEFT_BYTES_A_RELOAD * RELOADS)

    def test_clusters_that_change_each_time_leave_nothing(self):
        upstream = self.upstream()
        clusters = 1000

        def text(i):
            limits = f"limits: {{max_connections: {100 + i}}}"
            listed = "".join(
                f"  c{k}: {{endpoints: ['{upstream.address}'], {limits}}}\n" for k in range(clusters)
            )
            routes = "".join(
                f"  - {{match: {{path: /r{k}}}, cluster: c{k}}}\n" for k in range(clusters)
            )
            return (
                'admin: {address: "127.0.0.1:0"}\nruntime: {workers: 1}\n'
                'listeners: [{name: web, address: "127.0.0.1:0"}]\n'
                f"clusters:\n{listed}routes:\n{routes}"
            )

        gateway = self.gateway(text(0)).start()
        sizes = {}
        for i in range(1, 301):
            gateway.replace(text(i))
            self.assertEqual(gateway.post("/reload").status, 200)
            self.assertEqual(gateway.fetch(f"/r{clusters - 1}").status, 200)
            if i % 100 == 0:
                sizes[i] = self.sizes(gateway)
        print(f"after so many reloads: {sizes}")
        self.assertLessEqual(sizes[300]["fds"], sizes[100]["fds"] + LEFT_FDS)
        self.assertLessEqual(
            sizes[300]["bytes"], sizes[100]["bytes"] + LEFT_BYTES_A_RELOAD * 200
        )

    def reload(self, gateway, text, numbers):
        """Even numbers are broken."""
        for i in numbers:
            if i % 2 == 0:
                gateway.replace(text(i) + "nonsense: [")
                self.assertEqual(gateway.post("/reload").status, 422)
            else:
                gateway.replace(text(i))
                answer = gateway.post("/reload")
                self.assertEqual(answer.status, 200, answer.body)

    def sizes(self, gateway):
        """Descriptors and memory, at their least in a few looks: requests come and go."""
        looks = []
        for _ in range(10):
            self.pace.wait(0.05)
            pid = gateway.process.pid
            looks.append((len(os.listdir(f"/proc/{pid}/fd")), pss_bytes(pid)))
        return {"fds": min(fds for fds, _ in looks), "bytes": min(size for _, size in looks)}


def many_routes(up, word):
    routes = "".join(
        f"  - {{match: {{path_prefix: /svc{i}, headers: {{x-a: b}}}}, cluster: c{i % 100}}}\n"
        for i in range(ROUTES - 1)
    )
    clusters = "".join(f"  c{i}: {{endpoints: ['{up}']}}\n" for i in range(100))
    return f"""
admin: {{address: "127.0.0.1:0"}}
runtime: {{workers: 1}}
listeners:
  - {{name: web, address: "127.0.0.1:0"}}
clusters:
{clusters}routes:
  - {{match: {{path: /up}}, cluster: c0, rewrite: {{headers: {{set: {{x-word: {word}}}}}}}}}
{routes}"""


class TenThousandRoutes(GatewayTest):
    """One worker's pauses. Another process on its CPU would show, so the best of some runs counts: a
    pause of the gateway's own making is in each."""

    def test_no_worker_pauses_for_a_reload(self):
        best = MOST_PAUSE_US
        for _ in range(5):
            pause, quiet, busy = self.run_once()
            print(
                f"longest task {pause:.0f} us; a request takes {quiet[0]:.0f} us (99 %: {quiet[1]:.0f}, "
                f"all: {quiet[2]:.0f}), between reloads and during them {busy[0]:.0f} us "
                f"({busy[1]:.0f}, {busy[2]:.0f})",
                flush=True,
            )
            best = min(best, pause)
            if best < MOST_PAUSE_US:
                return
        self.fail(f"paused for {MOST_PAUSE_US} us or more each time")

    def run_once(self):
        gateway = self.gateway("")
        os.chmod(gateway.directory, 0o755)
        up = nginx(self, gateway.path("n"), 'location / { return 200 "up"; }')
        gateway.write(many_routes(up, "one"))
        gateway.start()
        quiet = self.latencies(gateway, lambda i: None, 10)
        busy = self.latencies(gateway, lambda i: self.reload(gateway, up, i), 10)
        name = 'gatehouse_worker_longest_task_seconds{worker="0"}'
        pause = gateway.metric(name) * 1e6
        gateway.signal(signal.SIGKILL)
        gateway.wait()
        return pause, quiet, busy

    def reload(self, gateway, up, i):
        gateway.replace(many_routes(up, f"word{i}"))
        answer = gateway.post("/reload")
        self.assertEqual(answer.status, 200, answer.body)

    def latencies(self, gateway, during, times):
        """Median, 99th percentile and maximum of a request's microseconds, meanwhile."""
        program = os.path.join(HERE, "pings.py")
        host, port = gateway.addresses["web"]
        pings = subprocess.Popen(
            [sys.executable, program, host, str(port)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        for i in range(times):
            during(i)
            threading.Event().wait(0.2)
        took = json.loads(pings.communicate(timeout=PATIENCE)[0])
        self.assertEqual(pings.returncode, 0)
        return statistics.median(took), statistics.quantiles(took, n=100)[98], max(took)


if __name__ == "__main__":
    unittest.main()
