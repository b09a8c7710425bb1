# SPDX-License-Identifier: Apache-2.0
"""What `validate` says to a terminal, and to what is none."""

import os
import pty
import subprocess
import unittest

from gatehouse import PATIENCE, GatewayTest

TEXT = """
listeners:
  - {name: web, adress: 127.0.0.1:0}
"""
LINE = "gatehouse.yaml:3:17: listeners[0].adress: unknown key"
COLOUR = "\x1b["


class TerminalTest(GatewayTest):
    def validate(self, *arguments, no_color=None):
        """Standard error of `validate`, a terminal."""
        gateway = self.gateway(TEXT)
        ours, theirs = pty.openpty()
        self.addCleanup(os.close, ours)
        environment = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
        if no_color is not None:
            environment["NO_COLOR"] = no_color
        process = subprocess.Popen(
            [gateway.binary, "validate", "-c", "gatehouse.yaml", *arguments],
            stderr=theirs,
            cwd=gateway.directory,
            env=environment,
        )
        os.close(theirs)
        self.assertEqual(process.wait(PATIENCE), 1)
        return os.read(ours, 65536).decode().replace("\r\n", "\n")

    def test_lines_and_colours(self):
        shown = self.validate()
        self.assertIn(COLOUR, shown)
        self.assertIn("  - {name: web, adress: 127.0.0.1:0}\n", shown)
        self.assertIn(" " * 16 + "\x1b[1;31m^~~~~~", shown)

    def test_no_color(self):
        shown = self.validate(no_color="1")
        self.assertNotIn(COLOUR, shown)
        self.assertIn(LINE, shown)
        self.assertIn("     3 |   - {name: web, adress: 127.0.0.1:0}\n", shown)
        self.assertIn("       | " + " " * 16 + "^~~~~~\n", shown)
        self.assertIn(COLOUR, self.validate(no_color=""))

    def test_never_and_always(self):
        self.assertNotIn(COLOUR, self.validate("--color", "never"))
        self.assertIn(COLOUR, self.validate("--color", "always", no_color="1"))

    def test_not_a_terminal(self):
        gateway = self.gateway(TEXT)
        done = gateway.command("validate", "-c", "gatehouse.yaml")
        self.assertNotIn(COLOUR, done.stderr)
        self.assertNotIn("|", done.stderr)
        self.assertIn(COLOUR, gateway.command("validate", "-c", "gatehouse.yaml", "--color", "always").stderr)


if __name__ == "__main__":
    unittest.main()
