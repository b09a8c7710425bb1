# SPDX-License-Identifier: Apache-2.0
"""What /metrics counts, against traffic that is known; what reads it: promtool, a real Prometheus."""

import json
import os
import re
import socket
import struct
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.parse

from certificates import Authority
from gatehouse import BINARY, PATIENCE, Client, GatewayTest, Upstream, request, wait_until
from http1 import LONG, pss_bytes
from programs import tool

PAGE = os.path.join(os.path.dirname(os.path.realpath(__file__)), "../../docs/metrics.md")
LINE = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:[a-z_]+="(?:[^"\\]|\\.)*",?)*)\})? (\S+)\Z')
SCRAPES = 120
LABEL = re.compile(r'([a-z_]+)="((?:[^"\\]|\\.)*)"')


def sanitized():
    with open(BINARY, "rb") as file:
        return re.search(rb"__[at]san_init", file.read()) is not None


class Scrape:
    """A page of metrics, taken apart; what can't be is an error."""

    def __init__(self, text):
        self.text = text
        self.types = {}
        self.labels = {}  # By family.
        self.values = {}
        for line in text.splitlines():
            if line.startswith("# TYPE "):
                _, _, name, kind = line.split(" ")
                self.types[name] = kind
            if line.startswith("#"):
                continue
            match = LINE.match(line)
            if match is None:
                raise AssertionError(f"no metric: {line}")
            labels = dict(LABEL.findall(match[2] or ""))
            key = (match[1], *sorted(labels.items()))
            if key in self.values:
                raise AssertionError(f"twice: {line}")
            self.values[key] = float(match[3])
            self.labels.setdefault(self.family(match[1]), set()).update(labels)

    def family(self, name):
        base = re.sub(r"_(bucket|sum|count)\Z", "", name)
        return base if self.types.get(base) == "histogram" else name

    def get(self, name, **labels):
        """Its value; None when it is not shown."""
        return self.values.get((name, *sorted(labels.items())))

    def codes(self, name, **labels):
        """{class: responses}, without the classes that have none."""
        out = {}
        for code in ("1xx", "2xx", "3xx", "4xx", "5xx"):
            value = self.get(name, code=code, **labels)
            if value:
                out[code] = int(value)
        return out


def config(upstream, top="", sealed=""):
    return f"""
admin: {{address: "127.0.0.1:0"}}
runtime: {{workers: 2}}
listeners:
  - {{name: web, address: "127.0.0.1:0"}}
  - {{name: side, address: "127.0.0.1:0"}}
  - {{name: tiny, address: "127.0.0.1:0", limits: {{max_connections: 1}}}}
{sealed}
clusters:
  users: {{endpoints: ["{upstream}"], circuit_breaker: {{}}}}
  narrow: {{endpoints: ["{upstream}"], limits: {{max_requests: 1}}}}
  dead: {{endpoints: ["127.0.0.1:1"]}}
  idle: {{endpoints: ["127.0.0.1:1"]}}
filters: {{small: {{type: max_body, max_bytes: 1KiB}}}}
routes:
  - {{name: users, match: {{path_prefix: /users}}, cluster: users}}
  - {{name: narrow, match: {{path_prefix: /narrow}}, cluster: narrow}}
  - {{name: dead, match: {{path_prefix: /dead}}, cluster: dead, fallback: {{status: 503}}}}
  - {{name: labelled, match: {{path: /labelled}}, cluster: users, labels: {{version: v2}}}}
  - {{name: fixed, match: {{path: /fixed}}, respond: {{status: 204}}, filters: [small]}}
  - {{name: moved, match: {{path: /moved}}, redirect: {{status: 301, path: /fixed}}}}
  - {{name: "never\\"asked\\"", match: {{path: /never}}, cluster: idle}}
{top}
"""


class MetricsTest(GatewayTest):
    def setUp(self):
        self.hold = threading.Event()
        self.held = threading.Event()

    def answer(self, _, path):
        if "hold" in path:
            self.held.set()
            self.hold.wait(PATIENCE)
        status = {"/users/missing": 404, "/users/broken": 500}.get(path, 200)
        return status, "x" * (4 << 20) if "large" in path else "body"

    def started(self):
        self.addCleanup(self.hold.set)
        upstream = self.upstream(self.answer)
        return self.gateway(config(upstream.address)).start()

    def scrape(self, gateway):
        return Scrape(gateway.get("/metrics").body)

    def traffic(self, gateway):
        for path, listener, times in (
            ("/users/ok", "web", 5),
            ("/users/missing", "web", 2),
            ("/users/broken", "web", 1),
            ("/fixed", "web", 3),
            ("/moved", "web", 2),
            ("/nowhere", "web", 1),
            ("/users/ok", "side", 4),
        ):
            for _ in range(times):
                gateway.fetch(path, listener=listener)

    def test_requests_by_listener_route_cluster_and_class_of_status(self):
        gateway = self.started()
        self.traffic(gateway)
        seen = self.scrape(gateway)
        self.assertEqual(seen.get("gatehouse_listener_requests_total", listener="web"), 14)
        self.assertEqual(seen.get("gatehouse_listener_requests_total", listener="side"), 4)
        self.assertEqual(
            seen.codes("gatehouse_listener_responses_total", listener="web"),
            {"2xx": 8, "3xx": 2, "4xx": 3, "5xx": 1},
        )
        self.assertEqual(
            seen.codes("gatehouse_listener_responses_total", listener="side"), {"2xx": 4}
        )
        for route, requests, codes in (
            ("users", 12, {"2xx": 9, "4xx": 2, "5xx": 1}),
            ("fixed", 3, {"2xx": 3}),
            ("moved", 2, {"3xx": 2}),
            ('never\\"asked\\"', 0, {}),
        ):
            with self.subTest(route):
                self.assertEqual(seen.get("gatehouse_route_requests_total", route=route), requests)
                self.assertEqual(seen.codes("gatehouse_route_responses_total", route=route), codes)
        self.assertEqual(seen.get("gatehouse_cluster_requests_total", cluster="users"), 12)
        self.assertEqual(
            seen.codes("gatehouse_cluster_responses_total", cluster="users"),
            {"2xx": 9, "4xx": 2, "5xx": 1},
        )
        self.assertEqual(seen.get("gatehouse_cluster_requests_total", cluster="idle"), 0)
        self.assertIsNone(seen.get("gatehouse_cluster_resets_total", cluster="idle"))
        self.assertEqual(seen.get("gatehouse_cluster_resets_total", cluster="users"), 0)
        stats = gateway.json("/stats?filter=upstream_duration_seconds_count")
        self.assertEqual(stats, {'gatehouse_upstream_duration_seconds_count{cluster="users"}': 12})

    def histogram(self, seen, name, **labels):
        """(count, sum), after a look at its buckets."""
        count = seen.get(name + "_count", **labels)
        bounds = {}
        for key, value in seen.values.items():
            if key[0] == name + "_bucket" and set(labels.items()) <= set(key[1:]):
                bounds[float(dict(key[1:])["le"].replace("+Inf", "inf"))] = value
        self.assertGreater(len(bounds), 10)
        cumulative = [bounds[bound] for bound in sorted(bounds)]
        self.assertEqual(cumulative, sorted(cumulative))
        self.assertEqual(cumulative[-1], count)
        return count, seen.get(name + "_sum", **labels)

    def test_durations(self):
        gateway = self.started()
        self.traffic(gateway)
        threading.Timer(0.3, self.hold.set).start()
        gateway.fetch("/users/hold")
        seen = self.scrape(gateway)
        total = self.histogram(seen, "gatehouse_request_duration_seconds", listener="web")
        inside = self.histogram(seen, "gatehouse_gateway_duration_seconds", listener="web")
        side = self.histogram(seen, "gatehouse_request_duration_seconds", listener="side")
        side_inside = self.histogram(seen, "gatehouse_gateway_duration_seconds", listener="side")
        upstream = self.histogram(seen, "gatehouse_upstream_duration_seconds", cluster="users")
        self.assertEqual((total[0], inside[0], side[0], upstream[0]), (15, 15, 4, 13))
        self.assertGreater(upstream[1], 0.25)
        self.assertGreater(inside[1], 0)
        self.assertLess(inside[1], upstream[1])
        self.assertAlmostEqual(total[1] + side[1], inside[1] + side_inside[1] + upstream[1], 6)
        self.assertIsNone(
            seen.get("gatehouse_upstream_duration_seconds_count", cluster="idle"), "never asked"
        )

    def test_drops_and_limits(self):
        gateway = self.started()
        # A place on `tiny`, one in `narrow`, and those who find none.
        first = self.client(gateway.addresses["tiny"])
        self.assertEqual(first.exchange("/users/ok")[0], 200)
        self.assertEqual(gateway.fetch("/users/ok", listener="tiny").status, 503)
        holding = threading.Thread(target=gateway.fetch, args=("/narrow/hold",))
        holding.start()
        self.assertTrue(self.held.wait(PATIENCE))
        self.assertEqual(gateway.fetch("/narrow/ok").status, 503)
        seen = self.scrape(gateway)
        self.assertEqual(seen.get("gatehouse_cluster_requests_active", cluster="narrow"), 1)
        # A request whose client goes, one that is none, an endpoint that is not there, a filter.
        self.held.clear()
        with socket.create_connection(gateway.addresses["web"], timeout=PATIENCE) as wire:
            wire.sendall(b"GET /users/hold HTTP/1.1\r\nhost: a\r\n\r\n")
            self.assertTrue(self.held.wait(PATIENCE))
            wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.hold.set()
        holding.join(PATIENCE)
        with socket.create_connection(gateway.addresses["web"], timeout=PATIENCE) as wire:
            wire.sendall(b"no request at all\r\n\r\n")
            self.assertIn(b" 400 ", wire.recv(65536))
        self.assertEqual(gateway.fetch("/dead").status, 503)
        big = request(gateway.addresses["web"], "/fixed", "POST", b"x" * 2000)
        self.assertEqual(big.status, 413)

        def dropped():
            return self.scrape(gateway).get(
                "gatehouse_listener_requests_dropped_total", listener="web"
            )

        wait_until(lambda: dropped() == 1, "the client that went is counted")
        seen = self.scrape(gateway)
        for name, labels, value in (
            ("listener_connections_refused_total", {"listener": "tiny"}, 1),
            ("listener_connections_accepted_total", {"listener": "tiny"}, 1),
            ("listener_connections_active", {"listener": "tiny"}, 1),
            ("listener_malformed_total", {"listener": "web"}, 1),
            ("cluster_overflow_requests_total", {"cluster": "narrow"}, 1),
            ("cluster_requests_total", {"cluster": "narrow"}, 1),
            ("cluster_requests_active", {"cluster": "narrow"}, 0),
            ("cluster_connections_opened_total", {"cluster": "narrow"}, 1),
            ("cluster_connections_active", {"cluster": "narrow"}, 1),
            ("cluster_connect_failures_total", {"cluster": "dead"}, 1),
            ("filter_max_body_rejected_total", {"filter": "small"}, 1),
        ):
            self.assertEqual(seen.get("gatehouse_" + name, **labels), value, (name, labels))

    def test_bytes(self):
        gateway = self.started()
        client = self.client(gateway.addresses["side"])
        for _ in range(3):
            client.exchange("/users/ok")
        sent = len(b"GET /users/ok HTTP/1.1\r\nhost: test\r\n\r\n") * 3
        seen = self.scrape(gateway)
        self.assertEqual(seen.get("gatehouse_listener_received_bytes_total", listener="side"), sent)
        answer = len(b"HTTP/1.1 200 X\r\ncontent-length: 4\r\n\r\nbody") * 3
        got = seen.get("gatehouse_listener_sent_bytes_total", listener="side")
        self.assertGreaterEqual(got, answer)
        self.assertLess(got, answer + 3 * 200)
        # What goes through a kernel pipe is counted, too.
        self.assertEqual(len(gateway.fetch("/users/large", listener="tiny").body), 4 << 20)
        got = self.scrape(gateway).get("gatehouse_listener_sent_bytes_total", listener="tiny")
        self.assertGreater(got, 4 << 20)
        self.assertLess(got, (4 << 20) + 400)

    def test_the_process(self):
        gateway = self.started()
        before = self.scrape(gateway)
        self.assertGreater(before.get("process_cpu_seconds_total"), 0)
        self.assertLess(before.get("process_cpu_seconds_total"), 60)
        self.traffic(gateway)
        after = self.scrape(gateway)
        cpu = "process_cpu_seconds_total"
        self.assertGreater(after.get(cpu), before.get(cpu), "finer than a second")
        self.assertGreater(after.get("process_virtual_memory_bytes"), 1 << 20)
        self.assertEqual(after.get("gatehouse_workers"), 2)

    # ---- who reads it ----

    def test_promtool_has_nothing_to_say(self):
        gateway = self.started()
        self.traffic(gateway)
        checked = subprocess.run(
            [tool("promtool", "prometheus"), "check", "metrics"],
            input=self.scrape(gateway).text,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        self.assertEqual((checked.returncode, checked.stdout + checked.stderr), (0, ""))

    def prometheus(self, gateway):
        """The address of one that scrapes `gateway` every second."""
        path = gateway.path("prometheus.yml")
        with open(path, "w", encoding="ascii") as file:
            file.write(
                "global: {scrape_interval: 1s, scrape_timeout: 1s}\nscrape_configs:\n"
                "  - {job_name: gatehouse, static_configs: [{targets: "
                f'["{gateway.admin[0]}:{gateway.admin[1]}"]}}]}}\n'
            )
        with socket.create_server(("127.0.0.1", 0)) as free:
            address = free.getsockname()
        with open(gateway.path("prometheus.log"), "wb") as log:
            process = subprocess.Popen(
                [
                    tool("prometheus", "prometheus"),
                    f"--config.file={path}",
                    f"--storage.tsdb.path={gateway.path('tsdb')}",
                    f"--web.listen-address=127.0.0.1:{address[1]}",
                ],
                cwd=gateway.directory,
                stdout=log,
                stderr=log,
            )
        self.addCleanup(lambda: (process.kill(), process.wait(PATIENCE)))
        return address, process

    def test_a_real_prometheus_scrapes_it(self):
        gateway = self.started()
        self.traffic(gateway)
        address, process = self.prometheus(gateway)

        def ask(query):
            self.assertIsNone(process.poll(), "prometheus has ended")
            try:
                answer = request(address, "/api/v1/query?query=" + urllib.parse.quote(query))
            except OSError:
                return None
            if answer.status != 200:
                return None
            result = json.loads(answer.body)["data"]["result"]
            return float(result[0]["value"][1]) if result else None

        for query, value in (
            ('gatehouse_route_requests_total{route="users"}', 12),
            ('gatehouse_listener_responses_total{listener="web",code="4xx"}', 3),
            ('gatehouse_route_requests_total{route="never\\"asked\\""}', 0),
            ("sum(gatehouse_upstream_duration_seconds_count)", 12),
            ('gatehouse_request_duration_seconds_bucket{listener="web",le="+Inf"}', 14),
            ('up{job="gatehouse"}', 1),
        ):
            wait_until(lambda q=query, v=value: ask(q) == v, f"{query} is {value}", 60)

    def test_the_page_names_every_metric(self):
        directory = tempfile.TemporaryDirectory(prefix="metrics-")
        self.addCleanup(directory.cleanup)
        certificate, key = Authority(directory.name).pair("server", "localhost")
        sealed = (
            '  - {name: sealed, address: "127.0.0.1:0", tls: {certificates: '
            f"[{{cert_file: {certificate}, key_file: {key}}}]}}}}"
        )
        self.addCleanup(self.hold.set)
        upstream = self.upstream(self.answer)
        gateway = self.gateway(config(upstream.address, sealed=sealed)).start()
        self.traffic(gateway)
        self.assertEqual(gateway.fetch("/dead").status, 503)
        seen = self.scrape(gateway)
        with open(PAGE, encoding="utf-8") as file:
            rows = re.findall(r"^\| `(\w+)` \| (\w+) \|([^|]*)\|", file.read(), re.MULTILINE)
        page = {name: (kind, set(re.findall(r"\w+", labels))) for name, kind, labels in rows}
        there = {
            name: (kind, seen.labels[name] - {"le"})
            for name, kind in seen.types.items()
            if not name.startswith("gatehouse_filter_")  # Each filter's page has its own.
        }
        self.assertEqual(page, there)

    # ---- many, and for long ----

    def many(self, routes):
        text = config("127.0.0.1:1").partition("routes:")[0] + "routes:\n"
        for i in range(routes):
            text += (
                f"  - {{name: service-{i}, match: {{path: /{i}}}, "
                "respond: {status: 200, body: ok}}\n"
            )
        return text

    def serve_each(self, gateway, routes):
        client = self.client(gateway.addresses["web"])
        for i in range(routes):
            self.assertEqual(client.exchange(f"/{i}")[0], 200)

    def cpu(self, gateway):
        """Seconds of processor time of all its threads."""
        total = 0
        task = f"/proc/{gateway.process.pid}/task"
        for thread in os.listdir(task):
            with open(f"{task}/{thread}/schedstat", encoding="ascii") as file:
                total += int(file.read().split()[0])
        return total / 1e9

    def cost(self, gateway):
        """Seconds of processor time for one scrape."""
        before = self.cpu(gateway)
        for _ in range(5):
            gateway.get("/metrics")
        return (self.cpu(gateway) - before) / 5

    def test_ten_thousand_routes(self):
        gateway = self.gateway(self.many(10_000)).start()
        self.serve_each(gateway, 10_000)
        self.assertEqual(len(gateway.get("/metrics").body.split("route_responses_total{")), 10_001)
        spent = self.cost(gateway)
        print(f"10,000 routes: {spent * 1000:.1f} ms of processor time a scrape")
        if not sanitized():
            self.assertLess(spent, 0.2)

    def test_nobody_waits_for_a_scrape(self):
        """So many at once that who waited for them would be noticed, on a slow machine too."""
        gateway = self.gateway(self.many(10_000)).start()
        self.serve_each(gateway, 10_000)
        work = SCRAPES * self.cost(gateway)
        ready = self.client(gateway.admin)
        served = self.client(gateway.addresses["web"])
        scrapers = [self.client(gateway.admin) for _ in range(SCRAPES)]
        ended = []

        def ends(client):
            head, _, content = client.socket.recv(65536).partition(b"\r\n\r\n")
            left = int(re.search(rb"(?i)content-length: (\d+)", head)[1]) - len(content)
            while left > 0:
                left -= len(client.socket.recv(1 << 20))
            ended.append(time.monotonic())

        began = time.monotonic()
        for client in scrapers:
            client.socket.sendall(b"GET /metrics HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n")
        threads = [threading.Thread(target=ends, args=(client,)) for client in scrapers]
        for thread in threads:
            thread.start()
        slowest = {"/readyz": 0.0, "/1": 0.0}
        asked = 0
        while len(ended) < len(scrapers) and time.monotonic() < began + 2 * PATIENCE:
            for client, path in ((ready, "/readyz"), (served, "/1")):
                before = time.monotonic()
                self.assertEqual(client.exchange(path)[0], 200)
                slowest[path] = max(slowest[path], time.monotonic() - before)
            asked += 1
        for thread in threads:
            thread.join(PATIENCE)
        self.assertEqual(len(ended), len(scrapers))
        print(
            f"{SCRAPES} scrapes of {work * 1000:.0f} ms of work together; meanwhile {asked} times /readyz, at most "
            f"{slowest['/readyz'] * 1000:.1f} ms, and a request, at most "
            f"{slowest['/1'] * 1000:.1f} ms"
        )
        self.assertGreater(asked, 10)
        self.assertLess(slowest["/readyz"], work / 3)
        self.assertLess(slowest["/1"], work / 3)

    def test_reloads_keep_what_stays_and_free_what_goes(self):
        reloads, first = (1000, 100) if LONG else (150, 50)

        def text(number):
            out = config("127.0.0.1:1").replace("side", f"side{number}")
            out = out.replace("small", f"small{number}").partition("routes:")
            clusters = "".join(
                f'  c{number}-{i}: {{endpoints: ["127.0.0.1:1"]}}\n' for i in range(100)
            )
            routes = "".join(
                f"  - {{name: r{number}-{i}, match: {{path: /r{i}}}, "
                f"respond: {{status: 200, body: ok}}, filters: [small{number}]}}\n"
                for i in range(200)
            )
            return (
                out[0].replace("filters:", clusters + "filters:") + "routes:\n" + routes
                + "  - {name: stays, match: {path: /stays}, respond: {status: 204}}\n"
            )

        gateway = self.gateway(text(0)).start()
        settled = 0
        for number in range(1, reloads + 1):
            gateway.write(text(number))
            self.assertEqual(gateway.post("/reload").status, 200)
            gateway.fetch("/stays")
            gateway.fetch("/r1")
            if number == first:
                settled = pss_bytes(gateway.process.pid)
        grown = pss_bytes(gateway.process.pid) - settled
        print(f"{reloads - first} reloads: {grown / 1024:.0f} KiB more")
        seen = self.scrape(gateway)
        self.assertEqual(seen.get("gatehouse_route_requests_total", route="stays"), reloads)
        self.assertEqual(seen.get("gatehouse_route_requests_total", route=f"r{reloads}-1"), 1)

        def gone():
            names = {dict(key[1:]).get("route") for key in self.scrape(gateway).values}
            return not any(name and name.startswith(f"r{reloads - 1}-") for name in names)

        wait_until(gone, "what was removed is shown no more")
        if not sanitized():
            self.assertLess(grown, 2 << 20)


if __name__ == "__main__":
    unittest.main()
