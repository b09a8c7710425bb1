# SPDX-License-Identifier: Apache-2.0
"""A WebSocket client and server that people use (Node's `ws`) through the gateway."""

import json
import os
import signal
import subprocess
import unittest

from gatehouse import PATIENCE, GatewayTest

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "ws.js")
CONFIG = """
admin: {{address: "127.0.0.1:0"}}
listeners: [{{name: web, address: "127.0.0.1:0", upgrades: [websocket]}}]
clusters: {{chat: {{endpoints: ["127.0.0.1:{port}"]}}}}
routes: [{{match: {{path_prefix: /}}, cluster: chat, timeouts: {{idle: {idle}s}}}}]
"""


class Node:
    """A run of ws.js."""

    def __init__(self, test, *arguments):
        environment = dict(os.environ)
        environment.setdefault("NODE_PATH", "/usr/share/nodejs")
        self.process = subprocess.Popen(
            ["node", SCRIPT, *arguments], stdout=subprocess.PIPE, env=environment
        )
        test.addCleanup(self.stop)

    def says(self):
        """The next line."""
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError("ws.js has ended")
        return json.loads(line)

    def stop(self):
        self.process.kill()
        self.process.wait(PATIENCE)
        self.process.stdout.close()


class WsTest(GatewayTest):
    def opened(self):
        server = Node(self, "server")
        self.port = server.says()["port"]
        gateway = self.gateway(CONFIG.format(port=self.port, idle=60)).start()
        host, port = gateway.addresses["web"]
        client = Node(self, "client", f"ws://{host}:{port}/chat")
        self.assertEqual(client.says(), {"echoed": 7})
        return gateway, server, client

    def test_messages_of_all_sizes_and_a_drain(self):
        gateway, server, client = self.opened()
        gateway.signal(signal.SIGTERM)
        self.assertEqual(client.says(), {"closed": 1001})
        self.assertEqual(server.says(), {"closed": 1001})
        self.assertEqual(gateway.wait(), 0)

    def test_a_reload_leaves_it_open(self):
        gateway, server, client = self.opened()
        gateway.replace(CONFIG.format(port=self.port, idle=59))
        self.assertEqual(gateway.post("/reload").status, 200)
        # Still there for the server's own close, which reaches the client as it is.
        server.process.send_signal(signal.SIGTERM)
        self.assertEqual(client.says(), {"closed": 1006})


if __name__ == "__main__":
    unittest.main()
