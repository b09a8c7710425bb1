# SPDX-License-Identifier: Apache-2.0
"""TLS for tests that were written for bare sockets.

The test keeps one end of a loopback connection in the clear; a thread seals what it sends and opens
what comes, and passes on how either side ended: with a FIN, or with a reset.
"""

import select
import socket
import ssl
import struct
import threading

from gatehouse import PATIENCE

_MOST = 1 << 18  # Bytes under way in one direction.


def reset(connection):
    """Closes with a RST."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def sealed(connection, context, server=False, name=None):
    """(socket in the clear, what ALPN chose or None). Takes `connection` over, handshake and all."""
    connection.settimeout(PATIENCE)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    tls = context.wrap_socket(
        connection, server_side=server, server_hostname=name, suppress_ragged_eofs=False
    )
    ours, theirs = _tcp_pair()
    threading.Thread(target=_Pump(tls, theirs).run, daemon=True).start()
    return ours, tls.selected_alpn_protocol()


def _tcp_pair():
    """As socketpair(), but of TCP: an end of it can be reset."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        first = socket.create_connection(server.getsockname())
        second, _ = server.accept()
    second.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return first, second


class _Pump:
    def __init__(self, tls, clear):
        self.tls, self.clear = tls, clear
        for one in (tls, clear):
            one.setblocking(False)
        self.outward, self.inward = bytearray(), bytearray()
        self.clear_ended = self.tls_ended = False
        self.told_clear = self.told_tls = False

    def run(self):
        try:
            while not (self.told_clear and self.told_tls):
                self._wait()
                self._from_clear()
                self._to_tls()
                self._from_tls()
                self._to_clear()
            self.tls.close()
            self.clear.close()
        except (OSError, ValueError):  # A reset, or an end without the closure alert.
            reset(self.tls)
            reset(self.clear)

    def _wait(self):
        reading, writing = [], []
        if not self.clear_ended and len(self.outward) < _MOST:
            reading.append(self.clear)
        if not self.tls_ended and len(self.inward) < _MOST:
            reading.append(self.tls)
        if self.outward:
            writing.append(self.tls)
        if self.inward:
            writing.append(self.clear)
        pending = not self.tls_ended and len(self.inward) < _MOST and self.tls.pending()
        # A client that went away without a word after its FIN is not waited for.
        select.select(reading, writing, [], 0 if pending else None if reading or writing else 0)

    def _from_clear(self):
        if self.clear_ended or len(self.outward) >= _MOST:
            return
        try:
            chunk = self.clear.recv(65536)
        except BlockingIOError:
            return
        self.outward += chunk
        self.clear_ended = not chunk

    def _to_tls(self):
        try:
            while self.outward:
                del self.outward[: self.tls.send(self.outward[:16384])]
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return
        if self.clear_ended and not self.told_tls:
            self.told_tls = True
            try:
                self.tls.unwrap()  # Sends close_notify; the other end's may come or not.
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                pass
            except OSError:
                self.tls_ended = True
            else:
                self.tls_ended = True

    def _from_tls(self):
        if self.tls_ended or len(self.inward) >= _MOST:
            return
        try:
            chunk = self.tls.recv(65536)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return
        except OSError:
            # Behind our own FIN nobody owes us a closure alert.
            if not self.told_tls:
                raise
            chunk = b""
        self.inward += chunk
        self.tls_ended = not chunk

    def _to_clear(self):
        try:
            while self.inward:
                del self.inward[: self.clear.send(self.inward[:65536])]
        except BlockingIOError:
            return
        if self.tls_ended and not self.told_clear:
            self.told_clear = True
            self.clear.shutdown(socket.SHUT_WR)
