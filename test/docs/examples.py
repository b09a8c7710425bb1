#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The examples of three pages (forward_auth, authentication, traffic), executed: their
configuration, their programs, and what their commands are said to print.

usage: test/docs/examples.py

Needs the gateway: bazel-bin/source/gatehouse, or GATEHOUSE.
"""

import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "test/integration"))
from gatehouse import BINARY, PATIENCE, GatewayTest, listens, wait_until  # noqa: E402
from http1 import refusing_address  # noqa: E402
from identity_provider import node  # noqa: E402

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PORT = re.compile(r"(?<![\d.])(8080|90\d\d)(?!\d)")
DONE = "-- done --"


class ExamplesTest(GatewayTest):
    def setUp(self):
        if shutil.which("curl") is None:
            self.fail("curl is missing: tools/install --test installs it")
        self.ports = {}
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="gatehouse-docs-"))
        self.addCleanup(shutil.rmtree, self.folder)
        (self.folder / "tools").symlink_to(ROOT / "tools")
        (self.folder / "bin").mkdir()
        (self.folder / "bin/gatehouse").symlink_to(BINARY)
        self.environment = dict(os.environ, PATH=f"{self.folder}/bin:{os.environ['PATH']}")

    def free(self, match):
        """A free port in place of the one that is written, always the same."""
        port = match.group(1)
        if port not in self.ports:
            held, address = refusing_address()
            self.ports[port] = address.rpartition(":")[2]
            held.close()
        return self.ports[port]

    def blocks(self, page):
        """The blocks of a page by language, with free ports."""
        text = PORT.sub(self.free, (ROOT / "docs" / page).read_text())
        blocks = {}
        for language, block in BLOCK.findall(text):
            blocks.setdefault(language, []).append(block)
        return blocks

    def program(self, command):
        process = subprocess.Popen(
            shlex.split(command), cwd=self.folder, env=self.environment,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def listens(self, program, port):
        """Waits until the program listens on what the page calls `port`."""
        address = ("127.0.0.1", int(self.ports[port]))
        wait_until(
            lambda: listens(address) or program.poll() is not None, f"{program.args} on {port}"
        )
        self.assertIsNone(program.poll(), f"{program.args} ended")
        return program

    def run_console(self, blocks, jobs=()):
        """Runs the commands behind `$` in one shell; what follows each is what it must print."""
        shell = subprocess.Popen(
            ["bash"], cwd=self.folder, env=self.environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self.addCleanup(shell.stdout.close)
        self.addCleanup(shell.wait)
        self.addCleanup(shell.stdin.close)
        limit = threading.Timer(4 * PATIENCE, shell.kill)
        limit.start()
        self.addCleanup(limit.cancel)
        count = 0
        for step in re.split(r"^\$ ", "".join(blocks), flags=re.MULTILINE)[1:]:
            command, _, expected = step.partition("\n")
            for name, process in jobs:
                command = command.replace(name, str(process.pid))
            # In one shell: what a command sets is for the next.
            shell.stdin.write(f"{command}\necho '{DONE}'\n")
            shell.stdin.flush()
            said = ""
            while not said.endswith(DONE + "\n"):
                line = shell.stdout.readline()
                self.assertNotEqual(line, "", f"{command}\nended the shell; {said}")
                said += line
            self.assertEqual(said.removesuffix(DONE + "\n"), expected, command)
            count += 1
        self.assertGreater(count, 0)

    def test_forward_auth(self):
        blocks = self.blocks("filters/forward_auth.md")
        (self.folder / "auth.py").write_text(blocks["python"][0])
        (self.folder / "gatehouse.yaml").write_text(blocks["yaml"][0])
        auth = self.listens(self.program(f"{sys.executable} auth.py"), "9000")
        demo = PORT.sub(self.free, "tools/demo_service.py --name app --port 9001")
        self.listens(self.program(demo), "9001")
        self.listens(self.program("gatehouse run -c gatehouse.yaml"), "8080")
        self.run_console(blocks["console"], [("%auth", auth)])

    def test_traffic(self):
        blocks = self.blocks("traffic.md")
        (self.folder / "configs/lists").mkdir(parents=True)
        shutil.copy(ROOT / "configs/lists/deny.txt", self.folder / "configs/lists")
        config = PORT.sub(self.free, (ROOT / "configs/protect.yaml").read_text())
        (self.folder / "configs/protect.yaml").write_text(config)
        redis, shop, spare, gateway = blocks["sh"][0].splitlines()
        self.listens(self.program(redis), "9079")
        self.listens(self.program(shop), "9001")
        self.listens(self.program(spare), "9002")
        self.listens(self.program(gateway), "8080")
        self.run_console(blocks["console"])

    def test_a_login(self):
        blocks = self.blocks("authentication.md")
        (self.folder / "bin/node").symlink_to(node())
        (self.folder / "configs").mkdir()
        config = PORT.sub(self.free, (ROOT / "configs/auth.yaml").read_text())
        (self.folder / "configs/auth.yaml").write_text(config)
        provider, demo, gateway = blocks["sh"][0].splitlines()
        provider = self.listens(self.program(provider), "9010")
        self.listens(self.program(demo), "9001")
        self.listens(self.program(gateway), "8080")
        issuer = f"--issuer http://127.0.0.1:{self.ports['9010']}"
        console = [block.replace("login.py ", f"login.py {issuer} ") for block in blocks["console"]]
        # By its number: others may run one, too.
        console = [block.replace("pkill -USR2 -f provider.mjs", "kill -USR2 %idp") for block in console]
        self.run_console(console, [("%idp", provider)])


if __name__ == "__main__":
    unittest.main()
