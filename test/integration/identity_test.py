# SPDX-License-Identifier: Apache-2.0
"""Several filters that say who is calling, in one gateway: what one has let in passes no other, and
any_of takes the first that knows the caller."""

import hashlib
import unittest

from http1 import Http1Test, answering, ok
from jwt_test import Issuer, Key, bearer

API_KEY = "acme-key"
INTERNAL = {"x-api-key": API_KEY}


class IdentityTest(Http1Test):
    def setUp(self):
        super().setUp()
        self.key, self.partner_key = Key("k"), Key("k")  # One kid, two keys.
        self.issuers = [Issuer([self.key]), Issuer([self.partner_key])]
        for issuer in self.issuers:
            self.addCleanup(issuer.stop)
        self.upstream = self.scripted(answering(lambda _: ok(b"hello")))
        urls = [f"http://127.0.0.1:{issuer.port}/keys.json" for issuer in self.issuers]
        self.gateway_ = self.start(
            self.upstream,
            text=f"""
version: 1
admin: {{address: "127.0.0.1:0"}}
runtime: {{workers: 1}}
listeners: [{{name: web, address: "127.0.0.1:0", filters: [access_log]}}]
clusters: {{up: {{endpoints: ["{self.upstream.address}"]}}}}
filters:
  access_log: {{path: /dev/null}}
  jwt:
    issuer: idp
    audiences: [api]
    jwks: {{url: "{urls[0]}"}}
    claims_to_headers: {{sub: x-user}}
  partner:
    type: jwt
    issuer: partner
    audiences: [api]
    jwks: {{url: "{urls[1]}"}}
  twin: {{type: jwt, issuer: idp, audiences: [api], jwks: {{url: "{urls[1]}"}}}}
  keys:
    type: api_key
    header: x-user
    keys: [{{name: acme, sha256: {hashlib.sha256(API_KEY.encode()).hexdigest()}}}]
  only_jane:
    type: rbac
    rules: [{{name: jane, action: allow, identity: {{subject: jane}}}}]
routes:
  - {{match: {{path_prefix: /partner}}, cluster: up, filters: [partner]}}
  - {{match: {{path_prefix: /twin}}, cluster: up, filters: [twin]}}
  - {{match: {{path_prefix: /either}}, cluster: up, filters: [{{any_of: [jwt, keys]}}]}}
  - {{match: {{path_prefix: /jane}}, cluster: up, filters: [{{any_of: [jwt, keys]}}, only_jane]}}
  - {{match: {{path_prefix: /}}, cluster: up, filters: [jwt]}}
""",
        )

    def status(self, path, **fields):
        return self.gateway_.fetch(path, headers=fields).status

    def test_a_token_of_one_filter_passes_no_other(self):
        token = self.key.sign()
        partner = self.partner_key.sign(iss="partner")
        for _ in range(3):  # Also when all of them remember what they have verified.
            self.assertEqual(self.status("/", **bearer(token)), 200)
            self.assertEqual(self.status("/partner", **bearer(partner)), 200)
            self.assertEqual(self.status("/", **bearer(partner)), 401)
            self.assertEqual(self.status("/partner", **bearer(token)), 401)
            self.assertEqual(self.status("/twin", **bearer(token)), 401)  # All alike but the keys.

    def test_any_of_takes_who_knows_the_caller(self):
        token = self.key.sign()
        self.assertEqual(self.status("/either", **bearer(token)), 200)
        self.assertEqual(self.upstream.last(1).get("x-user"), "jane")
        self.assertEqual(self.status("/either", **INTERNAL), 200)
        self.assertEqual(self.upstream.last(2).get("x-user"), "acme")
        refused = self.wire(self.gateway_).ask("/either")
        self.assertEqual(refused.status, 401)
        challenges = refused.all("www-authenticate")
        self.assertEqual([one.split(" ")[0] for one in challenges], ["Bearer", "ApiKey"])
        self.assertEqual(self.status("/either", **bearer("a.b.c")), 401)

    def test_any_of_hands_on_what_was_verified_only(self):
        forged = self.partner_key.sign(sub="root")
        fields = {**bearer(forged), **INTERNAL, "x-user": "root"}
        self.assertEqual(self.status("/either", **fields), 200)
        request = self.upstream.last()
        self.assertEqual(request.get("x-user"), "acme")
        self.assertFalse(request.has("authorization"))
        self.assertFalse(request.has("x-api-key"))

    def test_rbac_sees_who_was_let_in(self):
        self.assertEqual(self.status("/jane", **bearer(self.key.sign())), 200)
        self.assertEqual(self.status("/jane", **bearer(self.key.sign(sub="joe"))), 403)
        self.assertEqual(self.status("/jane", **INTERNAL), 403)
        self.assertEqual(self.status("/jane"), 401)


if __name__ == "__main__":
    unittest.main()
