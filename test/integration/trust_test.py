# SPDX-License-Identifier: Apache-2.0
"""What clients must not be able to choose: their address, their scheme, which filters they pass."""

import unittest

from http1 import SCHEME, Http1Test, answering, by_target, ok

DENY = "deny_list: {type: ip_access, deny: [192.0.2.0/24], source: client}"
TRUSTED = "trusted_proxies: [127.0.0.0/8], filters: [deny_list]"


class TrustTest(Http1Test):
    def behind_proxy(self):
        upstream = self.scripted(answering(lambda request: ok()))
        return self.start(upstream, listener=TRUSTED, filters=DENY)

    def test_many_forwarded_lines_do_not_hide_the_last_one(self):
        wire = self.wire(self.behind_proxy())
        for lines in (0, 15, 16, 17, 60):
            fields = "x-forwarded-for: 8.8.8.8\r\n" * lines + "x-forwarded-for: 192.0.2.1\r\n"
            with self.subTest(lines=lines):
                self.assert_error(wire.ask("/", fields=fields), 403, "denied")

    def test_max_forwards_is_answered_behind_the_filters(self):
        wire = self.wire(self.behind_proxy())
        fields = "max-forwards: 0\r\nx-forwarded-for: {}\r\n"
        denied = wire.ask("/", "OPTIONS", fields=fields.format("192.0.2.1"))
        self.assert_error(denied, 403, "denied")
        self.assertEqual(wire.ask("/", "OPTIONS", fields=fields.format("8.8.8.8")).status, 200)

    def test_an_absolute_target_does_not_choose_the_scheme(self):
        upstream = self.scripted(answering(by_target))
        gateway = self.start(
            upstream, route="rewrite: {headers: {remove: [x-none]}}", listener="trusted_proxies: []"
        )
        wire = self.wire(gateway)
        wire.send(b"GET https://a.test/x HTTP/1.1\r\nhost: a.test\r\n\r\n")
        self.assertEqual(wire.response().status, 200)
        self.assertEqual(upstream.last().get("x-forwarded-proto"), SCHEME)

    def test_a_trusted_proxy_tells_the_scheme(self):
        upstream = self.scripted(answering(by_target))
        gateway = self.start(upstream, listener="trusted_proxies: [127.0.0.0/8]")
        wire = self.wire(gateway)
        wire.ask("/x", fields="x-forwarded-proto: https\r\n")
        self.assertEqual(upstream.last().get("x-forwarded-proto"), "https")


if __name__ == "__main__":
    unittest.main()
