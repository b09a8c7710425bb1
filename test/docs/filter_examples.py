#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The examples of pages in docs/filters, executed: their configuration, their programs, and what
their commands are said to print.

usage: test/docs/filter_examples.py

Needs the gateway: bazel-bin/source/gatehouse, or GATEHOUSE.
"""

import pathlib
import re
import shutil
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "test/integration"))
from gatehouse import PATIENCE, GatewayTest, listens, wait_until  # noqa: E402
from http1 import refusing_address  # noqa: E402

DEMO = ROOT / "tools/demo_service.py"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class FilterPagesTest(GatewayTest):
    def page(self, name):
        """The blocks of a page by language, its ports replaced by free ones."""
        text = (ROOT / f"docs/filters/{name}.md").read_text()
        self.ports = {}
        for port in sorted(set(re.findall(r"(?<=127\.0\.0\.1[:\"])(?:, )?(\d{4})\b", text))):
            held, address = refusing_address()
            self.addCleanup(held.close)
            self.ports[port] = int(address.rpartition(":")[2])
            held.close()
        for port, free in self.ports.items():
            text = re.sub(rf"\b{port}\b", str(free), text)
        blocks = {}
        for language, block in BLOCK.findall(text):
            blocks.setdefault(language, []).append(block)
        return blocks

    def program(self, port, *command):
        """A program that listens on what the page calls `port`."""
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        address = ("127.0.0.1", self.ports[port])
        wait_until(lambda: listens(address) or process.poll() is not None, "the program listens")
        self.assertIsNone(process.poll(), f"{command} ended")
        return process

    def run_console(self, block, programs):
        """Runs each command behind a `$`; what follows it is what it must print."""
        for step in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, expected = step.partition("\n")
            if command.startswith("kill %"):
                programs[command.removeprefix("kill %")].kill()
                programs[command.removeprefix("kill %")].wait(PATIENCE)
                continue
            done = subprocess.run(
                ["bash", "-c", command], capture_output=True, text=True, timeout=PATIENCE, check=False
            )
            self.assertEqual(done.stdout, expected, f"{command}\n{done.stderr}")

    def test_forward_auth(self):
        if shutil.which("curl") is None:
            self.fail("curl is missing: tools/install --test installs it")
        blocks = self.page("forward_auth")
        gateway = self.gateway(blocks["yaml"][0])
        with open(gateway.path("auth.py"), "w", encoding="utf-8") as file:
            file.write(blocks["python"][0])
        auth = self.program("9000", sys.executable, gateway.path("auth.py"))
        port = str(self.ports["9001"])
        self.program("9001", sys.executable, DEMO, "--name", "app", "--port", port)
        gateway.start()
        self.run_console(blocks["console"][0], {"auth": auth})


if __name__ == "__main__":
    unittest.main()
