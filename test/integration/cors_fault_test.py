# SPDX-License-Identifier: Apache-2.0
"""cors and fault on real sockets: preflights before logins, errors that pages may read, delays."""

import json
import os
import threading
import time
import unittest

from gatehouse import wait_until
from http1 import Http1Test, answering, config, ok

PAGE = "origin: https://app.example.com\r\n"
PREFLIGHT = PAGE + "access-control-request-method: PUT\r\n"


class CorsTest(Http1Test):
    FILTERS = (
        'cors: {allow_origins: ["https://app.example.com"], allow_methods: [PUT],'
        " allow_credentials: true},"
        ' key: {type: api_key, keys: [{name: app, sha256: "%s"}]},'
        ' access_log: {path: "%s", format: json}'
    )
    # Of "secret".
    DIGEST = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"

    def serve(self):
        upstream = self.scripted(answering(lambda r: ok("hello\n")))
        gateway = self.gateway("")
        log = gateway.path("access.log")
        gateway.write(
            config(
                [upstream.address],
                listener="filters: [access_log, cors, key]",
                filters=self.FILTERS % (self.DIGEST, log),
            )
        )
        gateway.start()
        return gateway, upstream, log

    def test_a_preflight_needs_no_key_and_goes_no_further(self):
        gateway, upstream, _ = self.serve()
        answer = self.wire(gateway).ask("/", "OPTIONS", fields=PREFLIGHT)
        self.assertEqual(answer.status, 204)
        self.assertEqual(answer.get("access-control-allow-origin"), "https://app.example.com")
        self.assertEqual(answer.get("access-control-allow-methods"), "PUT")
        self.assertIsNone(answer.get("content-length"))
        self.assertEqual(upstream.requests, [])

    def test_a_page_can_read_what_the_gateway_refuses(self):
        gateway, _, _ = self.serve()
        answer = self.wire(gateway).ask("/", fields=PAGE)
        self.assertEqual(answer.status, 401)
        self.assertEqual(answer.get("access-control-allow-origin"), "https://app.example.com")
        answer = self.wire(gateway).ask("/", fields=PAGE + "x-api-key: secret\r\n")
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.get("access-control-allow-credentials"), "true")
        self.assertEqual(answer.get("vary"), "Origin")

    def test_another_origin_is_refused_and_logged(self):
        gateway, _, log = self.serve()
        wire = self.wire(gateway)
        fields = PREFLIGHT.replace("app.", "evil.")
        self.assert_error(wire.ask("/", "OPTIONS", fields=fields), 403, "denied")
        wait_until(lambda: os.path.getsize(log) > 0, "the line in the log")
        with open(log, encoding="utf-8") as file:
            line = json.loads(file.readline())
        self.assertEqual(line["error"], "denied")
        self.assertEqual(
            line["error_detail"], "cors does not allow the origin https://evil.example.com"
        )


class FaultTest(Http1Test):
    def serve(self, fault, upstream=None):
        upstream = upstream or self.scripted(answering(lambda r: ok("hello\n")))
        return self.start(upstream, listener="filters: [fault]", filters="fault: " + fault)

    def test_a_delay_holds_only_its_own_request(self):
        gateway = self.serve('{delay: {duration: 600ms}, when: {headers: {x-slow: "1"}}}')
        times = {}

        def ask(name, fields):
            began = time.monotonic()
            status = self.wire(gateway).ask("/", fields=fields).status
            times[name] = (status, time.monotonic() - began)

        slow = threading.Thread(target=ask, args=("slow", "x-slow: 1\r\n"))
        slow.start()
        ask("fast", "")
        slow.join()
        self.assertEqual((times["slow"][0], times["fast"][0]), (200, 200))
        self.assertGreaterEqual(times["slow"][1], 0.6)
        self.assertLess(times["fast"][1], 0.5)

    def test_an_abort_never_reaches_the_endpoint(self):
        upstream = self.scripted(answering(lambda r: ok("hello\n")))
        gateway = self.serve("{abort: {status: 503}}", upstream)
        self.assert_error(self.wire(gateway).ask("/"), 503, "fault_injected")
        self.assertEqual(upstream.requests, [])
        self.assertEqual(gateway.metric('gatehouse_filter_fault_aborted_total{filter="fault"}'), 1)

    def test_a_client_that_leaves_waits_no_longer(self):
        gateway = self.serve("{delay: {duration: 1h}, max_delayed: 1}")
        name = 'gatehouse_filter_fault_delayed_total{filter="fault"}'
        held = 0
        for _ in range(3):
            wire = self.wire(gateway)
            wire.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n")
            held += 1
            wait_until(lambda want=held: gateway.metric(name) == want, "it is held back")
            wire.reset()
            wait_until(lambda: gateway.get("/server").json()["workers"][0]["streams"] == 0, "it ends")
        self.assertEqual(
            gateway.metric('gatehouse_filter_fault_not_delayed_total{filter="fault"}'), 0
        )


if __name__ == "__main__":
    unittest.main()
