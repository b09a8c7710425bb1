# SPDX-License-Identifier: Apache-2.0
"""TLS towards clients, with the whole process: what curl, openssl and Python's ssl see."""

import datetime
import os
import shutil
import socket
import ssl
import subprocess
import threading
import unittest

from certificates import Authority
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509 import ocsp
from gatehouse import PATIENCE, GatewayTest, wait_until

PEM = serialization.Encoding.PEM
REQUEST = b"GET / HTTP/1.1\r\nhost: a.test\r\nconnection: close\r\n\r\n"

CONFIG = """
admin: {{address: "127.0.0.1:0"}}
listeners:
  - name: web
    address: "127.0.0.1:0"
    proxy_protocol: {proxy}
    tls: {{certificates: [{certificates}]{more}}}
routes:
  - {{match: {{path_prefix: /}}, respond: {{status: 200, body: "{body}"}}}}
"""


def entry(pair, more=""):
    return f"{{cert_file: {pair[0]}, key_file: {pair[1]}{more}}}"


def loaded(path):
    with open(path, "rb") as file:
        return x509.load_pem_x509_certificate(file.read())


def replace(path, content):
    with open(path + ".new", "wb") as file:
        file.write(content)
    os.rename(path + ".new", path)


def content(path):
    with open(path, "rb") as file:
        return file.read()


def crl(authority, *revoked, seconds=86400):
    now = datetime.datetime.utcnow()
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(authority.name)
        .last_update(now - datetime.timedelta(hours=1))
        .next_update(now + datetime.timedelta(seconds=seconds))
    )
    for pair in revoked:
        entry_of = x509.RevokedCertificateBuilder().serial_number(loaded(pair[0]).serial_number)
        builder = builder.add_revoked_certificate(entry_of.revocation_date(now).build())
    return builder.sign(authority.key, hashes.SHA256()).public_bytes(PEM)


def ocsp_answer(authority, pair):
    now = datetime.datetime.utcnow()
    issuer = loaded(authority.file)
    return (
        ocsp.OCSPResponseBuilder()
        .add_response(
            cert=loaded(pair[0]), issuer=issuer, algorithm=hashes.SHA1(),
            cert_status=ocsp.OCSPCertStatus.GOOD, this_update=now - datetime.timedelta(hours=1),
            next_update=now + datetime.timedelta(hours=1), revocation_time=None,
            revocation_reason=None,
        )
        .responder_id(ocsp.OCSPResponderEncoding.HASH, issuer)
        .sign(authority.key, hashes.SHA256())
        .public_bytes(serialization.Encoding.DER)
    )  # fmt: skip


class TlsTest(GatewayTest):
    def setUp(self):
        self.gate = self.gateway("")
        self.authority = Authority(self.gate.path("tls"))
        self.pair = self.authority.pair("a", "a.test", "127.0.0.1")

    def serve(self, *certificates, more="", body="ok", proxy="false"):
        self.write(*certificates, more=more, body=body, proxy=proxy)
        self.gate.start()
        self.address = self.gate.addresses["web"]

    def write(self, *certificates, more="", body="ok", proxy="false"):
        self.gate.write(
            CONFIG.format(
                certificates=", ".join(certificates or [entry(self.pair)]),
                more=more, body=body, proxy=proxy,
            )
        )  # fmt: skip

    def connect(self, context=None, name="a.test", session=None):
        context = context or self.authority.client_context()
        raw = socket.create_connection(self.address, timeout=PATIENCE)
        tls = context.wrap_socket(raw, server_hostname=name, session=session)
        self.addCleanup(tls.close)
        return tls

    def ask(self, tls):
        tls.sendall(REQUEST)
        answer = b""
        while chunk := tls.recv(65536):
            answer += chunk
        return answer

    def client_context(self, pair=None, version=None):
        context = self.authority.client_context()
        if pair:
            context.load_cert_chain(*pair)
        if version:
            context.minimum_version = context.maximum_version = version
        return context

    def metric(self, name, file, **labels):
        more = "".join(f',{key}="{value}"' for key, value in labels.items())
        return self.gate.metric(f'{name}{{certificate="{file}",listener="web"{more}}}')

    def test_curl_and_names(self):
        other = self.authority.pair("w", "*.w.test")
        self.serve(entry(self.pair), entry(other))
        port = self.address[1]
        for host in ("a.test", "x.w.test"):
            out = subprocess.run(
                ["curl", "-sS", "--cacert", self.authority.file, "--resolve",
                 f"{host}:{port}:127.0.0.1", f"https://{host}:{port}/"],
                capture_output=True, text=True, timeout=PATIENCE, check=False,
            )  # fmt: skip
            self.assertEqual((out.stdout, out.stderr), ("ok", ""))
        with self.assertRaises(ssl.SSLCertVerificationError):
            self.connect(name="x.y.w.test")

    def test_plain_http_is_told_so(self):
        self.serve()
        with socket.create_connection(self.address, timeout=PATIENCE) as plain:
            plain.sendall(REQUEST)
            answer = plain.makefile("rb").read()
        self.assertTrue(answer.startswith(b"HTTP/1.1 400 "), answer)
        self.assertIn(b"HTTPS", answer)

    def test_proxy_header_before_the_handshake(self):
        self.serve(proxy="true")
        raw = socket.create_connection(self.address, timeout=PATIENCE)
        raw.sendall(b"PROXY TCP4 192.0.2.1 192.0.2.2 1000 443\r\n")
        tls = self.authority.client_context().wrap_socket(raw, server_hostname="a.test")
        self.addCleanup(tls.close)
        self.assertTrue(self.ask(tls).endswith(b"ok"))

    def test_staple(self):
        path = self.gate.path("a.ocsp")
        replace(path, ocsp_answer(self.authority, self.pair))
        chain = content(self.pair[0]) + content(self.authority.file)
        replace(self.pair[0], chain)
        self.serve(entry(self.pair, f", ocsp_file: {path}"))
        out = subprocess.run(
            ["openssl", "s_client", "-status", "-connect", f"127.0.0.1:{self.address[1]}"],
            capture_output=True, text=True, timeout=PATIENCE, check=False, input="",
        ).stdout  # fmt: skip
        self.assertIn("OCSP Response Status: successful", out)
        self.assertIn("Cert Status: good", out)
        self.assertTrue(self.gate.json("/certs")["listeners"][0]["certificates"][0]["ocsp"]["stapled"])

    def test_client_certificates_and_a_list_that_changes(self):
        good, bad = self.authority.pair("good", "good"), self.authority.pair("bad", "bad")
        list_file = self.gate.path("clients.crl")
        replace(list_file, crl(self.authority, bad))
        self.serve(
            more=f", client_auth: {{ca_file: {self.authority.file}, crl_file: {list_file}}}"
        )
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            answer = self.ask(self.connect(self.client_context(good, version)))
            self.assertTrue(answer.endswith(b"ok"), answer)
            for pair, alert in ((bad, "REVOKED"), (None, "REQUIRED|HANDSHAKE_FAILURE")):
                with self.assertRaisesRegex(ssl.SSLError, alert):
                    self.ask(self.connect(self.client_context(pair, version)))
        # Whoever is revoked now is refused, with the session of before as well.
        context = self.client_context(good, ssl.TLSVersion.TLSv1_2)
        session = self.connect(context).session
        self.assertTrue(self.connect(context, session=session).session_reused)
        replace(list_file, crl(self.authority, bad, good))

        def refused():
            try:
                self.connect(context, session=session).close()
            except ssl.SSLError:
                return True
            return False

        wait_until(refused, "the new list")

    def test_sessions_over_a_reload(self):
        self.serve()
        context = self.client_context(version=ssl.TLSVersion.TLSv1_2)
        session = self.connect(context).session
        self.write(more=", strict_sni: true", body="new")
        self.assertEqual(self.gate.post("/reload").status, 200)
        again = self.connect(context, session=session)
        self.assertTrue(again.session_reused)
        self.assertTrue(self.ask(again).endswith(b"new"))
        with self.assertRaisesRegex(ssl.SSLError, "(?i)unrecognized.name"):
            self.connect(name="other.test")

    def test_expired_is_refused_at_the_start_and_later(self):
        expired = self.authority.pair("x", "a.test", days=-0.02)
        self.write(entry(expired))
        checked = self.gate.command("validate", "-c", self.gate.config_path)
        self.assertEqual(checked.returncode, 1)
        self.assertIn("cert_file: the certificate in", checked.stderr + checked.stdout)
        self.assertIn("expired at", checked.stderr + checked.stdout)
        self.serve()
        replace(self.pair[0], content(expired[0]))
        replace(self.pair[1], content(expired[1]))
        wait_until(
            lambda: "expired at" in self.gate.json("/certs")["listeners"][0]["certificates"][0][
                "files"].get("why", ""),
            "the trouble is told",
        )  # fmt: skip
        self.assertEqual(self.metric("gatehouse_certificate_files_unusable", self.pair[0]), 1)
        self.assertTrue(self.ask(self.connect()).endswith(b"ok"))
        self.assertIn("expired at", self.gate.stderr())

    def test_files_that_turn_bad_are_told(self):
        """An OCSP answer, ticket keys, and a revocation list that runs out."""
        staple, tickets = self.gate.path("a.ocsp"), self.gate.path("t.key")
        lists = self.gate.path("clients.crl")
        replace(staple, ocsp_answer(self.authority, self.pair))
        replace(tickets, b"k" * 80)
        replace(lists, crl(self.authority, seconds=10))
        more = (f", client_auth: {{ca_file: {self.authority.file}, crl_file: {lists}}}"
                f", tickets: {{key_files: [{tickets}]}}")  # fmt: skip
        certificate = entry(self.pair, f", ocsp_file: {staple}")
        self.serve(certificate, more=more)
        stranger = Authority(self.gate.path("other")).pair("stranger", "stranger")

        def unusable(files):
            name = "gatehouse_listener_tls_files_unusable"
            series = f'{name}{{files="{files}",listener="web"}} 1'
            return series in self.gate.get("/metrics").body

        replace(staple, b"junk")
        replace(tickets, b"junk")
        wait_until(lambda: unusable("tickets"), "the metric tells of ticket keys")

        def why():
            files = self.gate.json("/certs")["listeners"][0]["certificates"][0]["files"]
            return files.get("why", "")

        wait_until(lambda: "is no OCSP response" in why(), "the answer is told")
        self.assertEqual(self.metric("gatehouse_certificate_files_unusable", self.pair[0]), 1)
        self.assertIn("is no OCSP response", self.gate.stderr())
        # None of it is in the way of a reload.
        self.write(certificate, more=more + ", strict_sni: true")
        self.assertEqual(self.gate.post("/reload").status, 200)
        wait_until(lambda: unusable("client_auth"), "the metric tells of the list")
        files = self.gate.json("/certs")["listeners"][0]["client_auth"]["files"]
        self.assertIn("ran out at", files["why"])
        self.assertIn("ran out at", self.gate.stderr())
        replace(lists, crl(self.authority))
        replace(tickets, b"k" * 80)
        replace(staple, ocsp_answer(self.authority, self.pair))
        wait_until(lambda: not unusable("client_auth") and not unusable("tickets"), "all is well")
        with self.assertRaises(ssl.SSLError):
            self.ask(self.connect(self.client_context(stranger)))

    def test_symbolic_links_as_kubernetes_has_them(self):
        base = self.gate.path("secret")
        second = self.authority.pair("second", "second.test", "a.test")
        for version, pair in (("v1", self.pair), ("v2", second)):
            os.makedirs(os.path.join(base, version))
            shutil.copy(pair[0], os.path.join(base, version, "tls.crt"))
            shutil.copy(pair[1], os.path.join(base, version, "tls.key"))
        os.symlink("v1", os.path.join(base, "..data"))
        for name in ("tls.crt", "tls.key"):
            os.symlink(os.path.join("..data", name), os.path.join(base, name))
        self.serve(entry((os.path.join(base, "tls.crt"), os.path.join(base, "tls.key"))))
        os.symlink("v2", os.path.join(base, "..new"))
        os.rename(os.path.join(base, "..new"), os.path.join(base, "..data"))

        def shown():
            names = self.connect().getpeercert()["subjectAltName"]
            return ("DNS", "second.test") in names

        wait_until(shown, "the second certificate")

    def test_swaps_under_load(self):
        """100 swaps, each of two files one after the other: no handshake fails."""
        self.serve()
        pairs = [self.authority.pair(f"swap{i}", "a.test", f"n{i}.test") for i in range(2)]
        over, failures, done = threading.Event(), [], [0]
        context = self.authority.client_context()

        def storm():
            while not over.is_set():
                try:
                    with socket.create_connection(self.address, timeout=PATIENCE) as raw:
                        with context.wrap_socket(raw, server_hostname="a.test") as tls:
                            tls.sendall(REQUEST)
                            if not tls.recv(65536).startswith(b"HTTP/1.1 200"):
                                failures.append("no answer")
                    done[0] += 1
                except OSError as error:
                    failures.append(error)

        threads = [threading.Thread(target=storm) for _ in range(2)]
        for thread in threads:
            thread.start()
        try:
            for i in range(100):
                pair = pairs[i % 2]
                replace(self.pair[0], content(pair[0]))
                replace(self.pair[1], content(pair[1]))
                serial = f"{loaded(pair[0]).serial_number:x}"
                wait_until(
                    lambda serial=serial: self.gate.json("/certs")["listeners"][0]["certificates"][
                        0]["serial"].lstrip("0") == serial.lstrip("0"),
                    f"swap {i}",
                )  # fmt: skip
        finally:
            over.set()
            for thread in threads:
                thread.join(PATIENCE)
        self.assertEqual(failures, [])
        self.assertGreater(done[0], 100)
        name = "gatehouse_certificate_reloads_total"
        self.assertGreaterEqual(self.metric(name, self.pair[0], result="loaded"), 100)

    def test_large_answers_and_requests(self):
        """More than a record, both ways, with either version."""
        upstream = self.upstream(lambda method, path: (200, "x" * 3_000_000))
        self.gate.write(
            CONFIG.format(certificates=entry(self.pair), more="", body="", proxy="false").replace(
                'respond: {status: 200, body: ""}', "cluster: up")
            + f"clusters: {{up: {{endpoints: ['{upstream.address}']}}}}\n"
        )  # fmt: skip
        self.gate.start()
        self.address = self.gate.addresses["web"]
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            answer = self.ask(self.connect(self.client_context(version=version)))
            self.assertEqual(len(answer.partition(b"\r\n\r\n")[2]), 3_000_000)


if __name__ == "__main__":
    unittest.main()
