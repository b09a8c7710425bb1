# SPDX-License-Identifier: Apache-2.0
"""rate_limit and concurrency in the real gateway: one count for four workers, keys of every kind,
what refused clients are told, reloads in mid-run, clients that vanish."""

import concurrent.futures
import hashlib
import json
import threading
import time
import unittest

from gatehouse import wait_until
from http1 import Http1Test, ok, refusing_address

ANSWERED = "routes: [{name: all, respond: {status: 200, body: ok}}]"


def config(filters, chain, rest=ANSWERED, workers=4, more=""):
    return f"""
admin: {{address: 127.0.0.1:0}}
runtime: {{workers: {workers}}}
listeners:
  - {{name: web, address: 127.0.0.1:0, trusted_proxies: [127.0.0.1], filters: [{chain}]}}
filters:
{filters}
{rest}
{more}
"""


def upstream_of(upstream):
    return (
        f"clusters: {{up: {{endpoints: [{upstream.address}]}}}}\n"
        "routes: [{name: all, cluster: up}]\n"
    )


class Demand:
    """Connections on threads that ask for more than may pass, as fast as answers come."""

    BATCH = 8

    def __init__(self, test, gateway, connections, threads=2):
        self.stopped = threading.Event()
        self.passed = 0
        self.others = set()
        self.lock = threading.Lock()
        self.wires = [[test.wire(gateway) for _ in range(connections // threads)] for _ in range(threads)]
        self.pool = concurrent.futures.ThreadPoolExecutor(threads)

    def start(self):
        self.began = time.monotonic()
        self.runs = [self.pool.submit(self._run, wires) for wires in self.wires]
        return self

    def _run(self, wires):
        while not self.stopped.is_set():
            for wire in wires:
                wire.send(b"GET / HTTP/1.1\r\nhost: a.test\r\n\r\n" * self.BATCH)
            statuses = [wire.response().status for wire in wires for _ in range(self.BATCH)]
            with self.lock:
                self.passed += statuses.count(200)
                self.others.update(statuses)

    def run_for(self, seconds):
        """Until there are `seconds` since the start."""
        wait_until(lambda: time.monotonic() - self.began > seconds, "the time", seconds + 30)

    def stop(self):
        self.stopped.set()
        for run in self.runs:
            run.result(30)
        self.elapsed = time.monotonic() - self.began
        self.pool.shutdown()


class RateLimitTest(Http1Test):
    def counter(self, gateway, what, name="limit", kind="rate_limit"):
        return gateway.metric(f'gatehouse_filter_{kind}_{what}_total{{filter="{name}"}}')

    def passing(self, wire, count, fields="", target="/"):
        statuses = [wire.ask(target, fields=fields).status for _ in range(count)]
        self.assertLessEqual(set(statuses), {200, 429})
        return statuses.count(200)

    # ---- the rate ----

    def test_a_client_on_four_workers_has_its_rate_once(self):
        gateway = self.gateway(
            config("  limit: {type: rate_limit, rate: 1000/s, burst: 100}", "limit")
        ).start()
        demand = Demand(self, gateway, 48)
        busy = [worker for worker in gateway.json("/server")["workers"] if worker["connections"] > 0]
        self.assertEqual(len(busy), 4, busy)
        demand.start()
        demand.run_for(5)
        demand.stop()
        expected = 100 + 1000 * demand.elapsed
        print(f"passed {demand.passed} in {demand.elapsed:.2f} s, expected {expected:.0f}: "
              f"{(demand.passed / expected - 1) * 100:+.2f} %")
        self.assertAlmostEqual(demand.passed, expected, delta=expected * 0.02)
        self.assertEqual(demand.others, {200, 429})
        self.assertEqual(self.counter(gateway, "allowed"), demand.passed)

    def test_reloads_in_mid_run_change_nothing(self):
        def text(number):
            more = f"  headers: {{type: headers, request: {{set: {{x-a: '{number}'}}}}}}"
            return config(
                "  limit: {type: rate_limit, rate: 500/s, burst: 500}\n" + more, "headers, limit"
            )

        gateway = self.gateway(text(0)).start()
        demand = Demand(self, gateway, 16).start()
        for number in range(1, 11):
            gateway.write(text(number))
            self.assertEqual(gateway.post("/reload").status, 200)
        demand.run_for(3)
        demand.stop()
        self.assertGreaterEqual(gateway.json("/config/status")["epoch"], 11)
        expected = 500 + 500 * demand.elapsed
        self.assertAlmostEqual(demand.passed, expected, delta=expected * 0.02)

    def test_reloads_that_change_the_limit_keep_debts(self):
        limit = "  limit: {type: rate_limit, rate: %s, dry_run: false}"
        gateway = self.gateway(config(limit % "10/h", "limit")).start()
        wire = self.wire(gateway)
        self.assertEqual(self.passing(wire, 20), 10)
        gateway.write(config(limit % "20/h", "limit"))
        self.assertEqual(gateway.post("/reload").status, 200)
        self.assertIn(self.passing(wire, 30), (9, 10, 11), "ten of twenty are owed")

    def test_many_keys_free_nobody_of_a_debt(self):
        gateway = self.gateway(
            config(
                "  limit: {type: rate_limit, rate: 50/h, max_keys: 1000, key: {header: x-tenant}}",
                "limit",
                workers=2,
            )
        ).start()
        wire = self.wire(gateway)
        self.assertEqual(self.passing(wire, 60, "x-tenant: deep\r\n"), 50)
        flood = [self.wire(gateway) for _ in range(8)]
        refused = 0
        for first in range(0, 20_000, 400):
            for at, one in enumerate(flood):
                names = range(first + at * 50, first + at * 50 + 50)
                one.send("".join(f"GET / HTTP/1.1\r\nhost: a\r\nx-tenant: t{n}\r\n\r\n" for n in names))
            refused += sum(one.response().status != 200 for one in flood for _ in range(50))
        self.assertEqual(refused, 0, "who has done nothing pays for nobody")
        self.assertGreater(self.counter(gateway, "evicted"), 10_000)
        self.assertEqual(self.passing(wire, 10, "x-tenant: deep\r\n"), 0)

    # ---- keys ----

    def test_keys(self):
        def key(name, more):
            digest = hashlib.sha256(f"key-of-{name}".encode()).hexdigest()
            return f"      - {{name: {name}, sha256: {digest}, {more}}}"

        keys = "\n".join([key("ann", "attributes: {plan: gold}"), key("bob", "groups: [staff]")])
        gateway = self.gateway(
            config(
                f"""
  keys:
    type: api_key
    allow_missing: true
    keys:
{keys}
  limit:
    type: rate_limit
    rate: 2/h
    key: consumer
    rates: {{by: attributes.plan, values: {{gold: {{rate: 5/h, burst: 4}}}}}}
""",
                "keys, limit",
            )
        ).start()
        ann, bob = "x-api-key: key-of-ann\r\n", "x-api-key: key-of-bob\r\n"
        wires = [self.wire(gateway) for _ in range(4)]
        self.assertEqual(sum(self.passing(wire, 3, ann) for wire in wires), 4)
        self.assertEqual(sum(self.passing(wire, 3, bob) for wire in wires), 2)
        from_elsewhere = "x-forwarded-for: 198.51.100.7\r\n"
        self.assertEqual(self.passing(wires[0], 3, bob + from_elsewhere), 0)
        self.assertEqual(self.passing(wires[0], 3), 2, "nobody: by address")
        self.assertEqual(self.passing(wires[0], 3, from_elsewhere), 2)
        told = json.dumps(gateway.json("/route?url=http://a.test/"))
        self.assertIn("2/h, burst 2, key subject of who is calling, or client_ip 127.0.0.1 if ", told)

    def test_a_block_of_ipv6_addresses_is_one_client(self):
        gateway = self.gateway(
            config("  limit: {type: rate_limit, rate: 3/h}", "limit")
        ).start()
        wire = self.wire(gateway)
        passed = [
            self.passing(wire, 1, f"x-forwarded-for: {address}\r\n")
            for address in ["2001:db8::1", "2001:db8::2", "2001:db8::ffff:0:0:3", "2001:db8::4",
                            "2001:db8:0:1::1"]
        ]  # fmt: skip
        self.assertEqual(passed, [1, 1, 1, 0, 1])

    def test_a_key_of_64_kib(self):
        text = config(
            "  limit: {type: rate_limit, rate: 2/h, key: [{header: x-tenant}, {cookie: session}]}",
            "limit",
        ).replace("trusted_proxies", "limits: {max_header_bytes: 256KiB}, trusted_proxies")
        gateway = self.gateway(text).start()
        wire = self.wire(gateway)
        big = "a" * 65_536
        fields = f"x-tenant: {big}\r\ncookie: session={big}\r\n"
        self.assertEqual(self.passing(wire, 4, fields), 2)
        self.assertEqual(self.passing(wire, 4, fields.replace("a\r\n", "b\r\n", 1)), 2)
        self.assertEqual(self.passing(wire, 4, fields), 0)

    # ---- what clients and operators are told ----

    def test_what_refused_clients_are_told(self):
        gateway = self.gateway(
            config(
                "  limit: {type: rate_limit, rate: 10/m, burst: 2}\n"
                "  all: {type: rate_limit, rate: 1000/m, headers: always}\n"
                "  access_log: {path: access.log, format: json}",
                "access_log, all, limit",
            )
        ).start()
        wire = self.wire(gateway)
        first = wire.ask()
        self.assertEqual(first.get("ratelimit"), '"all";r=999;t=1')
        self.assertEqual(first.get("ratelimit-policy"), '"all";q=1000;w=60')
        wire.ask()
        refused = wire.ask(fields="accept: application/json\r\n")
        self.assertEqual(refused.status, 429)
        self.assertIn(refused.get("retry-after"), {"5", "6"})
        self.assertEqual(refused.get("x-gatehouse-error"), "rate_limited")
        self.assertEqual(refused.all("ratelimit-policy"), ['"limit";q=10;w=60', '"all";q=1000;w=60'])
        limit, everything = refused.all("ratelimit")
        self.assertRegex(limit, r'^"limit";r=0;t=1[12]$')
        self.assertEqual(everything, '"all";r=997;t=1')
        self.assertNotIn("per minute", refused.text)

        def lines():
            try:
                with open(gateway.path("access.log"), encoding="utf-8") as file:
                    return file.read().splitlines()
            except FileNotFoundError:
                return []

        wait_until(lambda: len(lines()) >= 3, "three lines")
        self.assertIn("limit: over 10/m", lines()[2])
        state = gateway.json("/filters/limit")
        self.assertIn('"keys_in_use": 1', json.dumps(state))

    def test_a_store_that_is_away(self):
        held, address = refusing_address()
        self.addCleanup(held.close)
        stored = f"type: rate_limit, rate: 3/h, store: 'redis://{address}', on_store_failure: %s"
        for word, expected in [
            ("allow", [200] * 6),
            ("deny", [503] * 6),
            ("local", [200, 200, 200, 429, 429, 429]),
        ]:
            with self.subTest(word):
                limit = "  limit: {" + stored % word + "}"
                gateway = self.gateway(config(limit, "limit")).start()
                wire = self.wire(gateway)
                answers = [wire.ask() for _ in range(6)]
                self.assertEqual([answer.status for answer in answers], expected)
                if word == "deny":
                    self.assertEqual(answers[0].get("x-gatehouse-error"), "limiter_unavailable")
                self.assertEqual(self.counter(gateway, "store_failures"), 6)
                log = gateway.stderr()
                self.assertEqual(log.count("the store of a rate limit is away"), 1, log)
                self.assertIn(f"until_it_is_back={word}", log)

    # ---- requests in flight ----

    def slow(self):
        """An upstream that answers when told to."""
        release = threading.Event()

        def script(wire, upstream):
            while True:
                request = upstream.request(wire)
                if "slow" in request.target and not release.wait(30):
                    raise AssertionError("never released")
                wire.send(ok())

        return self.scripted(script), release

    def in_flight(self, gateway, name="few"):
        state = json.dumps(gateway.json(f"/filters/{name}"))
        return int(state.partition('"in_flight": ')[2].split("}")[0].split(",")[0])

    def test_requests_in_flight(self):
        upstream, release = self.slow()
        few = "  few: {type: concurrency, max: 3}"
        gateway = self.gateway(config(few, "few", upstream_of(upstream))).start()
        self.addCleanup(release.set)
        waiting = [self.wire(gateway) for _ in range(3)]
        for wire in waiting:
            wire.send("GET /slow HTTP/1.1\r\nhost: a\r\n\r\n")
        wait_until(lambda: len(upstream.requests) == 3, "three requests upstream")
        self.assertEqual(self.in_flight(gateway), 3)
        other = self.wire(gateway)
        refused = other.ask("/")
        self.assertEqual(refused.status, 429)
        self.assertEqual(refused.get("retry-after"), "1")
        self.assertEqual(refused.get("x-gatehouse-error"), "concurrency_limited")
        self.assertEqual(other.ask("/", fields="x-forwarded-for: 192.0.2.9\r\n").status, 200)
        # A reload that changes the limit goes on counting.
        gateway.write(config(few.replace("3", "4"), "few", upstream_of(upstream)))
        self.assertEqual(gateway.post("/reload").status, 200)
        self.assertEqual(self.in_flight(gateway), 3)
        self.assertEqual(other.ask("/").status, 200)
        # Two of the clients vanish.
        waiting[0].reset()
        waiting[1].reset()
        wait_until(lambda: self.in_flight(gateway) == 1, "two less")
        release.set()
        self.assertEqual(waiting[2].response().status, 200)
        wait_until(lambda: self.in_flight(gateway) == 0, "none left")
        self.assertEqual(other.ask("/").status, 200)

    def test_nothing_is_left_of_clients_that_come_and_go(self):
        upstream, release = self.slow()
        self.addCleanup(release.set)
        gateway = self.gateway(
            config("  few: {type: concurrency, max: 10}", "few", upstream_of(upstream))
        ).start()
        for round_number in range(20):
            wires = [self.wire(gateway) for _ in range(20)]
            for at, wire in enumerate(wires):
                path = "/slow" if at % 2 else "/"
                wire.send(f"GET {path} HTTP/1.1\r\nhost: a\r\n\r\n" * (1 + at % 3))
            for at, wire in enumerate(wires):
                (wire.reset if at % 4 else wire.close)()
        release.set()
        wait_until(lambda: self.in_flight(gateway) == 0, "none left")
        self.assertEqual(self.wire(gateway).ask("/").status, 200)


if __name__ == "__main__":
    unittest.main()
