# SPDX-License-Identifier: Apache-2.0
"""How messages are framed, and what of a head reaches the other side."""

import email.utils
import threading
import time
import unittest

from http1 import SCHEME, Http1Test, answering, by_target, chunked, echo, ok, pattern

MIB = 1 << 20


class ContentTest(Http1Test):
    """Content arrives whole, in either framing, in either direction."""

    def test_content_with_a_length(self):
        upstream = self.scripted(answering(echo))
        wire = self.wire(self.start(upstream))
        for body in (b"", b"x", b"hello", pattern(MIB)):
            response = wire.ask("/", "POST", body=body)
            self.assertEqual((response.status, response.framing), (200, "length"))
            self.assertTrue(response.body == body, f"{len(response.body)} of {len(body)} bytes")
            self.assertEqual(upstream.requests[-1].get("content-length"), str(len(body)))
        self.assertEqual(len(upstream.wires), 1, "one upstream connection does for all")

    def test_chunked_content_both_ways(self):
        def script(wire, upstream):
            while True:
                request = upstream.request(wire)
                wire.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
                wire.send(chunked(request.body, 5000), "0\r\n\r\n")

        upstream = self.scripted(script)
        wire = self.wire(self.start(upstream))
        head = "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n"
        for body, size in ((b"", 1), (b"x", 1), (pattern(MIB), 4096), (pattern(MIB), 70000)):
            wire.send(head, chunked(body, size), "0\r\n\r\n")
            response = wire.response()
            self.assertEqual((response.status, response.framing), (200, "chunked"))
            self.assertTrue(response.body == body, f"{len(response.body)} of {len(body)} bytes")
            self.assertEqual(upstream.requests[-1].framing, "chunked")

    def test_many_tiny_chunks(self):
        body = pattern(5000)

        def script(wire, upstream):
            while True:
                request = upstream.request(wire)
                self.assertTrue(request.body == body)
                wire.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
                for i in range(0, len(body), 500):
                    wire.send(chunked(body[i : i + 500], 1))
                wire.send("0\r\n\r\n")

        wire = self.wire(self.start(self.scripted(script)))
        wire.send("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n")
        for i in range(0, len(body), 500):
            wire.send(chunked(body[i : i + 500], 1))
        wire.send("0\r\n\r\n")
        self.assertTrue(wire.response().body == body)

    def test_a_request_that_comes_byte_by_byte(self):
        wire = self.wire(self.start(self.scripted(answering(echo))))
        whole = (
            b"POST /a?b HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n"
            b"5;ext=1\r\nhello\r\n0\r\nx-t: 1\r\n\r\n"
        )
        for i in range(len(whole)):
            wire.send(whole[i : i + 1])
        self.assertEqual(wire.response().body, b"hello")

    def test_trailers_both_ways(self):
        def script(wire, upstream):
            upstream.request(wire)
            wire.send("HTTP/1.1 200 OK\r\ntrailer: x-sum\r\ntransfer-encoding: chunked\r\n\r\n")
            wire.send(chunked(b"content"), "0\r\nx-sum: 42\r\nx-more: a, b\r\n\r\n")

        upstream = self.scripted(script)
        wire = self.wire(self.start(upstream))
        wire.send("POST / HTTP/1.1\r\nhost: a\r\nte: trailers\r\nconnection: te\r\n")
        wire.send("transfer-encoding: chunked\r\n\r\n", chunked(b"abc"), "0\r\nx-check: 7\r\n\r\n")
        response = wire.response()
        self.assertEqual(response.body, b"content")
        self.assertEqual(response.trailers, [("x-sum", "42"), ("x-more", "a, b")])
        request = upstream.last()
        self.assertEqual((request.body, request.trailers), (b"abc", [("x-check", "7")]))

    def test_a_trailer_that_would_be_a_header_is_refused_or_dropped(self):
        upstream = self.scripted(answering(echo))
        wire = self.wire(self.start(upstream))
        wire.send("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n")
        wire.send(chunked(b"abc"), "0\r\ncontent-length: 900\r\nhost: evil\r\n\r\n")
        response = wire.response()
        self.assertIn(response.status, (200, 400))
        for request in upstream.requests:
            self.assertFalse({"content-length", "host"} & {name for name, _ in request.trailers})

    def test_head_has_no_content_whatever_is_announced(self):
        def answer(request):
            if request.target == "/length":
                return b"HTTP/1.1 200 OK\r\ncontent-length: 1234\r\n\r\n"
            return b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"

        upstream = self.scripted(answering(answer))
        wire = self.wire(self.start(upstream))
        self.assertEqual(wire.ask("/length", "HEAD").get("content-length"), "1234")
        self.assertEqual(wire.ask("/chunked", "HEAD").status, 200)
        # The connections would be out of step if one had been taken for content.
        self.assertEqual(wire.ask("/length", "HEAD").get("content-length"), "1234")
        self.assertEqual(len(upstream.wires), 1)

    def test_204_and_304_have_no_content(self):
        def answer(request):
            if request.target == "/204":
                return b"HTTP/1.1 204 No Content\r\nx-a: 1\r\n\r\n"
            if request.target == "/304":
                return b'HTTP/1.1 304 Not Modified\r\netag: "x"\r\ncontent-length: 77\r\n\r\n'
            return ok("after\n")

        upstream = self.scripted(answering(answer))
        wire = self.wire(self.start(upstream))
        response = wire.ask("/204")
        self.assertEqual((response.status, response.get("x-a")), (204, "1"))
        self.assertFalse(response.has("content-length") or response.has("transfer-encoding"))
        self.assertEqual(wire.ask("/304").get("etag"), '"x"')
        self.assertEqual(wire.ask("/after").body, b"after\n")
        self.assertEqual(len(upstream.wires), 1)

    def test_a_response_that_ends_with_the_connection_becomes_chunked(self):
        body = pattern(300_000)

        def script(wire, upstream):
            upstream.request(wire)
            wire.send("HTTP/1.1 200 OK\r\n\r\n", body)

        upstream = self.scripted(script)
        wire = self.wire(self.start(upstream))
        for count in (1, 2):
            response = wire.ask("/")
            self.assertEqual(response.framing, "chunked")
            self.assertTrue(response.body == body)
            self.assertEqual(len(upstream.wires), count, "none of them can be used again")


class DateTest(Http1Test):
    def test_the_origin_s_stays_and_a_missing_one_is_added(self):
        dates = ["date: Sun, 06 Nov 1994 08:49:37 GMT\r\n", ""]
        wire = self.wire(self.start(self.scripted(answering(lambda r: ok(fields=dates.pop(0))))))
        self.assertEqual(wire.ask("/").get("date"), "Sun, 06 Nov 1994 08:49:37 GMT")
        added = email.utils.parsedate_to_datetime(wire.ask("/").get("date"))
        self.assertLess(abs(added.timestamp() - time.time()), 60)


class OldVersionsTest(Http1Test):
    """HTTP/1.0 on either side."""

    def test_http_1_0_clients_are_closed_after_the_answer(self):
        upstream = self.scripted(answering(by_target))
        wire = self.wire(self.start(upstream))
        wire.send("GET /old HTTP/1.0\r\n\r\n")
        response = wire.response()
        self.assertEqual(response.body, b"GET /old\n")
        self.assertEqual(response.get("connection"), "close")
        self.assertTrue(wire.at_end())
        self.assertTrue(upstream.last().line.endswith(" HTTP/1.1"))
        self.assertTrue(upstream.last().has("host"), "HTTP/1.1 upstreams need one")

    def test_http_1_0_keep_alive(self):
        wire = self.wire(self.start(self.scripted(answering(by_target))))
        for path in ("/1", "/2", "/3"):
            wire.send(f"GET {path} HTTP/1.0\r\nhost: a\r\nconnection: keep-alive\r\n\r\n")
            response = wire.response()
            self.assertEqual(response.text, f"GET {path}\n")
            self.assertEqual(response.get("connection").lower(), "keep-alive")

    def test_http_1_0_clients_never_get_chunks(self):
        def script(wire, upstream):
            upstream.request(wire)
            wire.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
            wire.send(chunked(b"piece by piece", 3), "0\r\nx-t: 1\r\n\r\n")

        wire = self.wire(self.start(self.scripted(script)))
        wire.send("GET / HTTP/1.0\r\nhost: a\r\nconnection: keep-alive\r\n\r\n")
        response = wire.response()
        self.assertEqual((response.framing, response.body), ("close", b"piece by piece"))

    def test_http_1_0_upstreams(self):
        def script(wire, upstream):
            request = upstream.request(wire)
            head = "content-length: 3\r\n" if request.target == "/length" else ""
            wire.send(f"HTTP/1.0 200 OK\r\n{head}\r\n", "abc")

        upstream = self.scripted(script)
        wire = self.wire(self.start(upstream))
        for path in ("/length", "/close", "/length"):
            response = wire.ask(path)
            self.assertEqual((response.body, response.line[:8]), (b"abc", "HTTP/1.1"))
        self.assertEqual(len(upstream.wires), 3, "a 1.0 upstream closes")

    def test_http_1_0_upstream_that_keeps_alive_is_used_again(self):
        upstream = self.scripted(
            answering(lambda _: b"HTTP/1.0 200 OK\r\nconnection: keep-alive\r\n"
                      b"content-length: 2\r\n\r\nok")
        )
        wire = self.wire(self.start(upstream))
        for _ in range(3):
            self.assertEqual(wire.ask("/").body, b"ok")
        self.assertEqual(len(upstream.wires), 1)


class PipeliningTest(Http1Test):
    def test_fifty_requests_at_once_are_answered_in_order(self):
        upstream = self.scripted(answering(by_target))
        wire = self.wire(self.start(upstream))
        wire.send(*(f"GET /{i} HTTP/1.1\r\nhost: a\r\n\r\n" for i in range(50)))
        for i in range(50):
            self.assertEqual(wire.response().text, f"GET /{i}\n")
        self.assertFalse(wire.readable(0.05))
        self.assertEqual(upstream.targets, [f"/{i}" for i in range(50)])

    def test_requests_with_content_between_those_without(self):
        upstream = self.scripted(answering(lambda r: ok(r.target.encode() + b" " + r.body)))
        wire = self.wire(self.start(upstream))
        wire.send(
            "POST /1 HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabc",
            "GET /2 HTTP/1.1\r\nhost: a\r\n\r\n",
            "POST /3 HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n",
            "3\r\nxyz\r\n0\r\n\r\n",
            "HEAD /4 HTTP/1.1\r\nhost: a\r\n\r\n",
            "GET /5 HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
            "GET /never HTTP/1.1\r\nhost: a\r\n\r\n",
        )
        self.assertEqual(wire.response().text, "/1 abc")
        self.assertEqual(wire.response().text, "/2 ")
        self.assertEqual(wire.response().text, "/3 xyz")
        self.assertEqual(wire.response("HEAD").get("content-length"), "3")
        self.assertEqual(wire.response().text, "/5 ")
        self.assertTrue(wire.at_end())
        self.assertNotIn("/never", upstream.targets, "after close nothing is taken")

    def test_a_client_that_has_sent_its_fin_gets_all_its_answers(self):
        wire = self.wire(self.start(self.scripted(answering(by_target))))
        wire.send(*(f"GET /{i} HTTP/1.1\r\nhost: a\r\n\r\n" for i in range(5)))
        wire.finish()
        for i in range(5):
            self.assertEqual(wire.response().text, f"GET /{i}\n")
        self.assertTrue(wire.at_end())


class InterimTest(Http1Test):
    HEAD = "POST / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\n"

    def test_100_continue_comes_from_the_upstream(self):
        asked, go = threading.Event(), threading.Event()

        def script(wire, upstream):
            head = wire.head()
            self.assertEqual(head.get("expect"), "100-continue")
            asked.set()
            self.assertTrue(go.wait(30))
            wire.send("HTTP/1.1 100 Continue\r\n\r\n")
            wire.send(ok(wire.body(head).body))

        wire = self.wire(self.start(self.scripted(script)))
        wire.send(self.HEAD)
        self.assertTrue(asked.wait(30), "the head is forwarded before the content")
        self.assertFalse(wire.readable(0.05), "nobody but the upstream says 100")
        go.set()
        self.assertEqual(wire.head().status, 100)
        wire.send("hello")
        self.assertEqual(wire.response().body, b"hello")

    def test_an_upstream_that_refuses_without_100(self):
        def script(wire, upstream):
            wire.head()
            wire.send("HTTP/1.1 417 Expectation Failed\r\ncontent-length: 3\r\n\r\nno\n")
            wire.rest()

        wire = self.wire(self.start(self.scripted(script)))
        wire.send(self.HEAD)
        response = wire.response()
        self.assertEqual((response.status, response.interim, response.body), (417, [], b"no\n"))
        # The content was never sent, so the connection can't be used again.
        self.assertEqual(response.get("connection"), "close")
        self.assertTrue(wire.at_end())

    def test_an_upstream_that_knows_nothing_of_100(self):
        wire = self.wire(self.start(self.scripted(answering(echo))))
        wire.send(self.HEAD, "hello")  # A client that did not wait.
        self.assertEqual(wire.response().body, b"hello")

    def test_a_100_nobody_asked_for_is_not_passed_on(self):
        def script(wire, upstream):
            while True:
                upstream.request(wire)
                wire.send("HTTP/1.1 100 Continue\r\n\r\n", ok())

        response = self.wire(self.start(self.scripted(script))).ask("/")
        self.assertEqual((response.status, response.interim), (200, []))

    def test_early_hints(self):
        def script(wire, upstream):
            while True:
                upstream.request(wire)
                hints = "HTTP/1.1 103 Early Hints\r\nlink: </a.css>; rel=preload\r\n\r\n"
                wire.send(hints, hints, ok("page\n"))

        gateway = self.start(self.scripted(script))
        wire = self.wire(gateway)
        response = wire.ask("/")
        self.assertEqual([one.status for one in response.interim], [103, 103])
        self.assertEqual(response.interim[0].get("link"), "</a.css>; rel=preload")
        self.assertEqual(response.body, b"page\n")
        old = self.wire(gateway).send("GET / HTTP/1.0\r\n\r\n").response()
        self.assertEqual((old.status, old.interim), (200, []), "HTTP/1.0 has no 1xx")


class HeadTest(Http1Test):
    """What of a head is forwarded."""

    def seen(self, request, **arguments):
        """The request as the upstream gets it, when the client sends `request`."""
        upstream = self.scripted(answering(echo))
        self.answer = self.wire(self.start(upstream, **arguments)).send(request).response()
        self.assertEqual(self.answer.status, 200, self.answer.body)
        return upstream.last()

    def test_fields_of_the_connection_stay_on_it(self):
        request = self.seen(
            "GET / HTTP/1.1\r\nhost: a\r\nconnection: x-secret, keep-alive, upgrade\r\n"
            "x-secret: 1\r\nkeep-alive: timeout=5\r\nproxy-connection: keep-alive\r\n"
            "upgrade: h2c\r\nhttp2-settings: AAAA\r\nx-plain: 2\r\n\r\n"
        )
        names = {name for name, _ in request.fields}
        self.assertFalse(
            names & {"x-secret", "keep-alive", "proxy-connection", "upgrade", "http2-settings"}
        )
        self.assertEqual(request.get("x-plain"), "2")

    def test_fields_of_the_upstream_connection_stay_on_it(self):
        def answer(_):
            return ok(
                "ok\n",
                "connection: x-inner\r\nx-inner: 1\r\nkeep-alive: timeout=5\r\n"
                "proxy-connection: x\r\nx-plain: 2\r\nset-cookie: a=1\r\nset-cookie: b=2\r\n",
            )

        response = self.wire(self.start(self.scripted(answering(answer)))).ask("/")
        names = {name for name, _ in response.fields}
        self.assertFalse(names & {"x-inner", "keep-alive", "proxy-connection", "connection"})
        self.assertEqual(response.get("x-plain"), "2")
        self.assertEqual(response.all("set-cookie"), ["a=1", "b=2"], "never joined")

    def test_a_client_can_not_have_end_to_end_fields_removed_that_matter(self):
        gateway = self.start(self.scripted(answering(by_target)))
        wire = self.wire(gateway)
        wire.send(
            "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n"
            "connection: content-length, host, x-forwarded-for\r\n\r\nabc"
        )
        self.assertIn(wire.response().status, (200, 400))

    def test_the_order_and_values_of_fields_are_kept(self):
        request = self.seen(
            "GET / HTTP/1.1\r\nhost: a\r\nx-b: 1\r\nX-A:  two words \r\nx-b: 3\r\nx-e:\r\n\r\n"
        )
        kept = [field for field in request.fields if field[0] in ("x-a", "x-b", "x-e")]
        self.assertEqual(kept, [("x-b", "1"), ("x-a", "two words"), ("x-b", "3"), ("x-e", "")])

    def test_host_is_forwarded_as_it_is(self):
        self.assertEqual(self.seen("GET / HTTP/1.1\r\nHost: A.test:81\r\n\r\n").get("host"),
                         "A.test:81")

    def test_requests_without_one_host_are_refused(self):
        gateway = self.start(self.scripted(answering(echo)))
        for fields in ("", "host: a\r\nhost: b\r\n", "host: a b\r\n", "host: a/b\r\n"):
            with self.subTest(fields):
                wire = self.wire(gateway).send(f"GET / HTTP/1.1\r\n{fields}\r\n")
                self.assert_error(wire.response(), 400, "malformed_request")
                self.assertTrue(wire.at_end())
        self.assertEqual(self.listener_metric(gateway, "malformed_total"), 4)

    def test_absolute_form_says_where_it_goes(self):
        request = self.seen("GET http://b.test:81/x?y=1 HTTP/1.1\r\nhost: other\r\n\r\n")
        self.assertEqual((request.target, request.get("host")), ("/x?y=1", "b.test:81"))

    def test_options_asterisk(self):
        request = self.seen("OPTIONS * HTTP/1.1\r\nhost: a\r\n\r\n")
        self.assertEqual((request.method, request.target), ("OPTIONS", "*"))

    def test_max_forwards(self):
        request = self.seen("OPTIONS /a HTTP/1.1\r\nhost: a\r\nmax-forwards: 3\r\n\r\n")
        self.assertEqual(request.get("max-forwards"), "2")
        upstream = self.scripted(answering(echo))
        response = self.wire(self.start(upstream)).ask("/a", "OPTIONS", "max-forwards: 0\r\n")
        self.assertEqual(response.status, 200)
        self.assertIn("GET", response.get("allow"))
        self.assertEqual(upstream.requests, [], "the last hop answers itself")

    def test_methods_that_are_unknown_are_forwarded(self):
        self.assertEqual(self.seen("PURGE /a HTTP/1.1\r\nhost: a\r\n\r\n").method, "PURGE")

    def test_connect_is_refused(self):
        upstream = self.scripted(answering(echo))
        wire = self.wire(self.start(upstream))
        wire.send("CONNECT a.test:443 HTTP/1.1\r\nhost: a.test:443\r\n\r\n")
        self.assertIn(wire.response().status, (400, 405, 501))
        self.assertEqual(upstream.requests, [])

    def test_the_path_is_forwarded_as_it_was_matched(self):
        upstream = self.scripted(answering(by_target))
        wire = self.wire(self.start(upstream))
        for sent, seen in (
            ("/a/%7Euser/./b/../c", "/a/~user/c"),
            ("/a//b", "/a/b"),
            ("/%61%2e%2E/x", "/a../x"),
            ("/a/%2e%2e/b", "/b"),
            ("/a/%e4%20", "/a/%E4%20"),
            ("/../../etc", "/etc"),
            ("/a?x=%7e/../%2F//&&=", "/a?x=%7e/../%2F//&&="),
            ("/a?", "/a?"),
            ("/a/./b?q=/./", "/a/b?q=/./"),
        ):
            self.assertEqual(wire.ask(sent).text, f"GET {seen}\n", sent)

    def test_ambiguous_paths_are_refused(self):
        gateway = self.start(self.scripted(answering(by_target)))
        for path in ("/a%2Fb", "/a%5cb", "/a\\b", "/a%00", "/a%", "/a%zz"):
            with self.subTest(path):
                response = self.wire(gateway).ask(path)
                self.assertEqual(response.status, 400)

    def test_paths_that_are_configured_otherwise(self):
        upstream = self.scripted(answering(by_target))
        wire = self.wire(
            self.start(upstream, listener="path: {merge_slashes: false, encoded_slash: keep}")
        )
        self.assertEqual(wire.ask("/a//b%2Fc").text, "GET /a//b%2Fc\n")


class ForwardedTest(Http1Test):
    """X-Forwarded-* and Via."""

    CLAIMS = (
        "x-forwarded-for: 198.51.100.1\r\nx-forwarded-proto: https\r\n"
        "x-forwarded-host: claimed\r\nx-real-ip: 198.51.100.9\r\nx-request-id: mine\r\n"
        "via: 1.1 before\r\n"
    )

    def seen(self, listener="", claims=CLAIMS):
        upstream = self.scripted(answering(echo))
        self.wire(self.start(upstream, listener=listener)).ask("/", fields=claims)
        return upstream.last()

    def test_an_untrusted_client_is_told_of_and_not_believed(self):
        request = self.seen()
        self.assertEqual(request.get("x-forwarded-for"), "198.51.100.1, 127.0.0.1")
        self.assertEqual(request.get("x-forwarded-proto"), SCHEME)
        self.assertEqual(request.get("x-forwarded-host"), "a.test")
        self.assertEqual(request.get("via"), "1.1 before, 1.1 gatehouse")

    def test_without_claims(self):
        request = self.seen(claims="")
        self.assertEqual(request.get("x-forwarded-for"), "127.0.0.1")
        self.assertEqual(request.get("via"), "1.1 gatehouse")
        self.assertFalse(request.has("x-real-ip") or request.has("x-request-id"))

    def test_a_trusted_proxy_is_believed(self):
        request = self.seen("trusted_proxies: [127.0.0.0/8], forwarded: {real_ip: true}")
        self.assertEqual(request.get("x-forwarded-for"), "198.51.100.1, 127.0.0.1")
        self.assertEqual(request.get("x-forwarded-proto"), "https")
        self.assertEqual(request.get("x-forwarded-host"), "claimed")
        self.assertEqual(request.get("x-real-ip"), "198.51.100.1", "not what the header said")

    def test_the_client_is_the_first_that_is_not_trusted_from_the_right(self):
        request = self.seen(
            "trusted_proxies: [127.0.0.0/8, 10.0.0.0/8], forwarded: {real_ip: true}",
            "x-forwarded-for: 203.0.113.66, 198.51.100.1\r\nx-forwarded-for: 10.1.1.1\r\n",
        )
        self.assertEqual(request.get("x-real-ip"), "198.51.100.1")
        self.assertEqual(
            request.get("x-forwarded-for"), "203.0.113.66, 198.51.100.1, 10.1.1.1, 127.0.0.1"
        )

    def test_replace(self):
        request = self.seen("forwarded: {mode: replace}")
        self.assertEqual(request.get("x-forwarded-for"), "127.0.0.1")
        self.assertEqual(request.get("x-forwarded-proto"), SCHEME)
        self.assertEqual(request.get("x-forwarded-host"), "a.test")

    def test_off_leaves_them_alone(self):
        request = self.seen("forwarded: {mode: off}")
        self.assertEqual(request.get("x-forwarded-for"), "198.51.100.1")
        self.assertEqual(request.get("x-forwarded-proto"), "https")
        self.assertEqual(request.get("via"), "1.1 before")

    def test_real_ip_and_request_id(self):
        request = self.seen("forwarded: {real_ip: true, request_id: true}")
        self.assertEqual(request.get("x-real-ip"), "127.0.0.1")
        self.assertRegex(request.get("x-request-id"), "^[0-9a-f]{16,}$")

    def test_a_trusted_proxy_s_request_id_is_kept(self):
        request = self.seen("trusted_proxies: [127.0.0.1], forwarded: {request_id: true}")
        self.assertEqual(request.get("x-request-id"), "mine")


if __name__ == "__main__":
    unittest.main()
