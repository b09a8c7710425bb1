# SPDX-License-Identifier: Apache-2.0
"""What the service manager is told, and the unit that configs/systemd brings."""

import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
import unittest

from gatehouse import BINARY, HUP, PATIENCE, TERM, GatewayTest, listens

CONFIG = """
version: 1
admin: {address: 127.0.0.1:0}
runtime: {workers: 1, drain_timeout: 5s}
listeners:
  - {name: web, address: 127.0.0.1:PORT}
routes:
  - {name: word, match: {path: /word}, respond: {status: 200, body: "WORD"}}
"""
UNIT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../configs/systemd")


class NotifyTest(GatewayTest):
    def listen(self, address):
        """A socket like systemd's."""
        end = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(end.close)
        end.bind(address)
        end.settimeout(PATIENCE)
        return end

    def receive(self, end):
        lines = end.recv(4096).decode().splitlines()
        return dict(line.split("=", 1) for line in lines)

    def text(self, word="one", port=0):
        return CONFIG.replace("WORD", word).replace("PORT", str(port))

    def started(self, text, name=None):
        gateway = self.gateway(text)
        path = name or gateway.path("notify")
        end = self.listen(path.replace("@", "\0") if name else path)
        gateway.environment["NOTIFY_SOCKET"] = path
        gateway.launch()
        return gateway, end

    def test_ready_means_that_listeners_are_bound(self):
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        gateway, end = self.started(self.text(port=port))
        message = self.receive(end)
        self.assertTrue(listens(("127.0.0.1", port)))
        self.assertEqual(message["READY"], "1")
        self.assertIn("serving", message["STATUS"])
        gateway.signal(TERM)
        message = self.receive(end)
        self.assertEqual(message["STOPPING"], "1")
        self.assertEqual(gateway.wait(), 0)

    def test_reloads_are_told_from_beginning_to_end(self):
        gateway, end = self.started(self.text())
        self.receive(end)
        for text, status in (
            (self.text("two"), "serving epoch 2"),
            (self.text("three") + "nonsense: 1\n", "reload failed"),
        ):
            before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
            gateway.replace(text)
            gateway.signal(HUP)
            message = self.receive(end)
            self.assertEqual(message["RELOADING"], "1")
            self.assertGreaterEqual(int(message["MONOTONIC_USEC"]), before)
            message = self.receive(end)
            self.assertEqual(message["READY"], "1")
            self.assertIn(status, message["STATUS"])
            self.settle(end)
        self.assertIn("nonsense: unknown key", message["STATUS"])

    def settle(self, end):
        """The change of the file, too, is a reload: lets those pass that belong together."""
        end.settimeout(0.5)
        try:
            while True:
                end.recv(4096)
        except TimeoutError:
            end.settimeout(PATIENCE)

    def test_the_abstract_namespace(self):
        gateway, end = self.started(self.text(), name=f"@gatehouse-test-{os.getpid()}")
        self.assertEqual(self.receive(end)["READY"], "1")
        gateway.signal(TERM)
        self.assertEqual(self.receive(end)["STOPPING"], "1")
        self.assertEqual(gateway.wait(), 0)

    def test_nobody_listens(self):
        for path in ("/nowhere/notify", "relative", "@", "", "/" + "x" * 200):
            with self.subTest(path):
                gateway = self.gateway(self.text())
                gateway.environment["NOTIFY_SOCKET"] = path
                gateway.start()
                gateway.signal(TERM)
                self.assertEqual(gateway.wait(), 0)

    def test_a_start_that_fails_is_never_ready(self):
        gateway, end = self.started("listeners: 5\n")
        self.assertEqual(gateway.wait(), 1)
        end.setblocking(False)
        self.assertRaises(BlockingIOError, end.recv, 4096)


@unittest.skipUnless(shutil.which("systemd-analyze"), "systemd is not installed")
class UnitTest(unittest.TestCase):
    def unit(self):
        """The unit, with the binary where it is here."""
        folder = tempfile.mkdtemp(prefix="gatehouse-")
        self.addCleanup(shutil.rmtree, folder)
        with open(os.path.join(UNIT, "gatehouse.service"), encoding="utf-8") as file:
            text = file.read().replace("/usr/local/bin/gatehouse", BINARY)
        path = os.path.join(folder, "gatehouse.service")
        # No manual page is installed here.
        text = re.sub(r"(?m)^Documentation=.*\n", "", text)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def analyze(self, *arguments):
        return subprocess.run(
            ["systemd-analyze", *arguments],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    def test_systemd_finds_nothing_to_say(self):
        done = self.analyze("verify", "--man=no", self.unit())
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_the_exposure_stays_low(self):
        done = self.analyze("security", "--offline=true", "--no-pager", self.unit())
        found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", done.stdout)
        self.assertIsNotNone(found, done.stdout + done.stderr)
        self.assertLessEqual(float(found.group(1)), 1.6)


if __name__ == "__main__":
    unittest.main()
