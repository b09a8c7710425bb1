# SPDX-License-Identifier: Apache-2.0
"""forward_auth with a real service: what it is asked, what becomes of its answers, and what happens
when it is slow, silent, broken or gone."""

import json
import os
import threading
import unittest

from gatehouse import PATIENCE, wait_until
from http1 import Http1Test, answering, config, echo, ok, pattern, refusing_address

LISTENER = "filters: [forward_auth]"


def settings(auth, more=""):
    """The filter, asking `auth` (an upstream or an address)."""
    address = getattr(auth, "address", auth)
    return f'forward_auth: {{url: "http://{address}/verify"{", " + more if more else ""}}}'


def answer(status, fields="", body=b""):
    return (
        f"HTTP/1.1 {status} X\r\n{fields}content-length: {len(body)}\r\n\r\n".encode() + body
    )


def by_token(request):
    """A service with two users, a login page and a page about that."""
    token = request.get("authorization")
    if token == "Bearer ann":
        return answer(200, "x-user: ann\r\nx-groups: dev\r\nset-cookie: a=1\r\nset-cookie: b=2\r\n")
    if token is None:
        target = request.get("x-forwarded-uri")
        return answer(
            302,
            f"location: https://login.test/?rd={target}\r\nset-cookie: state=1\r\n"
            "content-type: text/html\r\n",
            b"<a>log in</a>",
        )
    if token == "Bearer expired":
        return answer(401, 'www-authenticate: Bearer error="invalid_token"\r\n', b"expired\n")
    return answer(403, "content-type: text/plain\r\nx-why: because\r\n", b"not you\n")


class ForwardAuthTest(Http1Test):
    def service(self, script=None):
        return self.scripted(script or answering(by_token))

    def start_with(self, auth, more="", upstream=None, **arguments):
        self.upstream = upstream or self.scripted(answering(echo))
        arguments.setdefault("listener", LISTENER)
        return self.start(self.upstream, filters=settings(auth, more), **arguments)

    def counter(self, gateway, what):
        name = "forward_auth"
        return gateway.metric(f'gatehouse_filter_forward_auth_{what}_total{{filter="{name}"}}')

    # ---- Verdicts ----

    def test_allowed(self):
        auth = self.service()
        gateway = self.start_with(
            auth, "upstream_headers: [x-user, x-groups], client_headers: [set-cookie]"
        )
        wire = self.wire(gateway)
        response = wire.ask(
            "/orders?x=1", "POST", body=b"content",
            fields="authorization: Bearer ann\r\nx-user: root\r\nX-Groups: admins\r\n",
        )  # fmt: skip
        self.assertEqual((response.status, response.body), (200, b"content"))
        self.assertEqual(response.all("set-cookie"), ["a=1", "b=2"])
        request = self.upstream.last()
        self.assertEqual(request.all("x-user"), ["ann"])
        self.assertEqual(request.all("x-groups"), ["dev"])
        self.assertEqual(request.get("authorization"), "Bearer ann")
        question = auth.last()
        self.assertEqual((question.method, question.target), ("GET", "/verify"))
        self.assertEqual(question.get("host"), auth.address)
        self.assertEqual(question.get("x-forwarded-method"), "POST")
        self.assertEqual(question.get("x-forwarded-uri"), "/orders?x=1")
        self.assertEqual(question.get("x-forwarded-host"), "a.test")
        self.assertEqual(question.get("x-forwarded-proto"), "http")
        self.assertEqual(question.get("x-forwarded-for"), "127.0.0.1")
        self.assertEqual(question.framing, "none")
        self.assertFalse(question.has("x-user") or question.has("content-length"))
        self.assertEqual(self.counter(gateway, "allowed"), 1)

    def test_denied_answers_go_to_the_client(self):
        auth = self.service()
        gateway = self.start_with(auth)
        wire = self.wire(gateway)
        login = wire.ask("/orders?a=b")
        self.assertEqual((login.status, login.body), (302, b"<a>log in</a>"))
        self.assertEqual(login.get("location"), "https://login.test/?rd=/orders?a=b")
        self.assertEqual(login.get("set-cookie"), "state=1")
        self.assertEqual(login.get("content-type"), "text/html")
        expired = wire.ask(fields="authorization: Bearer expired\r\n")
        self.assertEqual((expired.status, expired.body), (401, b"expired\n"))
        self.assertEqual(expired.get("www-authenticate"), 'Bearer error="invalid_token"')
        other = wire.ask(fields="authorization: Bearer joe\r\n")
        self.assertEqual((other.status, other.body, other.get("x-why")), (403, b"not you\n", "because"))
        head = wire.ask("/", "HEAD")
        self.assertEqual((head.status, head.get("content-length")), (302, "13"))
        self.assertEqual(wire.ask(fields="authorization: Bearer ann\r\n").status, 200)
        self.assertEqual(len(self.upstream.requests), 1, "of what was denied nothing arrived")
        self.assertEqual(self.counter(gateway, "denied"), 4)
        self.assertEqual(len(auth.wires), 1, "all on one connection")

    def test_the_log_tells_who_and_why(self):
        auth = self.service()
        gateway = self.gateway("")
        path = gateway.path("log")
        upstream = self.scripted(answering(echo))
        gateway.write(
            config(
                [upstream.address], listener="filters: [access_log, forward_auth]",
                filters=f'access_log: {{path: "{path}", format: json}}, '
                + settings(auth, "identity: {subject: x-user}"),
            )
        )  # fmt: skip
        gateway.start()
        wire = self.wire(gateway)
        wire.ask("/")
        wire.ask("/", fields="authorization: Bearer ann\r\n")

        def lines():
            if not os.path.exists(path):
                return []
            with open(path, encoding="utf-8") as log:
                return log.read().splitlines()

        wait_until(lambda: len(lines()) == 2, "two lines")
        denied, allowed = (json.loads(line) for line in lines())
        self.assertEqual((denied["status"], denied["error"]), (302, "no_credentials"))
        self.assertEqual(denied["error_detail"], "forward_auth: the service answered 302")
        self.assertEqual((allowed["status"], allowed["subject"]), (200, "ann"))

    def test_a_named_cluster(self):
        auth = self.service()
        upstream = self.scripted(answering(echo))
        text = config(
            [upstream.address], listener=LISTENER,
            filters="forward_auth: {cluster: auth, path: \"/check?x=1\", method: POST}",
        ).replace("clusters:\n", f'clusters:\n  auth: {{endpoints: ["{auth.address}"]}}\n')  # fmt: skip
        gateway = self.start(text=text)
        self.assertEqual(
            self.wire(gateway).ask(fields="authorization: Bearer ann\r\n").status, 200
        )
        question = auth.last()
        self.assertEqual((question.method, question.target), ("POST", "/check?x=1"))
        self.assertEqual((question.get("host"), question.get("content-length")), ("auth", "0"))

    def test_in_any_of(self):
        """Beside another filter that authenticates: the first that accepts, and one login."""
        auth = self.service()
        more = "upstream_headers: [x-user], identity: {subject: x-user}"
        other = self.scripted(answering(lambda r: answer(401, "www-authenticate: Other\r\n")))
        upstream = self.scripted(answering(echo))
        gateway = self.start(
            upstream,
            listener="filters: [{any_of: [other, forward_auth]}]",
            filters=settings(auth, more) + ", "
            + settings(other, "type: forward_auth, identity: {subject: x-user}").replace(
                "forward_auth", "other", 1),
        )  # fmt: skip
        wire = self.wire(gateway)
        accepted = wire.ask(fields="authorization: Bearer ann\r\nx-user: root\r\n")
        self.assertEqual(accepted.status, 200)
        self.assertEqual(upstream.last().all("x-user"), ["ann"])
        self.assertEqual(wire.ask("/").status, 302, "the way to a login")
        refused = wire.ask(fields="authorization: Bearer joe\r\n")
        self.assertEqual((refused.status, refused.get("www-authenticate")), (401, "Other"))

    # ---- What goes wrong ----

    def assert_failed(self, gateway, response):
        self.assert_error(response, 503, "auth_unavailable")
        self.assertNotIn(b"127.0.0.1", response.body)

    def test_refused_connections(self):
        held, refusing = refusing_address()
        self.addCleanup(held.close)
        gateway = self.start_with(refusing)
        self.assert_failed(gateway, self.wire(gateway).ask("/"))
        self.assertEqual(self.counter(gateway, "failed"), 1)

    def test_broken_answers(self):
        for name, bytes_, closes in (
            ("dies at once", b"", True),
            ("dies in the head", b"HTTP/1.1 200 OK\r\nx-us", True),
            ("dies in the content", b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf", True),
            ("garbage", b"\x00\x01garbage\r\n\r\n", False),
            ("a field that smuggles", b"HTTP/1.1 200 OK\r\nx-user: a\rb\x00\r\ncontent-length: 0\r\n\r\n", False),
            ("framed twice", b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", False),
            ("too large", b"HTTP/1.1 200 OK\r\ncontent-length: 70000\r\n\r\n" + b"x" * 70000, False),
            ("endless head", b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 100000, False),
            ("an upgrade", b"HTTP/1.1 101 X\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n", False),
            ("its own fault", b"HTTP/1.1 500 X\r\ncontent-length: 5\r\n\r\ntrace", False),
        ):  # fmt: skip
            with self.subTest(name):

                def script(wire, upstream, bytes_=bytes_, closes=closes):
                    upstream.request(wire)
                    wire.send(bytes_)
                    if not closes:
                        wire.rest()

                gateway = self.start_with(
                    self.scripted(script), "upstream_headers: [x-user], timeout: 10s"
                )
                response = self.wire(gateway).ask("/")
                self.assert_failed(gateway, response)
                self.assertNotIn(b"trace", response.body)
                self.assertEqual(self.upstream.requests, [])

    def silent(self):
        """A service that takes questions and says nothing until told to."""
        self.speak = threading.Event()

        def script(wire, upstream):
            while True:
                request = upstream.request(wire)
                if not self.speak.wait(PATIENCE):
                    raise AssertionError("never told to answer")
                wire.send(by_token(request))

        self.addCleanup(self.speak.set)
        return self.scripted(script)

    def test_a_silent_service_costs_its_timeout_and_nobody_else(self):
        auth = self.silent()
        upstream = self.scripted(answering(echo))
        text = config(
            [upstream.address], filters=settings(auth, "timeout: 200ms"), route=LISTENER
        ).replace("routes:\n", "routes:\n  - {match: {path_prefix: /free}, cluster: up}\n")
        gateway = self.start(text=text)
        asking, free = self.wire(gateway), self.wire(gateway)
        asking.send("GET /asked HTTP/1.1\r\nhost: a\r\n\r\n")
        auth.last()
        self.assertEqual(free.ask("/free").status, 200)
        self.assert_failed(gateway, asking.response())
        self.assertEqual(self.counter(gateway, "timeouts"), 1)
        self.assertGreaterEqual(self.counter(gateway, "asked_microseconds"), 150_000)

    def test_a_client_that_leaves_takes_its_question_along(self):
        auth = self.silent()
        gateway = self.start_with(auth, "timeout: 60s")
        wire = self.wire(gateway).send("GET / HTTP/1.1\r\nhost: a\r\n\r\n")
        auth.last()
        wire.reset()
        cluster = f"http://{auth.address}"
        wait_until(
            lambda: self.cluster_metric(gateway, "requests_active", cluster) == 0,
            "the question is over",
        )

    def test_the_clusters_limits_hold(self):
        auth = self.silent()
        upstream = self.scripted(answering(echo))
        text = config(
            [upstream.address], listener=LISTENER, filters="forward_auth: {cluster: auth, timeout: 60s}"
        ).replace(
            "clusters:\n",
            f'clusters:\n  auth: {{endpoints: ["{auth.address}"], limits: {{max_requests: 2}}}}\n',
        )
        gateway = self.start(text=text)
        waiting = [self.wire(gateway).send("GET / HTTP/1.1\r\nhost: a\r\n\r\n") for _ in range(2)]
        auth.last(2)
        self.assert_failed(gateway, self.wire(gateway).ask("/"))
        self.speak.set()
        self.assertEqual([wire.response().status for wire in waiting], [302, 302])

    def test_failing_open(self):
        held, refusing = refusing_address()
        self.addCleanup(held.close)
        gateway = self.start_with(refusing, "on_failure: allow, upstream_headers: [x-user]")
        wire = self.wire(gateway)
        for _ in range(3):
            self.assertEqual(wire.ask(fields="x-user: root\r\n").status, 200)
        self.assertFalse(self.upstream.last().has("x-user"))
        self.assertEqual(self.counter(gateway, "failed_open"), 3)
        said = [line for line in gateway.stderr().splitlines() if "without authentication" in line]
        self.assertEqual(len(said), 1, "said, and not for each request")

    def test_a_service_that_is_the_gateway_itself(self):
        """Each question asks another one; the timeout ends it, and limits bound it."""
        upstream = self.scripted(answering(echo))
        gateway = self.gateway("")
        port = self.free_port()
        gateway.write(
            config([upstream.address], listener=LISTENER, filters=settings(f"127.0.0.1:{port}", "timeout: 200ms"))
            .replace("127.0.0.1:0\", filters", f'127.0.0.1:{port}", filters')
        )  # fmt: skip
        gateway.start()
        self.addCleanup(self._still_serves, gateway)
        self.assert_failed(gateway, self.wire(gateway).ask("/"))
        self.assertEqual(upstream.requests, [])

    def free_port(self):
        held, address = refusing_address()
        held.close()
        return int(address.rpartition(":")[2])

    # ---- Connections and content ----

    def test_a_connection_that_died_meanwhile(self):
        """A kept connection that the service closes as the next question comes: asked again."""

        def script(wire, upstream):
            request = upstream.request(wire)
            wire.send(by_token(request))
            if len(upstream.wires) == 1:
                upstream.request(wire)  # And closes without a word.
                return
            while True:
                wire.send(by_token(upstream.request(wire)))

        auth = self.scripted(script)
        gateway = self.start_with(auth)
        wire = self.wire(gateway)
        for _ in range(3):
            self.assertEqual(wire.ask(fields="authorization: Bearer ann\r\n").status, 200)
        self.assertEqual(len(auth.wires), 2)
        self.assertEqual(self.counter(gateway, "failed"), 0)

    def test_content_is_held_up_not_lost(self):
        auth = self.silent()
        gateway = self.start_with(auth, "timeout: 60s")
        body = pattern(8 << 20)
        wire = self.wire(gateway)
        head = f"POST / HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ann\r\ncontent-length: {len(body)}\r\n\r\n"
        sent = threading.Event()

        def send():
            wire.send(head, body)
            sent.set()

        thread = threading.Thread(target=send)
        thread.start()
        self.addCleanup(thread.join)
        auth.last()
        self.assertFalse(sent.wait(0.3), "8 MiB do not fit anywhere: the client must wait")
        self.assertEqual(self.upstream.requests, [])
        self.speak.set()
        response = wire.response()
        self.assertEqual(response.status, 200)
        self.assertTrue(response.body == body, "every byte arrives")

    def test_denied_while_content_comes(self):
        gateway = self.start_with(self.service())
        wire = self.wire(gateway)
        wire.send("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n")
        self.assertEqual(wire.response().status, 302)
        self.assertEqual(self.upstream.requests, [])

    def test_expect_continue(self):
        gateway = self.start_with(self.service())
        wire = self.wire(gateway)
        wire.send(
            "POST / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\nauthorization: Bearer joe\r\n"
            "content-length: 5\r\n\r\n"
        )
        response = wire.response()
        self.assertEqual((response.status, response.interim), (403, []))

    def test_websocket(self):
        def upgrading(wire, upstream):
            upstream.requests.append(wire.head())
            wire.send(
                "HTTP/1.1 101 X\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
                "sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
            )
            wire.send(wire.take(5))

        auth = self.service()
        gateway = self.start_with(
            auth, "client_headers: [set-cookie]", upstream=self.scripted(upgrading),
            listener=LISTENER + ", upgrades: [websocket]",
        )  # fmt: skip
        upgrade = (
            "GET /ws HTTP/1.1\r\nhost: a\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
            "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\n"
        )
        denied = self.wire(gateway).send(upgrade, "\r\n").response()
        self.assertEqual(denied.status, 302)
        wire = self.wire(gateway)
        wire.send(upgrade, "authorization: Bearer ann\r\n\r\n")
        accepted = wire.response()
        self.assertEqual(accepted.status, 101)
        self.assertEqual(accepted.all("set-cookie"), ["a=1", "b=2"])
        self.assertEqual(wire.send(b"hello").take(5), b"hello")
        self.assertFalse(auth.last().has("upgrade") or auth.last().has("sec-websocket-key"))

    def test_pipelined_requests_are_asked_about_one_by_one(self):
        auth = self.service()
        gateway = self.start_with(auth, "cache: {ttl: 60s}")
        wire = self.wire(gateway)
        one = "GET / HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {}\r\n\r\n"
        wire.send("".join(one.format(who) for who in ("ann", "joe", "ann", "expired", "ann")))
        self.assertEqual([wire.response().status for _ in range(5)], [200, 403, 200, 401, 200])

    # ---- The cache ----

    def test_answers_are_kept(self):
        auth = self.service(answering(lambda r: answer(200, f"x-user: {r.get('authorization')}\r\n")))
        gateway = self.start_with(auth, "upstream_headers: [x-user], cache: {ttl: 60s}")
        wire = self.wire(gateway)
        for _ in range(10):
            for who in ("ann", "joe"):
                self.assertEqual(wire.ask(fields=f"authorization: {who}\r\n").status, 200)
                self.assertEqual(self.upstream.requests[-1].get("x-user"), who)
        self.assertEqual(len(auth.requests), 2)
        self.assertEqual(self.counter(gateway, "cached"), 18)
        wire.ask("/")
        wire.ask("/")
        self.assertEqual(len(auth.requests), 4, "without credentials nothing is kept")

    def test_one_question_for_all_who_ask_at_once(self):
        auth = self.silent()
        gateway = self.start_with(auth, "cache: {ttl: 60s}, timeout: 60s")
        wires = [self.wire(gateway) for _ in range(10)]
        for wire in wires:
            wire.send("GET / HTTP/1.1\r\nhost: a.test\r\nauthorization: Bearer ann\r\n\r\n")
        wait_until(lambda: self.counter(gateway, "shared") == 9, "nine wait")
        wires[0].reset()  # Whoever asked first may leave.
        wait_until(
            lambda: self.listener_metric(gateway, "connections_active") == 9, "one has left"
        )
        self.speak.set()
        self.assertEqual([wire.response().status for wire in wires[1:]], [200] * 9)
        self.assertEqual(len(auth.requests), 1)
        self.assertEqual(self.wire(gateway).ask(fields="authorization: Bearer ann\r\n").status, 200)
        self.assertEqual(len(auth.requests), 1, "and it is kept")

    def test_a_reload_with_a_question_under_way(self):
        auth = self.silent()
        gateway = self.start_with(auth, "cache: {ttl: 60s}, timeout: 60s")
        wire = self.wire(gateway).send(
            "GET / HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ann\r\n\r\n"
        )
        auth.last()
        with open(gateway.config_path, encoding="utf-8") as file:
            gateway.write(file.read().replace("ttl: 60s", "ttl: 61s"))
        self.assertEqual(gateway.post("/reload").status, 200)
        self.speak.set()
        self.assertEqual(wire.response().status, 200)


if __name__ == "__main__":
    unittest.main()
