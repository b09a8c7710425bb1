# SPDX-License-Identifier: Apache-2.0
"""Clients that take their time get the whole answer, also from a connection that is closing."""

import os
import socket
import threading
import time
import unittest

from gatehouse import PATIENCE, wait_until
from http1 import Http1Test, Wire, answering, ok, pattern

STALL = 3.0  # Longer than a connection lingers, and than an idle one is left when draining.


class SlowClientTest(Http1Test):
    """A unix socket's buffers are small and don't grow: what is pending stays with the gateway."""

    def setUp(self):
        self.content = pattern(240_000)
        upstream = self.scripted(answering(lambda request: ok(self.content)))
        # In the default directory: a socket's path must be short.
        self.path = f"/tmp/gatehouse-slow-{os.getpid()}-{id(self) % 10000}.sock"
        self.gate = self.gateway(
            f"""
admin: {{address: "127.0.0.1:0"}}
runtime: {{workers: 1, drain_timeout: 30s}}
listeners: [{{name: web, address: "unix:{self.path}"}}]
clusters: {{up: {{endpoints: ["{upstream.address}"]}}}}
routes: [{{match: {{path_prefix: /}}, cluster: up}}]
"""
        ).start()
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(PATIENCE)
        connection.connect(self.path)
        self.slow = Wire(connection)
        self.addCleanup(self.slow.close)

    def stall(self):
        """The client reads nothing for a while: the time is what is tested."""
        self.assertTrue(self.slow.readable(PATIENCE))
        threading.Event().wait(STALL)

    def test_of_a_connection_that_closes(self):
        self.slow.send(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        self.stall()
        self.assertEqual(self.slow.response().body, self.content)

    def test_of_a_gateway_that_drains(self):
        self.slow.send(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
        self.assertTrue(self.slow.readable(PATIENCE))
        began = time.monotonic()
        self.gate.signal(15)
        wait_until(lambda: time.monotonic() - began > STALL, "the stall")
        self.assertEqual(self.slow.response().body, self.content)
        self.slow.close()
        self.assertEqual(self.gate.wait(), 0)


if __name__ == "__main__":
    unittest.main()
