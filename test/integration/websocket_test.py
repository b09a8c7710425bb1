# SPDX-License-Identifier: Apache-2.0
"""WebSocket through the gateway, both ends by hand (RFC 6455)."""

import base64
import hashlib
import os
import signal
import struct
import threading
import unittest

from gatehouse import wait_until
from http1 import Http1Test, Stopwatch, config, ok, pattern

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
UPGRADES = "upgrades: [websocket]"


def accept_for(key):
    return base64.b64encode(hashlib.sha1(key.encode() + GUID).digest()).decode()


def handshake(key, path="/chat"):
    return (
        f"GET {path} HTTP/1.1\r\nhost: a\r\nupgrade: websocket\r\nconnection: Upgrade\r\n"
        f"sec-websocket-key: {key}\r\nsec-websocket-version: 13\r\n"
        "sec-websocket-protocol: chat\r\n\r\n"
    )


def new_key():
    return base64.b64encode(os.urandom(16)).decode()


def frame(payload, masked, opcode=2):
    """One final frame."""
    head = bytes([0x80 | opcode])
    bit = 0x80 if masked else 0
    if len(payload) < 126:
        head += bytes([bit | len(payload)])
    elif len(payload) < 65536:
        head += struct.pack(">BH", bit | 126, len(payload))
    else:
        head += struct.pack(">BQ", bit | 127, len(payload))
    if not masked:
        return head + payload
    mask = os.urandom(4)
    key = int.from_bytes(mask * (len(payload) // 4 + 1), "big")
    padded = payload + bytes(-len(payload) % 4 + 4)
    xored = int.from_bytes(padded[: (len(payload) // 4 + 1) * 4], "big") ^ key
    return head + mask + xored.to_bytes((len(payload) // 4 + 1) * 4, "big")[: len(payload)]


def read_frame(wire):
    """(opcode, payload), unmasked."""
    first, second = wire.take(2)
    length = second & 0x7F
    if length == 126:
        (length,) = struct.unpack(">H", wire.take(2))
    elif length == 127:
        (length,) = struct.unpack(">Q", wire.take(8))
    mask = wire.take(4) if second & 0x80 else b"\0\0\0\0"
    payload = wire.take(length)
    words = length // 4 + 1
    key = int.from_bytes(mask * words, "big")
    value = int.from_bytes((payload + b"\0" * 4)[: words * 4], "big") ^ key
    return first & 0x0F, value.to_bytes(words * 4, "big")[:length]


def switch(wire, upstream, accept=None, fields=""):
    """The endpoint's half of the handshake."""
    request = upstream.request(wire)
    key = request.get("sec-websocket-key")
    wire.send(
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n"
        f"sec-websocket-accept: {accept or accept_for(key)}\r\n{fields}\r\n"
    )
    return request


def echo(wire, upstream):
    """Sends every frame back, unmasked as servers do, and closes after a close frame."""
    switch(wire, upstream, fields="sec-websocket-protocol: chat\r\n")
    while True:
        opcode, payload = read_frame(wire)
        wire.send(frame(payload, False, opcode))
        if opcode == 8:
            return


class WebSocketTest(Http1Test):
    def opened(self, script, path="/chat", ends=False, **arguments):
        """A client whose handshake is done, its gateway and upstream. `ends`: the gateway will."""
        upstream = self.scripted(script)
        arguments = {"listener": UPGRADES, **arguments}
        if ends:
            gateway = self.gateway(config([upstream.address], **arguments)).start()
        else:
            gateway = self.start(upstream, **arguments)
        wire = self.wire(gateway)
        key = new_key()
        response = wire.send(handshake(key, path)).response()
        self.assertEqual(response.status, 101, response.body)
        self.assertEqual(response.get("sec-websocket-accept"), accept_for(key))
        self.assertEqual(response.get("upgrade").lower(), "websocket")
        self.assertEqual(response.get("connection").lower(), "upgrade")
        return wire, gateway, upstream, response

    def test_frames_both_ways(self):
        wire, gateway, upstream, response = self.opened(echo)
        self.assertEqual(response.get("sec-websocket-protocol"), "chat")
        request = upstream.last()
        self.assertEqual(request.get("sec-websocket-version"), "13")
        self.assertEqual(request.get("upgrade").lower(), "websocket")
        self.assertEqual(request.get("x-forwarded-for"), "127.0.0.1")
        for payload in (b"", b"hello", pattern(70_000), pattern(1 << 20)):
            sender = threading.Thread(target=wire.send, args=(frame(payload, True),))
            sender.start()
            opcode, back = read_frame(wire)
            sender.join(30)
            self.assertEqual(opcode, 2)
            self.assertTrue(back == payload, f"{len(back)} of {len(payload)} bytes")
        wire.send(frame(b"\x03\xe8", True, 8))
        self.assertEqual(read_frame(wire), (8, b"\x03\xe8"))
        self.assertTrue(wire.at_end())
        self.assertEqual(self.responses_metric(gateway, "1xx"), 1)

    def test_what_is_sent_right_behind_the_head_is_not_lost(self):
        upstream = self.scripted(echo)
        gateway = self.start(upstream, listener=UPGRADES)
        wire = self.wire(gateway)
        early = pattern(100_000)
        sender = threading.Thread(
            target=wire.send, args=(handshake(new_key()), frame(early, True))
        )
        sender.start()
        self.assertEqual(wire.response().status, 101)
        self.assertTrue(read_frame(wire)[1] == early)
        sender.join(30)

    def test_what_the_endpoint_sends_right_behind_its_101_is_not_lost(self):
        def script(wire, upstream):
            request = upstream.request(wire)
            accept = accept_for(request.get("sec-websocket-key"))
            wire.send(
                "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n"
                f"connection: upgrade\r\nsec-websocket-accept: {accept}\r\n\r\n",
                frame(b"welcome", False, 1),
            )
            wire.rest()

        wire = self.opened(script)[0]
        self.assertEqual(read_frame(wire), (1, b"welcome"))

    def test_a_wrong_accept_is_refused(self):
        for fields in (accept_for("somebody else's"), "x"):
            upstream = self.scripted(lambda wire, up, a=fields: (switch(wire, up, a), wire.rest()))
            gateway = self.start(upstream, listener=UPGRADES)
            wire = self.wire(gateway).send(handshake(new_key()), frame(b"secret", True))
            self.assert_error(wire.response(), 502, "malformed_response")
            self.assertTrue(wire.at_end())
            wait_until(lambda up=upstream: up.active == 0, "the upstream connection is closed")

    def test_an_endpoint_that_answers_otherwise(self):
        for status in (200, 426, 403):

            def script(wire, upstream, status=status):
                upstream.request(wire)
                wire.send(f"HTTP/1.1 {status} X\r\ncontent-length: 3\r\n\r\nno\n")
                wire.rest()

            with self.subTest(status):
                upstream = self.scripted(script)
                gateway = self.start(upstream, listener=UPGRADES)
                wire = self.wire(gateway)
                # The client was sure of itself: its frames must not be read as a request.
                smuggled = b"GET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n"
                wire.send(handshake(new_key()), smuggled)
                response = wire.response()
                self.assertEqual((response.status, response.body), (status, b"no\n"))
                self.assertTrue(wire.at_end())
                self.assertNotIn("/smuggled", upstream.targets)

    def test_without_upgrades_it_is_an_ordinary_request(self):
        def script(wire, upstream):
            upstream.request(wire)
            wire.send(ok("ordinary\n"))

        upstream = self.scripted(script)
        wire = self.wire(self.start(upstream)).send(handshake(new_key()))
        response = wire.response()
        self.assertEqual((response.status, response.body), (200, b"ordinary\n"))
        request = upstream.last()
        self.assertFalse(request.has("upgrade"))
        self.assertNotIn("upgrade", (request.get("connection") or "").lower())

    def test_other_protocols_are_not_forwarded(self):
        def script(wire, upstream):
            upstream.request(wire)
            wire.send(ok("ordinary\n"))

        upstream = self.scripted(script)
        wire = self.wire(self.start(upstream, listener=UPGRADES))
        response = wire.ask("/", fields="connection: upgrade\r\nupgrade: foo\r\n")
        self.assertEqual(response.status, 200)
        self.assertFalse(upstream.last().has("upgrade"))

    def test_silence_ends_it(self):
        wire, gateway, upstream, _ = self.opened(
            echo, listener=UPGRADES + ", timeouts: {tunnel_idle: 400ms}"
        )
        for _ in range(4):
            self.assertFalse(wire.readable(0.2))
            wire.send(frame(b"x", True))
            self.assertEqual(read_frame(wire)[1], b"x", "not silent, and past 400 ms in all")
        watch = Stopwatch()
        self.assertTrue(wire.at_end())
        self.assertGreaterEqual(watch.seconds, 0.35)
        self.assertLess(watch.seconds, 10)
        wait_until(lambda: upstream.active == 0, "the upstream connection is closed")
        self.assert_none(gateway, "listener_connections_active")

    def test_routes_timeouts_are_not_those_of_a_tunnel(self):
        wire = self.opened(
            echo, route="timeouts: {response_headers: 300ms, idle: 300ms, total: 300ms}"
        )[0]
        self.assertFalse(wire.readable(0.9))
        wire.send(frame(b"alive", True))
        self.assertEqual(read_frame(wire)[1], b"alive")

    def test_the_client_stops_sending_first(self):
        body = pattern(300_000)

        def script(wire, upstream):
            switch(wire, upstream)
            received = wire.rest()
            wire.send(received, body)

        wire = self.opened(script)[0]
        wire.send(b"last words")
        wire.finish()
        self.assertTrue(wire.rest() == b"last words" + body)

    def test_the_endpoint_stops_sending_first(self):
        got = []

        def script(wire, upstream):
            switch(wire, upstream)
            wire.send(b"bye")
            wire.finish()
            got.append(wire.rest())

        wire, _, upstream, _ = self.opened(script)
        self.assertEqual(wire.rest(), b"bye")
        try:
            wire.send(b"still here")
            wire.finish()
        except OSError:
            pass
        wait_until(lambda: upstream.active == 0, "both ends are closed")

    def test_a_client_that_dies_ends_the_tunnel(self):
        for reset in (False, True):
            with self.subTest(reset=reset):
                wire, gateway, upstream, _ = self.opened(echo)
                wire.send(frame(b"x", True))
                read_frame(wire)
                wire.reset() if reset else wire.close()
                wait_until(lambda up=upstream: up.active == 0, "closed upstream")
                wait_until(
                    lambda g=gateway: self.cluster_metric(g, "connections_active") == 0, "counted"
                )

    def test_an_endpoint_that_dies_ends_the_tunnel(self):
        def script(wire, upstream):
            switch(wire, upstream)
            wire.take(1)
            wire.reset()

        wire = self.opened(script)[0]
        wire.send(b"x")
        self.assertTrue(wire.at_end())

    def test_a_tunnel_connection_is_never_used_again(self):
        wire, gateway, upstream, _ = self.opened(echo)
        wire.send(frame(b"", True, 8))
        read_frame(wire)
        self.assertTrue(wire.at_end())
        self.wire(gateway).send(handshake(new_key())).response()
        self.assertEqual(len(upstream.wires), 2)

    def test_a_drain_says_going_away_between_two_frames(self):
        whole = frame(pattern(1000), False)
        middle = threading.Event()
        heard = []

        def script(wire, upstream):
            switch(wire, upstream)
            wire.send(whole, whole[:500])
            middle.wait(30)
            wire.send(whole[500:], frame(b"not for you any more", False))
            heard.append(read_frame(wire))

        wire, gateway, upstream, _ = self.opened(script, ends=True)
        self.addCleanup(middle.set)
        self.assertEqual(read_frame(wire)[1], pattern(1000))
        wire.send(b"")
        gateway.signal(signal.SIGTERM)
        wait_until(lambda: gateway.get("/readyz").status != 200, "draining")
        self.assertEqual(wire.take(500), whole[:500])
        self.assertFalse(wire.readable(0.5), "nothing may come in the middle of a frame")
        middle.set()
        self.assertEqual(wire.take(len(whole) - 500), whole[500:])
        self.assertEqual(read_frame(wire), (8, b"\x03\xe9"))
        wire.send(frame(b"\x03\xe9", True, 8))
        wait_until(lambda: heard, "the endpoint hears the client's close")
        self.assertEqual(heard, [(8, b"\x03\xe9")])
        self.assertTrue(wire.at_end())
        self.assertEqual(gateway.wait(), 0)

    def test_a_client_that_ignores_going_away_is_closed(self):
        def script(wire, upstream):
            switch(wire, upstream)
            wire.take(1)

        wire, gateway, upstream, _ = self.opened(script, ends=True)
        gateway.signal(signal.SIGTERM)
        self.assertEqual(read_frame(wire), (8, b"\x03\xe9"))
        self.assertTrue(wire.at_end())
        self.assertEqual(gateway.wait(), 0)
        wait_until(lambda: upstream.active == 0, "the endpoint is let go")

    def test_an_upgrade_that_is_answered_while_draining_is_told_too(self):
        draining = threading.Event()

        def script(wire, upstream):
            request = upstream.request(wire)
            draining.wait(30)
            wire.send(
                "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
                f"sec-websocket-accept: {accept_for(request.get('sec-websocket-key'))}\r\n\r\n"
            )
            read_frame(wire)

        upstream = self.scripted(script)
        self.addCleanup(draining.set)
        gateway = self.gateway(config([upstream.address], listener=UPGRADES)).start()
        wire = self.wire(gateway).send(handshake(new_key()))
        upstream.last()
        gateway.signal(signal.SIGTERM)
        wait_until(lambda: gateway.get("/readyz").status != 200, "draining")
        draining.set()
        self.assertEqual(wire.response().status, 101)
        self.assertEqual(read_frame(wire), (8, b"\x03\xe9"))
        wire.send(frame(b"\x03\xe9", True, 8))
        self.assertTrue(wire.at_end())
        self.assertEqual(gateway.wait(), 0)

    def test_an_endpoint_that_stops_in_mid_frame_does_not_hold_a_drain(self):
        def script(wire, upstream):
            switch(wire, upstream)
            wire.send(frame(b"whole", False)[:4])
            wire.take(1)

        wire, gateway, _, _ = self.opened(script, ends=True)
        wire.take(4)
        gateway.signal(signal.SIGTERM)
        self.assertTrue(wire.at_end())
        self.assertEqual(gateway.wait(), 0)

    def test_a_reload_keeps_tunnels_and_frees_what_they_began_with(self):
        wire, gateway, upstream, _ = self.opened(echo)
        for i in range(5):
            text = config([upstream.address], listener=UPGRADES, route=f"timeouts: {{idle: {i + 1}s}}")
            gateway.replace(text)
            self.assertEqual(gateway.post("/reload").status, 200)
            wire.send(frame(b"still", True))
            self.assertEqual(read_frame(wire)[1], b"still")
        wait_until(lambda: gateway.json("/server")["epochs_in_use"] == 1, "old epochs are gone")
        wire.send(frame(b"there", True))
        self.assertEqual(read_frame(wire)[1], b"there")


if __name__ == "__main__":
    unittest.main()
