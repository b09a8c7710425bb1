# SPDX-License-Identifier: Apache-2.0
"""Limits and timeouts of listeners and clusters: what is refused, how, and what is counted."""

import threading
import unittest

from gatehouse import wait_until
from http1 import Http1Test, Stopwatch, answering, by_target, config, ok


class Gate:
    """An upstream's script that answers when told: one token, one answer."""

    def __init__(self):
        self.tokens = threading.Semaphore(0)
        self.held = 0
        self.lock = threading.Lock()

    def script(self, wire, upstream):
        while True:
            request = upstream.request(wire)
            with self.lock:
                self.held += 1
            if not self.tokens.acquire(timeout=30):
                raise AssertionError("nobody opened the gate")
            with self.lock:
                self.held -= 1
            wire.send(by_target(request))

    def open(self, count=1):
        for _ in range(count):
            self.tokens.release()


class ListenerConnectionsTest(Http1Test):
    def test_max_connections(self):
        gateway = self.start(
            self.scripted(answering(by_target)), listener="limits: {max_connections: 2}"
        )
        first, second = self.wire(gateway), self.wire(gateway)
        self.assertEqual(first.ask("/1").status, 200)
        self.assertEqual(second.ask("/2").status, 200)
        third = self.wire(gateway)
        self.assert_error(third.response(), 503, "overloaded")
        self.assertTrue(third.at_end())
        self.assertEqual(self.listener_metric(gateway, "connections_refused_total"), 1)
        self.assertEqual(self.listener_metric(gateway, "connections_active"), 2)
        self.assertEqual(first.ask("/1").status, 200, "those inside are not disturbed")
        second.close()
        wait_until(
            lambda: self.listener_metric(gateway, "connections_active") == 1, "a place is free"
        )
        self.assertEqual(self.wire(gateway).ask("/3").status, 200)
        self.assertEqual(self.listener_metric(gateway, "connections_refused_total"), 1)

    def test_the_process_s_max_connections_is_for_all_listeners(self):
        upstream = self.scripted(answering(by_target))
        text = config([upstream.address], workers=2).replace(
            "listeners:", 'listeners:\n  - {name: other, address: "127.0.0.1:0"}'
        )
        limited = text.replace("workers: 2", "workers: 2, limits: {max_connections: 3}")
        gateway = self.start(text=limited)
        wires = [self.wire(gateway, name) for name in ("web", "other", "web")]
        for wire in wires:
            self.assertEqual(wire.ask("/in").status, 200)
        for name in ("web", "other"):
            self.assert_error(self.wire(gateway, name).response(), 503, "overloaded")
            self.assertEqual(self.listener_metric(gateway, "connections_refused_total", name), 1)
        wires[1].close()
        wait_until(
            lambda: self.listener_metric(gateway, "connections_active", "other") == 0, "a place"
        )
        fourth = self.wire(gateway)
        self.assertEqual(fourth.ask("/in").status, 200)
        gateway.replace(text)
        self.assertEqual(gateway.post("/reload").status, 200)
        self.assertEqual(self.wire(gateway, "other").ask("/in").status, 200, "the limit is gone")

    def test_a_burst_of_connections_is_taken_in_small_bites(self):
        upstream = self.scripted(answering(by_target))
        text = config([upstream.address]).replace(
            "workers: 1", "workers: 1, limits: {max_accepts_per_turn: 1}"
        )
        gateway = self.start(text=text)
        wires = [self.wire(gateway) for _ in range(50)]
        for wire in wires:
            self.assertEqual(wire.ask("/in").status, 200)

    def test_max_connections_is_one_limit_for_all_workers(self):
        gateway = self.start(
            self.scripted(answering(by_target)), listener="limits: {max_connections: 8}", workers=2
        )
        wires = [self.wire(gateway) for _ in range(24)]
        for wire in wires:
            wire.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n")
        answered = []
        for wire in wires:
            try:
                answered.append(wire.response().status)
            except ConnectionResetError:
                answered.append(503)  # It wrote where nobody reads any more.
        self.assertEqual(sorted(answered), [200] * 8 + [503] * 16)

    def test_max_requests_per_connection(self):
        upstream = self.scripted(answering(by_target))
        gateway = self.start(upstream, listener="limits: {max_requests_per_connection: 3}")
        wire = self.wire(gateway)
        wire.send(*(f"GET /{i} HTTP/1.1\r\nhost: a\r\n\r\n" for i in range(5)))
        responses = [wire.response() for _ in range(3)]
        self.assertEqual([one.get("connection") for one in responses], [None, None, "close"])
        self.assertTrue(wire.at_end())
        self.assertEqual(upstream.targets, ["/0", "/1", "/2"], "a fourth one is not taken")


class HeadLimitsTest(Http1Test):
    def refused(self, listener, text, status, error):
        """One request that is refused, on a gateway that goes on."""
        upstream = self.scripted(answering(by_target))
        gateway = self.start(upstream, listener=listener)
        wire = self.wire(gateway)
        try:
            wire.send(text)
        except OSError:
            pass  # It may be refused before all of it was sent.
        self.assert_error(wire.response(), status, error)
        self.assertTrue(wire.at_end())
        self.assertEqual(upstream.requests, [])
        self.assertEqual(self.listener_metric(gateway, "malformed_total"), 1)
        self.assertEqual(self.wire(gateway).ask("/").status, 200)

    def test_a_head_that_is_too_large(self):
        head = "GET / HTTP/1.1\r\nhost: a\r\n"
        self.refused(
            "limits: {max_header_bytes: 4KiB}",
            head + f"x-large: {'x' * 5000}\r\n\r\n",
            431,
            "headers_too_large",
        )

    def test_a_head_that_is_too_large_and_never_whole(self):
        head = "GET / HTTP/1.1\r\nhost: a\r\n"
        self.refused(
            "limits: {max_header_bytes: 4KiB}",
            head + "x-line: 0123456789\r\n" * 300,
            431,
            "headers_too_large",
        )

    def test_a_target_that_is_too_long(self):
        self.refused(
            "limits: {max_header_bytes: 4KiB}",
            f"GET /{'x' * 5000} HTTP/1.1\r\nhost: a\r\n\r\n",
            414,
            "target_too_long",
        )

    def test_too_many_fields(self):
        self.refused(
            "limits: {max_headers: 10}",
            "GET / HTTP/1.1\r\nhost: a\r\n" + "x: y\r\n" * 10 + "\r\n",
            431,
            "headers_too_large",
        )

    def test_just_within_the_limits(self):
        gateway = self.start(
            self.scripted(answering(by_target)),
            listener="limits: {max_headers: 10, max_header_bytes: 4KiB}",
        )
        wire = self.wire(gateway)
        self.assertEqual(wire.ask("/", fields="x: y\r\n" * 9).status, 200)
        head = "GET / HTTP/1.1\r\nhost: a\r\nx: "
        wire.send(head, "y" * (4096 - len(head) - 4), "\r\n\r\n")
        self.assertEqual(wire.response().status, 200)

    def test_trailers_have_limits_too(self):
        upstream = self.scripted(answering(by_target))
        gateway = self.start(upstream, listener="limits: {max_headers: 10}")
        wire = self.wire(gateway)
        wire.send("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n")
        wire.send("x: y\r\n" * 50, "\r\n")
        self.assertIn(wire.response().status, (400, 431))


class ClusterLimitsTest(Http1Test):
    def ask_later(self, gateway, count, method="GET"):
        """`count` connections that have sent a request each."""
        wires = [self.wire(gateway) for _ in range(count)]
        for i, wire in enumerate(wires):
            wire.send(f"{method} /{i} HTTP/1.1\r\nhost: a\r\n\r\n")
        return wires

    def test_max_requests(self):
        gate = Gate()
        upstream = self.scripted(gate.script)
        gateway = self.start(upstream, cluster="limits: {max_requests: 3}")
        held = self.ask_later(gateway, 3)
        upstream.last(3)
        wire = self.wire(gateway)
        self.assert_error(wire.ask("/more"), 503, "overloaded")
        self.assertEqual(self.cluster_metric(gateway, "overflow_requests_total"), 1)
        gate.open(4)
        self.assertEqual({one.response().status for one in held}, {200})
        self.assertEqual(wire.ask("/more").status, 200, "the same client, when there is room")
        self.assertEqual(self.cluster_metric(gateway, "overflow_requests_total"), 1)

    def test_those_who_wait_are_served_in_turn(self):
        gate = Gate()
        upstream = self.scripted(gate.script)
        gateway = self.start(upstream, cluster="limits: {max_connections: 1, max_pending: 10}")
        wires = []
        for i in range(5):
            wires += self.ask_later(gateway, 1)
            wait_until(
                lambda i=i: self.cluster_metric(gateway, "pending_active") == i
                and len(upstream.requests) == 1,
                f"{i} wait",
            )
        self.assertEqual(len(upstream.wires), 1)
        for i, wire in enumerate(wires):
            gate.open()
            self.assertEqual(wire.response().status, 200, f"the {i}th")
        self.assertEqual(len(upstream.requests), 5)
        self.assertEqual(len(upstream.wires), 1, "never more than max_connections")
        self.assert_none(gateway, "cluster_pending_active")
        self.assertEqual(self.cluster_metric(gateway, "overflow_pending_total"), 0)

    def test_max_pending(self):
        gate = Gate()
        upstream = self.scripted(gate.script)
        gateway = self.start(upstream, cluster="limits: {max_connections: 1, max_pending: 2}")
        first = self.ask_later(gateway, 1)
        upstream.last()
        waiting = self.ask_later(gateway, 2)
        wait_until(lambda: self.cluster_metric(gateway, "pending_active") == 2, "two wait")
        self.assert_error(self.wire(gateway).ask("/more"), 503, "overloaded")
        self.assertEqual(self.cluster_metric(gateway, "overflow_pending_total"), 1)
        gate.open(3)
        self.assertEqual([one.response().status for one in first + waiting], [200] * 3)

    def test_who_waits_too_long_is_told(self):
        gate = Gate()
        upstream = self.scripted(gate.script)
        gateway = self.start(
            upstream, cluster="limits: {max_connections: 1}, timeouts: {connect: 300ms}"
        )
        first = self.ask_later(gateway, 1)[0]
        upstream.last()
        watch = Stopwatch()
        self.assert_error(self.wire(gateway).ask("/late"), 503, "overloaded")
        self.assertGreaterEqual(watch.seconds, 0.25)
        gate.open()
        self.assertEqual(first.response().status, 200)
        self.assert_none(gateway, "cluster_pending_active")

    def test_a_client_that_gives_up_waiting_leaves_its_place(self):
        gate = Gate()
        upstream = self.scripted(gate.script)
        gateway = self.start(upstream, cluster="limits: {max_connections: 1, max_pending: 1}")
        first = self.ask_later(gateway, 1)[0]
        upstream.last()
        gone = self.ask_later(gateway, 1)[0]
        wait_until(lambda: self.cluster_metric(gateway, "pending_active") == 1, "one waits")
        gone.reset()
        wait_until(lambda: self.cluster_metric(gateway, "pending_active") == 0, "none waits")
        second = self.ask_later(gateway, 1, "HEAD")[0]
        wait_until(lambda: self.cluster_metric(gateway, "pending_active") == 1, "the next waits")
        gate.open(2)
        self.assertEqual(first.response().status, 200)
        self.assertEqual(second.response("HEAD").status, 200)
        self.assertEqual([r.method for r in upstream.requests], ["GET", "HEAD"])

    def test_max_connections_holds_for_all_workers_together(self):
        gate = Gate()
        upstream = self.scripted(gate.script)
        gateway = self.start(
            upstream, cluster="limits: {max_connections: 3, max_pending: 40}", workers=2
        )
        wires = self.ask_later(gateway, 24)
        upstream.last(3)
        gate.open(24)
        self.assertEqual([wire.response().status for wire in wires], [200] * 24)
        # Those that were closed to make room for another worker are not counted.
        self.assertEqual(len(upstream.requests), 24)
        self.assertLessEqual(self.cluster_metric(gateway, "connections_active"), 3)

    def test_an_idle_connection_to_one_endpoint_makes_room_for_another(self):
        upstreams = [self.scripted(answering(by_target)) for _ in range(3)]
        gateway = self.start(*upstreams, cluster="limits: {max_connections: 1}")
        wire = self.wire(gateway)
        for _ in range(9):
            self.assertEqual(wire.ask("/").status, 200)
        self.assertEqual([len(one.requests) for one in upstreams], [3, 3, 3])


class ClientTimeoutTest(Http1Test):
    """Clients that are slow on purpose."""

    def drip(self, wire, text, every):
        """Sends bytes one by one until something comes back; fails after ten seconds."""
        watch = Stopwatch()
        for byte in text:
            if wire.readable(every) or watch.seconds > 10:
                break
            wire.send(byte)
        self.assertLess(watch.seconds, 10)
        return watch.seconds

    def test_a_head_byte_by_byte(self):
        gateway = self.start(
            self.scripted(answering(by_target)), listener="timeouts: {request_headers: 400ms}"
        )
        wire = self.wire(gateway)
        took = self.drip(wire, "GET / HTTP/1.1\r\nhost: a\r\n" + "x: y\r\n" * 100, 0.05)
        self.assertGreaterEqual(took, 0.35)
        self.assert_error(wire.response(), 408, "request_timeout")
        self.assertTrue(wire.at_end())
        self.assertEqual(self.listener_metric(gateway, "timeouts_total"), 1)

    def test_a_second_head_byte_by_byte(self):
        gateway = self.start(
            self.scripted(answering(by_target)), listener="timeouts: {request_headers: 400ms}"
        )
        wire = self.wire(gateway)
        self.assertEqual(wire.ask("/").status, 200)
        self.assertFalse(wire.readable(0.6), "between requests `idle` counts, not the head's")
        self.assertEqual(wire.ask("/").status, 200)
        self.drip(wire, "GET / HTTP/1.1\r\nhost: a\r\n" + "x: y\r\n" * 100, 0.05)
        self.assert_error(wire.response(), 408, "request_timeout")

    def test_a_client_that_says_nothing(self):
        gateway = self.start(
            self.scripted(answering(by_target)), listener="timeouts: {request_headers: 300ms}"
        )
        wire = self.wire(gateway)
        watch = Stopwatch()
        self.assertEqual(wire.rest(), b"", "who asked for nothing is told nothing")
        self.assertLess(watch.seconds, 10)
        self.assertGreaterEqual(watch.seconds, 0.25)

    def test_content_that_stops(self):
        upstream = self.scripted(answering(by_target))
        gateway = self.start(upstream, listener="timeouts: {request_body_idle: 300ms}")
        wire = self.wire(gateway)
        wire.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nabc")
        watch = Stopwatch()
        self.assert_error(wire.response(), 408, "request_timeout")
        self.assertGreaterEqual(watch.seconds, 0.25)
        self.assertTrue(wire.at_end())
        self.assertEqual(self.listener_metric(gateway, "timeouts_total"), 1)
        wait_until(lambda: upstream.active == 0, "the upstream connection is released")

    def test_content_that_is_slow_and_does_not_stop(self):
        gateway = self.start(
            self.scripted(answering(lambda r: ok(r.body))),
            listener="timeouts: {request_body_idle: 600ms}",
        )
        wire = self.wire(gateway)
        wire.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\n")
        for byte in "0123456789":
            self.assertFalse(wire.readable(0.1))
            wire.send(byte)
        self.assertEqual(wire.response().body, b"0123456789")

    def test_idle_connections_are_closed(self):
        gateway = self.start(
            self.scripted(answering(by_target)), listener="timeouts: {idle: 300ms}"
        )
        wire = self.wire(gateway)
        self.assertEqual(wire.ask("/").status, 200)
        watch = Stopwatch()
        self.assertEqual(wire.rest(), b"")
        self.assertGreaterEqual(watch.seconds, 0.25)
        self.assertLess(watch.seconds, 10)
        self.assert_none(gateway, "listener_connections_active")

    def test_a_connection_with_a_request_under_way_is_not_idle(self):
        gate = Gate()
        upstream = self.scripted(gate.script)
        gateway = self.start(upstream, listener="timeouts: {idle: 200ms}")
        wire = self.wire(gateway).send("GET / HTTP/1.1\r\nhost: a\r\n\r\n")
        upstream.last()
        self.assertFalse(wire.readable(0.8))
        gate.open()
        self.assertEqual(wire.response().status, 200)

    def test_a_client_that_reads_nothing_does_not_stay_forever(self):
        block = b"x" * (1 << 20)

        def script(wire, upstream):
            upstream.request(wire)
            wire.send(f"HTTP/1.1 200 OK\r\ncontent-length: {len(block) * 64}\r\n\r\n")
            for _ in range(64):
                wire.send(block)

        upstream = self.scripted(script)
        gateway = self.start(upstream, route="timeouts: {idle: 500ms}")
        self.wire(gateway).send("GET / HTTP/1.1\r\nhost: a\r\n\r\n")
        wait_until(lambda: upstream.active == 1, "it has begun")
        wait_until(lambda: upstream.active == 0, "the upstream connection is released", 15)
        self.assert_none(gateway, "listener_connections_active")


if __name__ == "__main__":
    unittest.main()
