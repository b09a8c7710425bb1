# SPDX-License-Identifier: Apache-2.0
"""Requests whose meaning could change between HTTP/2 and HTTP/1.1: whatever a client sends, an
endpoint gets clean messages, one for each request, or nothing. "HTTP/2: The Sequel is Always Worse"
(James Kettle, 2021) names most of these; RFC 9113, 8.2 and 10.3, says what is malformed."""

import re
import socket
import unittest

from either import Endpoint
from frames import (
    DATA, END_HEADERS, END_STREAM, HEADERS, Frames, frame,
)  # fmt: skip
from gatehouse import PATIENCE, wait_until
from http1 import Http1Test, Wire

START = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+ /[\x21\x23-\x7e]* HTTP/1\.1")
FIELD = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+: ?[\t\x20-\x7e\x80-\xff]*")
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nhost: a.test\r\n\r\n"

USUAL = [(b":method", b"GET"), (b":scheme", b"http"), (b":path", b"/p"), (b":authority", b"a.test")]


def with_pseudo(name, value):
    return [(key, value if key == name else old) for key, old in USUAL]


def posted(*more):
    return [(key, b"POST" if key == b":method" else value) for key, value in USUAL] + list(more)


# name: (fields, content or None). What is refused is refused as a whole: no byte goes upstream.
REFUSED = {
    "LF in a value": (USUAL + [(b"x-a", b"b\nx-evil: 1")], None),
    "CRLF in a value": (USUAL + [(b"x-a", b"b\r\nx-evil: 1")], None),
    "CR in a value": (USUAL + [(b"x-a", b"b\rc")], None),
    "a request in a value": (USUAL + [(b"x-a", b"b\r\n\r\n" + SMUGGLED)], None),
    "NUL in a value": (USUAL + [(b"x-a", b"b\0c")], None),
    "space before a value": (USUAL + [(b"x-a", b" b")], None),
    "space behind a value": (USUAL + [(b"x-a", b"b ")], None),
    "tab behind a value": (USUAL + [(b"x-a", b"b\t")], None),
    "colon in a name": (USUAL + [(b"x-a: b", b"c")], None),
    "LF in a name": (USUAL + [(b"x-a\nx-evil", b"1")], None),
    "CRLF in a name": (USUAL + [(b"x-a: 1\r\nx-evil", b"1")], None),
    "space in a name": (USUAL + [(b"x a", b"1")], None),
    "space behind a name": (USUAL + [(b"transfer-encoding ", b"chunked")], None),
    "capitals in a name": (USUAL + [(b"X-A", b"1")], None),
    "an empty name": (USUAL + [(b"", b"1")], None),
    "NUL in a name": (USUAL + [(b"x\0a", b"1")], None),
    "a byte above 127 in a name": (USUAL + [(b"x-\xe4", b"1")], None),
    "transfer-encoding": (posted((b"transfer-encoding", b"chunked")), b"0\r\n\r\n" + SMUGGLED),
    "connection": (USUAL + [(b"connection", b"close")], None),
    "keep-alive": (USUAL + [(b"keep-alive", b"timeout=5")], None),
    "proxy-connection": (USUAL + [(b"proxy-connection", b"close")], None),
    "upgrade": (USUAL + [(b"upgrade", b"h2c")], None),
    "te other than trailers": (USUAL + [(b"te", b"chunked")], None),
    "space in a path": (with_pseudo(b":path", b"/ HTTP/1.1"), None),
    "a request in a path": (with_pseudo(b":path", b"/ HTTP/1.1\r\nhost: a\r\n\r\n" + SMUGGLED), None),
    "a path that is none": (with_pseudo(b":path", b"p"), None),
    "an empty path": (with_pseudo(b":path", b""), None),
    "a path of another origin": (with_pseudo(b":path", b"http://b.test/"), None),
    "LF in a method": (with_pseudo(b":method", b"GET / HTTP/1.1\r\nx: y"), None),
    "space in a method": (with_pseudo(b":method", b"GET /x"), None),
    "an empty method": (with_pseudo(b":method", b""), None),
    "CRLF in an authority": (with_pseudo(b":authority", b"a.test\r\nx-evil: 1"), None),
    "space in an authority": (with_pseudo(b":authority", b"a.test b"), None),
    "userinfo in an authority": (with_pseudo(b":authority", b"user@a.test"), None),
    "a path in an authority": (with_pseudo(b":authority", b"a.test/x"), None),
    "CRLF in a scheme": (with_pseudo(b":scheme", b"http\r\nx: y"), None),
    "a URL as scheme": (with_pseudo(b":scheme", b"http://a.test/?"), None),
    "two paths": (USUAL + [(b":path", b"/q")], None),
    "two methods": (USUAL[:1] + USUAL, None),
    "an unknown pseudo-header": (USUAL + [(b":evil", b"1")], None),
    "a response's pseudo-header": (USUAL + [(b":status", b"200")], None),
    "a pseudo-header behind a field": (USUAL[:3] + [(b"x-a", b"1"), USUAL[3]], None),
    "no path": (USUAL[:2] + USUAL[3:], None),
    "no method": (USUAL[1:], None),
    "no scheme": (USUAL[:1] + USUAL[2:], None),
    "neither authority nor host": (USUAL[:3], None),
    "another host": (USUAL + [(b"host", b"b.test")], None),
    "two hosts": (USUAL[:3] + [(b"host", b"a.test"), (b"host", b"b.test")], None),
    "two lengths": (posted((b"content-length", b"3"), (b"content-length", b"4")), b"abc"),
    "a list of lengths": (posted((b"content-length", b"3, 4")), b"abc"),
    "a length with a sign": (posted((b"content-length", b"+3")), b"abc"),
    "a length that is none": (posted((b"content-length", b"3x")), b"abc"),
    "an empty length": (posted((b"content-length", b"")), b"abc"),
    "a length and nothing": (posted((b"content-length", b"3")), None),
}

# Content that contradicts what was said: the head may have left already; the message must not look whole.
CUT = {
    "less than the length": (posted((b"content-length", b"30")), b"abc"),
    "more than the length": (posted((b"content-length", b"3")), b"abc" + SMUGGLED),
    "more than a length of 0": (posted((b"content-length", b"0")), SMUGGLED),
}

BAD_TRAILERS = {
    "pseudo-header": [(b":path", b"/smuggled")],
    "CRLF": [(b"x-a", b"b\r\n\r\n" + SMUGGLED)],
    "transfer-encoding": [(b"transfer-encoding", b"chunked")],
    "name with a colon": [(b"x-a:", b"1")],
    "capitals": [(b"X-A", b"1")],
}


def recorded(wire, upstream):
    """Keeps every byte; answers each head that is followed by an empty line."""
    upstream.raw.append(log := bytearray())
    answered = 0
    while chunk := wire.socket.recv(65536):
        log += chunk
        heads = len(re.findall(rb"(?:GET|POST) [^\r\n]* HTTP/1\.1\r\n", log))
        if b"\r\n\r\n" in log and answered < heads:
            answered += 1
            wire.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")


class FromHttp2Test(Http1Test):
    def setUp(self):
        self.upstream = self.scripted(recorded)
        self.upstream.raw = []
        self.gateway_ = self.start(self.upstream)
        self.address = self.gateway_.addresses["web"]

    def requests(self):
        """Every head that came upstream, all of them judged."""
        found = []
        for log in self.upstream.raw:
            rest = bytes(log)
            while rest:
                head, end, rest = rest.partition(b"\r\n\r\n")
                self.assertTrue(end, f"not a head: {head!r}")
                start, *fields = head.split(b"\r\n")
                self.assertRegex(start, START)
                for field in fields:
                    self.assertTrue(FIELD.fullmatch(field), field)
                self.assertNotIn(b"smuggled", start)
                names = [field.partition(b":")[0].lower() for field in fields]
                self.assertEqual(names.count(b"host"), 1, fields)
                self.assertNotIn(b"x-evil", names)
                framings = names.count(b"content-length") + names.count(b"transfer-encoding")
                self.assertLessEqual(framings, 1, fields)
                found.append(head)
                if b"transfer-encoding" in names:
                    break  # The tests that send content of unknown length look at it themselves.
                if b"content-length" in names:
                    rest = rest[int(fields[names.index(b"content-length")].partition(b":")[2]) :]
        return found

    def send(self, fields, body=None, trailers=None):
        """One request on a connection of its own. Returns the client when it has an answer."""
        client = Frames(self.address).ready()
        self.addCleanup(client.close)
        flags = END_HEADERS | (END_STREAM if body is None and trailers is None else 0)
        block = client.coder.encode(fields)
        client.send(frame(HEADERS, flags, 1, block))
        if body is not None or trailers is not None:
            client.send(frame(DATA, END_STREAM if trailers is None else 0, 1, body or b""))
        if trailers is not None:
            client.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, client.coder.encode(trailers)))
        client.until(lambda: client.done or client.resets or client.ended)
        return client

    def ended(self, client):
        return client.statuses.get(1), client.resets.get(1), client.ended

    def refusal(self, name, client):
        status, reset, ended = self.ended(client)
        refused = status in (400, 431) or reset == "PROTOCOL_ERROR" or ended == "PROTOCOL_ERROR"
        self.assertTrue(refused, f"{name}: {status} {reset} {ended}")

    def test_the_usual_request_arrives(self):
        client = self.send(USUAL)
        self.assertEqual(client.statuses.get(1), 200)
        head = self.requests()[0]
        self.assertTrue(head.startswith(b"GET /p HTTP/1.1\r\n"), head)

    def test_what_is_malformed_goes_nowhere(self):
        for name, (fields, body) in REFUSED.items():
            with self.subTest(name):
                before = sum(map(len, self.upstream.raw))
                self.refusal(name, self.send(fields, body))
                self.assertEqual(sum(map(len, self.upstream.raw)), before, bytes(self.upstream.raw[-1:][0]) if self.upstream.raw else "")
        self.requests()
        self.assertEqual(self.send(USUAL).statuses.get(1), 200)

    def test_content_that_contradicts_its_length(self):
        for name, (fields, body) in CUT.items():
            with self.subTest(name):
                client = self.send(fields, body)
                status, reset, ended = self.ended(client)
                # The endpoint may have answered before the fault came: then nobody wants the rest.
                self.assertTrue(
                    status == 400
                    or reset in ("PROTOCOL_ERROR", "NO_ERROR" if status == 200 else "")
                    or ended == "PROTOCOL_ERROR",
                    f"{name}: {status} {reset} {ended}",
                )
        self.requests()

    def test_trailers(self):
        for name, trailers in BAD_TRAILERS.items():
            with self.subTest(name):
                client = self.send(posted(), b"abc", trailers)
                status, reset, ended = self.ended(client)
                self.assertTrue(
                    status in (200, 400) or reset == "PROTOCOL_ERROR" or ended == "PROTOCOL_ERROR",
                    f"{name}: {status} {reset} {ended}",
                )
        for log in self.upstream.raw:
            self.assertNotIn(b"smuggled", log)
            self.assertNotIn(b"X-A", log)

    def test_host_may_say_what_authority_says(self):
        for fields in (USUAL + [(b"host", b"a.test")], USUAL[:3] + [(b"host", b"a.test")]):
            self.assertEqual(self.send(fields).statuses.get(1), 200)
        for head in self.requests():
            self.assertIn(b"\r\nhost: a.test", head.lower())

    def test_a_chunked_look_alike_is_content(self):
        client = self.send(posted(), b"0\r\n\r\n" + SMUGGLED)
        self.assertEqual(client.statuses.get(1), 200)
        wait_until(lambda: b"smuggled" in b"".join(map(bytes, self.upstream.raw)), "the content")
        log = bytes(self.upstream.raw[-1])
        # In one chunk, of its whole length: what looks like the end is inside.
        self.assertRegex(log.lower(), rb"\r\n\r\n%x\r\n0\r\n\r\nget /smuggled" % (5 + len(SMUGGLED)))


# Sent as they are; none may reach an endpoint of HTTP/2 as anything but one sound request, or at all.
RAW = {
    "bare LF": b"GET / HTTP/1.1\r\nhost: a\r\nx-a: b\nx-evil: 1\r\n\r\n",
    "bare CR": b"GET / HTTP/1.1\r\nhost: a\r\nx-a: b\rx-evil: 1\r\n\r\n",
    "NUL": b"GET / HTTP/1.1\r\nhost: a\r\nx-a: b\0c\r\n\r\n",
    "pseudo-header": b"GET / HTTP/1.1\r\nhost: a\r\n:path: /smuggled\r\n\r\n",
    "folding": b"GET / HTTP/1.1\r\nhost: a\r\nx-a: b\r\n x-evil: 1\r\n\r\n",
    "framed twice": b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "space before the colon": b"GET / HTTP/1.1\r\nhost: a\r\nx-a : b\r\n\r\n",
    "two hosts": b"GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n",
}
# Taken, and stripped of what HTTP/2 has no place for.
STRIPPED = {
    "hop by hop": (
        b"GET /1 HTTP/1.1\r\nhost: a\r\nconnection: keep-alive, x-hop\r\nx-hop: 1\r\nkeep-alive: 5\r\n"
        b"proxy-connection: close\r\nte: trailers, deflate\r\nx-stays: 1\r\n\r\n"
    ),
    "upgrade": b"GET /2 HTTP/1.1\r\nhost: a\r\nconnection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n\r\n",
    "capitals": b"GET /3 HTTP/1.1\r\nHOST: a\r\nX-Capitals: Yes\r\n\r\n",
    "chunked": b"POST /4 HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    "absolute": b"GET http://a/5 HTTP/1.1\r\nhost: a\r\n\r\n",
}


class ToHttp2Test(Http1Test):
    """python-h2 judges what an endpoint gets."""

    def setUp(self):
        self.endpoint = Endpoint("h2", lambda exchange: exchange.respond(200, (), exchange.read_all()))
        self.addCleanup(self.endpoint.stop)
        self.gateway_ = self.start(self.endpoint, cluster="protocol: http2")

    def ask(self, raw):
        with socket.create_connection(self.gateway_.addresses["web"], timeout=PATIENCE) as connection:
            return Wire(connection).send(raw).response()

    def test_what_is_malformed_goes_nowhere(self):
        for name, raw in RAW.items():
            with self.subTest(name):
                self.assertEqual(self.ask(raw).status, 400)
        self.assertEqual((self.endpoint.seen, self.endpoint.violations), ([], []))

    def test_what_belongs_to_http1_stays_there(self):
        for name, raw in STRIPPED.items():
            with self.subTest(name):
                self.assertEqual(self.ask(raw).status, 200)
        self.assertEqual(self.endpoint.violations, [])
        for request in self.endpoint.seen:
            names = {field for field, _ in request.stream.fields}
            self.assertFalse(
                names & {"connection", "keep-alive", "proxy-connection", "upgrade", "http2-settings",
                         "transfer-encoding", "x-hop"},
                names,
            )  # fmt: skip
            self.assertEqual(names, {name.lower() for name in names})
            self.assertIn(request.get("te"), (None, "trailers"))
            self.assertEqual(request.authority, "a")
        self.assertEqual(self.endpoint.named("/1").get("x-stays"), "1")
        self.assertEqual(self.endpoint.named("/3").get("x-capitals"), "Yes")


if __name__ == "__main__":
    unittest.main()
