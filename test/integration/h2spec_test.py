# SPDX-License-Identifier: Apache-2.0
"""h2spec 2.2.1 in strict mode against a listener of HTTP/2, in the clear and over TLS: all of it."""

import os
import re
import subprocess
import unittest

from http1 import Http1Test, answering, config, ok
from programs import run, tool

_PROGRAMS = os.path.join(os.path.dirname(os.path.realpath(__file__)), "../../tools/go_programs/bin")


def h2spec():
    """The program's path."""
    for path in (os.environ.get("H2SPEC"), os.path.join(_PROGRAMS, "h2spec")):
        if path and os.access(path, os.X_OK):
            return path
    return tool("h2spec", "it into tools/go_programs")


class H2SpecTest(Http1Test):
    def check(self, gateway, *options):
        host, port = gateway.addresses["web"]
        done = subprocess.run(
            # Two seconds of silence count as no answer.
            [h2spec(), "-S", "-o", "2", "-h", host, "-p", str(port), *options],
            capture_output=True,
            timeout=280,
            check=False,
            text=True,
        )
        output = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout)
        counts = re.findall(r"(\d+) tests, (\d+) passed, (\d+) skipped, (\d+) failed", output)
        failures = output[output.find("Failures:") :]
        self.assertEqual(counts, [("146", "146", "0", "0")], failures + done.stderr)

    def test_in_the_clear(self):
        upstream = self.scripted(answering(lambda request: ok(b"hello, h2spec\n")))
        self.check(self.start(upstream, listener="protocols: [h2]"))

    def test_over_tls(self):
        upstream = self.scripted(answering(lambda request: ok(b"hello, h2spec\n")))
        gateway = self.gateway("version: 1\n")
        certificate, key = gateway.path("web.pem"), gateway.path("web.key")
        run(
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-days", "30", "-subj", "/CN=localhost", "-keyout", key),
            *("-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-out", certificate),
        )
        gateway.write(
            config(
                [upstream.address],
                listener="protocols: [h2, http/1.1], "
                f"tls: {{certificates: [{{cert_file: {certificate}, key_file: {key}}}]}}",
            )
        )
        self.check(gateway.start(), "-t", "-k")


if __name__ == "__main__":
    unittest.main()
