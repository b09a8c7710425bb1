# SPDX-License-Identifier: Apache-2.0
"""A listener and its cluster go and come back under keep-alive load: nothing hangs, nothing dies."""

import socket
import threading
import unittest

from gatehouse import wait_until
from http1 import Http1Test, Wire, answering, ok

CLIENTS = 24
RELOADS = 40


def text(with_second, first, second, port):
    listener = f'\n  - {{name: w2, address: "127.0.0.1:{port}"}}' if with_second else ""
    cluster = f'\n  c2: {{endpoints: ["{second}"]}}' if with_second else ""
    route = (
        "\n  - {match: {path_prefix: /, listeners: [w2]}, cluster: c2, "
        "timeouts: {response_headers: 2s}}"
        if with_second
        else ""
    )
    return f"""
admin: {{address: "127.0.0.1:0"}}
runtime: {{workers: 1}}
listeners:
  - {{name: web, address: "127.0.0.1:0"}}{listener}
clusters:
  c1: {{endpoints: ["{first}"]}}{cluster}
routes:{route}
  - {{match: {{path_prefix: /}}, cluster: c1}}
"""


class RemovalTest(Http1Test):
    def test_a_listener_and_its_cluster_go_together_under_load(self):
        first = self.scripted(answering(lambda request: ok()))
        second = self.scripted(answering(lambda request: ok()))
        held = socket.socket()
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
        held.close()
        texts = [text(b, first.address, second.address, port) for b in (True, False)]
        # Freed memory is overwritten, so that what uses it still does not get away with it.
        gateway = self.gateway(texts[0], environment={"MALLOC_PERTURB_": "165"}).start()
        self.addCleanup(self._still_serves, gateway)
        done = threading.Event()
        answered, lost = [0] * CLIENTS, []

        def client(number):
            while not done.is_set():
                try:
                    wire = Wire(socket.create_connection(("127.0.0.1", port), timeout=10))
                except OSError:
                    done.wait(0.005)  # Nobody listens at the moment.
                    continue
                try:
                    while not done.is_set() and wire.ask("/").get("connection") != "close":
                        answered[number] += 1
                        done.wait(0.0007 * (number % 7))
                except TimeoutError:
                    lost.append(number)
                except Exception:  # noqa: BLE001  A connection that was given up between requests.
                    pass
                finally:
                    wire.close()

        threads = [threading.Thread(target=client, args=(i,)) for i in range(CLIENTS)]
        for thread in threads:
            thread.start()
        try:
            for i in range(RELOADS):
                before = sum(answered)
                gateway.write(texts[(i + 1) % 2])
                self.assertEqual(gateway.post("/reload").status, 200)
                if i % 2:
                    wait_until(lambda: sum(answered) > before, "requests are answered again")
                done.wait(0.15)
        finally:
            done.set()
            for thread in threads:
                thread.join()
        self.assertEqual(lost, [], "requests that got no answer")
        wait_until(lambda: gateway.json("/server").get("streams", 0) <= 1, "no stream is left over")


if __name__ == "__main__":
    unittest.main()
