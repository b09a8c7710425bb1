# SPDX-License-Identifier: Apache-2.0
"""Clients and endpoints whose exchanges look the same in HTTP/1.1 and HTTP/2, in the clear or in TLS.

What a test says through these holds for every version, so that one case runs in all combinations.
"""

import base64
import os
import queue
import socket
import threading

from gatehouse import PATIENCE, wait_until
from http1 import Closed, Wire
from http2 import Http2Connection, StreamEnded
from sealed import reset, sealed

BROKEN = (Closed, StreamEnded, ConnectionError)  # A message was not whole.
_HOP = ("connection", "keep-alive", "transfer-encoding", "upgrade", "proxy-connection")


class Fields:
    def __init__(self, fields):
        self.fields = [(name, value) for name, value in fields if not name.startswith(":")]

    def all(self, name):
        return [value for key, value in self.fields if key == name]

    def get(self, name, default=None):
        values = self.all(name)
        if len(values) > 1:
            raise AssertionError(f"{name} comes {len(values)} times: {values}")
        return values[0] if values else default


class Reply(Fields):
    """A final response; `interim` has (status, Fields) of those before it."""

    def __init__(self, status, fields, interim):
        super().__init__(fields)
        self.status, self.interim = status, interim
        self.body, self.trailers = b"", []


def _chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data) if data else b""


def _block(fields):
    return "".join(f"{name}: {value}\r\n" for name, value in fields).encode("latin-1")


class _Http1Content:
    """Reads the content of a message piece by piece."""

    def __init__(self, wire, message, until_close):
        self.wire, self.trailers, self.left = wire, [], 0
        self.chunked = message.get("transfer-encoding") == "chunked"
        self.until_close = until_close
        if not self.chunked and message.has("content-length"):
            self.left, self.until_close = int(message.get("content-length")), False
        self.until_close = self.until_close and not self.chunked
        self.done = not (self.chunked or self.left or self.until_close)

    def read(self):
        if self.done:
            return b""
        if self.until_close:
            part = self.wire.take(len(self.wire.pending))
            if part or self.wire.fill():
                return part or self.wire.take(len(self.wire.pending))
            self.done = True
            return b""
        if self.chunked and not self.left:
            self.left = int(self.wire.until(b"\r\n"), 16)
            if not self.left:
                while line := self.wire.until(b"\r\n"):
                    name, _, value = line.decode("latin-1").partition(":")
                    self.trailers.append((name.lower(), value.strip()))
                self.done = True
                return b""
        part = self.wire.take(1)
        part += self.wire.take(min(self.left - 1, len(self.wire.pending)))
        self.left -= len(part)
        if not self.left:
            if self.chunked and self.wire.take(2) != b"\r\n":
                raise AssertionError("a chunk does not end with CRLF")
            self.done = not self.chunked
        return part


class _Content:
    """What both kinds of exchange share."""

    def read_all(self):
        parts = []
        while part := self.read():
            parts.append(part)
        return b"".join(parts)


# ---- clients ----


class Client:
    """Of one gateway's listener. In HTTP/2, one connection with many streams; in HTTP/1.1, one
    connection for each exchange under way, kept for the next."""

    def __init__(self, version, address, tls=None, name=None):
        self.version, self.address, self.tls, self.name = version, address, tls, name
        self.idle, self.opened = [], []
        self.connections = 0
        self.h2 = None

    def connect(self):
        connection = socket.create_connection(self.address, timeout=PATIENCE)
        self.connections += 1
        if self.tls is not None:
            connection, protocol = sealed(connection, self.tls, name=self.name)
            wanted = {"h1": "http/1.1", "h2": "h2"}[self.version]
            if protocol != wanted:
                raise AssertionError(f"ALPN chose {protocol}, not {wanted}")
        return connection

    def open(self, method, target, fields=(), body=b"", end=True, authority="a.test"):
        """Begins a request. With `end` it has `body` and no more; else content of unknown length
        follows, until its end()."""
        fields = list(fields)
        if end and body:
            fields.append(("content-length", str(len(body))))
        kind = _Http2Exchange if self.version == "h2" else _Http1Exchange
        exchange = kind(self, method)
        exchange.start(authority, target, fields, not end, end and not body)
        if end and body:
            exchange.send(body)
            exchange.end()
        return exchange

    def ask(self, method, target, fields=(), body=b"", **arguments):
        """A whole exchange."""
        return self.open(method, target, fields, body, **arguments).reply()

    def websocket(self, target, authority="a.test"):
        """A tunnel, or the refusal: .reply() tells."""
        kind = _Http2Exchange if self.version == "h2" else _Http1Exchange
        exchange = kind(self, "GET")
        exchange.start_websocket(authority, target)
        return exchange

    def wire(self):
        if self.idle:
            return self.idle.pop()
        wire = Wire(self.connect())
        self.opened.append(wire)
        return wire

    def connection(self):
        if self.h2 is None or self.h2.gone is not None:
            self.h2 = Http2Connection(self.connect())
            self.opened.append(self.h2)
        return self.h2

    @property
    def violations(self):
        return [one for each in self.opened for one in getattr(each, "violations", [])]

    def close(self):
        for one in self.opened:
            one.close()


class _Http1Exchange(_Content):
    def __init__(self, client, method):
        self.client, self.method, self.wire = client, method, client.wire()
        self.unknown = self.tunnel = False
        self.head = None

    def start(self, authority, target, fields, unknown, _done):
        self.unknown = unknown
        framing = "transfer-encoding: chunked\r\n" if unknown else ""
        self.wire.send(
            f"{self.method} {target} HTTP/1.1\r\nhost: {authority}\r\n{framing}", _block(fields), "\r\n"
        )

    def start_websocket(self, authority, target):
        self.tunnel = True
        key = base64.b64encode(os.urandom(16)).decode()
        self.wire.send(
            f"GET {target} HTTP/1.1\r\nhost: {authority}\r\nconnection: upgrade\r\n"
            f"upgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: {key}\r\n\r\n"
        )

    def send(self, data):
        self.wire.send(_chunk(data) if self.unknown else data)

    def end(self, trailers=()):
        if self.tunnel:
            self.wire.finish()
        if self.unknown:
            self.wire.send(b"0\r\n", _block(trailers), "\r\n")

    def reset(self):
        self.wire.reset()

    def begun(self):
        """The head of the final response."""
        interim = []
        while self.head is None:
            message = self.wire.head()
            if message.status >= 200 or message.status == 101:
                self.head = message
                break
            interim.append((message.status, Fields(message.fields)))
        bare = self.method == "HEAD" or self.head.status in (204, 304)
        self.content = _Http1Content(self.wire, self.head, not bare)
        self.content.done = self.content.done or bare
        fields = [(n, v) for n, v in self.head.fields if n not in _HOP]
        self.tunnel = self.tunnel and self.head.status == 101
        # A tunnel that opened is told alike in both versions.
        return Reply(200 if self.tunnel else self.head.status, fields, interim)

    def next_interim(self):
        """The status of the 1xx that comes next."""
        return self.wire.head().status

    def read(self):
        return self.content.read()

    def reply(self):
        reply = self.begun()
        reply.body = self.read_all()
        reply.trailers = self.content.trailers
        if self.head.get("connection", "").lower() == "close" or self.content.until_close:
            self.wire.close()
        else:
            self.client.idle.append(self.wire)
        return reply


class _Http2Exchange(_Content):
    def __init__(self, client, method):
        self.client, self.method, self.connection = client, method, client.connection()
        self.seen = 0

    def _pseudo(self, authority, target):
        scheme = "https" if self.client.tls is not None else "http"
        return [(":scheme", scheme), (":path", target), (":authority", authority)]

    def start(self, authority, target, fields, _unknown, done):
        head = [(":method", self.method), *self._pseudo(authority, target), *fields]
        self.stream = self.connection.open(head, end=done)

    def start_websocket(self, authority, target):
        setting = 8  # SETTINGS_ENABLE_CONNECT_PROTOCOL, RFC 8441
        self.connection.wait(lambda: self.connection.peer_settings, "settings")
        if self.connection.peer_settings.get(setting) != 1:
            raise AssertionError("extended CONNECT is not offered")
        head = [(":method", "CONNECT"), (":protocol", "websocket")]
        head += [*self._pseudo(authority, target), ("sec-websocket-version", "13")]
        self.stream = self.connection.open(head)

    def send(self, data):
        self.connection.send(self.stream, data)

    def end(self, trailers=()):
        if trailers:
            self.connection.headers(self.stream, trailers, end=True)
        else:
            self.connection.send(self.stream, end=True)

    def reset(self):
        self.connection.reset(self.stream)

    def begun(self):
        fields = self.connection.head(self.stream)
        interim = [(int(dict(one)[":status"]), Fields(one)) for one in self.stream.interim]
        return Reply(int(dict(fields)[":status"]), fields, interim[self.seen :])

    def next_interim(self):
        self.seen += 1
        self.connection.wait(
            lambda: len(self.stream.interim) >= self.seen or self.stream.fields, "an interim response"
        )
        return int(dict(self.stream.interim[self.seen - 1])[":status"])

    def read(self):
        return self.connection.read(self.stream)

    def reply(self):
        reply = self.begun()
        reply.body = self.read_all()
        reply.trailers = self.stream.trailers
        return reply


# ---- endpoints ----


class Endpoint:
    """`answer(exchange)` runs on a thread for each request; `seen` are all of them, as they came."""

    def __init__(self, version, answer, context=None):
        self.version, self.answer, self.context = version, answer, context
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.lock = threading.Lock()
        self.connections, self.seen, self.failures = [], [], []
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def address(self):
        return f"127.0.0.1:{self.socket.getsockname()[1]}"

    def _accept(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self._take, args=(connection,), daemon=True).start()

    def _take(self, connection):
        if self.context is not None:
            try:
                connection, protocol = sealed(connection, self.context, server=True)
            except OSError as error:
                self.failures.append(error)
                return
            if self.version == "h2" and protocol != "h2":
                self.failures.append(AssertionError(f"ALPN chose {protocol}"))
        if self.version == "h2":
            with self.lock:
                self.connections.append(Http2Connection(connection, serve=self._serve_h2))
            return
        wire = Wire(connection)
        with self.lock:
            self.connections.append(wire)
        self._serve_h1(wire)

    def _run(self, exchange):
        with self.lock:
            self.seen.append(exchange)
        try:
            self.answer(exchange)
        except BROKEN as error:
            exchange.broken.put(error)
            raise
        except OSError as error:
            exchange.broken.put(error)
            raise Closed from error

    def _serve_h1(self, wire):
        try:
            while True:
                exchange = _Http1Served(wire)
                self._run(exchange)
                if exchange.over or exchange.read_all() is None:
                    return
        except (Closed, OSError):
            pass
        except Exception as error:  # Shown by the test, whatever it is.
            self.failures.append(error)
        finally:
            wire.close()

    def _serve_h2(self, connection, stream):
        try:
            self._run(_Http2Served(connection, stream))
        except Closed:
            pass

    @property
    def violations(self):
        with self.lock:
            broken = [one for each in self.connections for one in getattr(each, "violations", [])]
        return broken + self.failures

    def named(self, target):
        """The request for it, once it has come."""
        return wait_until(
            lambda: next((one for one in list(self.seen) if one.target == target), None), target
        )

    def stop(self):
        self.socket.close()
        with self.lock:
            for one in self.connections:
                one.close()


class _Served(_Content, Fields):
    def __init__(self, method, target, authority, fields):
        Fields.__init__(self, [(n, v) for n, v in fields if n not in _HOP and n != "host"])
        self.method, self.target, self.authority = method, target, authority
        self.websocket = False
        self.broken = queue.Queue()  # What ended the exchange too early.

    def respond(self, status, fields=(), body=b"", trailers=()):
        """A whole response: with content-length, unless trailers follow."""
        fields = list(fields)
        if not trailers and status not in (204, 304):
            fields.append(("content-length", str(len(body))))
        self.begin(status, fields, known=not trailers)
        if body and self.method != "HEAD":
            self.send(body)
        self.end(trailers)


class _Http1Served(_Served):
    def __init__(self, wire):
        message = wire.head()
        super().__init__(message.method, message.target, message.get("host"), message.fields)
        self.wire, self.message = wire, message
        self.content = _Http1Content(wire, message, False)
        self.known = True
        self.over = False
        self.websocket = message.get("upgrade", "").lower() == "websocket"

    def read(self):
        return self.wire.take(len(self.wire.pending)) or self._more() if self.over else self.content.read()

    def _more(self):
        return self.wire.take(len(self.wire.pending)) if self.wire.fill() else b""

    @property
    def trailers(self):
        return self.content.trailers

    @property
    def length(self):
        return self.message.get("content-length")

    def interim(self, status, fields=()):
        self.wire.send(f"HTTP/1.1 {status} X\r\n", _block(fields), "\r\n")

    def begin(self, status, fields=(), known=False):
        self.known = known or status in (204, 304)
        framing = "" if self.known else "transfer-encoding: chunked\r\n"
        self.wire.send(f"HTTP/1.1 {status} X\r\n{framing}", _block(fields), "\r\n")

    def send(self, data):
        self.wire.send(data if self.known or self.over else _chunk(data))

    def end(self, trailers=()):
        if self.over:
            self.wire.finish()
        elif not self.known:
            self.wire.send(b"0\r\n", _block(trailers), "\r\n")

    def accept(self):
        """Opens the tunnel that was asked for."""
        from websocket_test import accept_for

        self.over = True
        self.wire.send(
            "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
            f"sec-websocket-accept: {accept_for(self.message.get('sec-websocket-key'))}\r\n\r\n"
        )

    def abort(self):
        self.over = True
        reset(self.wire.socket)

    def wait_gone(self):
        """Until the other end took the request back."""
        while self.wire.fill():
            self.wire.take(len(self.wire.pending))


class _Http2Served(_Served):
    def __init__(self, connection, stream):
        pseudo = dict(stream.fields)
        method = pseudo[":method"]
        websocket = pseudo.get(":protocol") == "websocket"
        authority = pseudo.get(":authority", pseudo.get("host"))
        super().__init__("GET" if websocket else method, pseudo[":path"], authority, stream.fields)
        self.connection, self.stream, self.websocket = connection, stream, websocket
        self.scheme = pseudo.get(":scheme")
        self.bare = method == "HEAD"

    def read(self):
        return self.connection.read(self.stream)

    @property
    def trailers(self):
        return self.stream.trailers

    @property
    def length(self):
        return self.get("content-length")

    def interim(self, status, fields=()):
        self.connection.headers(self.stream, [(":status", str(status)), *fields])

    def begin(self, status, fields=(), known=False):
        self.bare = self.bare or status in (204, 304)
        head = [(":status", str(status)), *fields]
        self.connection.headers(self.stream, head, end=self.bare)

    def send(self, data):
        self.connection.send(self.stream, data)

    def end(self, trailers=()):
        if trailers:
            self.connection.headers(self.stream, trailers, end=True)
        elif not self.bare:
            self.connection.send(self.stream, end=True)

    def accept(self):
        self.begin(200)

    def abort(self):
        self.connection.reset(self.stream, 2)  # INTERNAL_ERROR

    def wait_gone(self):
        self.connection.wait(lambda: self.stream.error is not None, "the stream is reset")
