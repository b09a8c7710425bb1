# SPDX-License-Identifier: Apache-2.0
"""HTTP/1.1 over bare sockets: what the data path's tests send, and what they look at.

http.client hides what these tests are about (framing, the bytes of a head, how a connection ends),
so both ends are written by hand here. Nothing waits without a deadline.
"""

import os
import re
import select
import socket
import struct
import threading
import time

from gatehouse import PATIENCE, GatewayTest, wait_until

# Which sides of the gateway are in TLS: client, upstream, both, or none. What a test says holds.
OVER_TLS = os.environ.get("OVER_TLS", "none")
if OVER_TLS != "none":
    import over_tls
CLIENT_TLS, UPSTREAM_TLS = OVER_TLS in ("client", "both"), OVER_TLS in ("upstream", "both")
SCHEME = "https" if CLIENT_TLS else "http"


class Closed(Exception):
    """The other end closed where a message should have begun or gone on."""


class Head:
    """A start line and its fields; names in lower case, in the order received."""

    def __init__(self, text):
        lines = text.decode("latin-1").split("\r\n")
        self.line = lines[0]
        self.fields = []
        for line in lines[1:]:
            name, colon, value = line.partition(":")
            if not colon or name != name.strip() or "\n" in line or "\r" in line:
                raise AssertionError(f"not a field: {line!r}")
            self.fields.append((name.lower(), value.strip(" \t")))

    def all(self, name):
        return [value for key, value in self.fields if key == name]

    def get(self, name, default=None):
        values = self.all(name)
        if len(values) > 1:
            raise AssertionError(f"{name} comes {len(values)} times: {values}")
        return values[0] if values else default

    def has(self, name):
        return bool(self.all(name))

    @property
    def method(self):
        return self.line.split(" ")[0]

    @property
    def target(self):
        return self.line.split(" ")[1]

    @property
    def status(self):
        return int(self.line.split(" ")[1])


class Message(Head):
    """A head with its content. `framing`: none, length, chunked or close."""

    def __init__(self, text):
        super().__init__(text)
        self.body = b""
        self.trailers = []
        self.framing = "none"
        self.interim = []  # The 1xx responses before this one.

    @property
    def text(self):
        return self.body.decode()


class Wire:
    """One end of a connection."""

    def __init__(self, connection):
        self.socket = connection
        self.socket.settimeout(PATIENCE)
        if connection.family != socket.AF_UNIX:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.pending = bytearray()

    # ---- writing ----

    def send(self, *parts):
        self.socket.sendall(b"".join(p.encode() if isinstance(p, str) else p for p in parts))
        return self

    def finish(self):
        """Sends a FIN: nothing more will come from here."""
        self.socket.shutdown(socket.SHUT_WR)

    def close(self):
        self.socket.close()

    def reset(self):
        """Closes with a RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    # ---- reading ----

    def fill(self):
        """More bytes, or False at the end of the stream. A reset raises ConnectionResetError."""
        chunk = self.socket.recv(1 << 18)
        self.pending += chunk
        return bool(chunk)

    def take(self, count):
        while len(self.pending) < count:
            if not self.fill():
                raise Closed(f"{count} bytes expected, then: {bytes(self.pending[:200])!r}")
        out = bytes(self.pending[:count])
        del self.pending[:count]
        return out

    def until(self, mark):
        """Bytes up to `mark`, which is taken off and not returned."""
        searched = 0
        while (at := self.pending.find(mark, max(0, searched - len(mark)))) < 0:
            searched = len(self.pending)
            if not self.fill():
                raise Closed(f"closed after {bytes(self.pending[:200])!r}")
        return self.take(at + len(mark))[: -len(mark)]

    def rest(self):
        """Everything until the other end's FIN."""
        while self.fill():
            pass
        return self.take(len(self.pending))

    def at_end(self):
        """Whether nothing follows but the end: a FIN or a reset."""
        try:
            return not self.pending and not self.fill()
        except ConnectionResetError:
            return True

    def readable(self, seconds):
        """Whether something comes within `seconds`: for asserting that nothing does."""
        return bool(self.pending) or bool(select.select([self.socket], [], [], seconds)[0])

    def head(self):
        return Message(self.until(b"\r\n\r\n"))

    def chunks(self, message):
        while True:
            size = self.until(b"\r\n")
            if not re.fullmatch(rb"[0-9a-fA-F]{1,8}", size):
                raise AssertionError(f"not a chunk size: {size!r}")
            if int(size, 16) == 0:
                break
            message.body += self.take(int(size, 16))
            if self.take(2) != b"\r\n":
                raise AssertionError("a chunk does not end with CRLF")
        while line := self.until(b"\r\n"):
            message.trailers += Head(b"x\r\n" + line).fields

    def body(self, message, until_close=False):
        """Reads the content as the head frames it."""
        coding, length = message.get("transfer-encoding"), message.get("content-length")
        if coding is not None:
            if coding != "chunked" or length is not None:
                raise AssertionError(f"framed twice, or unknown: {message.fields}")
            message.framing, buffer = "chunked", message
            self.chunks(buffer)
        elif length is not None:
            message.framing = "length"
            message.body = self.take(int(length))
        elif until_close:
            message.framing = "close"
            message.body = self.rest()
        return message

    def request(self):
        """A whole request."""
        return self.body(self.head())

    def response(self, method="GET"):
        """A whole final response, with the interim ones before it."""
        interim = []
        while True:
            message = self.head()
            if message.status >= 200 or message.status == 101:
                break
            interim.append(message)
        message.interim = interim
        if method == "HEAD" or message.status in (101, 204, 304):
            return message
        return self.body(message, until_close=True)

    # ---- both ----

    def ask(self, target="/", method="GET", fields="", body=None):
        """One request, with content-length when `body` is given, and its response."""
        if body is not None:
            fields += f"content-length: {len(body)}\r\n"
        self.send(f"{method} {target} HTTP/1.1\r\nhost: a.test\r\n{fields}\r\n", body or b"")
        return self.response(method)


def ok(body=b"ok\n", fields=""):
    """A response with content-length."""
    content = body.encode() if isinstance(body, str) else body
    head = f"HTTP/1.1 200 OK\r\n{fields}content-length: {len(content)}\r\n\r\n"
    return head.encode() + content


def chunked(body, size=8192):
    """`body` in chunks of `size`, without the last one."""
    return b"".join(
        b"%x\r\n%s\r\n" % (len(body[i : i + size]), body[i : i + size])
        for i in range(0, len(body), size)
    )


def pattern(size, seed=1):
    """Bytes that don't look the same anywhere: a shift or a loss shows."""
    block = struct.pack("<8192I", *((i * 2654435761 + seed) & 0xFFFFFFFF for i in range(8192)))
    return (block * (size // len(block) + 1))[:size]


class Scripted:
    """An upstream whose connections run `script(wire, self)`, each on a thread.

    What a script raises is kept in `failures`, unless the connection just ended, which is the
    normal end of a script.
    """

    def __init__(self, script, address=("127.0.0.1", 0), family=socket.AF_INET):
        self.script = script
        self.socket = socket.create_server(address, family=family, backlog=1024)
        self.lock = threading.Lock()
        self.wires = []
        self.ended = 0
        self.requests = []
        self.failures = []
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def address(self):
        host, port = self.socket.getsockname()[:2]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    @property
    def targets(self):
        with self.lock:
            return [request.target for request in self.requests]

    @property
    def active(self):
        """Connections whose script still runs."""
        with self.lock:
            return len(self.wires) - self.ended

    def request(self, wire):
        """Reads a request from `wire` and keeps it."""
        request = wire.request()
        with self.lock:
            self.requests.append(request)
        return request

    def last(self, count=1):
        """The newest request, once there are `count`."""
        wait_until(lambda: len(self.requests) >= count, f"{count} requests upstream")
        return self.requests[-1]

    def _accept(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            wire = Wire(connection)
            with self.lock:
                self.wires.append(wire)
            threading.Thread(target=self._run, args=(wire,), daemon=True).start()

    def _run(self, wire):
        try:
            if UPSTREAM_TLS and wire.socket.family == socket.AF_INET:
                wire.socket = over_tls.serve(wire.socket)
            self.script(wire, self)
        except (Closed, OSError):
            pass
        except Exception as error:  # Shown by the test, whatever it is.
            self.failures.append(error)
        finally:
            wire.close()
            with self.lock:
                self.ended += 1

    def stop(self):
        """Refuses from now on, and ends what is open."""
        for stoppable in [self.socket, *(wire.socket for wire in self.wires)]:
            try:
                stoppable.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self.socket.close()


def answering(answer):
    """A script that keeps the connection alive: `answer(request)` gives the bytes to send."""

    def script(wire, upstream):
        while True:
            wire.send(answer(upstream.request(wire)))

    return script


def echo(request):
    """What came, as JSON would be too kind to: the content itself."""
    return ok(request.body)


def by_target(request):
    """The request's target as content."""
    return ok(f"{request.method} {request.target}\n")


def refusing_address():
    """(socket, address): bound, not listening, so that connects are refused while it is held."""
    held = socket.socket()
    held.bind(("127.0.0.1", 0))
    return held, f"127.0.0.1:{held.getsockname()[1]}"


def silent_address(test):
    """An address whose SYNs are dropped: its accept queue is full."""
    server = socket.create_server(("127.0.0.1", 0), backlog=0)
    test.addCleanup(server.close)
    for _ in range(4):
        filler = socket.socket()
        filler.setblocking(False)
        filler.connect_ex(server.getsockname())
        test.addCleanup(filler.close)
    wait_until(lambda: not _answers(server.getsockname()), "the accept queue is full")
    return f"127.0.0.1:{server.getsockname()[1]}"


def _answers(address):
    probe = socket.socket()
    probe.settimeout(0.3)
    try:
        probe.connect(address)
    except OSError:
        return False
    finally:
        probe.close()
    return True


def pss_bytes(pid):
    """Memory of the process without files: their pages are shared, so that a neighbour that runs
    the same binary, or ends, would show."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        return int(re.search(r"^Pss_Anon: +(\d+) kB", file.read(), re.MULTILINE).group(1)) * 1024


def config(endpoints, listener="", cluster="", route="", top="", workers=1, filters=""):
    """One listener `web`, one cluster `up`, one route. The rest is YAML in flow style."""
    listed = ", ".join(f'"{e}"' if isinstance(e, str) else e[0] for e in endpoints)
    if CLIENT_TLS:
        listener = ", ".join(filter(None, (listener, over_tls.listener())))
    if UPSTREAM_TLS:
        cluster = ", ".join(filter(None, (cluster, over_tls.cluster())))

    def extra(text):
        return f", {text}" if text else ""

    return f"""
version: 1
admin: {{address: "127.0.0.1:0"}}
runtime: {{workers: {workers}}}
listeners:
  - {{name: web, address: "127.0.0.1:0"{extra(listener)}}}
clusters:
  up: {{endpoints: [{listed}]{extra(cluster)}}}
filters: {{{filters}}}
routes:
  - {{name: all, match: {{path_prefix: /}}, cluster: up{extra(route)}}}
{top}
"""


def lines_of(path):
    """The complete lines of a file; none while it is not there."""
    try:
        with open(path, encoding="utf-8") as file:
            return file.read().split("\n")[:-1]
    except FileNotFoundError:
        return []


class Http1Test(GatewayTest):
    """Gateways with one route in front of scripted upstreams."""

    def scripted(self, script, **arguments):
        upstream = Scripted(script, **arguments)
        self.addCleanup(lambda: self.assertEqual(upstream.failures, []))
        self.addCleanup(upstream.stop)
        return upstream

    def start(self, *upstreams, text=None, **arguments):
        """A gateway in front of them, which must still serve when the test is over."""
        endpoints = [getattr(upstream, "address", upstream) for upstream in upstreams]
        gateway = self.gateway(text or config(endpoints, **arguments)).start()
        self.addCleanup(self._still_serves, gateway)
        return gateway

    def _still_serves(self, gateway):
        self.assertIsNone(gateway.process.poll(), "the gateway has ended")
        self.assertEqual(gateway.get("/healthz").status, 200)

    def wire(self, gateway, listener="web"):
        """A connection to one of its listeners."""
        connection = socket.create_connection(gateway.addresses[listener], timeout=PATIENCE)
        wire = Wire(over_tls.connect(connection) if CLIENT_TLS else connection)
        self.addCleanup(wire.close)
        return wire

    def listener_metric(self, gateway, name, listener="web"):
        return gateway.metric(f'gatehouse_listener_{name}{{listener="{listener}"}}')

    def responses_metric(self, gateway, code, listener="web"):
        return gateway.metric(
            f'gatehouse_listener_responses_total{{code="{code}",listener="{listener}"}}'
        )

    def cluster_metric(self, gateway, name, cluster="up"):
        return gateway.metric(f'gatehouse_cluster_{name}{{cluster="{cluster}"}}')

    def assert_none(self, gateway, gauge):
        """A gauge such as listener_connections_active goes to 0; sockets may show it first."""
        kind, _, name = gauge.partition("_")
        metric = self.listener_metric if kind == "listener" else self.cluster_metric
        wait_until(lambda: metric(gateway, name) == 0, f"{gauge} is 0")

    def assert_error(self, response, status, name):
        """An answer of the gateway's own."""
        self.assertEqual(
            (response.status, response.get("x-gatehouse-error")), (status, name), response.body
        )

    def assert_broken_off(self, wire, message=None):
        """The response that began on `wire` must not look whole: a reset, or an end too early."""
        with self.assertRaises((Closed, ConnectionResetError)):
            wire.body(message if message is not None else wire.head(), until_close=False)


class Stopwatch:
    """Seconds since it was made."""

    def __init__(self):
        self.began = time.monotonic()

    @property
    def seconds(self):
        return time.monotonic() - self.began


LONG = os.environ.get("LONG") == "1"
