# SPDX-License-Identifier: Apache-2.0
"""Large responses go past the codecs through a kernel pipe: nothing of them may be lost, late or
mixed up with what comes after them, and nothing may be left open when one side goes away.

That they do go that way is seen in the pipes that the process has open while a reader has stopped.
"""

import json
import os
import unittest

from gatehouse import wait_until
from http1 import Closed, Http1Test, ok, pattern, pss_bytes

MIB = 1 << 20
BODY = pattern(3 * MIB + 17)
BIG = pattern(24 * MIB)  # More than the kernel keeps for a reader that has stopped.


def descriptors(gateway):
    """How many pipes' ends the process has open, and how many descriptors in all."""
    folder = f"/proc/{gateway.process.pid}/fd"
    links = []
    for name in os.listdir(folder):
        try:
            links.append(os.readlink(os.path.join(folder, name)))
        except OSError:
            pass
    return sum(link.startswith("pipe:") for link in links), len(links)


def read(path):
    """The text of a file, empty while there is none."""
    if not os.path.exists(path):
        return ""
    with open(path, encoding="utf-8") as file:
        return file.read()


class SpliceTest(Http1Test):
    def serving(self, **arguments):
        """A gateway before an endpoint that answers /N with N bytes, on connections kept alive."""

        def script(wire, upstream):
            while True:
                size = int(upstream.request(wire).target[1:])
                wire.send(f"HTTP/1.1 200 OK\r\ncontent-length: {size}\r\n\r\n", BIG[:size])

        return self.start(self.scripted(script), **arguments)

    def stopped(self, gateway, size=len(BIG)):
        """A client that has asked for `size` bytes and reads none: what the kernel does not take of
        them waits."""
        wire = self.wire(gateway)
        wire.send(f"GET /{size} HTTP/1.1\r\nhost: a\r\n\r\n")
        return wire

    def test_bytes_are_exact_whatever_the_size(self):
        gateway = self.serving()
        wire = self.wire(gateway)
        sizes = [1, 65535, 65536, 65537, 100, 16384, 81920, MIB, 5, len(BODY), 131072, 2]
        for size in sizes:
            self.assertEqual(wire.ask(f"/{size}").body, BODY[:size], size)

    def test_responses_follow_each_other_on_a_pipelined_connection(self):
        gateway = self.serving()
        wire = self.wire(gateway)
        sizes = [MIB, 7, 300000, 70000, 1]
        wire.send(*(f"GET /{size} HTTP/1.1\r\nhost: a\r\n\r\n" for size in sizes))
        for size in sizes:
            self.assertEqual(wire.response().body, BODY[:size], size)

    def test_a_stopped_reader_holds_a_pipe_and_no_memory(self):
        gateway = self.serving()
        self.wire(gateway).ask("/100000")
        pipes, _ = descriptors(gateway)
        memory = pss_bytes(gateway.process.pid)
        wires = [self.stopped(gateway) for _ in range(8)]
        wait_until(lambda: descriptors(gateway)[0] >= pipes + 14, "a pipe for each")
        self.assertLess(pss_bytes(gateway.process.pid) - memory, 8 * 128 * 1024)
        for wire in wires:
            self.assertTrue(wire.response().body == BIG)

    def test_a_client_that_leaves_takes_everything_with_it(self):
        gateway = self.serving()
        for wire in [self.stopped(gateway) for _ in range(3)]:
            wire.reset()
        self.assert_none(gateway, "listener_connections_active")
        before = descriptors(gateway)[1]
        for _ in range(50):
            wire = self.stopped(gateway)
            wire.head()
            wire.reset()
        self.assert_none(gateway, "listener_connections_active")
        wait_until(lambda: descriptors(gateway)[1] <= before + 2, "descriptors are closed")

    def test_an_endpoint_that_dies_leaves_no_whole_response(self):
        def script(wire, upstream):
            upstream.request(wire)
            wire.send(f"HTTP/1.1 200 OK\r\ncontent-length: {len(BODY)}\r\n\r\n", BODY[:MIB])
            if upstream.requests[-1].target == "/reset":
                wire.reset()

        gateway = self.start(self.scripted(script))
        for target in ("/fin", "/reset"):
            wire = self.wire(gateway)
            wire.send(f"GET {target} HTTP/1.1\r\nhost: a\r\n\r\n")
            with self.assertRaises((Closed, ConnectionResetError)):
                wire.response()

    def test_bytes_behind_the_content_answer_nobody(self):
        def script(wire, upstream):
            upstream.request(wire)
            wire.send(ok(BODY[:MIB]), ok(b"smuggled"))
            while True:
                upstream.request(wire)
                wire.send(ok(b"late"))

        gateway = self.start(self.scripted(script))
        wire = self.wire(gateway)
        self.assertEqual(wire.ask("/").body, BODY[:MIB])
        self.assertEqual(wire.ask("/").body, BODY[:MIB])

    def test_the_log_and_the_counters_know_how_much_it_was(self):
        gateway = self.serving(listener="filters: [log]", filters="log: {type: access_log, path: log.json, format: json}")
        self.assertEqual(self.wire(gateway).ask(f"/{MIB}").body, BODY[:MIB])
        line = wait_until(lambda: read(gateway.path("log.json")), "a line")
        self.assertEqual(json.loads(line)["bytes_out"], MIB)

    def test_a_reader_that_stays_away_is_given_up(self):
        gateway = self.serving(route="timeouts: {idle: 300ms}")
        wire = self.stopped(gateway)
        wire.head()
        wait_until(lambda: self.listener_metric(gateway, "timeouts_total") == 1, "the timeout")
        self.assert_none(gateway, "listener_connections_active")


if __name__ == "__main__":
    unittest.main()
