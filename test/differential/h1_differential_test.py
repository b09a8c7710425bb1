# SPDX-License-Identifier: Apache-2.0
"""Both HTTP/1 parsers against h11: what both accept means the same.

The same bytes go to Gatehouse's codecs (h1_transcriber, which also parts them in many ways) and to
h11. Where one accepts a message and the other doesn't, the reason must be one of those below, each
with the rule that allows it: a new reason fails the test.

LONG=1 reads ten times as many. SEED=n takes other inputs.
"""

import collections
import json
import os
import random
import re
import struct
import subprocess
import unittest

import h1_peer
from h1_inputs import Inputs

HERE = os.path.dirname(os.path.abspath(__file__))
TRANSCRIBER = os.environ.get("TRANSCRIBER", "bazel-bin/test/differential/h1_transcriber")
COUNT = 200_000 if os.environ.get("LONG") == "1" else 20_000
SEED = int(os.environ.get("SEED", "1"))

# h11 refuses, Gatehouse accepts.
ACCEPTED = {
    # A server should ignore at least one empty line before a request line.
    "no request line received": "RFC 9112 section 2.2",
    # h11 checks trailers as if they framed something. Here they are dropped, whatever they say.
    "after the head: Only Transfer-Encoding": "RFC 9110 section 6.5.1",
    "after the head: bad Content-Length": "RFC 9110 section 6.5.1",
    "after the head: conflicting Content-Length headers": "RFC 9110 section 6.5.1",
    "after the head: multiple Transfer-Encoding headers": "RFC 9110 section 6.5.1",
}

# Gatehouse refuses, h11 accepts.
REFUSED = {
    # The request line.
    "CONNECT and TRACE are not served": "RFC 9110 section 9.1: methods may be unsupported",
    "HTTP/0.9 is not served": "RFC 9110 section 2.5: another major version",
    "a major version of HTTP other than 1": "RFC 9110 section 2.5: another major version",
    "the request target is '*' and the method is not OPTIONS": "RFC 9112 section 3.2.4",
    "the request target is empty or has bytes that no URI has": "RFC 9112 section 3.2: no fragment",
    "the request target is of no known form": "RFC 9112 section 3.2: four forms",
    # Lines. h11 takes a bare LF, folded lines and most control characters.
    "the request line has a control character or is not ended by CRLF": "RFC 9112 section 2.2",
    "the status line has a control character or is not ended by CRLF": "RFC 9112 sections 2.2, 4",
    "the head has a control character or a line not ended by CRLF": "RFC 9110 section 5.5",
    "a field has a control character or a line not ended by CRLF": "RFC 9110 section 5.5",
    "the trailer section has a control character or a line not ended by CRLF": "RFC 9110 section 5.5",
    "a field line begins with whitespace": "RFC 9112 section 5.2: obs-fold may be refused",
    # What must agree with something else.
    "no Host": "RFC 9112 section 3.2; of a version above 1.1, h11 wants none",
    "the Host is not a host with an optional port": "RFC 9112 section 3.2: an invalid value",
    "the Host or the target's authority is not a host with an optional port": "RFC 9112 section 3.2",
    "an expectation other than 100-continue": "RFC 9110 section 10.1.1: 417",
    # Framing: what can be read in two ways is not read at all.
    "Content-Length is not a number of bytes": "RFC 9112 section 6.3, 5: a list may be refused",
    "more than one Content-Length": "RFC 9112 section 6.3, 5: repeated may be refused",
    "both Transfer-Encoding and Content-Length": "RFC 9112 section 6.1: may be refused",
    "Transfer-Encoding in HTTP/1.0": "RFC 9112 section 6.1: faulty framing",
    "a chunk extension has no name": "RFC 9112 section 7.1.1",
    "a chunk extension has no value": "RFC 9112 section 7.1.1",
    "a chunk's size is followed by bytes that are no extension": "RFC 9112 section 7.1.1",
    "a quoted chunk extension has a control character": "RFC 9110 section 5.6.4",
    "a chunk's size line has a bare CR": "RFC 9112 section 2.2",
    "a chunk's size is too large": "RFC 9112 section 7.1: mind overflows",
    # Responses.
    "the endpoint does not speak HTTP/1": "RFC 9112 section 2.3",
    "the response does not begin with HTTP/1.1 or HTTP/1.0": "RFC 9112 section 2.3",
    "the status is not a number from 100 to 599": "RFC 9110 section 15: outside is invalid",
}

# Gatehouse goes on with the connection or not, h11 says otherwise.
KEPT = {
    "HTTP/1.0 with keep-alive": "RFC 9112 section 9.3; h11 knows it not",
    "WebSocket was asked for": "Frames may follow that must not be read as requests",
}


def latin1(pairs):
    return [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in pairs]


def by_name(fields):
    """Fields of one name in their order; the order between names has no meaning."""
    return sorted(fields, key=lambda field: field[0])


class Difference(Exception):
    """What both accept, and don't mean the same by."""


class Comparison:
    """Counts why one accepts what the other does not."""

    def __init__(self):
        self.reasons = collections.Counter()
        self.same = 0  # Messages.

    def note(self, kind, reason, table):
        if reason not in table:
            raise Difference(f"{kind} and it is not listed why it may: {reason}")
        self.reasons[f"{kind}: {reason}"] += 1

    def requests(self, ours, theirs):
        for i in range(max(len(ours["messages"]), len(theirs.messages))):
            if not self._both_have(i, ours, theirs):
                return
            mine, other = ours["messages"][i], theirs.messages[i]
            same_request(mine, other)
            self.same += 1
            went_on = i + 1 < len(ours["messages"]) or ours["outcome"] != "closed"
            if went_on != other.keep:
                why = why_kept(mine, latin1(other.head.headers), went_on)
                self.note("goes on" if went_on else "closes", why, KEPT)
                if not went_on:
                    return
            elif not went_on:
                return

    def response(self, ours, theirs, size):
        if not ours["messages"] and not theirs.messages:
            return
        if self._both_have(0, ours, theirs):
            mine, other = ours["messages"][0], theirs.messages[0]
            same_response(mine, other)
            self.same += 1
            if mine["reusable"] and not other.keep:
                why = why_kept(mine, latin1(other.head.headers), True)
                self.note("goes on", why, KEPT)
            elif not mine["reusable"] and other.keep and other.end == size and ends(mine):
                raise Difference("the connection could be used again, and is not")

    def _both_have(self, i, ours, theirs):
        if i >= len(ours["messages"]):
            if ours["outcome"] != "refused":
                raise Difference(f"h11 reads a message more, ours ended {ours['outcome']}")
            self.note("refused", ours["why"], REFUSED)
            return False
        if i >= len(theirs.messages):
            if theirs.outcome != "refused":
                raise Difference(f"ours reads a message more, h11 ended {theirs.outcome}")
            self.note("accepted", theirs.why, ACCEPTED)
            return False
        return True


def ends(message):
    """Whether a response ends by itself, in a version that keeps connections."""
    names = {name.lower() for name, _ in message["fields"]}
    framed = names & {"content-length", "transfer-encoding"} or message["status"] in (204, 304)
    return bool(framed) and message["minor"] == 1


def why_kept(message, fields, went_on):
    """`fields`: with names in lower case."""
    if went_on and message["minor"] == 0 and "keep-alive" in listed(fields, "connection"):
        return "HTTP/1.0 with keep-alive"
    if not went_on and "websocket" in listed(fields, "upgrade"):
        return "WebSocket was asked for"
    return f"for no reason, after {fields}"


def listed(fields, name):
    """The elements of a list, in lower case."""
    values = ",".join(value for key, value in fields if key == name)
    return [element.strip(" \t").lower() for element in values.split(",")]


def equal(what, mine, other):
    if mine != other:
        raise Difference(f"{what}: ours {mine!r}, h11's {other!r}")


def same_request(mine, other):
    head = other.head
    method = head.method.decode("latin-1")
    target, authority = origin_form(head.target.decode("latin-1"), method)
    fields = latin1(head.headers.raw_items())
    minor = min(1, int(head.http_version.split(b".")[1]))
    if authority is not None:  # It counts, whatever Host says (RFC 9112 section 3.2.2).
        fields = [field for field in fields if field[0] != "host"] + [("host", authority)]
    if minor == 0:  # HTTP/1.0 has no expectations (RFC 9110 section 10.1.1).
        fields = [field for field in fields if field[0] != "expect"]
    # Known names spelled with '_' are dropped: some servers take it for '-'.
    fields = [f for f in fields if f[0] not in ("content_length", "transfer_encoding", "x_forwarded_for")]
    equal("method", mine["method"], method)
    equal("target", mine["target"], target)
    equal("version", mine["minor"], minor)
    same_content(mine, other, fields)
    equal("end", mine["end"], other.end)


def origin_form(target, method):
    """(what is forwarded, the authority of an absolute-form or None)"""
    match = re.fullmatch(r"(?i)https?://([^/?]*)(.*)", target)
    if match is None:
        return target, None
    authority, rest = match.groups()
    if not rest:
        rest = "*" if method == "OPTIONS" else "/"
    return rest if rest[0] in "/*" else "/" + rest, authority


def same_response(mine, other):
    equal("status", mine["status"], other.head.status_code)
    equal("informational", mine["informational"], other.informational)
    equal("version", mine["minor"], int(other.head.http_version.split(b".")[1]))
    same_content(mine, other, latin1(other.head.headers.raw_items()))


def same_content(mine, other, fields):
    ours = [(name.lower(), value) for name, value in mine["fields"]]
    # h11 writes the coding in lower case.
    ours = [(n, v.lower() if n == "transfer-encoding" else v) for n, v in ours]
    equal("fields", by_name(ours), by_name(fields))
    equal("body", mine["body"], other.body.decode("latin-1"))
    same_trailers([(n.lower(), v) for n, v in mine["trailers"]], latin1(other.trailers))


def same_trailers(ours, theirs):
    """Those that could change what the message is are dropped (RFC 9110 section 6.5.1), extensions
    are kept, and nothing else comes of them."""
    never = {"content-length", "transfer-encoding", "host", "set-cookie", "authorization"}
    for name, _ in ours:
        if name in never:
            raise Difference(f"the trailer {name} is kept")
    for name, value in theirs:
        if name.startswith("x-") and (name, value) not in ours:
            raise Difference(f"the trailer {name} is lost")
    if any(field not in theirs for field in ours):
        raise Difference(f"trailers: ours {ours}, h11's {theirs}")


def seeds(kind):
    """The fuzzers' corpus and the conformance cases, as text of bytes."""
    out = []
    corpus = os.path.join(HERE, "../fuzz/corpus", "h1_" + kind)
    for name in sorted(os.listdir(corpus)):
        with open(os.path.join(corpus, name), "rb") as file:
            text = file.read().decode("latin-1")
        out.append(text if kind == "request" else text[1:])  # The first byte is the method.
    with open(os.path.join(HERE, "../conformance/h1_cases.json"), encoding="utf-8") as file:
        cases = json.load(file)["cases"]
    for case in cases:
        parts = case["send"] if kind == "request" else case.get("up", {}).get("send", [])
        text = "".join(part for part in parts if isinstance(part, str))
        if text and len(text) < 4096 and max(text) <= "\xff":
            out.append(text)
    return out


def transcripts(inputs):
    """What h1_transcriber makes of [(kind, bytes)]."""
    records = b"".join(
        kind.encode() + struct.pack("<II", i, len(data)) + data
        for i, (kind, data) in enumerate(inputs)
    )
    done = subprocess.run([TRANSCRIBER], input=records, capture_output=True, timeout=600, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


class H1DifferentialTest(unittest.TestCase):
    def compare(self, inputs, compare_one):
        comparison = Comparison()
        failures = collections.defaultdict(list)
        answers = transcripts(inputs)
        self.assertEqual(len(answers), len(inputs))
        for (kind, data), ours in zip(inputs, answers):
            try:
                if "pieces" in ours:
                    raise Difference(f"in pieces it is another: {ours['pieces']}")
                compare_one(comparison, kind, data, ours)
            except Difference as difference:
                failures[re.sub(r"ours .*", "", str(difference))[:120]].append((data, difference))
        print(f"{len(inputs)} inputs, {comparison.same} messages mean the same")
        for reason, count in sorted(comparison.reasons.items()):
            print(f"{count:7} {reason}")
        for title, found in sorted(failures.items()):
            shortest, difference = min(found, key=lambda one: len(one[0]))
            print(f"\n{len(found)} times {title}\n  {difference}\n  {shortest!r}")
        self.assertFalse(failures)
        # The inputs are worth something: much is accepted, and much is not.
        self.assertGreater(comparison.same, len(inputs) // 4)

    def test_requests(self):
        inputs = Inputs(random.Random(SEED), seeds("request"))
        self.compare(
            [("q", inputs.request()) for _ in range(COUNT)],
            lambda comparison, _, data, ours: comparison.requests(ours, h1_peer.requests(data)),
        )

    def test_responses(self):
        inputs = Inputs(random.Random(SEED), seeds("response"))
        self.compare(
            [("r" if i % 8 else "h", inputs.response()) for i in range(COUNT)],
            lambda comparison, kind, data, ours: comparison.response(
                ours, h1_peer.response(data, "GET" if kind == "r" else "HEAD"), len(data)
            ),
        )


if __name__ == "__main__":
    unittest.main()
