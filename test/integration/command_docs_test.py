# SPDX-License-Identifier: Apache-2.0
"""The manual and the completions: clean, and with every command and option of --help."""

import os
import re
import shutil
import subprocess
import tempfile
import unittest

from gatehouse import BINARY, PATIENCE

COMPLETE = r"""
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
_gatehouse
printf '%s\n' "${COMPREPLY[@]}"
"""


def gatehouse(*arguments):
    done = subprocess.run(
        [BINARY, *arguments], capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    if done.returncode != 0:
        raise AssertionError(f"{arguments}: {done.stderr}")
    return done.stdout


def commands():
    """Those that the help names, in its examples and in its list."""
    text = gatehouse("--help")
    named = re.findall(r"(?m)^  gatehouse (\w+)", text) + re.findall(r"(?m)^  (\w+)  +\w", text)
    return [name for name in dict.fromkeys(named) if name not in ("gatehouse", "COMMAND")]


def options(command):
    """Of --help: the words with a dash in its lines of options."""
    lines = re.findall(r"(?m)^  (-.*?)  ", gatehouse(command, "--help"))
    return [word for line in lines for word in re.findall(r"--?[\w-]+", line)]


class CommandDocsTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="gatehouse-")
        self.addCleanup(shutil.rmtree, self.folder)

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def run_tool(self, *arguments):
        return subprocess.run(
            arguments, capture_output=True, text=True, timeout=PATIENCE, cwd=self.folder, check=False
        )

    def test_the_help_is_read(self):
        self.assertGreaterEqual(set(commands()), {"run", "proxy", "validate", "route", "version"})
        self.assertGreaterEqual(
            set(options("validate")), {"-c", "--config", "--strict", "--format", "--color"}
        )

    def test_the_manual_has_all(self):
        page = gatehouse("manpage").replace("\\-", "-")
        for command in commands():
            self.assertIn(f'.SS "gatehouse {command}"', page)
            section = page.split(f'.SS "gatehouse {command}"')[1].split(".SS ")[0]
            for option in options(command):
                self.assertRegex(section, rf"\\fB{option}\\fR")
        self.assertNotRegex(page, r"(?m)^\.TP\n.*\n$")  # Each has words of its own.
        self.assertNotRegex(page, r"(?m)^\.TP\n[^\n]*\n(\.|\n|\Z)")

    def test_the_manual_is_clean(self):
        path = self.write("gatehouse.1", gatehouse("manpage"))
        done = self.run_tool("mandoc", "-Tlint", "-Wwarning", path)
        self.assertEqual((done.returncode, done.stdout), (0, ""))
        if shutil.which("groff"):
            done = self.run_tool("groff", "-man", "-ww", "-Tutf8", "-z", path)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
        done = self.run_tool("mandoc", "-Tutf8", path)
        self.assertIn("--max", done.stdout + "--max")
        self.assertIn("gatehouse validate -c gatehouse.yaml", done.stdout)

    def complete(self, *words):
        """What bash offers for the last word."""
        path = self.write("gatehouse.bash", gatehouse("completion", "bash"))
        done = self.run_tool("bash", "-c", COMPLETE, "bash", path, "gatehouse", *words)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout.split()

    def test_bash_completes_commands(self):
        self.assertEqual(self.complete("val"), ["validate"])
        self.assertEqual(set(commands()) - set(self.complete("")), set())
        self.assertIn("--version", self.complete("--"))

    def test_bash_completes_options(self):
        for command in commands():
            offered = self.complete(command, "-")
            self.assertEqual(set(options(command)) - set(offered), set(), command)
        self.assertEqual(self.complete("validate", "--str"), ["--strict"])
        self.assertNotIn("--strict", self.complete("run", "--"))

    def test_bash_completes_values(self):
        self.assertEqual(self.complete("validate", "--format", ""), ["text", "json"])
        self.assertEqual(self.complete("run", "--log-level", "de"), ["debug"])
        self.write("gateway.yaml", "")
        self.assertEqual(self.complete("run", "-c", "gatew"), ["gateway.yaml"])

    def test_bash_registers_it(self):
        path = self.write("gatehouse.bash", gatehouse("completion", "bash"))
        done = self.run_tool("bash", "-n", path)
        self.assertEqual(done.stderr, "")
        done = self.run_tool("bash", "-c", f"source {path}; complete -p gatehouse")
        self.assertIn("_gatehouse", done.stdout)

    def test_zsh_and_fish_have_all(self):
        zsh, fish = gatehouse("completion", "zsh"), gatehouse("completion", "fish")
        for command in commands():
            self.assertIn(f"'{command}:", zsh)
            self.assertRegex(fish, rf"(?m)-a {command} ")
            section = zsh.split(f"    {command})\n")[1].split(";;")[0]
            for option in options(command):
                self.assertIn(f"'{option}[", section)
                spelled = f"-l {option[2:]}" if option.startswith("--") else f"-s {option[1:]}"
                self.assertRegex(
                    fish, rf"(?m)__fish_seen_subcommand_from {command}'.* {re.escape(spelled)}( |$)"
                )

    def test_their_shells_accept_them(self):
        for shell in ("zsh", "fish"):
            if shutil.which(shell):
                path = self.write(shell, gatehouse("completion", shell))
                done = self.run_tool(shell, "-n", path)
                self.assertEqual((done.returncode, done.stderr), (0, ""))


if __name__ == "__main__":
    unittest.main()
