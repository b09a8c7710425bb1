# SPDX-License-Identifier: Apache-2.0
"""The same exchanges in every combination: client and endpoint each in HTTP/1.1 or HTTP/2, each in
the clear or in TLS. Sixteen gateways; what a test says holds in front of and behind all of them.

MATRIX=h2-tls-h1-clear runs one of them.
"""

import base64
import collections
import hashlib
import hmac
import itertools
import json
import os
import tempfile
import threading
import unittest

from certificates import Authority
from either import BROKEN, Client, Endpoint
from gatehouse import PATIENCE, Gateway, wait_until
from http1 import lines_of, pattern, refusing_address
from websocket_test import frame

SECRET = b"0123456789abcdef0123456789abcdef"
LARGE = 5 << 20

CONFIG = """
version: 1
admin: {{address: "127.0.0.1:0"}}
runtime: {{workers: 1}}
listeners:
  - name: web
    address: "127.0.0.1:0"
    {listener}
    upgrades: [websocket]
    limits: {{max_headers: 150, max_header_bytes: 96KiB}}
    filters: [log]
filters:
  log: {{type: access_log, path: {log}, format: json}}
  nobody: {{type: ip_access, deny: [127.0.0.0/8]}}
  once: {{type: rate_limit, rate: 1/h, burst: 1, key: {{header: x-who}}}}
  jwt:
    issuer: test
    audiences: [api]
    jwks: {{inline: '{{"keys":[{{"kty":"oct","alg":"HS256","kid":"k","k":"{secret}"}}]}}'}}
    claims_to_headers: {{sub: x-user}}
  edit:
    type: headers
    request: {{set: {{x-asked: "yes"}}, remove: [x-secret]}}
    response: {{set: {{x-edited: "1"}}, add: {{x-more: b}}, remove: [x-internal]}}
clusters:
  up: {{endpoints: ["{endpoint}"]{cluster}}}
  away: {{endpoints: ["{away}"]{cluster}}}
routes:
  - {{match: {{path_prefix: /denied}}, cluster: up, filters: [nobody]}}
  - {{match: {{path_prefix: /once}}, cluster: up, filters: [once]}}
  - {{match: {{path_prefix: /token}}, cluster: up, filters: [jwt, once, edit]}}
  - {{match: {{path_prefix: /edited}}, cluster: up, filters: [edit]}}
  - {{match: {{path_prefix: /away}}, cluster: away}}
  - {{match: {{path_prefix: /ping}}, respond: {{status: 200, body: "pong\\n"}}}}
  - {{match: {{path_prefix: /old}}, redirect: {{path: /new, status: 308}}}}
  - {{match: {{host: a.test, path_prefix: /}}, cluster: up}}
"""


def digest(data):
    return hashlib.sha256(data).hexdigest()


def unpadded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def token(subject):
    head = unpadded(b'{"alg":"HS256","typ":"JWT","kid":"k"}')
    claims = {"iss": "test", "aud": "api", "sub": subject, "exp": 4102444800}
    signed = head + "." + unpadded(json.dumps(claims).encode())
    return signed + "." + unpadded(hmac.new(SECRET, signed.encode(), hashlib.sha256).digest())


class Answers:
    """What the endpoint does, by the path's first segment; what none of these names is echoed."""

    def __init__(self):
        self.events = collections.defaultdict(threading.Event)

    def __call__(self, exchange):
        name = exchange.target.split("?")[0].split("/")[1]
        getattr(self, name, self.echo)(exchange)

    def echo(self, exchange):
        body = exchange.read_all()
        exchange.respond(200, [("x-length", str(exchange.length))], body, exchange.trailers)

    def sized(self, exchange):
        exchange.read_all()
        exchange.respond(200, [("x-kind", "sized")], pattern(int(exchange.target.split("/")[2])))

    def unsized(self, exchange):
        exchange.read_all()
        exchange.begin(200)
        body = pattern(int(exchange.target.split("/")[2]))
        for at in range(0, len(body), 100_000):
            exchange.send(body[at : at + 100_000])
        exchange.end()

    def status(self, exchange):
        exchange.read_all()
        exchange.respond(int(exchange.target.split("/")[2]), [("etag", '"x"')])

    def refused(self, exchange):
        exchange.respond(403, (), b"no\n")

    def hints(self, exchange):
        exchange.interim(103, [("link", "</a.css>; rel=preload")])
        exchange.interim(103, [("link", "</b.css>; rel=preload")])
        exchange.respond(200, (), b"hinted\n")

    def expects(self, exchange):
        exchange.interim(100)
        self.echo(exchange)

    def fields(self, exchange):
        exchange.read_all()
        sent = [(f"x-{i}", "v" * i) for i in range(80)]
        sent += [("set-cookie", "a=1"), ("set-cookie", "b=2; Path=/"), ("x-large", "l" * 30_000)]
        sent += [("x-repeated", "1"), ("x-repeated", "2"), ("x-internal", "no")]
        exchange.respond(200, sent, json.dumps(exchange.fields).encode())

    def token(self, exchange):
        self.fields(exchange)

    edited = token

    def early(self, exchange):
        exchange.respond(413, (), b"too much\n")

    def held(self, exchange):
        """Begins to answer, and ends when the test says so."""
        exchange.begin(200)
        exchange.send(b"first")
        self.events[exchange.target].wait(PATIENCE)
        exchange.send(b"last")
        exchange.end()

    def endless(self, exchange):
        exchange.begin(200)
        exchange.send(b"first")
        while True:
            exchange.send(bytes(65536))

    def silent(self, exchange):
        exchange.wait_gone()
        self.events[exchange.target].set()

    def cut(self, exchange):
        exchange.begin(200)
        exchange.send(b"only half")
        exchange.abort()

    def short(self, exchange):
        exchange.begin(200, [("content-length", "1000")], known=True)
        exchange.send(b"only half")
        exchange.abort()

    def dead(self, exchange):
        exchange.read_all()
        exchange.abort()

    def chat(self, exchange):
        if not exchange.websocket:
            exchange.respond(400, (), b"not a websocket\n")
            return
        exchange.accept()
        while part := exchange.read():
            exchange.send(part)
        exchange.end()


class Matrix:
    """The cases; a class for each combination inherits them."""

    client_version = endpoint_version = "h1"
    client_tls = endpoint_tls = False

    @classmethod
    def setUpClass(cls):
        directory = tempfile.TemporaryDirectory(prefix="matrix-")
        cls.addClassCleanup(directory.cleanup)
        cls.authority = Authority(directory.name)
        pair = cls.authority.pair("server", "a.test", "127.0.0.1")
        cls.answers = Answers()
        context = cls.authority.server_context(pair, ["h2" if cls.endpoint_version == "h2" else "http/1.1"])
        cls.endpoint = Endpoint(
            cls.endpoint_version, cls.answers, context if cls.endpoint_tls else None
        )
        cls.addClassCleanup(cls.endpoint.stop)
        held, away = refusing_address()
        cls.addClassCleanup(held.close)
        cls.log = os.path.join(directory.name, "access.log")
        tls = f"tls: {{certificates: [{{cert_file: {pair[0]}, key_file: {pair[1]}}}]}}"
        cluster = f", protocol: {'http2' if cls.endpoint_version == 'h2' else 'http1'}"
        if cls.endpoint_tls:
            cluster += f", tls: {{ca_file: {cls.authority.file}, server_name: a.test}}"
        cls.gateway = Gateway(
            CONFIG.format(
                listener=tls if cls.client_tls else "",
                cluster=cluster,
                endpoint=cls.endpoint.address,
                away=away,
                log=cls.log,
                secret=unpadded(SECRET),
            )
        )
        cls.addClassCleanup(cls.gateway.stop)
        checked = cls.gateway.command("validate", "-c", cls.gateway.config_path)
        if "tls: not supported yet" in checked.stdout + checked.stderr:
            raise unittest.SkipTest("no TLS to endpoints in this build")
        cls.gateway.start()

    def setUp(self):
        self.client = self.new_client()
        self.addCleanup(lambda: self.assertEqual(self.client.violations, []))
        self.addCleanup(self._still_serves)

    def _still_serves(self):
        if self.gateway.process.poll() is not None:
            self.fail(f"the gateway has ended: {self.gateway.stderr()[-3000:]}")
        self.assertEqual(self.endpoint.violations, [])

    def new_client(self):
        protocol = "h2" if self.client_version == "h2" else "http/1.1"
        context = self.authority.client_context([protocol]) if self.client_tls else None
        client = Client(self.client_version, self.gateway.addresses["web"], context, "a.test")
        self.addCleanup(client.close)
        return client

    def line_of(self, path):
        """The access log's line for it."""

        def found():
            lines = (json.loads(line) for line in lines_of(self.log))
            return next((line for line in lines if line["path"] == path), None)

        return wait_until(found, f"{path} in the log")

    # ---- messages ----

    def test_requests_share_connections(self):
        before = len(self.endpoint.connections)
        for i in range(20):
            reply = self.client.ask("GET", f"/same/{i}?q=%20{i}")
            self.assertEqual((reply.status, reply.body), (200, b""))
        self.assertEqual(self.client.connections, 1)
        self.assertLessEqual(len(self.endpoint.connections), before + 1)
        request = self.endpoint.named("/same/19?q=%2019")
        self.assertEqual((request.method, request.authority, request.length), ("GET", "a.test", None))
        self.assertEqual(request.get("x-forwarded-for"), "127.0.0.1")
        self.assertEqual(request.get("x-forwarded-proto"), "https" if self.client_tls else "http")
        self.assertEqual(request.get("x-forwarded-host"), "a.test")
        if self.endpoint_version == "h2":
            self.assertIn(request.scheme, ("http", "https"))
        line = self.line_of("/same/19")
        version = {"h1": "HTTP/1.1", "h2": "HTTP/2"}[self.client_version]
        self.assertEqual((line["protocol"], line["status"]), (version, 200))

    def test_head(self):
        reply = self.client.ask("HEAD", "/sized/12345")
        self.assertEqual((reply.status, reply.body), (200, b""))
        self.assertEqual(reply.get("content-length"), "12345")
        self.assertEqual(self.client.ask("GET", "/sized/3").body, pattern(3))

    def test_content_of_known_length(self):
        for size in (1, 1000, 16384, 65536, LARGE):
            body = pattern(size)
            reply = self.client.ask("POST", f"/known/{size}", body=body)
            self.assertEqual((reply.status, len(reply.body)), (200, size))
            self.assertEqual(digest(reply.body), digest(body))
            self.assertEqual((reply.get("content-length"), reply.get("x-length")), (str(size),) * 2)

    def test_content_of_unknown_length(self):
        body = pattern(LARGE)
        exchange = self.client.open("PUT", "/unknown", end=False)
        for at in range(0, len(body), 70_000):
            exchange.send(body[at : at + 70_000])
        exchange.end()
        reply = exchange.reply()
        self.assertEqual((reply.status, digest(reply.body)), (200, digest(body)))
        self.assertEqual(reply.get("x-length"), "None")

    def test_answer_of_unknown_length(self):
        reply = self.client.ask("GET", f"/unsized/{LARGE}")
        self.assertEqual(digest(reply.body), digest(pattern(LARGE)))
        self.assertIsNone(reply.get("content-length"))
        self.assertEqual(self.client.ask("GET", "/unsized/0").body, b"")

    def test_trailers_both_ways(self):
        exchange = self.client.open("POST", "/trailers", [("te", "trailers")], end=False)
        exchange.send(b"content")
        exchange.end([("x-check", "7"), ("x-more", "a, b")])
        reply = exchange.reply()
        self.assertEqual(self.endpoint.named("/trailers").trailers, [("x-check", "7"), ("x-more", "a, b")])
        self.assertEqual((reply.status, reply.body), (200, b"content"))
        self.assertEqual(reply.trailers, [("x-check", "7"), ("x-more", "a, b")])

    def test_interim_responses(self):
        reply = self.client.ask("GET", "/hints")
        self.assertEqual((reply.status, reply.body), (200, b"hinted\n"))
        links = [(status, fields.get("link")) for status, fields in reply.interim]
        self.assertEqual(links, [(103, "</a.css>; rel=preload"), (103, "</b.css>; rel=preload")])

    def test_expect_continue(self):
        exchange = self.client.open("POST", "/expects", [("expect", "100-continue")], end=False)
        self.assertEqual(exchange.next_interim(), 100)
        exchange.send(b"now")
        exchange.end()
        self.assertEqual(exchange.reply().body, b"now")

    def test_answers_without_content(self):
        for status in (204, 304, 204):
            reply = self.client.ask("GET", f"/status/{status}")
            self.assertEqual((reply.status, reply.body, reply.get("etag")), (status, b"", '"x"'))
            self.assertIsNone(reply.get("transfer-encoding"))
        self.assertEqual(self.client.ask("GET", "/status/404").status, 404)

    def test_many_and_large_fields(self):
        sent = [(f"x-{i}", "v" * i) for i in range(80)]
        sent += [("x-large", "l" * 30_000), ("x-twice", "1"), ("x-twice", "2"), ("cookie", "a=1; b=2")]
        reply = self.client.ask("GET", "/fields", sent)
        self.assertEqual(reply.status, 200)
        got = collections.defaultdict(list)
        for name, value in json.loads(reply.body):
            got[name].append(value)
        for i in range(80):
            self.assertEqual((got[f"x-{i}"], reply.get(f"x-{i}")), (["v" * i], "v" * i))
        self.assertEqual(", ".join(got["x-twice"]), "1, 2")
        self.assertEqual("; ".join(got["cookie"]), "a=1; b=2")
        self.assertEqual((len(got["x-large"][0]), len(reply.get("x-large"))), (30_000, 30_000))
        self.assertEqual(reply.all("set-cookie"), ["a=1", "b=2; Path=/"])
        self.assertEqual(", ".join(reply.all("x-repeated")), "1, 2")

    def test_cookie_crumbs_are_one_field_again(self):
        crumbs = [("cookie", "a=1"), ("cookie", "b=2"), ("cookie", "c=3")]
        if self.client_version == "h1":
            crumbs = [("cookie", "a=1; b=2; c=3")]
        self.assertEqual(self.client.ask("GET", "/crumbs", crumbs).status, 200)
        self.assertEqual("; ".join(self.endpoint.named("/crumbs").all("cookie")), "a=1; b=2; c=3")
        if self.endpoint_version == "h1":
            self.assertEqual(len(self.endpoint.named("/crumbs").all("cookie")), 1)

    # ---- order and ends ----

    def test_an_answer_while_uploading(self):
        exchange = self.client.open("POST", "/early", end=False)
        try:
            exchange.send(pattern(100_000))
        except BROKEN:
            pass  # It may be told to stop: RFC 9113, 8.1.
        reply = exchange.begun()
        self.assertEqual((reply.status, exchange.read_all()), (413, b"too much\n"))

    def test_the_endpoint_is_told_that_the_client_left(self):
        exchange = self.client.open("GET", "/silent/1")
        self.endpoint.named("/silent/1")
        exchange.reset()
        self.assertTrue(self.answers.events["/silent/1"].wait(PATIENCE))
        self.assertEqual(self.line_of("/silent/1")["error"], "client_gone")

    def test_the_endpoint_is_told_that_an_upload_broke_off(self):
        exchange = self.client.open("POST", "/echo/aborted", end=False)
        exchange.send(b"half")
        request = self.endpoint.named("/echo/aborted")
        exchange.reset()
        self.assertIsNotNone(request.broken.get(timeout=PATIENCE))

    def test_the_endpoint_is_told_that_nobody_reads_on(self):
        exchange = self.client.open("GET", "/endless")
        self.assertEqual(exchange.begun().status, 200)
        self.assertTrue(exchange.read())
        exchange.reset()
        self.assertIsNotNone(self.endpoint.named("/endless").broken.get(timeout=PATIENCE))

    def test_a_cut_answer_is_not_whole(self):
        for path in ("/cut", "/short"):
            exchange = self.client.open("GET", path)
            # The head may be lost with the rest: what counts is that nothing looks complete.
            with self.assertRaises(BROKEN, msg=path):
                if exchange.begun().status == 502:
                    raise ConnectionError("answered before anything had left")
                exchange.read_all()
            self.assertEqual(self.new_client().ask("GET", "/after").status, 200)

    def test_an_endpoint_that_ends_without_an_answer(self):
        reply = self.client.ask("POST", "/dead", body=b"x")
        self.assertEqual(reply.status, 502)
        self.assertIsNotNone(reply.get("x-gatehouse-error"))
        self.assertEqual(self.client.ask("GET", "/after").status, 200)

    def test_a_slow_exchange_holds_nobody_up(self):
        slow = self.client.open("GET", "/held/1")
        self.assertEqual(slow.begun().status, 200)
        self.assertEqual(slow.read(), b"first")
        for i in range(10):
            self.assertEqual(digest(self.client.ask("GET", "/sized/300000").body), digest(pattern(300_000)))
        self.answers.events["/held/1"].set()
        self.assertEqual(slow.read_all(), b"last")

    def test_one_that_does_not_read_holds_nobody_up(self):
        stuck = self.client.open("GET", "/endless")
        self.assertEqual(stuck.begun().status, 200)
        for _ in range(5):
            self.assertEqual(digest(self.client.ask("GET", "/sized/2000000").body), digest(pattern(2_000_000)))
        stuck.reset()

    def test_many_at_once(self):
        paths = [f"/sized/{i * 10_000}" for i in range(1, 33)]
        exchanges = [self.client.open("GET", path) for path in paths]
        for i, exchange in reversed(list(enumerate(exchanges, 1))):
            self.assertEqual(digest(exchange.reply().body), digest(pattern(i * 10_000)))
        if self.client_version == "h2":
            self.assertEqual(self.client.connections, 1)

    # ---- tunnels ----

    def test_websocket(self):
        tunnel = self.client.websocket("/chat")
        self.assertEqual(tunnel.begun().status, 200)
        sent = frame(b"hello", True) + frame(pattern(200_000), True)
        threading.Thread(target=tunnel.send, args=(sent,)).start()
        back = b""
        while len(back) < len(sent):
            back += tunnel.read() if self.client_version == "h2" else tunnel.wire.take(1)
            if self.client_version == "h1":
                back += tunnel.wire.take(len(tunnel.wire.pending))
        self.assertEqual(digest(back), digest(sent))
        tunnel.end()
        if self.client_version == "h2":
            self.assertEqual(tunnel.read_all(), b"")
        else:
            self.assertTrue(tunnel.wire.at_end())
        self.assertTrue(self.endpoint.named("/chat").websocket)

    def test_websocket_that_is_refused(self):
        reply = self.client.websocket("/refused").reply()
        self.assertEqual((reply.status, reply.body), (403, b"no\n"))

    # ---- answers of the gateway's own, and its filters ----

    def test_errors(self):
        for method in ("GET", "HEAD", "POST"):
            for path, authority, status, name in (
                ("/", "b.test", 404, "no_route"),
                ("/away", "a.test", 503, "connect_failed"),
            ):
                reply = self.client.ask(method, path, [("accept", "application/json")], authority=authority)
                self.assertEqual((reply.status, reply.get("x-gatehouse-error")), (status, name))
                if method == "HEAD":
                    self.assertEqual(reply.body, b"")
                else:
                    self.assertEqual(json.loads(reply.body)["error"], name)
        self.assertEqual(self.client.ask("GET", "/a%00").status, 400)
        self.assertEqual(self.client.ask("GET", "/ping").body, b"pong\n")
        reply = self.client.ask("GET", "/old?a=1")
        self.assertEqual(reply.status, 308)
        self.assertTrue(reply.get("location").endswith("/new?a=1"), reply.get("location"))

    def test_too_large_heads(self):
        reply = self.client.ask("GET", "/", [(f"x-{i}", "v") for i in range(200)])
        self.assertEqual((reply.status, reply.get("x-gatehouse-error")), (431, "headers_too_large"))
        self.assertEqual(self.new_client().ask("GET", "/after").status, 200)

    def test_filters(self):
        self.assertEqual(self.client.ask("GET", "/denied").status, 403)
        self.assertEqual(self.client.ask("POST", "/denied", body=pattern(50_000)).status, 403)
        self.assertEqual(self.line_of("/denied")["status"], 403)
        self.assertEqual(self.new_client().ask("GET", "/token").status, 401)
        who = f"{self.client_version}{self.endpoint_version}{self.client_tls}{self.endpoint_tls}"
        bearer = [("authorization", "Bearer " + token("ann")), ("x-who", who), ("x-secret", "s")]
        reply = self.client.ask("GET", "/token/1", bearer)
        self.assertEqual(reply.status, 200)
        got = dict(json.loads(reply.body))
        self.assertEqual((got["x-user"], got["x-asked"], got.get("x-secret")), ("ann", "yes", None))
        self.assertEqual((reply.get("x-edited"), reply.get("x-internal")), ("1", None))
        reply = self.client.ask("GET", "/token/2", bearer)
        self.assertEqual(reply.status, 429)
        self.assertIsNotNone(reply.get("retry-after"))

    def test_response_fields_are_edited(self):
        reply = self.client.ask("GET", "/edited")
        self.assertEqual((reply.get("x-edited"), reply.all("x-more")), ("1", ["b"]))
        self.assertIsNone(reply.get("x-internal"))


def load_tests(loader, _tests, _pattern):
    suite = unittest.TestSuite()
    only = os.environ.get("MATRIX")
    for client, client_tls, endpoint, endpoint_tls in itertools.product(
        ("h1", "h2"), (False, True), ("h1", "h2"), (False, True)
    ):
        words = {False: "clear", True: "tls"}
        name = f"{client}-{words[client_tls]}-{endpoint}-{words[endpoint_tls]}"
        if only and only != name:
            continue
        combination = type(
            "Matrix-" + name,
            (Matrix, unittest.TestCase),
            {
                "client_version": client, "client_tls": client_tls,
                "endpoint_version": endpoint, "endpoint_tls": endpoint_tls,
            },
        )  # fmt: skip
        suite.addTests(loader.loadTestsFromTestCase(combination))
    return suite


if __name__ == "__main__":
    unittest.main()
