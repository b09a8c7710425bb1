# SPDX-License-Identifier: Apache-2.0
"""Scripts must hold up before they run: shellcheck for bash, the compiler for Python."""

import re
import subprocess

from tree import Finding


def check_shell(tree):
    scripts = tree.shell()
    if not scripts:
        return
    run = subprocess.run(
        ["shellcheck", "--external-sources", "--format=gcc", *scripts],
        cwd=tree.root,
        capture_output=True,
        text=True,
    )
    if run.returncode > 1:
        raise RuntimeError(f"shellcheck: {run.stderr.strip()}")
    for line in run.stdout.splitlines():
        match = re.match(r"(.*?):(\d+):\d+: (.*)", line)
        yield Finding("shellcheck", match.group(1), int(match.group(2)), match.group(3))


def check_python(tree):
    for path in tree.python():
        try:
            compile(tree.text(path), path, "exec")
        except (SyntaxError, ValueError) as error:
            yield Finding("python", path, getattr(error, "lineno", 0) or 0, str(error))


CHECKS = [check_shell, check_python]
