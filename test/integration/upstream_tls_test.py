# SPDX-License-Identifier: Apache-2.0
"""TLS towards endpoints: whom the gateway believes, what it says when it does not, what clients and
logs see of it, and what becomes of connections that end in bad order. The endpoints are Python's."""

import base64
import hashlib
import json
import os
import ssl
import tempfile
import unittest

from certificates import Authority
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from gatehouse import wait_until
from http1 import Http1Test, Scripted, answering, by_target, config, lines_of, ok
from jwt_test import Key, bearer

LOG = (
    "log: {type: access_log, path: access.log, "
    'template: "%RESPONSE_CODE% %ERROR% %ERROR_DETAIL%"}'
)


class TlsScripted(Scripted):
    """A scripted upstream behind TLS. `handshakes`: what each came to."""

    def __init__(self, script, context, **arguments):
        self.context = context
        self.names = []  # SNI; None without.
        self.handshakes = []
        self.certificates = []  # What clients have shown.
        context.sni_callback = lambda _socket, name, _context: self.names.append(name)
        super().__init__(script, **arguments)

    def _run(self, wire):
        try:
            wire.socket = self.context.wrap_socket(wire.socket, server_side=True)
        except OSError as error:  # ssl.SSLError is one.
            self.handshakes.append(str(error))
            wire.close()
            return
        self.handshakes.append("ok")
        self.certificates.append(wire.socket.getpeercert())
        super()._run(wire)


class UpstreamTlsTest(Http1Test):
    @classmethod
    def setUpClass(cls):
        held = tempfile.TemporaryDirectory(prefix="upstream-tls-")
        cls.addClassCleanup(held.cleanup)
        cls.folder = held.name
        cls.ca = Authority(os.path.join(cls.folder, "ca"))
        cls.other = Authority(os.path.join(cls.folder, "other"))
        cls.pair = cls.ca.pair("good", "users.test", "127.0.0.1")

    def endpoint(self, script=None, pair=None, context=None, **arguments):
        context = context or self.ca.server_context(pair or self.pair)
        upstream = TlsScripted(script or answering(by_target), context, **arguments)
        self.addCleanup(lambda: self.assertEqual(upstream.failures, []))
        self.addCleanup(upstream.stop)
        return upstream

    def start_tls(self, upstream, tls, environment=None, cluster="", **arguments):
        more = f", {cluster}" if cluster else ""
        gateway = self.gateway(
            config(
                [upstream.address], listener="filters: [log]", filters=LOG,
                cluster=f"tls: {{{tls}}}{more}", **arguments,
            ),
            environment=environment,
        ).start()  # fmt: skip
        self.addCleanup(self._still_serves, gateway)
        return gateway

    def assert_refused(self, gateway, sentence):
        """502 to the client without a word about why, the sentence to whoever runs the gateway."""
        count = len(lines_of(gateway.path("access.log")))
        answer = gateway.fetch("/x", headers={"accept": "application/json"})
        self.assertEqual((answer.status, answer.headers.get("x-gatehouse-error")), (502, "tls_failed"))
        for word in ("certificate", "issuer", "127.0.0.1", "ca.pem"):
            self.assertNotIn(word, answer.body)
        line = wait_until(lambda: lines_of(gateway.path("access.log"))[count:], "a line")[0]
        self.assertTrue(line.startswith("502 tls_failed "), line)
        self.assertIn(sentence, line)

    # ---- Trust ----

    def test_right_authority(self):
        upstream = self.endpoint()
        gateway = self.start_tls(upstream, f"ca_file: {self.ca.file}")
        self.assertEqual(gateway.fetch("/a").body, "GET /a\n")
        self.assertEqual(upstream.names, [None])  # An address is not sent.

    def test_server_name(self):
        upstream = self.endpoint()
        gateway = self.start_tls(upstream, f"ca_file: {self.ca.file}, server_name: users.test")
        self.assertEqual(gateway.fetch("/a").status, 200)
        self.assertEqual(upstream.names, ["users.test"])

    def test_hostname_of_the_endpoint(self):
        upstream = self.endpoint(pair=self.ca.pair("localhost", "localhost"))
        port = upstream.socket.getsockname()[1]
        gateway = self.gateway(
            config([f"localhost:{port}"], cluster=f"tls: {{ca_file: {self.ca.file}}}")
        ).start()
        wait_until(lambda: gateway.fetch("/a").status == 200, "localhost is resolved")
        self.assertEqual(set(upstream.names), {"localhost"})

    def test_system_authorities(self):
        upstream = self.endpoint()
        gateway = self.start_tls(upstream, "", environment={"SSL_CERT_FILE": self.ca.file})
        self.assertEqual(gateway.fetch("/a").status, 200)
        # Those that really are the system's don't know ours.
        gateway = self.start_tls(upstream, "")
        self.assert_refused(gateway, "is not known (to the system")

    def test_another_authority(self):
        upstream = self.endpoint()
        gateway = self.start_tls(upstream, f"ca_file: {self.other.file}")
        self.assert_refused(gateway, f"127.0.0.1:{upstream.address.split(':')[1]}")
        # Both authorities have the same name, so it is the signature that tells.
        self.assert_refused(gateway, "certificate")
        self.assertEqual(upstream.requests, [])

    def test_another_name(self):
        upstream = self.endpoint()
        gateway = self.start_tls(upstream, f"ca_file: {self.ca.file}, server_name: orders.test")
        self.assert_refused(
            gateway, "the certificate is for users.test, 127.0.0.1, not orders.test"
        )

    def test_verification_off(self):
        upstream = self.endpoint()
        gateway = self.start_tls(upstream, "verify: false")
        self.assertEqual(gateway.fetch("/a").status, 200)
        said = json.dumps(gateway.json("/config/status"))
        self.assertIn("anybody on the way to the endpoints can pass for them", said)

    def test_pins(self):
        upstream = self.endpoint()
        with open(self.pair[0], "rb") as file:
            key = x509.load_pem_x509_certificate(file.read()).public_key()
        spki = key.public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        pin = base64.b64encode(hashlib.sha256(spki).digest()).decode()
        gateway = self.start_tls(upstream, f'verify: false, pinned_spki: ["sha256//{pin}"]')
        self.assertEqual(gateway.fetch("/a").status, 200)
        wrong = base64.b64encode(bytes(32)).decode()
        gateway = self.start_tls(upstream, f'ca_file: {self.ca.file}, pinned_spki: ["{wrong}"]')
        self.assert_refused(gateway, "the certificate has none of the keys of pinned_spki")

    def test_swapped_authority(self):
        upstream = self.endpoint(script=self.once)
        trusted = os.path.join(self.folder, "trusted.pem")

        def trust(authority):
            with open(authority.file, encoding="ascii") as file:
                text = file.read()
            with open(trusted + ".new", "w", encoding="ascii") as file:
                file.write(text)
            os.rename(trusted + ".new", trusted)

        trust(self.ca)
        gateway = self.start_tls(upstream, f"ca_file: {trusted}")
        self.assertEqual(gateway.fetch("/a").status, 200)
        trust(self.other)
        wait_until(lambda: gateway.fetch("/a").status == 502, "the new file is used")
        # One that can't be used changes nothing.
        with open(trusted, "w", encoding="ascii") as file:
            file.write("nothing\n")
        wait_until(lambda: trusted in gateway.stderr(), "it is told")
        self.assertEqual(gateway.fetch("/a").status, 502)
        trust(self.ca)
        wait_until(lambda: gateway.fetch("/a").status == 200, "the file is mended")

    # ---- Who we are ----

    def test_client_certificate(self):
        context = self.ca.server_context(self.pair)
        context.load_verify_locations(self.ca.file)
        context.verify_mode = ssl.CERT_REQUIRED
        upstream = self.endpoint(context=context)
        certificate, key = self.ca.pair("gateway", "gateway.test")
        gateway = self.start_tls(
            upstream, f"ca_file: {self.ca.file}, cert_file: {certificate}, key_file: {key}"
        )
        self.assertEqual(gateway.fetch("/a").status, 200)
        shown = upstream.certificates[0]["subjectAltName"]
        self.assertEqual(shown, (("DNS", "gateway.test"),))

    def test_client_certificate_is_missing(self):
        context = self.ca.server_context(self.pair)
        context.load_verify_locations(self.ca.file)
        context.verify_mode = ssl.CERT_REQUIRED
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context.maximum_version = version
            upstream = self.endpoint(context=context)
            gateway = self.start_tls(upstream, f"ca_file: {self.ca.file}")
            answer = gateway.fetch("/a")
            self.assertEqual(answer.status, 502, version)

    # ---- What is not as it should be ----

    def test_in_the_clear(self):
        upstream = self.scripted(lambda wire, _: wire.send("HTTP/1.1 400 Bad Request\r\n\r\n"))
        gateway = self.start_tls(upstream, f"ca_file: {self.ca.file}")
        self.assert_refused(gateway, "not TLS")

    def test_silent(self):
        upstream = self.scripted(lambda wire, _: wire.fill() and wire.fill())
        gateway = self.start_tls(upstream, f"ca_file: {self.ca.file}", cluster="timeouts: {connect: 100ms}")
        answer = gateway.fetch("/a")
        self.assertEqual((answer.status, answer.headers["x-gatehouse-error"]), (504, "connect_timeout"))

    def test_hangs_up(self):
        upstream = self.scripted(lambda wire, _: wire.fill())
        gateway = self.start_tls(upstream, f"ca_file: {self.ca.file}")
        self.assertIn(gateway.fetch("/a").status, (502, 503))

    @staticmethod
    def once(wire, upstream):
        """One answer, then the connection ends in good order."""
        request = upstream.request(wire)
        wire.send(ok(f"{request.method} {request.target}\n".encode(), "connection: close\r\n"))
        wire.socket.unwrap()

    def until_close(self, orderly):
        def script(wire, upstream):
            upstream.request(wire)
            wire.send("HTTP/1.1 200 OK\r\n\r\nhalf of it")
            if orderly:
                wire.socket.unwrap()

        upstream = self.endpoint(script=script)
        gateway = self.start_tls(upstream, f"ca_file: {self.ca.file}")
        wire = self.wire(gateway)
        wire.send("GET / HTTP/1.1\r\nhost: a.test\r\n\r\n")
        return wire, wire.head()

    def test_body_that_ends_with_the_connection(self):
        wire, head = self.until_close(orderly=True)
        self.assertEqual(wire.body(head).body, b"half of it")

    def test_body_cut_short_is_not_whole(self):
        """A FIN without close_notify: anybody on the way could have sent it."""
        wire, head = self.until_close(orderly=False)
        if head.status == 502:  # None of it had left yet.
            self.assertEqual(head.get("x-gatehouse-error"), "upstream_reset")
        else:
            self.assert_broken_off(wire, head)

    # ---- Sessions ----

    def test_sessions_are_resumed(self):
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context = self.ca.server_context(self.pair)
            context.maximum_version = version
            upstream = self.endpoint(script=self.once, context=context)
            gateway = self.start_tls(upstream, f"ca_file: {self.ca.file}")
            for _ in range(5):
                self.assertEqual(gateway.fetch("/a").status, 200)
            # By Python's own count.
            self.assertGreaterEqual(context.session_stats()["hits"], 3, version)

    def test_reused_connections(self):
        upstream = self.endpoint()
        gateway = self.start_tls(upstream, f"ca_file: {self.ca.file}")
        for _ in range(5):
            self.assertEqual(gateway.fetch("/a").status, 200)
        self.assertEqual(upstream.handshakes, ["ok"])

    def test_large_bodies(self):
        body = os.urandom(1 << 20)
        upstream = self.endpoint(script=answering(lambda request: ok(request.body)))
        gateway = self.start_tls(upstream, f"ca_file: {self.ca.file}")
        response = self.wire(gateway).ask("/", "POST", body=body)
        self.assertEqual(response.body, body)

    # ---- Others who ask ----

    def test_forward_auth_over_https(self):
        upstream = self.scripted(answering(by_target))
        for trusted, status in ((self.ca, 200), (self.other, 503)):
            auth = self.endpoint(script=answering(lambda _: ok()))
            gateway = self.gateway(
                config(
                    [upstream.address], listener="filters: [forward_auth]",
                    filters=f'forward_auth: {{url: "https://{auth.address}/verify"}}',
                ),
                environment={"SSL_CERT_FILE": trusted.file},
            ).start()  # fmt: skip
            self.assertEqual(gateway.fetch("/a").status, status)
            self.assertEqual(bool(auth.requests), status == 200)

    def test_forward_auth_by_a_cluster_of_its_own(self):
        upstream = self.scripted(answering(by_target))
        auth = self.endpoint(script=answering(lambda _: ok()))
        text = config(
            [upstream.address], listener="filters: [forward_auth]",
            filters="forward_auth: {cluster: auth, path: /verify}",
        ).replace(
            "clusters:\n",
            f'clusters:\n  auth: {{endpoints: ["{auth.address}"], '
            f"tls: {{ca_file: {self.ca.file}, server_name: users.test}}}}\n",
        )  # fmt: skip
        gateway = self.gateway(text).start()
        self.assertEqual(gateway.fetch("/a").status, 200)
        self.assertEqual(auth.names, ["users.test"])

    def test_keys_over_https(self):
        key = Key("k1")
        keys = json.dumps({"keys": [key.public()]}).encode()
        upstream = self.scripted(answering(by_target))
        expired = self.ca.pair("expired", "127.0.0.1", days=-1)
        named = self.ca.pair("named", "idp.test")
        for pair, trusted, status in (
            (self.pair, self.ca, 200),
            (self.pair, self.other, 503),
            (expired, self.ca, 503),
            (named, self.ca, 503),
        ):
            issuer = self.endpoint(script=answering(lambda _: ok(keys)), pair=pair)
            gateway = self.gateway(
                config(
                    [upstream.address], listener="filters: [jwt]",
                    filters="jwt: {issuer: idp, audiences: [api], jwks: "
                    f'{{url: "https://{issuer.address}/keys", timeout: 1s}}}}',
                ),
                environment={"SSL_CERT_FILE": trusted.file},
            ).start()  # fmt: skip
            self.assertEqual(gateway.fetch("/a", headers=bearer(key.sign())).status, status, pair)
            self.assertEqual(bool(issuer.requests), status == 200)


if __name__ == "__main__":
    unittest.main()
