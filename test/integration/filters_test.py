# SPDX-License-Identifier: Apache-2.0
"""The filters end to end: what the access log writes and survives, headers, ip_access, max_body."""

import collections
import json
import os
import threading
import unittest

from gatehouse import USR1, wait_until
from http1 import Http1Test, answering, config, echo, lines_of, ok, refusing_address

LOGGED = "filters: [access_log]"


def log_to(path, more=""):
    return f'access_log: {{path: "{path}"{", " + more if more else ""}}}'


class AccessLogTest(Http1Test):
    def logging(self, *upstreams, more="format: json", listener="", name="access.log"):
        """A gateway and the path of its log, in its own directory."""
        gateway = self.gateway("")
        path = gateway.path(name)
        addresses = [getattr(upstream, "address", upstream) for upstream in upstreams]
        gateway.write(
            config(
                addresses,
                listener=LOGGED + (", " + listener if listener else ""),
                filters=log_to(path, more),
            )
        )
        gateway.start()
        return gateway, path

    def lines(self, path, count):
        """The first `count` lines, once they are there."""
        wait_until(lambda: len(lines_of(path)) >= count, f"{count} lines in {path}")
        return lines_of(path)[:count]

    def test_json(self):
        upstream = self.scripted(answering(lambda r: ok("hello\n")))
        gateway, path = self.logging(upstream)
        wire = self.wire(gateway)
        wire.ask("/users/7?debug=1", fields='user-agent: a "quoted" \\ one\r\n')
        wire.ask("/post", "POST", body=b"12345")
        first, second = (json.loads(line) for line in self.lines(path, 2))
        expected = {
            "client_ip": "127.0.0.1", "method": "GET", "host": "a.test", "path": "/users/7",
            "protocol": "HTTP/1.1", "status": 200, "bytes_in": 0, "bytes_out": 6,
            "listener": "web", "route": "all", "cluster": "up", "endpoint": upstream.address,
            "attempts": 1, "user_agent": 'a "quoted" \\ one',
        }  # fmt: skip
        self.assertEqual({key: first.get(key) for key in expected}, expected)
        self.assertRegex(first["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
        self.assertGreater(first["duration_ms"], 0)
        self.assertNotIn("error", first)
        self.assertEqual((second["method"], second["bytes_in"]), ("POST", 5))

    def test_every_line_parses_under_concurrency(self):
        upstream = self.scripted(answering(echo))
        gateway, path = self.logging(upstream)
        wires = [self.wire(gateway) for _ in range(8)]
        for round_ in range(10):
            for i, wire in enumerate(wires):
                wire.send(f"GET /{i}/{round_} HTTP/1.1\r\nhost: a\r\n\r\n" * 5)
            for wire in wires:
                for _ in range(5):
                    wire.response()
        paths = [json.loads(line)["path"] for line in self.lines(path, 400)]
        self.assertEqual(
            collections.Counter(paths), {f"/{i}/{n}": 5 for i in range(8) for n in range(10)}
        )

    def test_refused_requests_are_logged_too(self):
        held, refusing = refusing_address()
        self.addCleanup(held.close)
        gateway, path = self.logging(refusing, listener="limits: {max_headers: 10}")
        for request in (
            "GET / HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1\r\nhost: a\r\n" + "x: y\r\n" * 20 + "\r\n",
            "GET /a%00 HTTP/1.1\r\nhost: a\r\n\r\n",
            "GET /down HTTP/1.1\r\nhost: a\r\n\r\n",
        ):
            self.wire(gateway).send(request).response()
        lines = [json.loads(line) for line in self.lines(path, 4)]
        self.assertEqual(
            [(line["status"], line["error"]) for line in lines],
            [
                (400, "malformed_request"),
                (431, "headers_too_large"),
                (400, "malformed_path"),
                (503, "connect_failed"),
            ],
        )
        self.assertIn(refusing, lines[3]["error_detail"], "operators are told")
        self.assertEqual(lines[3]["endpoint"], refusing)

    def test_a_client_that_leaves_is_logged(self):
        got = threading.Event()

        def script(wire, upstream):
            upstream.request(wire)
            got.set()
            wire.rest()

        gateway, path = self.logging(self.scripted(script))
        wire = self.wire(gateway).send("GET /left HTTP/1.1\r\nhost: a\r\n\r\n")
        self.assertTrue(got.wait(30))
        wire.reset()
        line = json.loads(self.lines(path, 1)[0])
        self.assertEqual((line["path"], line["error"]), ("/left", "client_gone"))

    def test_text_can_not_be_forged(self):
        gateway, path = self.logging(self.scripted(answering(echo)), more="format: text")
        self.wire(gateway).ask("/a", fields='user-agent: x" 200 "\\\xe4\r\nreferer: r\r\n')
        line = self.lines(path, 1)[0]
        self.assertRegex(
            line,
            r'^127\.0\.0\.1 - - \[[^\]]+\] "GET /a HTTP/1\.1" 200 0 "r" '
            r'"x\\x22 200 \\x22\\x5c(\\x[0-9a-f]{2})+" ',
        )

    def test_template_and_fields(self):
        gateway, path = self.logging(
            self.scripted(answering(echo)),
            more='template: "%METHOD% %PATH% %RESPONSE_CODE% %REQ(x-a):3% 100%%"',
        )
        self.wire(gateway).ask("/a?b", fields="x-a: abcdef\r\n")
        self.assertEqual(self.lines(path, 1), ["GET /a 200 abc 100%"])
        gateway, path = self.logging(
            self.scripted(answering(echo)),
            more='fields: {code: "%RESPONSE_CODE%", both: "%METHOD% %REQ(x-none)%", '
            'none: "%REQ(x-none)%"}',
        )
        self.wire(gateway).ask("/")
        self.assertEqual(json.loads(self.lines(path, 1)[0]), {"code": 200, "both": "GET -"})

    def test_rotation(self):
        gateway, path = self.logging(self.scripted(answering(echo)))
        wire = self.wire(gateway)
        wire.ask("/before")
        self.lines(path, 1)
        os.rename(path, path + ".1")
        gateway.signal(USR1)
        wait_until(lambda: os.path.exists(path), "reopened")
        wire.ask("/after")
        self.assertEqual(json.loads(self.lines(path, 1)[0])["path"], "/after")
        self.assertEqual([json.loads(line)["path"] for line in lines_of(path + ".1")], ["/before"])

    def dropped(self, gateway):
        return gateway.metric('gatehouse_filter_access_log_dropped_total{filter="access_log"}')

    def requests_go_on(self, gateway, until):
        """Requests with long lines, until they are more than any buffer; all are answered."""
        wire = self.wire(gateway)
        one = f"GET /{'x' * 3000} HTTP/1.1\r\nhost: a\r\n\r\n" * 20
        for _ in range(200):
            wire.send(one)
            for _ in range(20):
                self.assertEqual(wire.response().status, 200)
            if until():
                return
        self.fail("nothing was dropped of 12 MB of lines")

    def test_a_fifo_that_nobody_reads(self):
        gateway = self.gateway("")
        path = gateway.path("log.fifo")
        os.mkfifo(path)
        reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        self.addCleanup(os.close, reader)
        upstream = self.scripted(answering(echo))
        gateway.write(
            config([upstream.address], listener=LOGGED, filters=log_to(path, "buffer: 64KiB"))
        )
        gateway.start()
        self.requests_go_on(gateway, lambda: self.dropped(gateway) > 0)
        self.assertEqual(self.wire(gateway).ask("/still").status, 200)

    def test_a_fifo_without_a_reader_does_not_stop_the_start(self):
        gateway = self.gateway("")
        path = gateway.path("log.fifo")
        os.mkfifo(path)
        upstream = self.scripted(answering(echo))
        gateway.write(config([upstream.address], listener=LOGGED, filters=log_to(path)))
        gateway.start()
        self.assertEqual(self.wire(gateway).ask("/").status, 200)

    def test_a_full_disk(self):
        upstream = self.scripted(answering(echo))
        gateway = self.start(
            upstream, listener=LOGGED, filters=log_to("/dev/full", "buffer: 64KiB")
        )
        self.requests_go_on(gateway, lambda: self.dropped(gateway) > 0)
        complaints = wait_until(
            lambda: [line for line in gateway.stderr().splitlines() if "/dev/full" in line],
            "it is said that the log can't be written",
        )
        self.assertIn("No space left", complaints[0])
        self.assertLessEqual(len(complaints), 3, "said once, not for every line")
        self.assertEqual(self.wire(gateway).ask("/still").status, 200)


class HeadersTest(Http1Test):
    def test_both_ways(self):
        upstream = self.scripted(
            answering(lambda r: ok("x", "server: secret\r\nx-a: up\r\nx-b: up\r\n"))
        )
        gateway = self.start(
            upstream,
            listener="filters: [headers]",
            filters="""
  headers: {
    request: {remove: [x-internal], set: {x-client: "%CLIENT_IP%"}, add: {x-via: "%LISTENER%"}},
    response: {remove: [server], set: {x-a: "%RESPONSE_CODE%"}, add: {x-b: "%ENDPOINT%"}}}""",
        )
        wire = self.wire(gateway)
        response = wire.ask("/", fields="x-internal: 1\r\nX-Client: forged\r\nx-via: me\r\n")
        request = upstream.last()
        self.assertFalse(request.has("x-internal"))
        self.assertEqual(request.get("x-client"), "127.0.0.1")
        self.assertEqual(request.all("x-via"), ["me", "web"])
        self.assertFalse(response.has("server"))
        self.assertEqual(response.get("x-a"), "200")
        self.assertEqual(response.all("x-b"), ["up", upstream.address])


class IpAccessTest(Http1Test):
    def test_the_peer_is_denied(self):
        upstream = self.scripted(answering(echo))
        gateway = self.start(
            upstream, listener="filters: [ban]",
            filters="ban: {type: ip_access, deny: [127.0.0.0/8]}",
        )  # fmt: skip
        wire = self.wire(gateway)
        self.assert_error(wire.ask("/"), 403, "denied")
        self.assert_error(wire.ask("/"), 403, "denied")
        self.assertEqual(upstream.requests, [])
        self.assertEqual(
            gateway.metric('gatehouse_filter_ip_access_denied_total{filter="ban"}'), 2
        )

    def test_the_client_behind_a_trusted_proxy(self):
        gateway = self.start(
            self.scripted(answering(echo)),
            listener="trusted_proxies: [127.0.0.1], filters: [ban]",
            filters="ban: {type: ip_access, deny: [192.0.2.0/24], source: client}",
        )
        wire = self.wire(gateway)
        for claimed, status in (("192.0.2.7", 403), ("198.51.100.1", 200), ("192.0.2.8", 403)):
            response = wire.ask("/", fields=f"x-forwarded-for: {claimed}\r\n")
            self.assertEqual(response.status, status, claimed)

    def test_a_client_can_not_talk_its_way_in(self):
        gateway = self.start(
            self.scripted(answering(echo)), listener="filters: [office]",
            filters="office: {type: ip_access, allow: [10.0.0.0/8]}",
        )  # fmt: skip
        response = self.wire(gateway).ask("/", fields="x-forwarded-for: 10.0.0.1\r\n")
        self.assert_error(response, 403, "denied")

    def test_source_peer_ignores_what_a_proxy_says(self):
        gateway = self.start(
            self.scripted(answering(echo)),
            listener="trusted_proxies: [127.0.0.1], filters: [ban]",
            filters="ban: {type: ip_access, deny: [192.0.2.0/24], source: peer}",
        )
        response = self.wire(gateway).ask("/", fields="x-forwarded-for: 192.0.2.7\r\n")
        self.assertEqual(response.status, 200)

    def test_a_ban_ends_a_keep_alive_connection_s_requests(self):
        upstream = self.scripted(answering(echo))
        gateway = self.gateway("")
        deny = gateway.path("deny.txt")
        with open(deny, "w", encoding="ascii") as file:
            file.write("# nobody yet\n192.0.2.1\n")
        gateway.write(
            config([upstream.address], listener="filters: [ban]",
                   filters=f'ban: {{type: ip_access, deny_file: "{deny}"}}')
        )  # fmt: skip
        gateway.start()
        wire = self.wire(gateway)
        self.assertEqual(wire.ask("/").status, 200)
        with open(deny, "a", encoding="ascii") as file:
            file.write("127.0.0.1\n")
        wait_until(lambda: wire.ask("/").status == 403, "banned, on the same connection")


class MaxBodyTest(Http1Test):
    FILTER = "max_body: {max_bytes: 10KiB}"

    def test_an_announced_body_is_refused_before_it_comes(self):
        upstream = self.scripted(answering(echo))
        gateway = self.start(upstream, listener="filters: [max_body]", filters=self.FILTER)
        wire = self.wire(gateway)
        wire.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10241\r\n\r\n")
        self.assert_error(wire.response(), 413, "body_too_large")
        self.assertTrue(wire.at_end())
        self.assertEqual(upstream.wires, [], "nothing of it goes upstream")
        exact = self.wire(gateway).ask("/", "POST", body=b"x" * 10240)
        self.assertEqual(len(exact.body), 10240)
        self.assertEqual(
            gateway.metric('gatehouse_filter_max_body_rejected_total{filter="max_body"}'), 1
        )

    def test_a_chunked_body_is_counted(self):
        upstream = self.scripted(answering(echo))
        gateway = self.start(
            upstream, listener="filters: [max_body]", filters=self.FILTER,
            cluster="timeouts: {idle: 200ms}",
        )  # fmt: skip
        wire = self.wire(gateway)
        wire.send("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n")
        for _ in range(11):
            wire.send("400\r\n", b"x" * 1024, "\r\n")
        self.assert_error(wire.response(), 413, "body_too_large")
        self.assertEqual(upstream.requests, [], "no whole request arrived")
        # Closed, or never used: the limit may have been reached before it was established.
        wait_until(lambda: upstream.active == 0, "the upstream connection is closed")


if __name__ == "__main__":
    unittest.main()
