# SPDX-License-Identifier: Apache-2.0
"""What scanners find in a listener's TLS when nothing but certificates is configured: sslyze, against
Mozilla's intermediate profile, and testssl.sh.

SSLYZE names sslyze; without it, the one that tools/install --long brings.
"""

import json
import os
import re
import shutil
import subprocess
import unittest

from certificates import Authority
from gatehouse import GatewayTest
from programs import tool

HERE = os.path.dirname(os.path.realpath(__file__))

CONFIG = """
version: 1
admin: {{address: "127.0.0.1:0"}}
listeners:
  - {{name: web, address: "127.0.0.1:0", tls: {{certificates: [{pairs}]}}}}
routes:
  - {{match: {{path_prefix: /}}, respond: {{status: 200, body: ok}}}}
"""


def sslyze():
    installed = os.path.join(HERE, "../../tools/sslyze/venv/bin/sslyze")
    path = os.environ.get("SSLYZE") or shutil.which(installed) or shutil.which("sslyze")
    if path is None:
        raise AssertionError("sslyze is missing: tools/install --long brings it")
    return path


class TlsScanTest(GatewayTest):
    def listening(self):
        """HOST:PORT of one with an ECDSA and an RSA certificate."""
        gateway = self.gateway("")
        authority = Authority(gateway.path("tls"))
        pairs = (authority.pair(kind, "localhost", "127.0.0.1", kind=kind) for kind in ("ec", "rsa"))
        listed = ", ".join(f"{{cert_file: {pair[0]}, key_file: {pair[1]}}}" for pair in pairs)
        gateway.write(CONFIG.format(pairs=listed))
        gateway.start()
        self.results = gateway.path("results.json")
        return f"localhost:{gateway.addresses['web'][1]}"

    def test_mozillas_intermediate_profile(self):
        out = subprocess.run(
            [sslyze(), "--mozilla_config=intermediate", self.listening()],
            capture_output=True, text=True, timeout=300, check=False,
        ).stdout  # fmt: skip
        verdict = out.partition("Checking results against Mozilla")[2]
        self.assertTrue(verdict, out[-3000:])
        complaints = re.findall(r"^ +\* (\w+): ", verdict, re.MULTILINE)
        # An authority of the test's own signed it: nothing else may be wrong.
        self.assertEqual(complaints, ["certificate_path_validation"], verdict)
        self.assertNotIn("VULNERABLE -", out)
        self.assertIn("Legacy RC4 Algorithm               OK", out)

    def test_testssl(self):
        address = self.listening()
        out = subprocess.run(
            [tool("testssl", "testssl.sh"), "--quiet", "--color", "0", "--fast", "-U",
             "--jsonfile", self.results, address],
            capture_output=True, text=True, timeout=600, check=False, stdin=subprocess.DEVNULL,
        ).stdout  # fmt: skip
        with open(self.results, encoding="utf-8") as file:
            found = {one["id"]: (one["severity"], one["finding"]) for one in json.load(file)}
        checks = {
            "heartbleed", "CCS", "ticketbleed", "ROBOT", "secure_renego", "secure_client_renego",
            "CRIME_TLS", "BREACH", "POODLE_SSL", "fallback_SCSV", "SWEET32", "FREAK", "DROWN",
            "LOGJAM", "BEAST", "LUCKY13", "RC4",
        }  # fmt: skip
        self.assertEqual(checks - found.keys(), set(), out)
        bad = {name: what for name, what in found.items() if what[0] not in ("OK", "INFO")}
        bad.pop("engine_problem", None)  # Of the openssl that it runs with.
        # Debian's openssl can't speak RC4, and testssl.sh says so; sslyze tries it above.
        if "not supported by local OpenSSL" in bad.get("RC4", ("", ""))[1]:
            bad.pop("RC4")
        self.assertEqual(bad, {}, out)


if __name__ == "__main__":
    unittest.main()
