# SPDX-License-Identifier: Apache-2.0
"""A login from beginning to end: configs/auth.yaml, an identity provider that others wrote, its
authorization code flow with PKCE, and its keys changed while everything runs."""

import base64
import json
import os
import pathlib
import time
import unittest

from gatehouse import wait_until
from http1 import Http1Test, answering, ok
from identity_provider import IdentityProvider, decoded, free_port, log_in

CONFIG = pathlib.Path(__file__).resolve().parents[2] / "configs/auth.yaml"
API_KEY = "demo-7f3a9c51e2b84d06"
# How often the gateway fetches keys by itself here; the file says 1m.
REFRESH = "1s"


def portal(request):
    """The service that the filter `portal` asks."""
    if "session=carol" in (request.get("cookie") or ""):
        return b"HTTP/1.1 200 X\r\nx-user: carol\r\ncontent-length: 0\r\n\r\n"
    return b"HTTP/1.1 302 X\r\nlocation: https://portal.example.com/login\r\ncontent-length: 0\r\n\r\n"


def bearer(token):
    return f"authorization: Bearer {token}\r\n"


class OidcTest(Http1Test):
    def setUp(self):
        self.upstream = self.scripted(answering(lambda request: ok("served\n")))
        self.portal = self.scripted(answering(portal))

    def serve(self, provider_port, refresh=REFRESH):
        """configs/auth.yaml, with the places of this test."""
        text = CONFIG.read_text(encoding="utf-8")
        gateway = self.gateway("")
        for place, here in (
            ("127.0.0.1:8080", "127.0.0.1:0"),
            ("127.0.0.1:9001", self.upstream.address),
            ("127.0.0.1:9000", self.portal.address),
            ("127.0.0.1:9010", f"127.0.0.1:{provider_port}"),
            ("path: stdout", f"path: {gateway.path('access.log')}"),
            ("refresh: 1m", f"refresh: {refresh}"),
        ):
            self.assertIn(place, text)
            text = text.replace(place, here)
        gateway.write('admin: {address: "127.0.0.1:0"}\n' + text)
        self.addCleanup(self._still_serves, gateway)
        return gateway.start()

    def start_all(self, **arguments):
        self.provider = IdentityProvider(self)
        return self.serve(self.provider.port, **arguments)

    def ask(self, gateway, target="/orders", method="GET", fields="", body=None):
        wire = self.wire(gateway)
        return wire.ask(target, method, fields, body)

    def logged(self, gateway, count):
        """The newest line of the access log, once there are `count`."""
        path = gateway.path("access.log")

        def lines():
            if not os.path.exists(path):
                return []
            with open(path, encoding="utf-8") as file:
                return file.read().splitlines()

        wait_until(lambda: len(lines()) >= count, f"{count} lines")
        # Each worker has a ring of its own: what they wrote at about the same time may change places.
        return sorted(map(json.loads, lines()), key=lambda line: line["time"])[count - 1]

    def test_a_login(self):
        gateway = self.start_all()
        refused = self.ask(gateway)
        self.assertEqual((refused.status, refused.get("x-gatehouse-error")), (401, "no_credentials"))
        challenges = " ".join(refused.all("www-authenticate"))
        self.assertRegex(challenges, r"\bBearer\b")
        self.assertEqual(self.upstream.requests, [])

        tokens = log_in(self.provider)
        token = tokens["access_token"]
        self.assertEqual(decoded(token, 1)["aud"], "orders")
        served = self.ask(gateway, fields=bearer(token) + "x-user: root\r\nX_User: root\r\n")
        self.assertEqual((served.status, served.text), (200, "served\n"))
        request = self.upstream.last()
        self.assertEqual(request.all("x-user"), ["ann"])
        self.assertFalse(request.has("x_user"))
        line = self.logged(gateway, 2)
        self.assertEqual((line["path"], line["status"], line["subject"]), ("/orders", 200, "ann"))

        # The ID token is for the application, not for the service.
        self.assertEqual(self.ask(gateway, fields=bearer(tokens["id_token"])).status, 401)
        # What is open is open.
        self.assertEqual(self.ask(gateway, "/").status, 200)

    def test_tokens_for_others_and_for_less(self):
        gateway = self.start_all()
        other = log_in(self.provider, resource="urn:example:billing")["access_token"]
        wrong_audience = self.ask(gateway, fields=bearer(other))
        self.assertEqual(
            (wrong_audience.status, wrong_audience.get("x-gatehouse-error")),
            (401, "bad_credentials"),
        )
        self.assertIn("invalid_token", wrong_audience.get("www-authenticate"))
        reading = log_in(self.provider)["access_token"]
        self.assertEqual(self.ask(gateway, fields=bearer(reading)).status, 200)
        too_little = self.ask(gateway, method="POST", fields=bearer(reading), body=b"one")
        self.assertEqual(too_little.status, 403)
        self.assertIn("insufficient_scope", too_little.get("www-authenticate"))
        writing = log_in(self.provider, scope="openid orders.read orders.write")["access_token"]
        self.assertEqual(
            self.ask(gateway, method="POST", fields=bearer(writing), body=b"one").status, 200
        )
        # Whoever is in no group that a rule names may not, whatever the token says.
        nobody = log_in(self.provider, who="eve")["access_token"]
        denied = self.ask(gateway, fields=bearer(nobody))
        self.assertEqual((denied.status, denied.get("x-gatehouse-error")), (403, "not_permitted"))
        # A token that was tampered with.
        head, claims, signature = writing.split(".")
        forged = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
        forged["sub"] = "root"
        claims = base64.urlsafe_b64encode(json.dumps(forged).encode()).rstrip(b"=").decode()
        self.assertEqual(
            self.ask(gateway, fields=bearer(f"{head}.{claims}.{signature}")).status, 401
        )
        none = base64.urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=").decode()
        self.assertEqual(self.ask(gateway, fields=bearer(f"{none}.{claims}.")).status, 401)

    def test_keys_changed_while_it_runs(self):
        # No refresh comes in time: what is new is fetched because a token names it.
        gateway = self.start_all(refresh="1h")
        old = log_in(self.provider)["access_token"]
        self.assertEqual(self.ask(gateway, fields=bearer(old)).status, 200)
        self.provider.add_key()
        new = log_in(self.provider)["access_token"]
        self.assertNotEqual(decoded(old, 0)["kid"], decoded(new, 0)["kid"])
        began = time.monotonic()
        self.assertEqual(self.ask(gateway, fields=bearer(new)).status, 200, "at once")
        self.assertLess(time.monotonic() - began, 10)
        self.assertEqual(self.ask(gateway, fields=bearer(old)).status, 200, "still published")

    def test_keys_taken_back(self):
        gateway = self.start_all()
        old = log_in(self.provider)["access_token"]
        self.assertEqual(self.ask(gateway, fields=bearer(old)).status, 200)
        self.provider.add_key()
        self.provider.forget_old_keys()
        self.assertNotIn(decoded(old, 0)["kid"], self.provider.keys())
        wait_until(
            lambda: self.ask(gateway, fields=bearer(old)).status == 401,
            "the old token passes no more once keys have been refreshed",
        )
        new = log_in(self.provider)["access_token"]
        self.assertEqual(self.ask(gateway, fields=bearer(new)).status, 200)

    def test_the_provider_is_away(self):
        gateway = self.start_all()
        token = log_in(self.provider)["access_token"]
        self.assertEqual(self.ask(gateway, fields=bearer(token)).status, 200)
        self.provider.stop()
        failed = 'gatehouse_filter_jwt_keys_failed_total{filter="jwt"}'
        wait_until(lambda: gateway.metric(failed) >= 1, "a refresh has failed")
        self.assertEqual(self.ask(gateway, fields=bearer(token)).status, 200, "its keys are kept")
        self.assertEqual(self.ask(gateway, fields=bearer("x.y.z")).status, 401)

    def test_before_the_provider_is_there(self):
        port = free_port()
        gateway = self.serve(port)
        self.assertEqual(self.ask(gateway, "/").status, 200, "the gateway serves without it")
        provider = IdentityProvider(self, port)
        token = log_in(provider)["access_token"]
        wait_until(
            lambda: self.ask(gateway, fields=bearer(token)).status == 200, "its keys have been fetched"
        )

    def test_the_other_ways(self):
        gateway = self.start_all()
        key = f"x-api-key: {API_KEY}\r\n"
        self.assertEqual(self.ask(gateway, fields=key).status, 200)
        self.assertEqual(self.upstream.last().get("x-user"), "acme")
        self.assertFalse(self.upstream.last().has("x-api-key"))
        self.assertEqual(self.ask(gateway, fields="x-api-key: wrong\r\n").status, 401)
        denied = self.ask(gateway, method="POST", fields=key, body=b"one")
        self.assertEqual((denied.status, denied.get("x-gatehouse-error")), (401, "no_credentials"))

        def password(text):
            return f"authorization: Basic {base64.b64encode(text.encode()).decode()}\r\n"

        refused = self.ask(gateway, "/admin")
        self.assertEqual(refused.status, 401)
        self.assertTrue(refused.get("www-authenticate").startswith("Basic "))
        admin = self.ask(gateway, "/admin", fields=password("carol:correct horse"))
        self.assertEqual(admin.status, 200)
        self.assertEqual(self.upstream.last().get("x-user"), "carol")
        wrong = self.ask(gateway, "/admin", fields=password("carol:wrong horse"))
        self.assertEqual(wrong.status, 401)

        login = self.ask(gateway, "/portal")
        self.assertEqual(
            (login.status, login.get("location")), (302, "https://portal.example.com/login")
        )
        self.assertEqual(self.ask(gateway, "/portal", fields="cookie: session=carol\r\n").status, 200)
        self.assertEqual(self.upstream.last().get("x-user"), "carol")


if __name__ == "__main__":
    unittest.main()
