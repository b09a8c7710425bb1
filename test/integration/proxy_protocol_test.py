# SPDX-License-Identifier: Apache-2.0
"""A listener behind a balancer: the PROXY header says who the client is."""

import socket
import struct
import subprocess
import unittest

from gatehouse import PATIENCE, wait_until
from http1 import Http1Test, answering, by_target
from programs import tool

DENY = "deny_list: {type: ip_access, deny: [192.0.2.0/24], source: peer}"
V2 = b"\r\n\r\n\0\r\nQUIT\n"
REQUEST = b"GET / HTTP/1.1\r\nhost: a.test\r\n\r\n"


def v1(source, port=4242):
    return f"PROXY TCP4 {source} 198.51.100.1 {port} 443\r\n".encode()


def v2(source, port=4242, extra=b""):
    block = socket.inet_aton(source) + socket.inet_aton("198.51.100.1")
    block += struct.pack(">HH", port, 443) + extra
    return V2 + b"\x21\x11" + struct.pack(">H", len(block)) + block


class ProxyProtocolTest(Http1Test):
    def behind_balancer(self, **arguments):
        upstream = self.scripted(answering(by_target))
        arguments.setdefault("listener", "proxy_protocol: true")
        return self.start(upstream, **arguments), upstream

    def test_the_client_of_the_header_is_the_peer(self):
        gateway, upstream = self.behind_balancer()
        for count, header in enumerate((v1("203.0.113.9"), v2("203.0.113.9"), v2("203.0.113.9", extra=b"t" * 99)), 1):
            wire = self.wire(gateway).send(header, REQUEST)
            self.assertEqual(wire.response().status, 200)
            self.assertEqual(upstream.last(count).get("x-forwarded-for"), "203.0.113.9")
            self.assertEqual(wire.ask("/again").status, 200)
            upstream.requests.pop()

    def test_it_may_come_byte_by_byte(self):
        gateway, upstream = self.behind_balancer()
        wire = self.wire(gateway)
        for byte in v2("203.0.113.9") + REQUEST:
            wire.send(bytes([byte]))
        self.assertEqual(wire.response().status, 200)
        self.assertEqual(upstream.last().get("x-forwarded-for"), "203.0.113.9")

    def test_local_connections_have_their_own_address(self):
        gateway, upstream = self.behind_balancer()
        for count, header in enumerate((b"PROXY UNKNOWN\r\n", V2 + b"\x20\0\0\0"), 1):
            self.assertEqual(self.wire(gateway).send(header, REQUEST).response().status, 200)
            self.assertEqual(upstream.last(count).get("x-forwarded-for"), "127.0.0.1")

    def test_without_a_header_nothing_is_served(self):
        gateway, upstream = self.behind_balancer()
        for begin in (REQUEST, b"PROXY TCP4 a b 1 2\r\n" + REQUEST, V2 + b"\x31\x11\0\0" + REQUEST):
            self.assertTrue(self.wire(gateway).send(begin).at_end(), begin)
        wait_until(lambda: self.listener_metric(gateway, "malformed_total") == 3, "counted")
        self.assertEqual(upstream.requests, [])

    def test_a_client_that_sends_no_header_is_not_waited_for(self):
        gateway, _ = self.behind_balancer(
            listener="proxy_protocol: true, timeouts: {request_headers: 200ms}"
        )
        self.assertTrue(self.wire(gateway).at_end())
        self.assertTrue(self.wire(gateway).send(b"PROXY TCP4 ").at_end())

    def test_filters_see_the_client(self):
        gateway, _ = self.behind_balancer(
            listener="proxy_protocol: true, filters: [deny_list]", filters=DENY
        )
        self.assert_error(self.wire(gateway).send(v1("192.0.2.1"), REQUEST).response(), 403, "denied")
        self.assertEqual(self.wire(gateway).send(v1("203.0.113.1"), REQUEST).response().status, 200)

    def test_x_forwarded_for_is_believed_from_a_trusted_client_only(self):
        gateway, _ = self.behind_balancer(
            listener="proxy_protocol: true, trusted_proxies: [203.0.113.0/24], filters: [deny_list]",
            filters=DENY.replace("peer", "client"),
        )
        forged = REQUEST.replace(b"\r\n\r\n", b"\r\nx-forwarded-for: 192.0.2.1\r\n\r\n")
        self.assert_error(self.wire(gateway).send(v1("203.0.113.1"), forged).response(), 403, "denied")
        self.assertEqual(self.wire(gateway).send(v1("127.0.0.1"), forged).response().status, 200)

    def test_haproxy_speaks_it(self):
        gateway, upstream = self.behind_balancer()
        port = gateway.addresses["web"][1]
        for version in ("send-proxy", "send-proxy-v2"):
            with socket.create_server(("127.0.0.1", 0)) as free:
                front = free.getsockname()[1]
            path = gateway.path("haproxy.cfg")
            with open(path, "w", encoding="utf-8") as file:
                file.write(
                    "defaults\n mode tcp\n timeout client 10s\n timeout server 10s\n timeout connect 5s\n"
                    f"listen l\n bind 127.0.0.1:{front}\n server s 127.0.0.1:{port} {version}\n"
                )
            balancer = subprocess.Popen([tool("haproxy", "haproxy"), "-db", "-f", path])
            try:
                wait_until(lambda: self.connects(front), "haproxy listens")
                with socket.create_connection(
                    ("127.0.0.1", front), timeout=PATIENCE, source_address=("127.0.0.7", 0)
                ) as client:
                    client.sendall(REQUEST)
                    self.assertIn(b" 200 ", client.recv(4096))
                self.assertEqual(upstream.last().get("x-forwarded-for"), "127.0.0.7")
                upstream.requests.clear()
            finally:
                balancer.terminate()
                balancer.wait(PATIENCE)

    def connects(self, port):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            return False
        return True


if __name__ == "__main__":
    unittest.main()
