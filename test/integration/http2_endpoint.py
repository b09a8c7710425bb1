# SPDX-License-Identifier: Apache-2.0
"""An endpoint that speaks HTTP/2 by python3-h2 and says what a script tells it, each connection on
a thread."""

import socket
import threading

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import h2.settings

from gatehouse import PATIENCE, wait_until


class Gone(Exception):
    """The other end has closed."""


class Peer:
    """One connection to the endpoint."""

    def __init__(self, connection, settings):
        self.socket = connection
        self.socket.settimeout(PATIENCE)
        self.h2 = h2.connection.H2Connection(
            h2.config.H2Configuration(client_side=False, header_encoding="latin-1")
        )
        wanted = {h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: 100} | settings
        self.h2.local_settings = h2.settings.Settings(client=False, initial_values=wanted)
        self.h2.initiate_connection()
        self.flush()
        self.events = []
        self.heads = {}  # By stream: the fields of the request.
        self.bodies = {}
        self.trailers = {}
        self.resets = {}  # By stream: the code.

    def flush(self):
        self.socket.sendall(self.h2.data_to_send())

    def fill(self):
        """Reads once."""
        chunk = self.socket.recv(1 << 16)
        if not chunk:
            raise Gone
        for event in self.h2.receive_data(chunk):
            self._take(event)
            self.events.append(event)
        self.flush()

    def _take(self, event):
        if isinstance(event, h2.events.RequestReceived):
            self.heads[event.stream_id] = dict(event.headers)
            self.bodies[event.stream_id] = b""
        elif isinstance(event, h2.events.DataReceived):
            self.bodies[event.stream_id] += event.data
            try:
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            except h2.exceptions.StreamClosedError:
                pass
        elif isinstance(event, h2.events.TrailersReceived):
            self.trailers[event.stream_id] = dict(event.headers)
        elif isinstance(event, h2.events.StreamReset):
            self.resets[event.stream_id] = event.error_code

    def wait(self, kind):
        """The next event of that kind; what came before it is dropped."""
        while True:
            while self.events:
                event = self.events.pop(0)
                if isinstance(event, kind):
                    return event
            self.fill()

    def end(self):
        """Until the other end closes, which ends the script."""
        while True:
            self.fill()

    def request(self):
        """A whole request: its stream."""
        return self.wait(h2.events.StreamEnded).stream_id

    def head(self):
        """The next request's head: its stream."""
        return self.wait(h2.events.RequestReceived).stream_id

    def headers(self, stream, status=200, fields=(), end=False):
        self.h2.send_headers(stream, [(":status", str(status)), *fields], end_stream=end)
        self.flush()

    def data(self, stream, body, end=True):
        """Waits for window as long as it takes."""
        body = memoryview(body)
        while body:
            room = min(self.h2.local_flow_control_window(stream), self.h2.max_outbound_frame_size)
            if room <= 0:
                self.fill()
                continue
            self.h2.send_data(stream, bytes(body[:room]), end_stream=end and len(body) <= room)
            body = body[room:]
            self.flush()

    def respond(self, stream, body=b"", status=200, fields=(), trailers=()):
        self.headers(stream, status, fields, end=not body and not trailers)
        if body:
            self.data(stream, body, end=not trailers)
        if trailers:
            self.h2.send_headers(stream, trailers, end_stream=True)
            self.flush()

    def reset(self, stream, code):
        self.h2.reset_stream(stream, code)
        self.flush()

    def goaway(self, last, code=0):
        """Without h2's idea that all is over."""
        payload = last.to_bytes(4, "big") + code.to_bytes(4, "big")
        self.flush()
        self.socket.sendall(b"\0\0\x08\x07\0\0\0\0\0" + payload)

    def change(self, settings):
        self.h2.update_settings(settings)
        self.flush()


class Endpoint:
    """`script(peer, endpoint)` runs for each connection; what it raises is kept in `failures`,
    unless the connection just ended."""

    def __init__(self, script, settings=None, context=None):
        self.script = script
        self.settings = settings or {}
        self.context = context
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.lock = threading.Lock()
        self.peers = []
        self.requests = []  # What a script counts.
        self.failures = []
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def address(self):
        return f"127.0.0.1:{self.socket.getsockname()[1]}"

    def count(self, what):
        with self.lock:
            self.requests.append(what)
            return len(self.requests)

    def peer(self, number):
        """The connection of that number, once it is there."""
        wait_until(lambda: len(self.peers) > number, f"connection {number}")
        return self.peers[number]

    def _accept(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self._run, args=(connection,), daemon=True).start()

    def _run(self, connection):
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.context is not None:
                connection = self.context.wrap_socket(connection, server_side=True)
            peer = Peer(connection, self.settings)
            with self.lock:
                self.peers.append(peer)
            self.script(peer, self)
        except (Gone, OSError):
            pass
        except Exception as error:  # Shown by the test, whatever it is.
            self.failures.append(repr(error))
        finally:
            connection.close()

    def refuse(self):
        """No further connections."""
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.socket.close()

    def stop(self):
        self.refuse()
        for peer in self.peers:
            try:
                peer.socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def answering(answer):
    """`answer(peer, stream)` gives the content; requests are answered one after another."""

    def script(peer, endpoint):
        while True:
            stream = peer.request()
            endpoint.count(peer.heads[stream][":path"])
            peer.respond(stream, answer(peer, stream))

    return script
