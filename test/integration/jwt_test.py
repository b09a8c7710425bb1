# SPDX-License-Identifier: Apache-2.0
"""The jwt filter end to end: an issuer that rotates its keys, breaks and goes away, and tokens by
another implementation (PyJWT)."""

import base64
import http.server
import json
import os
import socket
import struct
import threading
import time
import unittest

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from gatehouse import HUP, wait_until
from http1 import Http1Test, answering, config, ok

# What a refused request is answered with.
BEARER = 'Bearer realm="gatehouse"'
INVALID = BEARER + ', error="invalid_token", error_description="the token '


class Key:
    """A key of an issuer."""

    def __init__(self, kid, algorithm="ES256"):
        self.kid = kid
        self.algorithm = algorithm
        if algorithm == "EdDSA":
            self.private = ed25519.Ed25519PrivateKey.generate()
        elif algorithm.startswith("ES"):
            self.private = ec.generate_private_key(ec.SECP256R1())
        else:
            self.private = rsa.generate_private_key(65537, 2048)

    def public(self):
        name = "RSA" if self.algorithm[0] in "RP" else "EC" if self.algorithm[0] == "E" else ""
        maker = {"RSA": jwt.algorithms.RSAAlgorithm, "EC": jwt.algorithms.ECAlgorithm}.get(name)
        if self.algorithm == "EdDSA":
            maker = jwt.algorithms.OKPAlgorithm
        if self.algorithm.startswith("ES"):
            numbers = self.private.public_key().public_numbers()
            coordinate = lambda n: jwt.utils.base64url_encode(n.to_bytes(32, "big")).decode()  # noqa: E731
            out = {"kty": "EC", "crv": "P-256", "x": coordinate(numbers.x), "y": coordinate(numbers.y)}
        else:
            out = json.loads(maker.to_jwk(self.private.public_key()))
        out.pop("key_ops", None)
        return {**out, "kid": self.kid, "use": "sig"}

    def sign(self, sub="jane", **claims):
        claims = {"iss": "idp", "aud": "api", "sub": sub, "exp": int(time.time()) + 600, **claims}
        return jwt.encode(claims, self.private, self.algorithm, headers={"kid": self.kid})


class Issuer:
    """Serves a JWKS: `answer` is a body, or a function of the handler."""

    def __init__(self, keys, port=0):
        self.requests = 0
        self.rotate(keys)
        issuer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                issuer.requests += 1
                if callable(issuer.answer):
                    issuer.answer(self)
                else:
                    issuer.send(self, 200, issuer.answer)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        self.hanging = threading.Event()
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @staticmethod
    def send(handler, status, body, **fields):
        handler.send_response(status)
        handler.send_header("content-length", str(len(body)))
        for name, value in fields.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body.encode())

    def rotate(self, keys):
        self.answer = json.dumps({"keys": [key.public() for key in keys]})

    def hang(self, handler):
        self.hanging.wait(30)

    def loop(self, handler):
        self.send(handler, 302, "", location=f"http://127.0.0.1:{self.port}{handler.path}x")

    def stop(self):
        self.hanging.set()
        self.server.shutdown()
        self.server.server_close()


def bearer(token):
    return {"authorization": f"Bearer {token}"}


class JwtTest(Http1Test):
    def issuer(self, *keys, port=0):
        issuer = Issuer(keys, port)
        self.addCleanup(issuer.stop)
        return issuer

    def upstream_seeing(self):
        """An upstream, and the requests that it has seen."""
        seen = []

        def answer(request):
            seen.append(request)
            return ok(b"hello")

        return self.scripted(answering(answer)), seen

    def start_jwt(self, jwks, more="", route="filters: [jwt]", workers=1, upstream=None):
        settings = f"jwt: {{issuer: idp, audiences: [api], jwks: {jwks}{more}}}"
        return self.start(
            upstream or self.upstream_seeing()[0], filters=settings, route=route, workers=workers
        )

    def from_url(self, issuer, more="", jwks="", **arguments):
        url = f'{{url: "http://127.0.0.1:{issuer.port}/keys.json"{jwks}}}'
        return self.start_jwt(url, more, **arguments)

    def count(self, gateway, what):
        return gateway.metric(f'gatehouse_filter_jwt_{what}_total{{filter="jwt"}}')

    def get(self, gateway, token=None, path="/", **fields):
        return gateway.fetch(path, headers={**(bearer(token) if token else {}), **fields})

    def assert_in(self, gateway, token):
        answer = self.get(gateway, token)
        self.assertEqual((answer.status, answer.body), (200, "hello"), answer.headers)

    def assert_refused(self, gateway, token, why):
        answer = self.get(gateway, token)
        self.assertEqual(answer.status, 401)
        self.assertEqual(answer.headers["www-authenticate"], INVALID + why + '"')

    def test_tokens_of_every_kind_of_key(self):
        keys = [Key(name, name) for name in ("RS256", "PS384", "ES256", "EdDSA")]
        gateway = self.from_url(self.issuer(*keys))
        for key in keys:
            self.assert_in(gateway, key.sign())
        self.assertEqual(self.count(gateway, "verified"), 4)

    def test_answers_and_what_the_upstream_gets(self):
        key = Key("k")
        upstream, seen = self.upstream_seeing()
        gateway = self.from_url(
            self.issuer(key),
            ", claims_to_headers: {sub: x-user, roles: x-roles}, forward: false, "
            'from: [{header: authorization, prefix: "Bearer "}, {query: token}, {cookie: t}], '
            "require: {scope: read}",
            upstream=upstream,
        )
        token = key.sign(scope="read write", roles=["a", "b"])
        answer = self.get(gateway, token, **{"X-User": "root", "x_roles": "root", "x-kept": "1"})
        self.assertEqual(answer.status, 200)
        fields = dict(seen[-1].fields)
        self.assertEqual((fields.get("x-user"), fields.get("x-roles")), ("jane", "a,b"))
        self.assertEqual(fields.get("x-kept"), "1")
        self.assertNotIn("authorization", fields)
        self.assertNotIn("x_roles", fields)
        self.assertEqual(self.get(gateway, path=f"/a?b=c&token={token}&d=e").status, 200)
        self.assertEqual(seen[-1].target, "/a?b=c&d=e")
        self.assertEqual(self.get(gateway, cookie=f"x=y; t={token}").status, 200)
        self.assertEqual(dict(seen[-1].fields).get("cookie"), "x=y")
        answer = self.get(gateway)
        self.assertEqual((answer.status, answer.headers["www-authenticate"]), (401, BEARER))
        self.assertEqual(answer.headers["x-gatehouse-error"], "no_credentials")
        answer = self.get(gateway, key.sign(scope="write"))
        self.assertEqual(
            (answer.status, answer.headers["www-authenticate"]),
            (403, BEARER + ', error="insufficient_scope", scope="read"'),
        )
        self.assert_refused(gateway, "x", "is not a JWT")
        self.assertEqual(len(seen), 3)

    def test_keys_that_are_rotated_under_load_refuse_no_token(self):
        keys = [Key(f"k{i}") for i in range(6)]
        issuer = self.issuer(keys[0])
        gateway = self.from_url(issuer, jwks=", refetch_interval: 1s", workers=2)
        failures = []
        stop = threading.Event()
        current = [keys[0]]

        def ask():
            count = 0
            while not stop.is_set():
                count += 1
                answer = self.get(gateway, current[0].sign(f"u{count % 7}", jti=count % 50))
                if answer.status != 200:
                    failures.append((answer.status, answer.headers.get("www-authenticate")))

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for old, new in zip(keys, keys[1:]):
            issuer.rotate([old, new])
            current[0] = new
            before = issuer.requests
            wait_until(lambda: issuer.requests > before, "the new key is fetched")  # noqa: B023
            stop.wait(1.1)
        stop.set()
        for thread in threads:
            thread.join(30)
        self.assertEqual(failures, [])
        # One request for each key, however many streams and workers met it; and the first.
        self.assertLessEqual(issuer.requests, 2 + len(keys))

    def test_clients_that_reset_keep_no_key_out(self):
        old, new = Key("old"), Key("new")
        issuer = self.issuer(old)
        gateway = self.from_url(issuer, jwks=", refetch_interval: 1s", workers=2)
        self.assert_in(gateway, old.sign())
        before = issuer.requests
        current = [old]
        waits = threading.Event()  # Never set.

        def slow(handler):
            # The keys of when it was asked, as those of a slow issuer are.
            body = json.dumps({"keys": [key.public() for key in current]})
            waits.wait(0.3)
            issuer.send(handler, 200, body)

        issuer.answer = slow
        head = f"GET / HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {Key('x').sign()}\r\n\r\n"
        admitted = threading.Event()

        def attack():
            for _ in range(100):
                with socket.create_connection(gateway.addresses["web"]) as client:
                    reset = struct.pack("ii", 1, 0)
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
                    client.sendall(head.encode())
                    admitted.wait(0.03)

        threads = [threading.Thread(target=attack) for _ in range(4)]
        for thread in threads:
            thread.start()
        wait_until(lambda: issuer.requests > before, "an attacker's fetch")
        current.append(new)
        began = time.monotonic()
        # Seldom: the attackers are the first to ask whenever anybody may.
        while self.get(gateway, new.sign()).status != 200 and time.monotonic() < began + 10:
            waits.wait(0.2)
        took = time.monotonic() - began
        admitted.set()
        for thread in threads:
            thread.join(30)
        self.assertLess(took, 2)

    def test_a_key_that_is_withdrawn(self):
        old, new = Key("old"), Key("new")
        issuer = self.issuer(old)
        gateway = self.from_url(issuer, jwks=", refresh: 1s")
        token = old.sign()
        self.assert_in(gateway, token)
        issuer.rotate([new])
        wait_until(lambda: self.get(gateway, token).status == 401, "the old key is forgotten")
        self.assert_refused(gateway, token, "is signed with an unknown key")
        self.assert_in(gateway, new.sign())

    def test_an_issuer_that_breaks_costs_no_request(self):
        key = Key("k")
        issuer = self.issuer(key)
        good = issuer.answer
        gateway = self.from_url(issuer, jwks=", refresh: 1s, timeout: 1s")
        token = key.sign()
        self.assert_in(gateway, token)

        def failing(how, answer):
            before = self.count(gateway, "keys_failed")
            issuer.answer = answer
            wait_until(lambda: self.count(gateway, "keys_failed") > before, how)
            self.assert_in(gateway, token)
            self.assert_in(gateway, key.sign(jti=how))  # Not only what is remembered.

        failing("garbage", "<html>oops</html>")
        failing("no keys", '{"keys": []}')
        failing("a redirect to itself", issuer.loop)
        failing("an error", lambda handler: issuer.send(handler, 500, good))
        failing("too much", " " * 300_000 + good)
        failing("an early end", lambda handler: handler.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-length: 10000\r\n\r\n{"))
        failing("no answer", issuer.hang)
        issuer.hanging.set()
        port = issuer.port
        issuer.stop()
        before = self.count(gateway, "keys_failed")
        wait_until(lambda: self.count(gateway, "keys_failed") > before, "down")
        self.assert_in(gateway, token)
        # An unknown key while nobody knows: refused, and nothing else is.
        self.assert_refused(gateway, Key("other").sign(), "is signed with an unknown key")
        before = self.count(gateway, "keys_refreshed")
        self.issuer(key, port=port)
        wait_until(lambda: self.count(gateway, "keys_refreshed") > before, "up again")
        self.assert_in(gateway, key.sign(jti="again"))
        log = gateway.stderr()
        self.assertIn("keys can't be had", log)
        self.assertIn("keys can be had again", log)
        self.assertNotIn(token, log)

    def test_requests_wait_for_the_first_keys(self):
        key = Key("k")
        issuer = self.issuer(key)
        good = issuer.answer
        release = threading.Event()

        def later(handler):
            release.wait(30)
            issuer.send(handler, 200, good)

        issuer.answer = later
        gateway = self.from_url(issuer, jwks=", timeout: 20s")
        answers = []
        thread = threading.Thread(target=lambda: answers.append(self.get(gateway, key.sign())))
        thread.start()
        wait_until(lambda: issuer.requests == 1, "asked")
        self.assertEqual(answers, [])
        release.set()
        thread.join(30)
        self.assertEqual(answers[0].status, 200)

    def test_without_keys_nobody_gets_in(self):
        issuer = self.issuer(Key("k"))
        issuer.answer = issuer.hang
        gateway = self.from_url(issuer, jwks=", timeout: 200ms")
        answer = self.get(gateway, Key("k").sign())
        self.assertEqual(answer.status, 503)
        self.assertEqual(answer.headers["x-gatehouse-error"], "auth_unavailable")
        self.assertEqual(self.get(gateway).status, 401)

    def test_a_file_that_changes(self):
        old, new = Key("old"), Key("new", "EdDSA")
        upstream, _ = self.upstream_seeing()
        settings = "jwt: {issuer: idp, audiences: [api], jwks: {file: keys.json}}"
        gateway = self.gateway(config([upstream.address], filters=settings, route="filters: [jwt]"))

        def write(text):
            with open(gateway.path("new"), "w", encoding="utf-8") as file:
                file.write(text)
            os.rename(gateway.path("new"), gateway.path("keys.json"))

        write(json.dumps({"keys": [old.public()]}))
        gateway.start()
        self.assert_in(gateway, old.sign())
        write("garbage")
        wait_until(lambda: self.count(gateway, "keys_failed") == 1, "garbage is seen")
        self.assert_in(gateway, old.sign(jti="again"))
        write(json.dumps({"keys": [new.public()]}))
        wait_until(lambda: self.get(gateway, new.sign()).status == 200, "the new key is read")
        self.assert_refused(gateway, old.sign(), "is signed with an unknown key")

    def test_a_reload_keeps_keys_and_remembered_tokens(self):
        key = Key("k")
        issuer = self.issuer(key)
        gateway = self.from_url(issuer)
        token = key.sign()
        self.assert_in(gateway, token)
        epoch = gateway.json("/config/status")["epoch"]
        with open(gateway.config_path, encoding="utf-8") as file:
            text = file.read()
        gateway.write(text.replace("name: all", "name: everything"))
        gateway.signal(HUP)
        wait_until(lambda: gateway.json("/config/status")["epoch"] > epoch, "reloaded")
        issuer.stop()
        self.assert_in(gateway, token)
        self.assertEqual(self.count(gateway, "remembered"), 1)
        self.assertEqual(issuer.requests, 1)

    def test_routes_ask_for_more_and_for_other_audiences(self):
        key = Key("k")
        issuer = self.issuer(key)
        upstream, _ = self.upstream_seeing()
        url = f'{{url: "http://127.0.0.1:{issuer.port}/"}}'
        gateway = self.start(
            upstream,
            text=f"""
version: 1
admin: {{address: "127.0.0.1:0"}}
runtime: {{workers: 1}}
listeners: [{{name: web, address: "127.0.0.1:0"}}]
clusters: {{up: {{endpoints: ["{upstream.address}"]}}}}
filters: {{jwt: {{issuer: idp, audiences: [api], jwks: {url}}}}}
routes:
  - {{match: {{path_prefix: /admin}}, cluster: up, filters: [{{use: jwt, audiences: [admin]}}]}}
  - {{match: {{path_prefix: /write}}, cluster: up, filters: [{{use: jwt, require: {{scope: write}}}}]}}
  - {{match: {{path_prefix: /}}, cluster: up, filters: [jwt]}}
""",
        )
        token = key.sign()
        self.assert_in(gateway, token)
        self.assertEqual(self.get(gateway, token, path="/write").status, 403)
        self.assertEqual(self.get(gateway, token, path="/admin").status, 401)
        self.assertEqual(self.get(gateway, key.sign(aud="admin"), path="/admin").status, 200)
        self.assertEqual(self.get(gateway, key.sign(scope="write"), path="/write").status, 200)
        self.assert_refused(gateway, key.sign(aud="admin"), "is for another audience")

    def test_secrets_are_left_out_of_what_is_shown(self):
        secret = base64.urlsafe_b64encode(os.urandom(32)).rstrip(b"=").decode()
        gateway = self.start_jwt(f"{{inline: {{keys: [{{kty: oct, kid: k, k: {secret}}}]}}}}")
        shown = gateway.command("config", "--effective", "-c", gateway.config_path)
        self.assertEqual(shown.returncode, 0, shown.stderr)
        self.assertIn("kid: k", shown.stdout)
        for text in (shown.stdout, gateway.get("/config").body, gateway.get("/filters").body):
            self.assertNotIn(secret, text)


if __name__ == "__main__":
    unittest.main()
