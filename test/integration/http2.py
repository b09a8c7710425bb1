# SPDX-License-Identifier: Apache-2.0
"""HTTP/2 by python3-h2, on threads: one connection, either end of it, and its streams.

h2 judges strictly what comes. What it objects to ends the connection and is kept in `violations`:
a test that goes through a gateway wants none. Nothing waits without a deadline.
"""

import socket
import threading
import time

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings

from gatehouse import PATIENCE

_STREAM_WINDOW = 1 << 20
_CONNECTION_WINDOW = 1 << 24


class StreamEnded(Exception):
    """The other end took the stream back, or the connection is gone."""

    def __init__(self, code):
        super().__init__(f"stream ended by {code!r}")
        self.code = code


class Stream:
    """One exchange. The fields of what comes, content and trailers; `error` once it was reset."""

    def __init__(self, number):
        self.number = number
        self.interim = []
        self.fields = None
        self.trailers = []
        self.data = bytearray()
        self.unread = 0  # Flow-controlled bytes that nobody has read yet.
        self.ended = False
        self.error = None
        self.accepted = False  # Of a tunnel's server: its 2xx has left.


class Http2Connection:
    """`serve(connection, stream)` runs on a thread for each stream that a client opens."""

    def __init__(self, connection, serve=None, settings=None, window=_STREAM_WINDOW):
        self.socket = connection
        self.socket.settimeout(None)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.serve = serve
        self.changed = threading.Condition()
        self.streams = {}
        self.violations = []
        self.gone = None  # Why the connection is over.
        self.goaway = None  # The code of the other end's GOAWAY.
        self.peer_settings = {}
        self.out = bytearray()
        self.h2 = h2.connection.H2Connection(
            h2.config.H2Configuration(client_side=serve is None, header_encoding="latin-1")
        )
        codes = h2.settings.SettingCodes
        wanted = {codes.INITIAL_WINDOW_SIZE: window, codes.MAX_HEADER_LIST_SIZE: 1 << 20}
        wanted |= {codes.MAX_CONCURRENT_STREAMS: 100} if serve else {codes.ENABLE_PUSH: 0}
        if serve is not None:
            wanted[codes.ENABLE_CONNECT_PROTOCOL] = 1
        self.h2.local_settings = h2.settings.Settings(
            client=serve is None, initial_values=wanted | (settings or {})
        )
        self.h2.max_inbound_frame_size = self.h2.local_settings.max_frame_size
        with self.changed:
            self.h2.initiate_connection()
            if window >= 65535:
                self.h2.increment_flow_control_window(_CONNECTION_WINDOW)
            self._flush()
        for run in (self._read, self._write):
            threading.Thread(target=run, daemon=True).start()

    # ---- threads ----

    def _flush(self):
        self.out += self.h2.data_to_send()
        self.changed.notify_all()

    def _write(self):
        while True:
            with self.changed:
                while not self.out:
                    if self.gone is not None:
                        return
                    self.changed.wait()
                part = bytes(self.out)
                self.out.clear()
            try:
                self.socket.sendall(part)
            except OSError:
                return

    def _read(self):
        why = "closed"
        try:
            while chunk := self.socket.recv(1 << 18):
                with self.changed:
                    for event in self.h2.receive_data(chunk):
                        self._take(event)
                    self._flush()
        except h2.exceptions.ProtocolError as error:
            self.violations.append(repr(error))
            why = repr(error)
            with self.changed:
                self._flush()
        except OSError as error:
            why = repr(error)
        with self.changed:
            self.gone = why
            for stream in self.streams.values():
                if not stream.ended and stream.error is None:
                    stream.error = why
            self.changed.notify_all()

    def _take(self, event):
        kind = h2.events
        if isinstance(event, kind.RemoteSettingsChanged):
            self.peer_settings.update(
                (int(code), change.new_value) for code, change in event.changed_settings.items()
            )
        elif isinstance(event, kind.ConnectionTerminated):
            self.goaway = event.error_code
        number = getattr(event, "stream_id", None)
        if isinstance(event, kind.RequestReceived):
            stream = self.streams[number] = Stream(number)
            stream.fields = list(event.headers)
            threading.Thread(target=self._serve, args=(stream,), daemon=True).start()
        stream = self.streams.get(number)
        if stream is None:
            return
        if isinstance(event, kind.InformationalResponseReceived):
            stream.interim.append(list(event.headers))
        elif isinstance(event, kind.ResponseReceived):
            stream.fields = list(event.headers)
        elif isinstance(event, kind.TrailersReceived):
            stream.trailers = list(event.headers)
        elif isinstance(event, kind.DataReceived):
            stream.data += event.data
            stream.unread += event.flow_controlled_length
        elif isinstance(event, kind.StreamEnded):
            stream.ended = True
        elif isinstance(event, kind.StreamReset):
            stream.error = event.error_code

    def _serve(self, stream):
        try:
            self.serve(self, stream)
        except (StreamEnded, h2.exceptions.StreamClosedError):
            pass
        except Exception as error:  # Shown by the test, whatever it is.
            self.violations.append(repr(error))

    # ---- waiting ----

    def wait(self, condition, what, seconds=PATIENCE):
        """Until `condition()` is true, under the lock. Returns what it gave."""
        deadline = time.monotonic() + seconds
        with self.changed:
            while not (value := condition()):
                left = deadline - time.monotonic()
                if left <= 0:
                    raise AssertionError(f"not within {seconds} s: {what}")
                self.changed.wait(left)
            return value

    # ---- streams ----

    def open(self, fields, end=False):
        """Sends a request's head, once the other end takes one more stream."""

        def room():
            return self.gone is not None or (
                self.h2.open_outbound_streams < self.h2.remote_settings.max_concurrent_streams
            )

        self.wait(room, "room for a stream")
        with self.changed:
            if self.gone is not None:
                raise StreamEnded(self.gone)
            number = self.h2.get_next_available_stream_id()
            stream = self.streams[number] = Stream(number)
            self.h2.send_headers(number, fields, end_stream=end)
            self._flush()
        return stream

    def headers(self, stream, fields, end=False):
        with self.changed:
            self._check(stream)
            self.h2.send_headers(stream.number, fields, end_stream=end)
            self._flush()

    def _check(self, stream):
        if stream.error is not None:
            raise StreamEnded(stream.error)
        if self.gone is not None:
            raise StreamEnded(self.gone)

    def send(self, stream, data=b"", end=False, seconds=PATIENCE):
        """Sends it as the windows open."""
        view = memoryview(data)
        while view or end:

            def room():
                if stream.error is not None or self.gone is not None or not view:
                    return True
                return self.h2.local_flow_control_window(stream.number) > 0

            self.wait(room, "a window to send in", seconds)
            with self.changed:
                self._check(stream)
                most = min(
                    self.h2.local_flow_control_window(stream.number),
                    self.h2.max_outbound_frame_size,
                )
                part, view = bytes(view[: max(0, most)]), view[max(0, most) :]
                last = end and not view
                self.h2.send_data(stream.number, part, end_stream=last)
                self._flush()
                if last:
                    return

    def reset(self, stream, code=h2.errors.ErrorCodes.CANCEL):
        with self.changed:
            try:
                self.h2.reset_stream(stream.number, code)
            except h2.exceptions.ProtocolError:
                return
            self._flush()

    def head(self, stream, seconds=PATIENCE):
        """The fields of the final response, or of the request."""
        self.wait(lambda: stream.fields is not None or stream.error is not None, "a head", seconds)
        if stream.fields is None:
            raise StreamEnded(stream.error)
        return stream.fields

    def read(self, stream, seconds=PATIENCE):
        """Some content, b"" at its end. Only what is read opens the window again."""
        self.wait(lambda: stream.data or stream.ended or stream.error is not None, "data", seconds)
        with self.changed:
            if stream.data:
                part = bytes(stream.data)
                stream.data.clear()
                unread, stream.unread = stream.unread, 0
                try:
                    self.h2.acknowledge_received_data(unread, stream.number)
                    self._flush()
                except h2.exceptions.ProtocolError:
                    pass
                return part
            if stream.ended:
                return b""
            raise StreamEnded(stream.error)

    def close(self):
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.socket.close()
