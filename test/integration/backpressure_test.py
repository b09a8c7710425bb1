# SPDX-License-Identifier: Apache-2.0
"""A slow reader stops its writer: the gateway does not hold what can't be sent yet.

The quick tests watch the process's memory while 64 MiB wait to go through readers of a few MiB/s.
With LONG=1 in the environment 1 GiB goes through a reader of 1 MiB/s for twenty seconds and then at
full speed, and its checksum is compared.
"""

import hashlib
import os
import socket
import threading
import time
import unittest

from gatehouse import wait_until
from http1 import LONG, Http1Test, pattern, pss_bytes

MIB = 1 << 20
BLOCK = pattern(MIB)
ALLOWED = 2 * MIB  # Of growth, for each stream.

_pause = threading.Event()  # Never set: only waited on.


def read_at(wire, rate, seconds, into):
    """Reads for `seconds` at `rate` bytes a second, giving every piece to `into`."""
    began = time.monotonic()
    count = 0
    piece = 16 * 1024
    while (elapsed := time.monotonic() - began) < seconds:
        if count > rate * elapsed:
            _pause.wait((count - rate * elapsed) / rate)
            continue
        chunk = wire.socket.recv(piece)
        if not chunk:
            raise AssertionError(f"ended after {count} bytes")
        into(chunk)
        count += len(chunk)
    return count


def read_rest(wire, count, into):
    """Reads `count` bytes at full speed."""
    while count > 0:
        chunk = wire.socket.recv(min(count, MIB))
        if not chunk:
            raise AssertionError(f"{count} bytes are missing")
        into(chunk)
        count -= len(chunk)


def write_all(wire, size, progress=None):
    """Sends `size` bytes of the pattern as fast as they are taken."""
    for _ in range(size // MIB):
        wire.send(BLOCK)
        if progress is not None:
            progress.append(MIB)


def digest_of(size):
    digest = hashlib.sha256()
    for _ in range(size // MIB):
        digest.update(BLOCK)
    return digest.hexdigest()


class Sampler:
    """The highest PSS of a process, over what it was in the beginning."""

    def __init__(self, pid):
        self.pid = pid
        self.base = pss_bytes(pid)
        self.highest = self.base
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.thread.join()

    @property
    def growth(self):
        return self.highest - self.base

    def _run(self):
        while not self.stopping.wait(0.05):
            self.highest = max(self.highest, pss_bytes(self.pid))


class BackpressureTest(Http1Test):
    def small_buffers(self, wire):
        """So that the kernel does not take what is being measured."""
        wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)

    def response(self, size, rate, seconds, streams, to_the_end):
        """A fast endpoint and slow clients."""
        written = []

        def script(wire, upstream):
            while True:
                upstream.request(wire)
                if upstream.requests[-1].target == "/warm":
                    wire.send("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nwarm")
                    continue
                wire.send(f"HTTP/1.1 200 OK\r\ncontent-length: {size}\r\n\r\n")
                write_all(wire, size, written)

        gateway = self.start(self.scripted(script))
        self.wire(gateway).ask("/warm")
        wires = [self.wire(gateway) for _ in range(streams)]
        for wire in wires:
            self.small_buffers(wire)
        digests = [hashlib.sha256() for _ in wires]
        got = [0] * streams
        failures = []

        def client(i):
            try:
                wire = wires[i].send("GET /big HTTP/1.1\r\nhost: a\r\n\r\n")
                self.assertEqual(wire.head().status, 200)
                digests[i].update(wire.pending)
                got[i] = len(wire.pending) + read_at(wire, rate, seconds, digests[i].update)
                slow_done.wait()
                if to_the_end:
                    read_rest(wire, size - got[i], digests[i].update)
            except Exception as error:
                failures.append(error)
                slow_done.abort()

        slow_done = threading.Barrier(streams + 1, timeout=seconds + 60)
        self.run_and_watch(gateway, client, streams, slow_done, failures)
        self.assertLess(sum(written), streams * size, "the endpoint was never stopped")
        # What was written and not read is in the gateway and in the kernel's buffers.
        if to_the_end:
            self.join_all(failures)
            self.assertEqual({digest.hexdigest() for digest in digests}, {digest_of(size)})
        return gateway

    def request(self, size, rate, seconds, streams, to_the_end):
        """Fast clients and slow endpoints."""
        failures, digests, written = [], [], []
        slow_done = threading.Barrier(streams + 1, timeout=seconds + 60)

        def script(wire, upstream):
            head = wire.head()
            if head.target == "/warm":
                wire.send("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nwarm")
                wire.head()
            self.small_buffers(wire)
            digest = hashlib.sha256(wire.pending)
            count = len(wire.pending) + read_at(wire, rate, seconds, digest.update)
            slow_done.wait()
            if to_the_end:
                read_rest(wire, size - count, digest.update)
                digests.append(digest.hexdigest())
                wire.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")

        upstream = self.scripted(script)
        gateway = self.start(upstream)
        self.wire(gateway).ask("/warm")
        # The warm connection must not be in the pool: its script is over.
        upstream.wires[0].socket.shutdown(2)
        wait_until(
            lambda: self.cluster_metric(gateway, "connections_active") == 0, "no connection"
        )
        wires = [self.wire(gateway) for _ in range(streams)]

        def client(i):
            try:
                wire = wires[i]
                wire.send(f"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: {size}\r\n\r\n")
                write_all(wire, size, written)
                if to_the_end:
                    self.assertEqual(wire.response().body, b"ok")
            except OSError as error:
                if to_the_end:
                    failures.append(error)

        self.run_and_watch(gateway, client, streams, slow_done, failures)
        self.assertLess(sum(written), streams * size, "the client was never stopped")
        if to_the_end:
            self.join_all(failures)
            self.assertEqual(digests, [digest_of(size)] * streams)
        return gateway

    def run_and_watch(self, gateway, client, streams, slow_done, failures):
        """Runs the clients until the slow part is over, and looks at the memory meanwhile."""
        self.threads = [
            threading.Thread(target=client, args=(i,), daemon=True) for i in range(streams)
        ]
        with Sampler(gateway.process.pid) as sampler:
            for thread in self.threads:
                thread.start()
            try:
                slow_done.wait()
            except threading.BrokenBarrierError:
                self.fail(f"a side failed: {failures}")
        grown = sampler.growth / MIB
        if os.environ.get("VERBOSE"):
            print(f"{self.id()}: {streams} streams, PSS grew by {grown:.2f} MiB")
        self.assertLessEqual(sampler.growth, streams * ALLOWED, f"grew by {grown:.2f} MiB")
        self.assertEqual(failures, [])

    def join_all(self, failures):
        for thread in self.threads:
            thread.join(300)
            self.assertFalse(thread.is_alive(), "not read to the end within 300 s")
        self.assertEqual(failures, [])

    def test_slow_clients(self):
        self.response(64 * MIB, 8 * MIB, 3, streams=1, to_the_end=True)

    def test_four_slow_clients(self):
        self.response(64 * MIB, 4 * MIB, 3, streams=4, to_the_end=False)

    def test_a_slow_endpoint(self):
        self.request(64 * MIB, 8 * MIB, 3, streams=1, to_the_end=True)

    def test_four_slow_endpoints(self):
        self.request(64 * MIB, 4 * MIB, 3, streams=4, to_the_end=False)

    def test_pipelined_requests_wait_for_a_client_that_reads_nothing(self):
        """Answers are not made for a client that takes none: 2,000 of 64 KiB would be 128 MiB."""
        body = BLOCK[: 64 * 1024]

        def script(wire, upstream):
            while True:
                upstream.request(wire)
                wire.send(f"HTTP/1.1 200 OK\r\ncontent-length: {len(body)}\r\n\r\n", body)

        upstream = self.scripted(script)
        gateway = self.start(upstream)
        wire = self.wire(gateway)
        wire.ask("/warm")
        with Sampler(gateway.process.pid) as sampler:
            wire.send(*(f"GET /{i} HTTP/1.1\r\nhost: a\r\n\r\n" for i in range(2000)))
            counts = []

            def still():
                counts.append(len(upstream.requests))
                return len(counts) > 50 and counts[-1] == counts[-50]

            wait_until(still, "no more requests go upstream")
        self.assertLess(counts[-1], 1500)
        self.assertLessEqual(sampler.growth, ALLOWED)
        for _ in range(2000):
            self.assertEqual(len(wire.response().body), len(body))

    @unittest.skipUnless(LONG, "takes long: LONG=1")
    def test_1_gib_to_a_slow_client(self):
        self.response(1024 * MIB, MIB, 20, streams=1, to_the_end=True)

    @unittest.skipUnless(LONG, "takes long: LONG=1")
    def test_1_gib_to_a_slow_endpoint(self):
        self.request(1024 * MIB, MIB, 20, streams=1, to_the_end=True)


if __name__ == "__main__":
    unittest.main()
