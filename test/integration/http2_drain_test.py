# SPDX-License-Identifier: Apache-2.0
"""How connections of HTTP/2 clients end: idle, worn, drained, or because the client does not keep
its side up. Who is told in time loses nothing."""

import base64
import hashlib
import signal
import socket
import threading
import time
import unittest

import h2.config
import h2.connection
import h2.events

from gatehouse import PATIENCE
from http1 import Http1Test, answering, config, ok
from http2_endpoint import Gone

FRAME_GOAWAY = 7


class Client:
    """A connection by python3-h2, driven by the test. Keeps going after GOAWAY."""

    def __init__(self, address):
        self.socket = socket.create_connection(address, timeout=PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.h2 = h2.connection.H2Connection(
            h2.config.H2Configuration(client_side=True, header_encoding="latin-1")
        )
        self.h2.initiate_connection()
        self.flush()
        self.raw = bytearray()
        self.goaways = []  # (last stream, code)
        self.heads = {}
        self.bodies = {}
        self.done = set()
        self.resets = {}
        self.closed = False

    def flush(self):
        self.socket.sendall(self.h2.data_to_send())

    def open(self, path="/", method="GET", end=True):
        stream = self.h2.get_next_available_stream_id()
        self.bodies[stream] = b""
        fields = [(":method", method), (":path", path), (":scheme", "http"), (":authority", "a.test")]
        self.h2.send_headers(stream, fields, end_stream=end)
        self.flush()
        return stream

    def fill(self):
        """Reads once, frame by frame: h2 takes GOAWAY for the end of everything, which is not."""
        chunk = self.socket.recv(1 << 16)
        if not chunk:
            self.closed = True
            raise Gone
        self.raw += chunk
        while len(self.raw) >= 9 and len(self.raw) >= 9 + int.from_bytes(self.raw[:3], "big"):
            size = 9 + int.from_bytes(self.raw[:3], "big")
            frame = bytes(self.raw[:size])
            del self.raw[:size]
            if frame[3] == FRAME_GOAWAY:
                self.goaways.append(
                    (int.from_bytes(frame[9:13], "big"), int.from_bytes(frame[13:17], "big"))
                )
                continue
            for event in self.h2.receive_data(frame):
                self._take(event)
        self.flush()

    def _take(self, event):
        if isinstance(event, h2.events.ResponseReceived):
            self.heads[event.stream_id] = dict(event.headers)
        elif isinstance(event, h2.events.DataReceived):
            self.bodies[event.stream_id] += event.data
            self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.StreamEnded):
            self.done.add(event.stream_id)
        elif isinstance(event, h2.events.StreamReset):
            self.resets[event.stream_id] = event.error_code

    def holds_goaway(self):
        """Whether it is among what was received and not looked at."""
        at = 0
        while len(self.raw) >= at + 9:
            if self.raw[at + 3] == FRAME_GOAWAY:
                return True
            at += 9 + int.from_bytes(self.raw[at : at + 3], "big")
        return False

    def until(self, condition):
        while not condition():
            self.fill()

    def answer(self, stream):
        self.until(lambda: stream in self.done)
        return self.heads[stream][":status"], self.bodies[stream]

    def get(self, path="/"):
        return self.answer(self.open(path))

    def end(self):
        """Reads to the end of the connection."""
        try:
            while True:
                self.fill()
        except Gone:
            return True
        except ConnectionResetError:
            return False

    def close(self):
        self.socket.close()


class Http2DrainTest(Http1Test):
    def client(self, gateway):
        client = Client(gateway.addresses["web"])
        self.addCleanup(client.close)
        return client

    def gated(self):
        """An upstream whose answers to /slow wait until `open` is set."""
        gate = threading.Event()

        def answer(request):
            if request.target == "/slow":
                gate.wait(PATIENCE)
            return ok(request.target)

        upstream = self.scripted(answering(answer))
        self.addCleanup(gate.set)
        return upstream, gate

    def quick(self):
        return self.scripted(answering(lambda request: ok(request.target)))

    # ---- idle ----

    def test_an_idle_connection_is_told_and_closed(self):
        gateway = self.start(self.quick(), listener="timeouts: {idle: 300ms}")
        client = self.client(gateway)
        self.assertEqual(client.get(), ("200", b"/"))
        self.assertTrue(client.end())
        self.assertEqual({code for _, code in client.goaways}, {0})
        self.assertEqual(client.goaways[-1][0], 1)
        self.assert_none(gateway, "listener_connections_active")

    def test_a_request_that_crosses_the_word_is_answered(self):
        gateway = self.start(self.quick(), listener="timeouts: {idle: 300ms}")
        client = self.client(gateway)
        self.assertEqual(client.get(), ("200", b"/"))
        # The answer to the gateway's PING would end the time for that: it is held back.
        while not client.holds_goaway():
            client.raw += client.socket.recv(1 << 16)
        stream = client.open("/late")
        self.assertEqual(client.answer(stream), ("200", b"/late"))
        self.assertTrue(client.end())

    def test_a_connection_with_streams_is_not_idle(self):
        upstream, gate = self.gated()
        gateway = self.start(upstream, listener="timeouts: {idle: 200ms}")
        client = self.client(gateway)
        stream = client.open("/slow")
        upstream.last()
        client.socket.settimeout(1.5)
        with self.assertRaises(TimeoutError):
            while not client.goaways:
                client.fill()
        client.socket.settimeout(PATIENCE)
        gate.set()
        self.assertEqual(client.answer(stream), ("200", b"/slow"))
        self.assertTrue(client.end())

    def test_a_client_that_does_not_close(self):
        gateway = self.start(self.quick(), listener="timeouts: {idle: 200ms}")
        client = self.client(gateway)
        client.get()
        self.assert_none(gateway, "listener_connections_active")  # Though nobody reads.

    # ---- the client's own speed ----

    def test_half_a_preface(self):
        gateway = self.start(self.quick(), listener="timeouts: {request_headers: 300ms}")
        wire = self.wire(gateway)
        wire.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        self.assertIsNotNone(wire.rest())
        self.assertEqual(self.listener_metric(gateway, "timeouts_total"), 1)
        self.assert_none(gateway, "listener_connections_active")

    def test_a_header_block_that_does_not_end(self):
        gateway = self.start(self.quick(), listener="timeouts: {request_headers: 300ms}")
        client = self.client(gateway)
        self.assertEqual(client.get(), ("200", b"/"))
        began = time.monotonic()
        client.socket.sendall(b"\0\0\x01\x01\0\0\0\0\x03\x82")  # HEADERS without END_HEADERS.
        client.end()
        self.assertLess(time.monotonic() - began, 10)
        self.assertTrue(client.goaways)
        self.assertEqual(self.listener_metric(gateway, "timeouts_total"), 1)
        self.assert_none(gateway, "listener_connections_active")

    def test_a_client_without_requests_is_only_idle(self):
        gateway = self.start(
            self.quick(), listener="timeouts: {request_headers: 200ms, idle: 1500ms}"
        )
        client = self.client(gateway)
        client.fill()
        self.assertFalse(self.wire_is_closed(client, 0.8))
        self.assertEqual(client.get(), ("200", b"/"))
        self.assertEqual(self.listener_metric(gateway, "timeouts_total"), 0)

    def wire_is_closed(self, client, seconds):
        client.socket.settimeout(seconds)
        try:
            while True:
                client.fill()
        except TimeoutError:
            return False
        except Gone:
            return True
        finally:
            client.socket.settimeout(PATIENCE)

    def test_a_client_that_reads_nothing(self):
        body = bytes(8 << 20)
        upstream = self.scripted(answering(lambda request: ok(body)))
        gateway = self.start(upstream, listener="timeouts: {idle: 500ms}", route="timeouts: {idle: 60s}")
        client = self.client(gateway)
        client.h2.increment_flow_control_window(1 << 28)
        client.flush()
        for _ in range(8):
            stream = client.open()
            client.h2.increment_flow_control_window(1 << 24, stream)
        client.flush()
        self.assert_none(gateway, "listener_connections_active")
        upstream.failures.clear()

    # ---- worn and drained ----

    def test_max_requests_per_connection(self):
        upstream, gate = self.gated()
        gateway = self.start(upstream, listener="limits: {max_requests_per_connection: 3}")
        client = self.client(gateway)
        slow = client.open("/slow")
        upstream.last()
        self.assertEqual(client.get("/2"), ("200", b"/2"))
        self.assertEqual(client.goaways, [])
        self.assertEqual(client.get("/3"), ("200", b"/3"))
        client.until(lambda: client.goaways)
        gate.set()
        self.assertEqual(client.answer(slow), ("200", b"/slow"))
        self.assertTrue(client.end())
        self.assertEqual({code for _, code in client.goaways}, {0})

    def test_the_process_drains(self):
        upstream, gate = self.gated()
        gateway = self.start(upstream)
        self._cleanups = [c for c in self._cleanups if c[0] != self._still_serves]
        client, idle = self.client(gateway), self.client(gateway)
        self.assertEqual(idle.get("/a"), ("200", b"/a"))
        slow = client.open("/slow")
        upstream.last()
        gateway.signal(signal.SIGTERM)
        began = time.monotonic()
        self.assertTrue(idle.end())
        self.assertLess(time.monotonic() - began, 10)
        client.until(lambda: client.goaways)
        self.assertNotIn(slow, client.done)
        gate.set()
        self.assertEqual(client.answer(slow), ("200", b"/slow"))
        self.assertTrue(client.end())
        self.assertEqual(gateway.wait(), 0)

    def test_a_listener_that_a_reload_removes(self):
        upstream, gate = self.gated()
        gateway = self.start(upstream)
        client = self.client(gateway)
        slow = client.open("/slow")
        upstream.last()
        text = config([upstream.address]).replace(
            'name: web, address: "127.0.0.1', 'name: other, address: "127.0.0.2'
        )
        gateway.replace(text)
        self.assertEqual(gateway.post("/reload").status, 200)
        client.until(lambda: client.goaways)
        gate.set()
        self.assertEqual(client.answer(slow), ("200", b"/slow"))
        self.assertTrue(client.end())

    def test_streams_of_several_configurations(self):
        upstream, gate = self.gated()
        gateway = self.start(upstream)
        client = self.client(gateway)
        streams = []
        for number in range(3):
            streams.append(client.open("/slow"))
            upstream.last(number + 1)
            answer = f"\n  - {{name: n{number}, match: {{path: /n}}, respond: {{status: 200, body: n{number}}}}}"
            gateway.replace(config([upstream.address]).replace("routes:", "routes:" + answer))
            self.assertEqual(gateway.post("/reload").status, 200)
            self.assertEqual(client.get("/n"), ("200", f"n{number}".encode()))
        gate.set()
        for stream in streams:
            self.assertEqual(client.answer(stream), ("200", b"/slow"))
        self.assertEqual(client.goaways, [])

    def test_nothing_is_lost_while_it_drains(self):
        upstream = self.quick()
        gateway = self.start(upstream)
        self._cleanups = [c for c in self._cleanups if c[0] != self._still_serves]
        client = self.client(gateway)
        self.assertEqual(client.get(), ("200", b"/"))
        answered = 0
        gateway.signal(signal.SIGTERM)
        try:
            while not client.goaways:
                self.assertEqual(client.get(f"/{answered}"), ("200", f"/{answered}".encode()))
                answered += 1
            last = client.open("/last")
            client.until(lambda: last in client.done or last in client.resets)
        except (Gone, OSError):
            # Not answered: then it must have been said that it would not be.
            self.assertTrue(any(stream < last for stream, _ in client.goaways), client.goaways)
        self.assertEqual(gateway.wait(), 0)

    def test_a_websocket_is_told_to_go_away(self):
        def script(wire, upstream):
            upstream.request(wire)
            wire.send(
                b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
                b"sec-websocket-accept: " + accept_of(upstream.requests[-1]) + b"\r\n\r\n"
            )
            wire.rest()

        upstream = self.scripted(script)
        gateway = self.start(upstream, listener="upgrades: [websocket]")
        self._cleanups = [c for c in self._cleanups if c[0] != self._still_serves]
        client = self.client(gateway)
        client.fill()
        stream = client.h2.get_next_available_stream_id()
        client.bodies[stream] = b""
        client.h2.send_headers(
            stream,
            [
                (":method", "CONNECT"),
                (":protocol", "websocket"),
                (":path", "/ws"),
                (":scheme", "http"),
                (":authority", "a.test"),
                ("sec-websocket-version", "13"),
            ],
        )
        client.flush()
        client.until(lambda: stream in client.heads)
        self.assertEqual(client.heads[stream][":status"], "200")
        gateway.signal(signal.SIGTERM)
        client.until(lambda: client.bodies[stream])
        self.assertEqual(client.bodies[stream][:4], b"\x88\x02\x03\xe9")  # Close, 1001.
        client.h2.end_stream(stream)
        client.flush()
        self.assertTrue(client.end())
        self.assertEqual(gateway.wait(), 0)


def accept_of(request):
    key = request.get("sec-websocket-key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    return base64.b64encode(hashlib.sha1(key.encode()).digest())


if __name__ == "__main__":
    unittest.main()
