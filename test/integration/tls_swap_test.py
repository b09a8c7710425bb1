# SPDX-License-Identifier: Apache-2.0
"""Certificates are replaced while clients shake hands: nobody is refused, and the new ones are soon
what they see. What an OCSP responder said is stapled, and replaced alike."""

import os
import shutil
import socket
import ssl
import subprocess
import threading
import unittest

from certificates import Authority
from gatehouse import PATIENCE, GatewayTest, wait_until
from programs import tool

SWAPS = 100

CONFIG = """
version: 1
admin: {{address: "127.0.0.1:0"}}
runtime: {{workers: 2}}
listeners:
  - name: web
    address: "127.0.0.1:0"
    tls: {{certificates: [{{cert_file: {directory}/live.crt, key_file: {directory}/live.key}}]}}
routes:
  - {{match: {{path_prefix: /}}, respond: {{status: 200, body: ok}}}}
"""


class Handshakes:
    """Clients on threads, one handshake after the other, until stopped."""

    def __init__(self, address, context, count=4):
        self.address, self.context = address, context
        self.stopping = threading.Event()
        self.failures, self.done = [], [0] * count
        self.seen = set()  # Serial numbers.
        self.threads = [threading.Thread(target=self._run, args=(i,)) for i in range(count)]
        for thread in self.threads:
            thread.start()

    def _run(self, index):
        while not self.stopping.is_set():
            try:
                with socket.create_connection(self.address, timeout=PATIENCE) as connection:
                    with self.context.wrap_socket(connection, server_hostname="a.test") as tls:
                        self.seen.add(int(tls.getpeercert()["serialNumber"], 16))
                        tls.sendall(b"GET / HTTP/1.1\r\nhost: a.test\r\nconnection: close\r\n\r\n")
                        if not tls.recv(4096).startswith(b"HTTP/1.1 200"):
                            raise AssertionError("not answered")
                self.done[index] += 1
            except (OSError, ssl.SSLError, AssertionError) as error:
                self.failures.append(repr(error))

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join(PATIENCE)


class TlsSwapTest(GatewayTest):
    def test_100_swaps_during_handshakes(self):
        gateway = self.gateway("")
        authority = Authority(gateway.path("tls"))
        pairs = [authority.pair(f"p{i}", "a.test") for i in range(SWAPS + 1)]
        serials = [self.serial(pair[0]) for pair in pairs]
        self.put(gateway, pairs[0], False)
        gateway.write(CONFIG.format(directory=gateway.path("tls")))
        gateway.start()
        clients = Handshakes(gateway.addresses["web"], authority.client_context())
        self.addCleanup(clients.stop)
        for i in range(1, SWAPS + 1):
            # As tools do it by renaming, and in place: for a moment certificate and key don't match.
            self.put(gateway, pairs[i], i % 2 == 0)
            if i % 10 == 0:
                wait_until(lambda i=i: serials[i] in clients.seen, f"certificate {i} is served")
        wait_until(lambda: sum(clients.done) >= 2 * SWAPS, "handshakes")
        clients.stop()
        self.assertEqual(clients.failures, [])
        self.assertLessEqual(clients.seen, set(serials))

    def test_the_staple_that_openssl_sees(self):
        gateway = self.gateway("")
        authority = Authority(gateway.path("tls"))
        pair = authority.pair("live", "a.test")
        staple = authority.staple("live.ocsp", pair[0])
        text = CONFIG.format(directory=gateway.path("tls"))
        gateway.write(text.replace("live.key}", f"live.key, ocsp_file: {staple}}}"))
        gateway.start()
        host, port = gateway.addresses["web"]
        out = subprocess.run(
            [tool("openssl", "openssl"), "s_client", "-status", "-connect", f"{host}:{port}",
             "-servername", "a.test", "-CAfile", authority.file],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE, check=False,
        ).stdout  # fmt: skip
        self.assertIn("OCSP Response Status: successful", out)
        self.assertIn("Cert Status: good", out)
        self.assertIn("Verify return code: 0 (ok)", out)

    def put(self, gateway, pair, by_rename):
        for source, name in zip(pair, ("live.crt", "live.key")):
            target = os.path.join(gateway.path("tls"), name)
            if by_rename:
                shutil.copyfile(source, target + ".new")
                os.rename(target + ".new", target)
            else:
                shutil.copyfile(source, target)

    def serial(self, path):
        return int(ssl._ssl._test_decode_cert(path)["serialNumber"], 16)


if __name__ == "__main__":
    unittest.main()
