# SPDX-License-Identifier: Apache-2.0
"""C++ is formatted by .clang-format, with the one version that everybody has."""

import re
import subprocess

from tree import Finding

CLANG_FORMAT = "clang-format-19"


def check_format(tree):
    files = tree.cpp("source/", "test/")
    if not files:
        return
    run = subprocess.run(
        [CLANG_FORMAT, "--dry-run", "-Werror", *files],
        cwd=tree.root,
        capture_output=True,
        text=True,
    )
    seen = set()
    for match in re.finditer(r"^(.*?):(\d+):\d+: error: (.*)$", run.stderr, re.MULTILINE):
        path, line, _ = match.groups()
        if path not in seen:
            seen.add(path)
            message = f"not formatted; run {CLANG_FORMAT} -i {path}"
            yield Finding("format", path, int(line), message)
    if run.returncode != 0 and not seen:
        raise RuntimeError(f"{CLANG_FORMAT}: {run.stderr.strip()}")


CHECKS = [check_format]
