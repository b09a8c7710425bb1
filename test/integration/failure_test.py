# SPDX-License-Identifier: Apache-2.0
"""What clients see, and what is left behind, when an endpoint or a client fails."""

import json
import os
import threading
import unittest

from gatehouse import wait_until
from http1 import (
    Http1Test,
    Stopwatch,
    answering,
    by_target,
    ok,
    pattern,
    refusing_address,
    silent_address,
)


class ConnectTest(Http1Test):
    """Endpoints that can't be connected to."""

    def refusing(self):
        held, address = refusing_address()
        self.addCleanup(held.close)
        return address

    def test_refused(self):
        address = self.refusing()
        gateway = self.start(address)
        wire = self.wire(gateway)
        self.assert_error(wire.ask("/"), 503, "connect_failed")
        self.assert_error(wire.ask("/"), 503, "connect_failed")  # Alive after it.
        self.assertGreaterEqual(self.cluster_metric(gateway, "connect_failures_total"), 1)
        self.assertEqual(self.responses_metric(gateway, "5xx"), 2)

    def test_the_answer_is_json_for_those_who_accept_it_and_tells_no_internals(self):
        address = self.refusing()
        wire = self.wire(self.start(address))
        text = wire.ask("/")
        as_json = wire.ask("/", fields="accept: application/json\r\n")
        self.assertEqual(text.get("content-type"), "text/plain; charset=utf-8")
        self.assertEqual(as_json.get("content-type"), "application/json")
        told = json.loads(as_json.body)
        self.assertEqual(told["error"], "connect_failed")
        self.assertRegex(told["request_id"], "^[0-9a-f]{16}$")
        port = address.rpartition(":")[2]
        for response in (text, as_json):
            whole = response.line + response.text + str(response.fields)
            for internal in ("127.0.0.1", port, "refused", "cluster", "errno"):
                self.assertNotIn(internal, whole)

    def test_connect_timeout(self):
        gateway = self.start(silent_address(self), cluster="timeouts: {connect: 200ms}")
        watch = Stopwatch()
        self.assert_error(self.wire(gateway).ask("/"), 504, "connect_timeout")
        self.assertLess(watch.seconds, 10)
        self.assertGreaterEqual(watch.seconds, 0.19)
        self.assertEqual(self.cluster_metric(gateway, "connect_timeouts_total"), 1)
        self.assert_none(gateway, "cluster_connections_active")

    def test_another_endpoint_is_tried(self):
        upstream = self.scripted(answering(lambda r: ok(r.body)))
        gateway = self.start(self.refusing(), upstream)
        wire = self.wire(gateway)
        for i in range(6):
            method, body = (("GET", None), ("POST", b"content"))[i % 2]
            response = wire.ask(f"/{i}", method, body=body)
            # Nothing had been sent to the first, so a POST may go on too: once, and whole.
            self.assertEqual((response.status, response.body), (200, body or b""))
        self.assertEqual(sorted(upstream.targets), [f"/{i}" for i in range(6)])
        self.assertGreaterEqual(self.cluster_metric(gateway, "connect_failures_total"), 1)

    def test_another_endpoint_is_tried_after_a_connect_timeout(self):
        upstream = self.scripted(answering(by_target))
        silent = silent_address(self)
        gateway = self.start(silent, upstream, cluster="timeouts: {connect: 200ms}")
        wire = self.wire(gateway)
        for _ in range(4):
            self.assertEqual(wire.ask("/").status, 200)
        self.assertGreaterEqual(self.cluster_metric(gateway, "connect_timeouts_total"), 1)

    def test_an_endpoint_that_comes_back_is_used_again(self):
        upstream = self.scripted(answering(by_target))
        port = upstream.socket.getsockname()[1]
        gateway = self.start(upstream)
        upstream.stop()
        wire = self.wire(gateway)
        self.assertEqual(wire.ask("/").status, 503)
        self.scripted(answering(by_target), address=("127.0.0.1", port))
        wait_until(lambda: wire.ask("/").status == 200, "served again", 10)


class BrokenResponseTest(Http1Test):
    """Endpoints that end or garble their answer."""

    def broken(self, *parts, reset=False, read=True, **arguments):
        """A gateway whose upstream sends this for /bad and then goes; all else is answered."""

        def script(wire, upstream):
            while True:
                request = upstream.request(wire)
                if request.target != "/bad":
                    wire.send(by_target(request))
                    continue
                wire.send(*parts)
                if reset:
                    wire.reset()
                return

        self.upstream = self.scripted(script)
        return self.start(self.upstream, **arguments)

    def still_well(self, gateway, neighbour):
        """Another client's connection, opened before, goes on; so does a new one."""
        self.assertEqual(neighbour.ask("/good").status, 200)
        self.assertEqual(self.wire(gateway).ask("/good").status, 200)

    def test_closed_before_a_head(self):
        for reset in (False, True):
            with self.subTest(reset=reset):
                gateway = self.broken(reset=reset)
                neighbour = self.wire(gateway)
                self.assertEqual(neighbour.ask("/good").status, 200)
                wire = self.wire(gateway)
                # A connection of its own: on a used one a GET would be tried again.
                response = wire.ask("/bad", "POST", body=b"x")
                self.assert_error(response, 502, "upstream_reset")
                self.assertEqual(wire.ask("/good").status, 200, "the client is kept")
                self.assertEqual(self.cluster_metric(gateway, "resets_total"), 1)
                self.still_well(gateway, neighbour)

    def test_closed_within_the_head(self):
        gateway = self.broken("HTTP/1.1 200 OK\r\nx-secret: 1")
        neighbour = self.wire(gateway)
        response = self.wire(gateway).ask("/bad")
        self.assertEqual(response.status, 502)
        self.assertFalse(response.has("x-secret"))
        self.still_well(gateway, neighbour)

    def test_closed_within_the_content(self):
        for name, framing in (
            ("length", "content-length: 100\r\n\r\nabc"),
            ("chunked", "transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n"),
            ("in a chunk", "transfer-encoding: chunked\r\n\r\n30\r\nabc"),
        ):
            for reset in (False, True):
                with self.subTest(name, reset=reset):
                    gateway = self.broken("HTTP/1.1 200 OK\r\n", framing, reset=reset)
                    neighbour = self.wire(gateway)
                    self.assertEqual(neighbour.ask("/good").status, 200)
                    wire = self.wire(gateway).send("GET /bad HTTP/1.1\r\nhost: a\r\n\r\n")
                    try:
                        head = wire.head()
                    except ConnectionResetError:
                        pass  # The reset overtook the head.
                    else:
                        if head.status == 200:
                            self.assert_broken_off(wire, head)
                        else:  # Nothing of it had left yet: an honest answer.
                            self.assertEqual(head.status, 502)
                    self.still_well(gateway, neighbour)

    def test_a_http_1_0_client_sees_a_reset(self):
        """Its content ends with the connection: only a reset says that it is not whole."""
        started = threading.Event()

        def script(wire, upstream):
            upstream.request(wire)
            wire.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n")
            self.assertTrue(started.wait(30))

        wire = self.wire(self.start(self.scripted(script)))
        wire.send("GET / HTTP/1.0\r\n\r\n")
        self.assertEqual(wire.head().status, 200)
        self.assertEqual(wire.take(3), b"abc")
        started.set()
        with self.assertRaises(ConnectionResetError):
            wire.rest()

    def test_malformed_responses(self):
        for name, parts in (
            ("no version", "200 OK\r\ncontent-length: 0\r\n\r\n"),
            ("not HTTP", "SSH-2.0-OpenSSH_9.2\r\n\r\n"),
            ("two lengths", "HTTP/1.1 200 OK\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\n"),
            ("a bad length", "HTTP/1.1 200 OK\r\ncontent-length: +3\r\n\r\nabc"),
            ("a bad name", "HTTP/1.1 200 OK\r\nx y: 3\r\n\r\n"),
            ("a bad status", "HTTP/1.1 2000 OK\r\ncontent-length: 0\r\n\r\n"),
            ("NUL", "HTTP/1.1 200 OK\r\nx: a\0b\r\ncontent-length: 0\r\n\r\n"),
            ("an unknown coding", "HTTP/1.1 200 OK\r\ntransfer-encoding: what\r\n\r\nabc"),
            ("a 101 nobody asked for", "HTTP/1.1 101 Switching\r\nupgrade: x\r\n\r\n"),
            ("a head without end", "HTTP/1.1 200 OK\r\n" + "x: y\r\n" * 60_000),
        ):
            with self.subTest(name):
                gateway = self.broken(parts)
                neighbour = self.wire(gateway)
                wire = self.wire(gateway)
                self.assert_error(wire.ask("/bad"), 502, "malformed_response")
                self.assertEqual(wire.ask("/good").status, 200)
                self.still_well(gateway, neighbour)

    def test_a_malformed_chunk_right_behind_the_head_is_a_502(self):
        """Nothing of the response has left yet."""
        gateway = self.broken(
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\nabc\r\n"
        )
        wire = self.wire(gateway)
        self.assert_error(wire.ask("/bad"), 502, "malformed_response")
        self.assertEqual(wire.ask("/good").status, 200)

    def test_a_malformed_chunk_later_breaks_the_response_off(self):
        passed = threading.Event()

        def script(wire, upstream):
            upstream.request(wire)
            wire.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n")
            passed.wait(30)
            wire.send("zz\r\nabc\r\n")

        wire = self.wire(self.start(self.scripted(script)))
        self.addCleanup(passed.set)
        head = wire.send("GET /bad HTTP/1.1\r\nhost: a\r\n\r\n").head()
        self.assertEqual(head.status, 200)
        self.assertEqual(wire.until(b"abc\r\n"), b"3\r\n")
        passed.set()
        self.assertTrue(wire.at_end())

    def test_bytes_behind_a_response_are_nobody_s(self):
        """An endpoint that says too much must not answer the next request with it."""

        def script(wire, upstream):
            while True:
                request = upstream.request(wire)
                extra = ok("smuggled\n") if request.target == "/much" else b""
                wire.send(by_target(request) + extra)

        upstream = self.scripted(script)
        wire = self.wire(self.start(upstream))
        for _ in range(5):
            self.assertEqual(wire.ask("/much").text, "GET /much\n")
            self.assertEqual(wire.ask("/next").text, "GET /next\n")


class TimeoutTest(Http1Test):
    """Endpoints that take too long."""

    def test_response_headers(self):
        release = threading.Event()
        self.addCleanup(release.set)

        def script(wire, upstream):
            upstream.request(wire)
            wire.rest()  # Until the gateway gives up.

        upstream = self.scripted(script)
        gateway = self.start(upstream, route="timeouts: {response_headers: 200ms}")
        wire = self.wire(gateway)
        watch = Stopwatch()
        self.assert_error(wire.ask("/"), 504, "response_timeout")
        self.assertGreaterEqual(watch.seconds, 0.19)
        self.assertLess(watch.seconds, 10)
        wait_until(lambda: upstream.active == 0, "the upstream connection is closed")
        self.assert_none(gateway, "cluster_connections_active")
        self.assert_error(wire.ask("/again"), 504, "response_timeout")
        self.assertEqual(self.cluster_metric(gateway, "response_timeouts_total"), 2)

    def test_response_headers_waits_for_the_request_to_be_whole(self):
        gateway = self.start(
            self.scripted(answering(lambda r: ok(r.body))),
            route="timeouts: {response_headers: 400ms}",
        )
        wire = self.wire(gateway)
        wire.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 6\r\n\r\n")
        for byte in b"abcdef":
            self.assertFalse(wire.readable(0.15), "a client that sends is not a slow endpoint")
            wire.send(bytes([byte]))
        self.assertEqual(wire.response().body, b"abcdef")

    def test_silence_in_the_content(self):
        def script(wire, upstream):
            upstream.request(wire)
            wire.send("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nabc")
            wire.rest()

        upstream = self.scripted(script)
        gateway = self.start(upstream, route="timeouts: {idle: 200ms}")
        wire = self.wire(gateway).send("GET / HTTP/1.1\r\nhost: a\r\n\r\n")
        watch = Stopwatch()
        self.assert_broken_off(wire)
        self.assertLess(watch.seconds, 10)
        wait_until(lambda: upstream.active == 0, "the upstream connection is closed")

    def test_a_trickle_is_not_silence(self):
        def script(wire, upstream):
            upstream.request(wire)
            wire.send("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n")
            for byte in b"0123456789":
                self.assertFalse(wire.readable(0.1))
                wire.send(bytes([byte]))

        gateway = self.start(self.scripted(script), route="timeouts: {idle: 600ms}")
        self.assertEqual(self.wire(gateway).ask("/").body, b"0123456789")

    def test_total(self):
        def script(wire, upstream):
            upstream.request(wire)
            wire.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
            while not wire.readable(0.05):
                wire.send("1\r\nx\r\n")

        upstream = self.scripted(script)
        gateway = self.start(upstream, route="timeouts: {total: 500ms}")
        wire = self.wire(gateway).send("GET / HTTP/1.1\r\nhost: a\r\n\r\n")
        watch = Stopwatch()
        self.assert_broken_off(wire)
        self.assertGreaterEqual(watch.seconds, 0.4)
        self.assertLess(watch.seconds, 10)
        wait_until(lambda: upstream.active == 0, "the upstream connection is closed")

    def test_total_before_any_answer(self):
        upstream = self.scripted(lambda wire, up: (up.request(wire), wire.rest()))
        gateway = self.start(upstream, route="timeouts: {total: 300ms}")
        self.assert_error(self.wire(gateway).ask("/"), 504, "response_timeout")


class ClientGoneTest(Http1Test):
    """Clients that die leave nothing behind."""

    def all_released(self, gateway, upstream):
        wait_until(lambda: upstream.active == 0, "the upstream connection is closed")
        wait_until(
            lambda: self.cluster_metric(gateway, "connections_active") == 0, "none is counted"
        )
        wait_until(lambda: self.listener_metric(gateway, "connections_active") == 0, "no client")

    def test_in_the_request(self):
        got_head = threading.Event()

        def script(wire, upstream):
            wire.head()
            got_head.set()
            wire.rest()

        for reset in (False, True):
            with self.subTest(reset=reset):
                got_head.clear()
                upstream = self.scripted(script)
                gateway = self.start(upstream)
                wire = self.wire(gateway)
                wire.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\nabc")
                self.assertTrue(got_head.wait(30))
                wire.reset() if reset else wire.close()
                self.all_released(gateway, upstream)

    def test_before_the_response(self):
        """The endpoint is still at work when its client goes."""
        got = threading.Event()

        def script(wire, upstream):
            upstream.request(wire)
            got.set()
            wire.rest()

        upstream = self.scripted(script)
        gateway = self.start(upstream)
        wire = self.wire(gateway).send("GET / HTTP/1.1\r\nhost: a\r\n\r\n")
        self.assertTrue(got.wait(30))
        wire.reset()
        self.all_released(gateway, upstream)

    def test_in_the_response(self):
        block = pattern(1 << 20)

        def script(wire, upstream):
            upstream.request(wire)
            wire.send(f"HTTP/1.1 200 OK\r\ncontent-length: {len(block) * 64}\r\n\r\n")
            for _ in range(64):
                wire.send(block)

        for reset in (False, True):
            with self.subTest(reset=reset):
                upstream = self.scripted(script)
                gateway = self.start(upstream)
                wire = self.wire(gateway).send("GET / HTTP/1.1\r\nhost: a\r\n\r\n")
                wire.take(100_000)
                wire.reset() if reset else wire.close()
                self.all_released(gateway, upstream)

    def test_a_hundred_of_them(self):
        """Nothing is leaked: neither descriptors nor places under the cluster's limits."""

        def script(wire, upstream):
            while True:
                request = upstream.request(wire)
                if request.target == "/leave":
                    wire.rest()
                wire.send(by_target(request))

        upstream = self.scripted(script)
        gateway = self.start(upstream, cluster="limits: {max_requests: 30, max_connections: 30}")
        self.assertEqual(self.wire(gateway).ask("/stay").status, 200)
        open_before = len(os.listdir(f"/proc/{gateway.process.pid}/fd"))
        for _ in range(5):
            wires = [self.wire(gateway) for _ in range(20)]
            before = len(upstream.requests)
            for wire in wires:
                wire.send("GET /leave HTTP/1.1\r\nhost: a\r\n\r\n")
            upstream.last(before + 20)
            for wire in wires:
                wire.reset()
            wait_until(lambda: upstream.active <= 1, "released upstream")
        # All but the first connection, which the pool keeps.
        wait_until(
            lambda: len(os.listdir(f"/proc/{gateway.process.pid}/fd")) <= open_before,
            "the descriptors are closed",
        )
        self.assertEqual(self.wire(gateway).ask("/stay").status, 200)
        self.assertEqual(self.cluster_metric(gateway, "overflow_requests_total"), 0)


class ReuseTest(Http1Test):
    """Pooled connections that the endpoint has closed, or closes as they are used."""

    def closing_on_the_second(self):
        """Answers the first request of a connection, and goes when the second has arrived."""

        def script(wire, upstream):
            wire.send(by_target(upstream.request(wire)))
            upstream.request(wire)
            wire.reset()

        return self.scripted(script)

    def test_a_get_is_sent_again_once(self):
        upstream = self.closing_on_the_second()
        gateway = self.start(upstream)
        wire = self.wire(gateway)
        self.assertEqual(wire.ask("/first").status, 200)
        self.assertEqual(wire.ask("/second").text, "GET /second\n")
        self.assertEqual(upstream.targets, ["/first", "/second", "/second"])
        self.assertEqual(self.cluster_metric(gateway, "retries_reused_total"), 1)

    def test_a_post_is_not(self):
        for body in (b"", b"content"):
            with self.subTest(body=body):
                upstream = self.closing_on_the_second()
                gateway = self.start(upstream)
                wire = self.wire(gateway)
                self.assertEqual(wire.ask("/first").status, 200)
                self.assert_error(
                    wire.ask("/second", "POST", body=body), 502, "upstream_reset"
                )
                self.assertEqual(upstream.targets, ["/first", "/second"], "never twice")
                self.assertEqual(self.cluster_metric(gateway, "retries_reused_total"), 0)

    def test_a_put_with_content_is_not(self):
        upstream = self.closing_on_the_second()
        wire = self.wire(self.start(upstream))
        self.assertEqual(wire.ask("/first").status, 200)
        self.assertEqual(wire.ask("/second", "PUT", body=b"content").status, 502)
        self.assertEqual(upstream.targets, ["/first", "/second"])

    def test_a_get_on_a_new_connection_is_not(self):
        def script(wire, upstream):
            upstream.request(wire)

        upstream = self.scripted(script)
        wire = self.wire(self.start(upstream))
        self.assert_error(wire.ask("/"), 502, "upstream_reset")
        self.assertEqual(upstream.targets, ["/"])

    def test_a_get_whose_answer_had_begun_is_not(self):
        def script(wire, upstream):
            wire.send(by_target(upstream.request(wire)))
            upstream.request(wire)
            wire.send("HTTP/1.1 200 OK\r\ncontent-le")

        upstream = self.scripted(script)
        wire = self.wire(self.start(upstream))
        self.assertEqual(wire.ask("/first").status, 200)
        self.assertEqual(wire.ask("/second").status, 502)
        self.assertEqual(upstream.targets, ["/first", "/second"])

    def test_a_connection_that_was_closed_while_idle_is_not_used(self):
        """Even a POST succeeds: the pool has seen the FIN before."""

        def script(wire, upstream):
            wire.send(by_target(upstream.request(wire)))

        upstream = self.scripted(script)
        gateway = self.start(upstream)
        wire = self.wire(gateway)
        for i in range(5):
            self.assertEqual(wire.ask(f"/{i}", "POST", body=b"x").status, 200)
            wait_until(
                lambda: self.cluster_metric(gateway, "connections_active") == 0, "noticed"
            )
        self.assertEqual(upstream.targets, [f"/{i}" for i in range(5)])
        self.assertEqual(self.cluster_metric(gateway, "retries_reused_total"), 0)

    def test_a_connection_is_used_again_after_a_client_was_slow(self):
        """What had to wait in the gateway is not mistaken for bytes nobody asked for."""
        body = pattern(4 << 20)
        upstream = self.scripted(answering(lambda request: ok(body)))
        gateway = self.start(upstream)
        for _ in range(5):
            wire = self.wire(gateway)
            wire.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n")
            wire.head()
            pieces = bytearray()
            while len(pieces) < len(body):
                pieces += wire.take(min(30_000, len(body) - len(pieces)))
            self.assertTrue(bytes(pieces) == body)
        self.assertEqual(len(upstream.wires), 1)

    def test_idle_connections_are_closed_in_time(self):
        upstream = self.scripted(answering(by_target))
        gateway = self.start(upstream, cluster="timeouts: {idle: 200ms}")
        self.assertEqual(self.wire(gateway).ask("/").status, 200)
        wait_until(lambda: upstream.active == 0, "closed by the gateway")
        self.assert_none(gateway, "cluster_connections_active")

    def test_an_answer_before_the_request_is_whole(self):
        """The endpoint has made up its mind: the client gets the answer, then the end."""

        def script(wire, upstream):
            wire.head()
            wire.send("HTTP/1.1 403 Forbidden\r\ncontent-length: 3\r\n\r\nno\n")
            wire.rest()

        upstream = self.scripted(script)
        gateway = self.start(upstream)
        wire = self.wire(gateway)
        wire.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1000000\r\n\r\n", b"x" * 1000)
        response = wire.response()
        self.assertEqual((response.status, response.body), (403, b"no\n"))
        wire.close()
        wait_until(lambda: upstream.active == 0, "the upstream connection is released")


if __name__ == "__main__":
    unittest.main()
