# SPDX-License-Identifier: Apache-2.0
"""Who the client's certificate says it is, end to end: handshakes by Python, the filter
client_certificate, what others make of the identity, and the admin endpoint behind TLS."""

import hashlib
import http.client
import json
import os
import socket
import ssl
import subprocess
import tempfile
import unittest

from certificates import Authority
from gatehouse import BINARY, PATIENCE, Answer, wait_until
from http1 import Closed, Http1Test, Wire, answering, lines_of, ok

ORDERS = "spiffe://example.org/ns/prod/sa/orders"


def text_of(path):
    with open(path, encoding="ascii") as file:
        return file.read()


class ClientCertificateTest(Http1Test):
    @classmethod
    def setUpClass(cls):
        held = tempfile.TemporaryDirectory(prefix="client-certificate-")
        cls.addClassCleanup(held.cleanup)
        cls.ca = Authority(os.path.join(held.name, "ca"))
        cls.clients = Authority(os.path.join(held.name, "clients"))
        cls.others = Authority(os.path.join(held.name, "others"))
        cls.server = cls.ca.pair("server", "gateway.test", "127.0.0.1")
        cls.orders = cls.clients.pair("orders", "orders", ORDERS)
        cls.billing = cls.clients.pair("billing", "billing")
        cls.stranger = cls.others.pair("orders", "orders", ORDERS)

    def tls(self, mode="request"):
        return (
            f"tls: {{certificates: [{{cert_file: {self.server[0]}, key_file: {self.server[1]}}}], "
            f"client_auth: {{ca_file: {self.clients.file}, mode: {mode}}}}}"
        )

    def begin(self, filters, chain="[who]", mode="request", more=""):
        self.upstream = self.scripted(answering(lambda request: ok(self.seen(request))))
        return self.gateway(
            f"""
version: 1
admin: {{address: "127.0.0.1:0"}}
runtime: {{workers: 1}}
listeners:
  - {{name: secure, address: "127.0.0.1:0", {self.tls(mode)}, filters: {chain}}}
{more}
filters: {{{filters}}}
clusters:
  up: {{endpoints: ["{self.upstream.address}"]}}
routes:
  - {{name: all, match: {{path_prefix: /, listeners: [secure]}}, cluster: up}}
"""
        ).start()

    @staticmethod
    def seen(request):
        """What the upstream was told of the client."""
        return json.dumps({name: value for name, value in request.fields}).encode()

    def connect(self, gateway, pair=None, version=None, listener="secure"):
        context = self.ca.client_context()
        if version is not None:
            context.maximum_version = version
        if pair is not None:
            context.load_cert_chain(*pair)
        plain = socket.create_connection(gateway.addresses[listener], timeout=PATIENCE)
        wire = Wire(context.wrap_socket(plain, server_hostname="gateway.test"))
        self.addCleanup(wire.close)
        return wire

    # ---- The filter ----

    def test_the_upstream_is_told_who_it_is(self):
        gateway = self.begin(
            "who: {type: client_certificate, header: x-client, claims_to_headers: "
            "{common_name: x-name, dns: x-dns}, forward: true}"
        )
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            wire = self.connect(gateway, self.orders, version)
            for _ in range(2):  # The connection's, so that of each of its requests.
                response = wire.ask(
                    "/", fields="x-client: root\r\nx-forwarded-client-cert: Hash=0\r\n"
                )
                told = json.loads(response.body)
                self.assertEqual(told["x-client"], ORDERS)
                self.assertEqual(told["x-name"], "orders")
                self.assertEqual(told["x-dns"], "orders")
                digest = ssl.PEM_cert_to_DER_cert(text_of(self.orders[0]))
                self.assertEqual(
                    told["x-forwarded-client-cert"],
                    f"Hash={hashlib.sha256(digest).hexdigest()};Subject=\"CN=orders\";"
                    f"URI={ORDERS};DNS=orders",
                )

    def test_without_one(self):
        gateway = self.begin("who: {type: client_certificate}")
        response = self.connect(gateway).ask("/")
        self.assert_error(response, 401, "no_credentials")
        self.assertEqual(response.get("www-authenticate"), 'ClientCertificate realm="gatehouse"')
        self.assertEqual(self.upstream.requests, [])

    def test_of_another_authority(self):
        """It does not get as far as the filter: the handshake fails."""
        gateway = self.begin("who: {type: client_certificate}")
        with self.assertRaises((ssl.SSLError, ConnectionError, Closed)):
            self.connect(gateway, self.stranger).ask("/")
        self.assertEqual(self.upstream.requests, [])

    def test_allow(self):
        gateway = self.begin(
            "who: {type: client_certificate, allow: [{uri: {prefix: "
            '"spiffe://example.org/ns/prod/"}}]}'
        )
        self.assertEqual(self.connect(gateway, self.orders).ask("/").status, 200)
        self.assert_error(self.connect(gateway, self.billing).ask("/"), 403, "not_permitted")

    def test_either_a_certificate_or_a_key(self):
        digest = "689febd264f8b977e29c0fdb75f839eb248ba07d1561b14f2b95f42756943245"
        gateway = self.begin(
            "who: {type: client_certificate, header: x-client}, "
            f"key: {{type: api_key, header: x-client, keys: [{{name: acme, sha256: {digest}}}]}}",
            chain="[{any_of: [who, key]}]",
        )
        response = self.connect(gateway, self.billing).ask("/", fields="x-client: root\r\n")
        self.assertEqual(json.loads(response.body)["x-client"], "billing")
        response = self.connect(gateway).ask("/", fields="x-api-key: key-of-acme\r\n")
        self.assertEqual(json.loads(response.body)["x-client"], "acme")
        self.assertEqual(self.connect(gateway).ask("/").status, 401)

    def test_others_go_by_it(self):
        gateway = self.begin(
            "who: {type: client_certificate}, rules: {type: rbac, rules: [{name: ours, action: "
            "allow, identity: {kind: client_certificate}, claims: {common_name: {any: [orders, billing]}}}]}, "
            "calm: {type: rate_limit, rate: 1/m, burst: 1, key: subject}, "
            "log: {type: access_log, path: access.log, template: "
            '"%RESPONSE_CODE% %IDENTITY(kind)% %IDENTITY(subject)% %IDENTITY(claims.issuer)%"}',
            chain="[log, who, rules, calm]",
        )
        for pair, status in ((self.orders, 200), (self.orders, 429), (self.billing, 200)):
            self.assertEqual(self.connect(gateway, pair).ask("/").status, status)
        lines = wait_until(
            lambda: len(found := lines_of(gateway.path("access.log"))) == 3 and found, "lines"
        )
        self.assertIn("client_certificate", lines[0])
        self.assertIn(ORDERS, lines[0])
        self.assertIn(r"CN=An\x20authority", lines[0])
        self.assertTrue(lines[1].startswith("429 "), lines)
        self.assertIn("billing", lines[2])

    # ---- Without the filter ----

    def test_spoofed_in_the_clear(self):
        upstream = self.scripted(answering(lambda request: ok(self.seen(request))))
        for trusted, kept in (("", False), ("trusted_proxies: [127.0.0.0/8]", True)):
            gateway = self.start(upstream, listener=trusted)
            told = json.loads(
                self.wire(gateway).ask("/", fields="X-Forwarded-Client-Cert: Hash=1\r\n").body
            )
            self.assertEqual("x-forwarded-client-cert" in told, kept)

    # ---- The scheme ----

    def test_scheme_is_the_connections(self):
        upstream = self.scripted(answering(lambda request: ok(self.seen(request))))
        gateway = self.gateway(
            f"""
version: 1
admin: {{address: "127.0.0.1:0"}}
listeners:
  - {{name: web, address: "127.0.0.1:0"}}
  - {{name: secure, address: "127.0.0.1:0", {self.tls()}}}
clusters:
  up: {{endpoints: ["{upstream.address}"]}}
routes:
  - {{name: upgrade, match: {{scheme: http}}, redirect: {{scheme: https, status: 308}}}}
  - {{name: all, match: {{path_prefix: /, scheme: https}}, cluster: up}}
"""
        ).start()
        answer = gateway.fetch("/a?b=c", headers={"host": "shop.test"})
        self.assertEqual((answer.status, answer.headers["location"]), (308, "https://shop.test/a?b=c"))
        # What it says of itself does not count.
        answer = gateway.fetch("/a", headers={"host": "shop.test", "x-forwarded-proto": "https"})
        self.assertEqual(answer.status, 308)
        response = self.connect(gateway).ask("/a", fields="x-forwarded-proto: http\r\n")
        self.assertEqual(response.status, 200)
        self.assertEqual(json.loads(response.body)["x-forwarded-proto"], "https")
        told = subprocess.run(
            [BINARY, "route", "-c", gateway.config_path, "--json", "https://shop.test/a"],
            capture_output=True, check=False, timeout=PATIENCE,
        )  # fmt: skip
        found = json.loads(told.stdout)
        self.assertEqual((found["listener"]["name"], found["route"]["name"]), ("secure", "all"))

    # ---- Loading ----

    def warnings(self, listeners, chain="[]"):
        path = os.path.join(tempfile.mkdtemp(dir=self.ca.directory), "gatehouse.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(
                f"listeners:\n{listeners}\nfilters: {{who: {{type: client_certificate}}}}\n"
                'clusters: {up: {endpoints: ["127.0.0.1:9"]}}\nroutes:\n'
                f"  - {{name: a, match: {{path_prefix: /a}}, cluster: up, filters: {chain}}}\n"
                "  - {name: r, match: {path: /r}, redirect: {scheme: https}}\n"
            )
        done = subprocess.run(
            [BINARY, "validate", "-c", path], capture_output=True, check=False, timeout=PATIENCE
        )
        return (done.stdout + done.stderr).decode()

    def test_warnings(self):
        plain = '  - {name: web, address: "127.0.0.1:8080"}\n'
        secure = '  - {name: secure, address: "127.0.0.1:8443", ' + self.tls("require") + "}\n"
        said = self.warnings(plain, "[who]")
        self.assertIn('client_certificate refuses everybody on listener "web"', said)
        said = self.warnings(plain + secure, "[]")
        self.assertIn(
            'needs a client certificate on listener "secure", and is served without one on "web"',
            said,
        )
        self.assertEqual(said.count("needs a client certificate"), 1, said)
        self.assertNotIn("client certificate", self.warnings(secure, "[]"))

    # ---- The admin endpoint ----

    def test_admin_over_tls(self):
        gateway = self.gateway(
            f"""
admin:
  address: "127.0.0.1:0"
  tokens: {{write: [s3cret]}}
  {self.tls("require")}
listeners:
  - {{name: web, address: "127.0.0.1:0"}}
routes:
  - {{match: {{path: /}}, respond: {{status: 200}}}}
"""
        ).launch()
        gateway._read_banner()
        self.assertIn("https://127.0.0.1:", "\n".join(gateway.banner))
        host, port = gateway.admin

        def get(pair, token):
            context = self.ca.client_context()
            if pair:
                context.load_cert_chain(*pair)
            connection = http.client.HTTPSConnection(host, port, context=context, timeout=PATIENCE)
            try:
                connection.request("GET", "/server", headers={"authorization": f"Bearer {token}"})
                return Answer(connection.getresponse()).status
            except (ssl.SSLError, OSError):
                return 0
            finally:
                connection.close()

        self.assertEqual(get(self.orders, "s3cret"), 200)
        self.assertEqual(get(self.orders, "wrong"), 401)
        self.assertEqual(get(None, "s3cret"), 0)

        def status(*more):
            return subprocess.run(
                [BINARY, "status", "--address", f"https://127.0.0.1:{port}", "--token", "s3cret", *more],
                capture_output=True, check=False, timeout=PATIENCE,
            )  # fmt: skip

        own = ("--cert-file", self.orders[0], "--key-file", self.orders[1])
        done = status("--ca-file", self.ca.file, *own)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        done = status("--ca-file", self.others.file, *own)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"is not trusted", done.stderr)
        self.assertEqual(status("--ca-file", self.ca.file).returncode, 1)


if __name__ == "__main__":
    unittest.main()
