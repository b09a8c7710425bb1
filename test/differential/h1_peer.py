# SPDX-License-Identifier: Apache-2.0
"""What h11 makes of a connection's bytes, in the same terms as h1_transcriber.

Each message is read by a connection of its own, which is told where the bytes end: so a message
after one that closes the connection is seen, too, and every message's end is known.
"""

import h11

LIMIT = 1 << 20


class Message:
    def __init__(self):
        self.head = None
        self.informational = []
        self.body = bytearray()
        self.trailers = []
        self.end = 0
        self.keep = False  # Whether the connection takes another one.


class Transcript:
    def __init__(self):
        self.messages = []
        self.outcome = ""  # clean, incomplete or refused.
        self.why = ""


def requests(data):
    out = Transcript()
    at = 0
    while at < len(data) and not out.outcome:
        message = _read(h11.Connection(h11.SERVER, LIMIT), data[at:], out)
        if message is not None:
            message.end += at
            at = message.end
            out.messages.append(message)
    out.outcome = out.outcome or "clean"
    return out


def response(data, method):
    out = Transcript()
    connection = h11.Connection(h11.CLIENT, LIMIT)
    connection.send(h11.Request(method=method, target="/", headers=[("host", "a")]))
    connection.send(h11.EndOfMessage())
    message = _read(connection, data, out)
    if message is not None:
        out.messages.append(message)
        out.outcome = "clean"
    return out


def _read(connection, data, out):
    """One message, or None, and `out` says why."""
    message = Message()
    try:
        if data:
            connection.receive_data(data)
        connection.receive_data(b"")
        while True:
            event = connection.next_event()
            if isinstance(event, h11.InformationalResponse):
                message.informational.append(event.status_code)
            elif isinstance(event, (h11.Request, h11.Response)):
                message.head = event
            elif isinstance(event, h11.Data):
                message.body += event.data
            elif isinstance(event, h11.EndOfMessage):
                message.trailers = event.headers.raw_items()
                message.end = len(data) - len(connection.trailing_data[0])
                # Its state says so only where no upgrade is asked for.
                message.keep = connection._cstate.keep_alive
                return message
            else:  # NEED_DATA, ConnectionClosed.
                out.outcome = "incomplete"
                return None
    except h11.RemoteProtocolError as error:
        text = str(error)
        out.outcome = "incomplete" if "closed connection" in text else "refused"
        out.why = text.split(":")[0].split(" (")[0].split(" b'")[0]
        if message.body or message.head is not None:
            out.why = "after the head: " + out.why
        return None
