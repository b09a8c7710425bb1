# SPDX-License-Identifier: Apache-2.0
"""Every case of test/conformance against a gateway: HTTP/1.1's rules and request smuggling."""

import json
import os
import socket
import subprocess
import sys
import unittest

from gatehouse import GatewayTest
from http1 import config

CONFORMANCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../conformance")


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


class ConformanceTest(GatewayTest):
    def test_every_case_passes(self):
        port = free_port()
        gateway = self.gateway(
            config([f"127.0.0.1:{port}"], listener="upgrades: [websocket]")
        ).start()
        out = gateway.path("result.json")
        cases = os.path.join(CONFORMANCE, "h1_cases.json")
        with open(cases, encoding="utf-8") as file:
            count = len(json.load(file)["cases"])
        probe = subprocess.run(
            [
                sys.executable, os.path.join(CONFORMANCE, "h1_probe.py"),
                "--port", str(gateway.addresses["web"][1]), "--upstream-port", str(port),
                "--cases", cases, "--name", "gatehouse", "--out", out, "--min-pass", str(count),
            ],
            capture_output=True, text=True, timeout=400, check=False,
        )  # fmt: skip
        self.assertEqual(probe.returncode, 0, probe.stdout[-4000:] + probe.stderr[-2000:])
        with open(out, encoding="utf-8") as file:
            result = json.load(file)
        summary = result["summary"]
        failed = [(one["id"], one["outcome"]) for one in result["results"] if not one["ok"]]
        self.assertEqual(failed, [])
        self.assertEqual(summary["all"], [count, count])
        for level in ("must", "sec", "should"):
            passed, all_of_them = summary[f"level:{level}"]
            self.assertEqual(passed, all_of_them, level)
            self.assertGreater(all_of_them, 0, level)
        for kind in ("hung", "crashed", "unclean"):
            self.assertEqual(summary[kind][0], 0, kind)
        self.assertIsNone(gateway.process.poll(), "the gateway has ended")
        self.assertEqual(gateway.get("/healthz").status, 200)


if __name__ == "__main__":
    unittest.main()
