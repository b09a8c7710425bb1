# SPDX-License-Identifier: Apache-2.0
"""HTTP/2 frame by frame, for what no library would send. RFC 9113, 4 and 6."""

import select
import socket
import ssl
import struct
import time

import hpack

from gatehouse import PATIENCE

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = (
    range(10)
)
END_STREAM = ACK = 1
END_HEADERS, PADDED, WITH_PRIORITY = 4, 8, 32
HEADER_TABLE_SIZE, ENABLE_PUSH, MAX_STREAMS, INITIAL_WINDOW, MAX_FRAME, MAX_HEADER_LIST = range(1, 7)
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
CODES = (
    "NO_ERROR PROTOCOL_ERROR INTERNAL_ERROR FLOW_CONTROL_ERROR SETTINGS_TIMEOUT STREAM_CLOSED "
    "FRAME_SIZE_ERROR REFUSED_STREAM CANCEL COMPRESSION_ERROR CONNECT_ERROR ENHANCE_YOUR_CALM "
    "INADEQUATE_SECURITY HTTP_1_1_REQUIRED"
).split()


def frame(kind, flags=0, stream=0, payload=b""):
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def settings(values):
    pairs = b"".join(struct.pack(">HI", key, value) for key, value in values.items())
    return frame(SETTINGS, 0, 0, pairs)


def window_update(stream, increment):
    return frame(WINDOW_UPDATE, 0, stream, struct.pack(">I", increment))


def rst(stream, code=8):
    return frame(RST_STREAM, 0, stream, struct.pack(">I", code))


class Frames:
    """A client that has sent its preface. Counts what comes, keeps no content.

    `sent` and `received` are bytes; `ended` says how the connection ended, None while it is open:
    the name of the GOAWAY's code, "closed" or "reset".
    """

    def __init__(self, address, context=None, values=None, name="a.test"):
        self.socket = socket.create_connection(address, timeout=PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if context is not None:
            self.socket = context.wrap_socket(self.socket, server_hostname=name)
        self.coder = hpack.Encoder()
        self.decoder = hpack.Decoder()
        self.decoder.max_header_list_size = 1 << 24
        self.pending = bytearray()
        self.sent = self.received = 0
        self.goaway = self.ended = None
        self.counts = {}
        self.statuses, self.resets, self.data, self.done = {}, {}, {}, set()
        self.settings = {}
        self.broken = False  # Writing is no use any more.
        self.send(PREFACE + settings(values or {}))

    def send(self, *parts):
        """False once the other end has closed."""
        data = b"".join(parts)
        try:
            self.socket.settimeout(PATIENCE)
            self.socket.sendall(data)
            self.sent += len(data)
            return True
        except (OSError, ssl.SSLError):
            self.broken = True
            return False

    def flood(self, data, times, seconds=10.0):
        """Sends `data` up to so many times, reading what comes; stops when the other end does.
        Returns how many bytes left."""
        block = data * max(1, min(times, 65536 // max(1, len(data))))
        total, left = 0, len(data) * times
        deadline = time.monotonic() + seconds
        self.socket.settimeout(0)
        while left > 0 and not self.ended and time.monotonic() < deadline:
            self.poll(0)
            try:
                if not select.select([], [self.socket], [], 0.2)[1]:
                    continue
                count = self.socket.send(block[: min(left, len(block))])
                # Frames stay whole: the rest of a block goes before anything else.
                rest = count % len(data)
                total, left = total + count, left - count
                if rest:
                    self.socket.settimeout(5)
                    tail = block[rest : len(data)]
                    self.socket.sendall(tail)
                    self.socket.settimeout(0)
                    total, left = total + len(tail), left - len(tail)
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                continue
            except OSError:
                self.broken = True
                break
        self.sent += total
        return total

    def block(self, fields):
        return self.coder.encode(fields)

    def request(self, stream, path="/", method="GET", more=(), end=True, authority="a.test"):
        """The frame of a request's head."""
        fields = [(":method", method), (":scheme", "http"), (":path", path), (":authority", authority)]
        flags = END_HEADERS | (END_STREAM if end else 0)
        return frame(HEADERS, flags, stream, self.block(fields + list(more)))

    # ---- reading ----

    def poll(self, seconds):
        """Takes what comes within `seconds`; True if something did."""
        if self.ended in ("closed", "reset"):
            return False
        try:
            pending = getattr(self.socket, "pending", lambda: 0)()
            if not pending and not select.select([self.socket], [], [], seconds)[0]:
                return False
            self.socket.settimeout(0)
            chunk = self.socket.recv(1 << 18)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return False
        except OSError:
            self.ended = self.ended or "reset"
            return False
        if not chunk:
            self.ended = self.ended or "closed"
            return False
        self.received += len(chunk)
        self.pending += chunk
        self._frames()
        return True

    def _frames(self):
        while len(self.pending) >= 9:
            length = int.from_bytes(self.pending[:3], "big")
            if len(self.pending) < 9 + length:
                return
            kind, flags, stream = self.pending[3], self.pending[4], int.from_bytes(self.pending[5:9], "big")
            payload = bytes(self.pending[9 : 9 + length])
            del self.pending[: 9 + length]
            self._take(kind, flags, stream, payload)

    def _take(self, kind, flags, stream, payload):
        self.counts[kind] = self.counts.get(kind, 0) + 1
        if kind == GOAWAY:
            code = int.from_bytes(payload[4:8], "big")
            self.goaway = CODES[code] if code < len(CODES) else str(code)
            if code:
                self.ended = self.goaway
        elif kind == RST_STREAM:
            code = int.from_bytes(payload, "big")
            self.resets[stream] = CODES[code] if code < len(CODES) else str(code)
        elif kind == SETTINGS and not flags & ACK:
            for at in range(0, len(payload), 6):
                key, value = struct.unpack_from(">HI", payload, at)
                self.settings[key] = value
            self.send(frame(SETTINGS, ACK))
        elif kind == PING and not flags & ACK:
            self.send(frame(PING, ACK, 0, payload))
        elif kind == DATA:
            self.data[stream] = self.data.get(stream, 0) + len(payload)
        elif kind == HEADERS and flags & END_HEADERS:
            fields = dict(self.decoder.decode(payload))
            if ":status" in fields:
                self.statuses[stream] = int(fields[":status"])
        if kind in (DATA, HEADERS) and flags & END_STREAM:
            self.done.add(stream)

    def until(self, condition, seconds=PATIENCE):
        """Reads until it holds; whether it did before the end, or the time, came."""
        deadline = time.monotonic() + seconds
        while not condition():
            left = deadline - time.monotonic()
            if left <= 0 or self.ended in ("closed", "reset"):
                return False
            self.poll(min(left, 0.2))
        return True

    def ready(self):
        """After the other end's SETTINGS, so that limits are known."""
        if not self.until(lambda: SETTINGS in self.counts):
            raise AssertionError("no SETTINGS came")
        return self

    def close(self):
        self.socket.close()


def memory_kib(pid):
    """Memory of a process and its children, without files."""
    total, todo = 0, [pid]
    while todo:
        one = todo.pop()
        try:
            with open(f"/proc/{one}/smaps_rollup", encoding="ascii") as file:
                text = file.read()
            total += int(text.split("Pss_Anon:")[1].split()[0])
            with open(f"/proc/{one}/task/{one}/children", encoding="ascii") as file:
                todo += [int(child) for child in file.read().split()]
        except (OSError, IndexError):
            continue
    return total


def held_at_zero_window(address, pid, path="/1m", streams=80, context=None, connections=1):
    """KiB by which a proxy grows while so many responses may not be sent: their windows are 0."""
    before = memory_kib(pid)
    clients = []
    for _ in range(connections):
        client = Frames(address, context, {INITIAL_WINDOW: 0}).ready()
        client.send(*(client.request(2 * i + 1, path) for i in range(streams)))
        # nginx keeps heads back, too.
        client.until(lambda c=client: len(c.statuses) >= streams, 5)
        if client.ended or client.resets:
            raise AssertionError(f"ended: {client.ended} {client.resets}")
        clients.append(client)
    # Until it has stopped growing for half a second.
    last, since = memory_kib(pid), time.monotonic()
    while time.monotonic() - since < 0.5:
        clients[0].poll(0.05)
        now = memory_kib(pid)
        if now > last:
            last, since = now, time.monotonic()
    for client in clients:
        client.close()
    return last - before
