# SPDX-License-Identifier: Apache-2.0
"""Connections' bytes for the differential test: HTTP/1 by a loose grammar, and mutations of that,
of the fuzzers' corpora and of the conformance cases."""

# What is common, and what is odd or wrong: chosen about once in twenty.
METHODS = ["GET", "POST", "PUT", "HEAD", "DELETE", "OPTIONS", "PATCH", "M-SEARCH", "get"]
ODD_METHODS = ["CONNECT", "TRACE", "G@T", "", "GET\t"]
TARGETS = (
    "/ /a?b=c /a/../b /%41%2f //x /a;b=c?d=/ http://h.example/x http://h.example /{}|^ "
    "HTTPS://h.example:444?q http://h.example/?a=http://b/"
).split()
ODD_TARGETS = "* http:// ftp://h/ /a#b a /\x80 http://u@h/".split()
VERSIONS = ["HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.0"]
ODD_VERSIONS = ["HTTP/1.2", "HTTP/2.0", "HTTP/0.9", "http/1.1", "HTTP/1.10", "HTTP/1.", ""]
HOSTS = ["a.test", "a.test:80", "[::1]", "A", "10.0.0.1"]
ODD_HOSTS = ["a b", "", "a:x", "a,b", "u@a"]
NAMES = (
    "Accept Cookie X-A x-b A!#$%&'*+-.^_`|~9 Date ETag Via Content-Type Keep-Alive Set-Cookie "
    "Content_Length transfer_encoding X_Forwarded_For Authorization Trailer TE"
).split()
VALUES = ["", "a", "a b", "a\tb", "1, 2", '"q,;"', "\xe9\xff", "a  ", ", ,", "x" * 100, "a:b", "()<>@"]
CONNECTIONS = ["close", "keep-alive", "Keep-Alive, x", "close, keep-alive", "upgrade", "x-a", "", ","]
EXPECTS = ["100-continue", "100-Continue"]
ODD_EXPECTS = ["200-ok", "100-continue, x"]
UPGRADES = ["websocket", "h2c", "WebSocket, h2c"]
CODINGS = ["chunked", "Chunked"]
ODD_CODINGS = ["gzip, chunked", "chunked, chunked", "identity", "chunked;q=1", "x", ""]
STATUSES = [200, 200, 204, 304, 404, 500, 206, 301, 599]
ODD_STATUSES = [600, 99, 101, 199, 1000]
REASONS = [" OK", " ", "", " Not Found at all", " \xe9", " a\tb"]
TRAILERS = "X-T x-checksum Content-Length Transfer-Encoding Host Set-Cookie Date ETag Authorization".split()
SIZES = ["%x", "%X", "0%x"]
ODD_SIZES = ["000000000000000%x", "0000000000000000%x", "0x%x", "+%x", "-%x", "%x "]
EXTENSIONS = [";a", ";a=b", ';a="b;c"', ';a="\\""', ";a=b;c"]
ODD_EXTENSIONS = [";", "; a", " ", ";a=\x80", ";a =b", ";=b"]
# Bytes that mean something, in the wrong place.
ODD = ["\r\n", "\n", "\r", " ", "\t", "\0", "\x0b", "\x0c", "\x7f", ":", ",", ";", "\x85", "\xa0",
       "0", "\r\n\r\n", "\r\n ", "Content-Length: 3\r\n", "Transfer-Encoding: chunked\r\n", "+", "-1"]  # fmt: skip


class Inputs:
    """A stream of inputs that depends on `random` alone. `seeds`: whole inputs to mutate, as text
    whose characters are bytes."""

    def __init__(self, random, seeds):
        self.random = random
        self.seeds = seeds

    def request(self):
        return self._one(self._request, self.random.choice([1, 1, 2, 3]))

    def response(self):
        return self._one(self._response, 1)

    def _one(self, make, count):
        random = self.random
        if self.seeds and random.random() < 0.2:
            text = random.choice(self.seeds)
            mutations = random.randint(1, 4)
        else:
            text = "".join(make() for _ in range(count))
            mutations = random.choice([0, 0, 0, 0, 0, 1, 1, 2, 3])
        for _ in range(mutations):
            text = self._mutate(text)
        return text.encode("latin-1")

    # ---- the grammar ----

    def _rarely(self, one_in=12):
        return self.random.randrange(one_in) == 0

    def _field(self, name, value):
        before = self.random.choice([" "] * 6 + ["", "\t", "  \t"])
        after = self.random.choice([""] * 6 + [" ", "\t "])
        colon = self._pick([":"], [" :", "", "::"], 100)
        return f"{self._case(name)}{colon}{before}{value}{after}\r\n"

    def _pick(self, common, odd, one_in=20):
        return self.random.choice(odd if self._rarely(one_in) else common)

    def _case(self, name):
        return self.random.choice([name, name, name.lower(), name.upper()])

    def _fields(self):
        choice = self.random.choice
        out = [self._field(choice(NAMES), choice(VALUES)) for _ in range(self.random.randrange(4))]
        if self._rarely(4):
            out.append(self._field("Connection", choice(CONNECTIONS)))
        if self._rarely(20):
            out.append(self._field("Upgrade", choice(UPGRADES)))
        return out

    def _framing(self, fields):
        """Adds framing fields; returns the content that goes with them, mostly."""
        random = self.random
        body = "".join(random.choice("abc\r\n0:\xff") for _ in range(random.randrange(12)))
        kind = self._pick(["none", "length", "chunked"], ["odd"])
        if kind == "length":
            size = len(body)
            odd = [f"+{size}", "", "x", f"{size}, {size}", "9" * 19, "9" * 18, f"{size} 1", f"0x{size}"]
            length = self._pick([str(size), str(size), str(size), f"0{size}"], odd)
            fields.append(self._field("Content-Length", length))
            if self._rarely(20):
                fields.append(self._field("Content-Length", random.choice([length, "7"])))
            return body
        if kind == "chunked":
            fields.append(self._field("Transfer-Encoding", self._pick(CODINGS, ODD_CODINGS)))
            if self._rarely(20):
                fields.append(self._field("Transfer-Encoding", self._pick(CODINGS, ODD_CODINGS)))
            return self._chunks(body)
        if kind == "odd":
            fields.append(self._field("Content-Length", str(len(body))))
            fields.append(self._field("Transfer-Encoding", "chunked"))
            return random.choice([body, self._chunks(body)])
        return ""

    def _chunks(self, body):
        random = self.random
        out = ""
        while body:
            size = random.randint(1, len(body))
            digits = self._pick(SIZES, ODD_SIZES, 40)
            out += digits % size + self._extension() + "\r\n" + body[:size] + "\r\n"
            body = body[size:]
        out += random.choice(["0", "0", "0", "00"]) + self._extension() + "\r\n"
        for _ in range(random.choice([0, 0, 0, 1, 2])):
            out += self._field(random.choice(TRAILERS), random.choice(VALUES))
        return out + "\r\n"

    def _extension(self):
        return self._pick(EXTENSIONS, ODD_EXTENSIONS, 8) if self._rarely(6) else ""

    def _request(self):
        choice = self.random.choice
        fields = self._fields()
        if not self._rarely(40):
            fields.append(self._field("Host", self._pick(HOSTS, ODD_HOSTS)))
        if self._rarely(80):
            fields.append(self._field("Host", "a.test"))
        if self._rarely(20):
            fields.append(self._field("Expect", self._pick(EXPECTS, ODD_EXPECTS, 4)))
        body = self._framing(fields)
        self.random.shuffle(fields)
        space = self._pick([" "], ["  ", "\t"], 60)
        empty = self._pick([""], ["\r\n", "\r\n\r\n", "\n"], 40)
        line = f"{self._pick(METHODS, ODD_METHODS)}{space}{self._pick(TARGETS, ODD_TARGETS)}"
        line += f" {self._pick(VERSIONS, ODD_VERSIONS)}\r\n"
        return empty + line + "".join(fields) + "\r\n" + body + choice([""] * 60 + ["\r\n"])

    def _response(self):
        choice = self.random.choice
        out = ""
        while self._rarely(8):
            out += f"HTTP/1.1 {choice([100, 102, 103, 199])} X\r\n" + "".join(self._fields()) + "\r\n"
        fields = self._fields()
        body = self._framing(fields) or choice(["", "until close"])
        self.random.shuffle(fields)
        line = f"{self._pick(VERSIONS, ODD_VERSIONS)} {self._pick(STATUSES, ODD_STATUSES)}"
        line += f"{choice(REASONS)}\r\n"
        return out + line + "".join(fields) + "\r\n" + body + choice([""] * 6 + ["extra"])

    # ---- mutations ----

    def _mutate(self, text):
        random = self.random
        at = random.randint(0, len(text))
        to = min(len(text), at + random.choice([1, 1, 2, 5, 30]))
        kind = random.randrange(7)
        if kind == 0:
            return text[:at] + random.choice(ODD) + text[at:]
        if kind == 1:
            return text[:at] + random.choice(ODD) + text[to:]
        if kind == 2:
            return text[:at] + text[to:]
        if kind == 3:
            return text[:to] + text[at:]
        if kind == 4:
            return text[:at] + chr(random.randrange(256)) + text[at + 1 :]
        lines = text.split("\r\n")
        i, j = random.randrange(len(lines)), random.randrange(len(lines))
        if kind == 5:
            lines[i], lines[j] = lines[j], lines[i]
        else:
            lines.insert(i, lines[j])
        return "\r\n".join(lines)
