# SPDX-License-Identifier: Apache-2.0
"""Clients that keep to the letter of HTTP/2, more or less, and mean harm: nothing crashes, nothing
grows by more than 24 MiB, others wait at most 50 ms longer, and it ends with the code that says
why, or is swallowed at little cost."""

import os
import struct
import sys
import threading
import time
import unittest

import frames
from attacked import PEER, Attacked, Watched
from frames import (
    CONTINUATION, DATA, END_HEADERS, END_STREAM, HEADERS, INITIAL_WINDOW, PADDED, PING, PRIORITY,
    SETTINGS, WINDOW_UPDATE, Frames, frame, held_at_zero_window, rst, settings, window_update,
)  # fmt: skip
from http1 import Http1Test, answering, ok

MOST_GROWTH_KIB = 24 << 10
MOST_DELAY = 0.050
MOST_CPU = 2.0  # Seconds, for an attack that is swallowed.
MOST_HELD_KIB = 2 << 10
CALM = ("ENHANCE_YOUR_CALM",)


class AbuseTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.attacked = Attacked(_ClassCleanup(cls))
        with Watched(cls.attacked) as calm:
            threading.Event().wait(0.5)
        cls.usual = calm.p99

    def attack(self, run, ends=CALM, swallowed=False, values=None):
        """Runs it on a connection of its own. `ends`: how the connection may end; `swallowed`: it
        may as well go on. Returns the client."""
        client = self.attacked.client(values)
        self.addCleanup(client.close)
        with Watched(self.attacked) as watched:
            run(client)
            client.until(lambda: client.ended, 0.5 if swallowed else 5)
        name = self.id().rpartition(".test_")[2]
        print(
            f"{name:45} {client.ended or 'swallowed':20} {watched.growth_kib:6} KiB"
            f" {watched.cpu:6.3f} s CPU  p99 {watched.p99 * 1e3:6.2f} ms"
            f" (usual {self.usual * 1e3:.2f})  sent {client.sent >> 10} KiB",
            file=sys.stderr,
        )
        self.assertIsNone(self.attacked.process.poll(), "it has ended")
        self.assertLessEqual(watched.growth_kib, MOST_GROWTH_KIB)
        self.assertLessEqual(watched.p99, self.usual + MOST_DELAY)
        self.assertLessEqual(watched.cpu, MOST_CPU)
        if not ((swallowed or PEER) and client.ended is None):
            # A peer in the gateway's place may end it as it likes.
            self.assertIn(client.ended, ends if not PEER else (*frames.CODES, "closed", "reset"))
        self.assertEqual(self.healthy(), 200)
        return client

    def healthy(self):
        """The status of a request on a fresh connection."""
        client = self.attacked.client()
        client.send(client.request(1, "/small"))
        client.until(lambda: 1 in client.done)
        client.close()
        return client.statuses.get(1)

    # ---- streams ----

    def test_rapid_reset(self):
        def run(client):
            for stream in range(1, 40_001, 2):
                if client.ended or client.broken:
                    break
                client.send(client.request(stream, "/small"), rst(stream))
                client.poll(0)

        self.attack(run)

    def test_made_you_reset(self):
        def run(client):
            for stream in range(1, 20_001, 2):
                if client.ended or client.broken:
                    break
                client.send(client.request(stream, "/1m"), frame(WINDOW_UPDATE, 0, stream, bytes(4)))
                client.poll(0)

        # nghttp2 takes it for an error of the connection, as RFC 9113, 5.4.2, allows.
        self.attack(run, (*CALM, "PROTOCOL_ERROR"))

    def test_made_you_reset_by_overflowing_windows(self):
        def run(client):
            for stream in range(1, 20_001, 2):
                if client.ended or client.broken:
                    break
                client.send(client.request(stream, "/1m"), window_update(stream, 2**31 - 1))
                client.poll(0)

        self.attack(run, (*CALM, "PROTOCOL_ERROR", "FLOW_CONTROL_ERROR"))

    def test_more_streams_than_are_allowed(self):
        def run(client):
            limit = client.settings.get(frames.MAX_STREAMS, 100)
            for stream in range(1, 3001, 2):
                client.send(client.request(stream, "/1m"))
                client.poll(0)
            client.until(lambda: len(client.resets) >= 1500 - limit, 3)

        client = self.attack(run, (*CALM, "REFUSED_STREAM", "PROTOCOL_ERROR"), True, {INITIAL_WINDOW: 0})
        self.assertLessEqual(len(client.statuses), client.settings.get(frames.MAX_STREAMS, 100))

    # ---- heads ----

    def test_continuation_flood(self):
        def run(client):
            fields = client.block([(f"x-{i}", "v" * 100) for i in range(120)])
            client.send(frame(HEADERS, END_STREAM, 1, fields))
            client.flood(frame(CONTINUATION, 0, 1, fields), 4000)

        self.attack(run, (*CALM, "PROTOCOL_ERROR", "COMPRESSION_ERROR"))

    def test_empty_continuation_flood(self):
        def run(client):
            client.send(frame(HEADERS, END_STREAM, 1, b""))
            client.flood(frame(CONTINUATION, 0, 1), 200_000)

        self.attack(run, (*CALM, "PROTOCOL_ERROR"))

    def large_block(self, client, stream, block):
        parts = [block[at : at + 16384] for at in range(0, len(block), 16384)]
        out = [frame(HEADERS, END_STREAM, stream, parts[0])]
        out += [frame(CONTINUATION, 0, stream, part) for part in parts[1:-1]]
        return b"".join(out) + frame(CONTINUATION, END_HEADERS, stream, parts[-1])

    def head(self, client, more=b""):
        return client.block([(":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "a")]) + more

    def test_a_head_of_1_mb(self):
        def run(client):
            many = b"".join(
                b"\x00\x07x-%05d\x7f\x81\x07" % i + b"v" * 256 for i in range(4000)
            )
            client.send(self.large_block(client, 1, self.head(client, many)))
            client.until(lambda: 1 in client.done or 1 in client.resets or client.ended, 3)

        client = self.attack(run, (*CALM, "PROTOCOL_ERROR", "COMPRESSION_ERROR"), swallowed=True)
        self.assertIn(client.statuses.get(1, 431), (400, 431))

    def test_hpack_bomb(self):
        def run(client):
            # One entry of 4,000 bytes, named 16,000 times in each of 20 heads.
            entry = b"\x40\x01x" + b"\x7f\xa1\x1e" + b"v" * 4000
            client.send(self.large_block(client, 1, self.head(client, entry + b"\xbe" * 16_000)))
            for stream in range(3, 41, 2):
                if not client.send(self.large_block(client, stream, self.head(client, b"\xbe" * 16_000))):
                    break
                client.poll(0)
            client.until(lambda: len(client.done) + len(client.resets) >= 20, 3)

        client = self.attack(run, (*CALM, "PROTOCOL_ERROR", "COMPRESSION_ERROR"), swallowed=True)
        self.assertFalse({200} & set(client.statuses.values()))

    def test_cookie_crumbs(self):
        def run(client):
            crumb = b"\x60\x03a=b"  # Indexed name 32, cookie, into the table: then 0xbe names it.
            client.send(self.large_block(client, 1, self.head(client, crumb + b"\xbe" * 60_000)))
            for stream in range(3, 41, 2):
                if not client.send(self.large_block(client, stream, self.head(client, b"\xbe" * 60_000))):
                    break
                client.poll(0)
            client.until(lambda: len(client.done) + len(client.resets) >= 20, 3)

        self.attack(run, (*CALM, "PROTOCOL_ERROR", "COMPRESSION_ERROR"), swallowed=True)

    # ---- frames ----

    def test_pings(self):
        self.attack(lambda client: client.flood(frame(PING, 0, 0, b"12345678"), 200_000))

    def test_pings_whose_answers_nobody_reads(self):
        def run(client):
            data = frame(PING, 0, 0, b"12345678") * 1000
            client.socket.settimeout(0.3)
            try:
                for _ in range(2000):
                    client.socket.sendall(data)
            except OSError:
                pass
            # What had been answered is read, and why it ended.

        self.attack(run, (*CALM, "closed", "reset"))

    def test_settings(self):
        self.attack(lambda client: client.flood(settings({INITIAL_WINDOW: 65535}), 100_000))

    def test_empty_settings(self):
        self.attack(lambda client: client.flood(frame(SETTINGS), 100_000))

    def test_empty_data(self):
        def run(client):
            client.send(client.request(1, "/small", "POST", end=False))
            client.flood(frame(DATA, 0, 1), 200_000)

        self.attack(run)

    def test_padding(self):
        def run(client):
            client.send(client.request(1, "/small", "POST", end=False))
            padded = frame(DATA, PADDED, 1, b"\xff" + bytes(255))
            client.flood(padded, 240)  # As much as a window of 65,535 takes.
            client.until(lambda: client.ended, 1)
            client.flood(padded, 20_000, 2)

        self.attack(run, (*CALM, "FLOW_CONTROL_ERROR", "STREAM_CLOSED"), swallowed=True)

    def test_window_updates(self):
        self.attack(
            lambda client: client.flood(window_update(0, 1), 400_000), (*CALM, "FLOW_CONTROL_ERROR"), True
        )

    def test_priorities(self):
        def run(client):
            for round_ in range(40):
                block = b"".join(
                    frame(PRIORITY, 0, stream, struct.pack(">IB", 0 if stream == 1 else stream - 2, 15))
                    for stream in range(1, 5001, 2)
                )
                if client.ended or client.broken or not client.send(block):
                    break
                client.poll(0)

        self.attack(run, CALM, swallowed=True)

    def test_unknown_frames(self):
        self.attack(lambda client: client.flood(frame(0xBB, 0, 0, bytes(16)), 200_000), CALM, True)

    # ---- windows ----

    def test_zero_window(self):
        held_at_zero_window(self.attacked.address, self.attacked.pid, "/1m", 2)
        with Watched(self.attacked) as watched:
            kept = held_at_zero_window(self.attacked.address, self.attacked.pid)
        print(f"80 responses of 1 MiB at zero window: {kept} KiB", file=sys.stderr)
        self.assertLessEqual(watched.p99, self.usual + MOST_DELAY)
        if not PEER:
            self.assertLessEqual(kept, MOST_HELD_KIB)
        self.assertEqual(self.healthy(), 200)

    def test_a_window_of_one_octet(self):
        def run(client):
            client.send(*(client.request(2 * i + 1, "/1m") for i in range(20)))
            end = time.monotonic() + 2
            while time.monotonic() < end and not client.ended and not client.broken:
                client.send(*(window_update(2 * i + 1, 1) for i in range(20)))
                client.poll(0.005)

        client = self.attack(run, CALM, True, {INITIAL_WINDOW: 1})
        self.assertTrue(client.data or client.ended)

    def test_flapping_windows(self):
        def run(client):
            client.send(*(client.request(2 * i + 1, "/1m") for i in range(50)))
            client.flood(settings({INITIAL_WINDOW: 0}) + settings({INITIAL_WINDOW: 65535}), 20_000)

        self.attack(run)


class _ClassCleanup:
    """A test's addCleanup(), for what lasts as long as the class."""

    def __init__(self, cls):
        self.addCleanup = cls.addClassCleanup

    def assertIsNone(self, value, message):
        if value is not None:
            raise AssertionError(message)


class WindowTest(Http1Test):
    """HTTP/2: what a client takes is what its windows say."""

    STREAMS = 10

    def client(self):
        upstream = self.scripted(answering(lambda request: ok(b"from an endpoint")))
        gateway = self.gateway(
            f"""
admin: {{address: "127.0.0.1:0"}}
runtime: {{workers: 1}}
listeners:
  - {{name: web, address: "127.0.0.1:0", protocols: [http/1.1, h2], timeouts: {{idle: 1s}}, limits: {{max_streams: {self.STREAMS}}}}}
clusters: {{up: {{endpoints: ["{upstream.address}"]}}}}
routes:
  - {{match: {{path_prefix: /said}}, respond: {{status: 200, body: "hello hello"}}}}
  - {{match: {{path_prefix: /asked}}, cluster: up, timeouts: {{idle: 0s}}}}
"""
        ).start()
        client = Frames(gateway.addresses["web"], values={INITIAL_WINDOW: 0}).ready()
        self.addCleanup(client.close)
        return client

    def test_answers_that_nobody_takes_make_room(self):
        client = self.client()
        client.send(client.request(1, "/said"))
        others = range(3, 2 * self.STREAMS, 2)
        paths = ("/said", "/asked", "/nowhere")
        client.send(*(client.request(stream, paths[stream % 3]) for stream in others))
        self.assertTrue(client.until(lambda: len(client.statuses) == self.STREAMS))
        for _ in range(5):  # The first takes its answer, if slowly.
            client.send(window_update(1, 2))
            client.until(lambda: False, 0.7)
        self.assertEqual(client.resets, dict.fromkeys(others, "CANCEL"))
        self.assertEqual(client.data, {1: 10})
        client.send(settings({INITIAL_WINDOW: 65535}))
        new = range(others[-1] + 2, others[-1] + 2 + 2 * len(others), 2)
        client.send(*(client.request(stream, "/said") for stream in new))
        self.assertTrue(client.until(lambda: client.done >= {1, *new}), client.resets)


if __name__ == "__main__":
    unittest.main()
