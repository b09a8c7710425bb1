# SPDX-License-Identifier: Apache-2.0
"""Handshakes that are none, never end, or never stop: nothing crashes or grows, others are served,
and what is too slow is closed."""

import ctypes
import ctypes.util
import os
import socket
import subprocess
import sys
import threading
import time
import unittest

from attacked import Attacked, Watched, handshake_ends, raise_fd_limit
from gatehouse import PATIENCE, wait_until
from programs import tool

MOST_GROWTH_KIB = 24 << 10
MOST_DELAY = 0.050
# What OpenSSL 3.0 keeps for handshakes under way is 45 KiB each; HAProxy and nginx grow as much.
MOST_OPEN_KIB = 48 << 10


def client_hello():
    """A whole one, as OpenSSL sends it."""
    import ssl

    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    tls = context.wrap_bio(incoming, outgoing, server_hostname="a.test")
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        return outgoing.read()
    raise AssertionError("no ClientHello")


def record(content, kind=22):
    return bytes([kind, 3, 1]) + len(content).to_bytes(2, "big") + content


class TlsAbuseTest(unittest.TestCase):
    def setUp(self):
        raise_fd_limit()
        self.attacked = Attacked(self)
        with Watched(self.attacked) as calm:
            threading.Event().wait(0.3)
        self.usual = calm.p99

    def connect(self):
        connection = socket.create_connection(self.attacked.sealed, timeout=PATIENCE)
        self.addCleanup(connection.close)
        return connection

    def judge(self, watched, growth=MOST_GROWTH_KIB, delay=MOST_DELAY):
        name = self.id().rpartition(".test_")[2]
        print(
            f"{name:40} {watched.growth_kib:6} KiB {watched.cpu:6.3f} s CPU"
            f"  p99 {watched.p99 * 1e3:6.2f} ms (usual {self.usual * 1e3:.2f})",
            file=sys.stderr,
        )
        self.assertIsNone(self.attacked.process.poll(), "it has ended")
        self.assertLessEqual(watched.growth_kib, growth)
        self.assertLessEqual(watched.p99, self.usual + delay)
        client = self.attacked.client_h1()
        self.assertTrue(client.startswith(b"HTTP/1.1 200"), client)

    def test_garbage(self):
        parts = [
            b"\x00" * 100, b"GET / HTTP/1.1\r\nhost: a\r\n\r\n", b"\x16\x03\x01\xff\xff" + b"a" * 70_000,
            record(b"\x01\xff\xff\xff" + b"a" * 100), record(b"\x02\x00\x00\x10" + b"b" * 16),
            record(b"\x02\x50", 21), record(b"x" * 100, 23), record(b"", 22), os.urandom(5000),
            b"\x80\x2e\x01\x00\x02" + bytes(50),
        ]  # fmt: skip
        hello = client_hello()
        parts += [hello[:i] + bytes([hello[i] ^ 0xFF]) + hello[i + 1 :] for i in range(0, len(hello), 7)]
        with Watched(self.attacked) as watched:
            for part in parts:
                connection = self.connect()
                try:
                    connection.sendall(part)
                    connection.shutdown(socket.SHUT_WR)
                    handshake_ends(connection)
                except OSError:
                    pass
                connection.close()
        self.judge(watched)

    def half_open(self, first):
        """1,000 connections that say `first` and no more, until they are given up."""
        with Watched(self.attacked) as watched:
            half = [self.connect() for _ in range(1000)]
            for connection in half:
                connection.sendall(first)
            threading.Event().wait(0.5)
            watched.look()
            # All are closed after the time that a request's head may take.
            for connection in half:
                handshake_ends(connection)
        self.judge(watched, MOST_OPEN_KIB if first else MOST_GROWTH_KIB)

    def test_1000_that_say_nothing(self):
        self.half_open(b"")

    def test_1000_with_half_a_hello(self):
        hello = client_hello()
        self.half_open(hello[: len(hello) // 2])

    def test_1000_that_leave_the_handshake_open(self):
        self.half_open(client_hello())

    def test_a_handshake_that_trickles(self):
        hello = client_hello()
        with Watched(self.attacked) as watched:
            connection = self.connect()
            began = time.monotonic()
            ended = threading.Event()
            reader = threading.Thread(target=lambda: (handshake_ends(connection), ended.set()))
            reader.start()
            for i in range(len(hello)):
                if ended.wait(0.05):
                    break
                try:
                    connection.sendall(hello[i : i + 1])
                except OSError:
                    break
            self.assertTrue(ended.wait(PATIENCE))
            took = time.monotonic() - began
            reader.join()
        self.judge(watched)
        self.assertLess(took, 10, "bytes do not put the deadline off")

    def test_a_large_hello(self):
        """Of more than OpenSSL takes, in records of 16 KiB and in records of one byte."""
        body = b"\x01" + (200_000).to_bytes(3, "big") + client_hello()[9:] + bytes(200_000)
        with Watched(self.attacked) as watched:
            for size in (16384, 1):
                connection = self.connect()
                records = b"".join(record(body[at : at + size]) for at in range(0, min(len(body), 60_000 * size), size))
                try:
                    connection.sendall(records)
                except OSError:
                    pass
                handshake_ends(connection)
        self.judge(watched)

    def test_renegotiation_is_refused(self):
        host, port = self.attacked.sealed
        with Watched(self.attacked) as watched:
            client = subprocess.Popen(
                [tool("openssl", "openssl"), "s_client", "-tls1_2", "-connect", f"{host}:{port}"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            )  # fmt: skip
            out = b""
            while b"---\nread R BLOCK" not in out and b"Verify return code" not in out:
                out += os.read(client.stdout.fileno(), 65536)
            client.stdin.write(b"R\n")
            client.stdin.flush()
            # Refused by an alert (no_renegotiation), or not answered at all.
            while b"RENEGOTIATING" not in out:
                out += os.read(client.stdout.fileno(), 65536)
            out = out.partition(b"RENEGOTIATING")[2]
            threading.Event().wait(0.5)
            client.kill()
            out += client.communicate()[0]
        self.assertNotIn(b"verify return", out)
        self.judge(watched)

    def test_key_updates(self):
        ssl = ctypes.CDLL(ctypes.util.find_library("ssl"))
        for name in ("TLS_client_method", "SSL_CTX_new", "SSL_new"):
            getattr(ssl, name).restype = ctypes.c_void_p
        context = ctypes.c_void_p(ssl.SSL_CTX_new(ctypes.c_void_p(ssl.TLS_client_method())))
        client = ctypes.c_void_p(ssl.SSL_new(context))
        connection = self.connect()
        connection.setblocking(True)
        ssl.SSL_set_fd(client, connection.fileno())
        self.assertEqual(ssl.SSL_connect(client), 1)
        got = []
        reader = threading.Thread(target=lambda: got.append(handshake_ends(connection)))
        reader.start()  # Or what answers them would fill the connection up.
        with Watched(self.attacked) as watched:
            sent = 0
            while sent < 20_000 and ssl.SSL_key_update(client, 1) == 1 and ssl.SSL_do_handshake(client) == 1:
                sent += 1
        print(f"{sent} KeyUpdates left", file=sys.stderr)
        self.judge(watched)
        try:
            connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        reader.join(PATIENCE)
        self.assertGreater(sent, 10)

    def test_a_storm_of_handshakes_that_are_left(self):
        """Each costs a signature; who leaves in the middle leaves nothing behind."""
        hello = client_hello()
        with Watched(self.attacked) as watched:
            for _ in range(300):
                connection = self.connect()
                connection.sendall(hello)
                connection.close()
            wait_until(lambda: self.attacked.memory_kib() < watched.memory + MOST_GROWTH_KIB, "freed")
        self.judge(watched, delay=0.25)  # 300 signatures at once are work, not a fault.


if __name__ == "__main__":
    unittest.main()
