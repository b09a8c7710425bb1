# SPDX-License-Identifier: Apache-2.0
"""How long files and functions may be (STYLE.md). Functions are found by universal-ctags."""

import json
import math
import subprocess

from tree import Finding

FILE_MEDIAN, FILE_P95, FILE_MAX = 120, 450, 800
FUNCTION_P95, FUNCTION_MAX = 40, 80


def percentile(values, share):
    """The smallest value that at least `share` of the values don't exceed."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)] if values else 0


def file_lengths(tree):
    return {path: len(tree.lines(path)) for path in tree.cpp("source/")}


def functions(tree):
    """(path, line, name, lines) of every function with a body."""
    run = subprocess.run(
        ["ctags", "-f", "-", "--output-format=json", "--language-force=C++", "--kinds-C++=f"]
        + ["--fields=+ne", "-L", "-"],
        input="\n".join(tree.cpp("source/")),
        cwd=tree.root,
        capture_output=True,
        text=True,
        check=True,
    )
    for line in run.stdout.splitlines():
        tag = json.loads(line)
        if "end" in tag:
            yield tag["path"], tag["line"], tag["name"], tag["end"] - tag["line"] + 1


def check_files(tree):
    lengths = file_lengths(tree)
    for path, lines in lengths.items():
        if lines > FILE_MAX:
            message = f"{lines} lines, over {FILE_MAX}: it has two subjects, split it by subject"
            yield Finding("file-max", path, 0, message)
    for rule, share, limit in (("file-median", 0.5, FILE_MEDIAN), ("file-p95", 0.95, FILE_P95)):
        found = percentile(lengths.values(), share)
        if found > limit:
            longest = ", ".join(sorted(lengths, key=lengths.get)[-5:])
            message = f"{share:.0%} of the files reach {found} lines, over {limit}: {longest}"
            yield Finding(rule, "source/", 0, message)


def check_functions(tree):
    sizes = sorted(functions(tree), key=lambda function: function[3])
    for path, line, name, lines in sizes:
        if lines > FUNCTION_MAX:
            message = f"{name} has {lines} lines, over {FUNCTION_MAX}"
            yield Finding("function-max", path, line, message)
    found = percentile([lines for *_, lines in sizes], 0.95)
    if found > FUNCTION_P95:
        longest = ", ".join(name for _, _, name, _ in sizes[-5:])
        message = f"95% of the functions reach {found} lines, over {FUNCTION_P95}: {longest}"
        yield Finding("function-p95", "source/", 0, message)


CHECKS = [check_files, check_functions]
