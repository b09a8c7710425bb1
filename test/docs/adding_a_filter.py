#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Does what docs/adding_a_filter.md says, in a copy of the tree, and runs the test it adds.

usage: test/docs/adding_a_filter.py [--keep]

A fenced block whose first line names a path is that file; one marked `diff` adds its lines behind
the line it begins with. Runs outside Bazel because it runs Bazel: a server of its own, stopped at
the end, with the disk cache that tools/bazel shares between clones. --keep leaves the copy.
"""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/adding_a_filter.md"
TEST = "//test/filters:maintenance_test"
BLOCK = re.compile(r"^(`{3,})(\w+) (\S+/\S+)\n(.*?)^\1$", re.MULTILINE | re.DOTALL)


def blocks(text):
    """(language, path, content) of each block that names a path."""
    return [match.group(2, 3, 4) for match in BLOCK.finditer(text)]


def apply_diff(target, content):
    """Adds the lines marked + behind the unmarked line before them, which must occur once."""
    lines = target.read_text().split("\n")
    at = None
    for line in content.splitlines():
        mark, text = line[:1], line[1:]
        if mark == " ":
            places = [i for i, existing in enumerate(lines) if existing == text]
            if len(places) != 1:
                sys.exit(f"{target}: the line {text!r} occurs {len(places)} times, not once")
            at = places[0]
        elif mark == "+" and at is not None:
            at += 1
            lines.insert(at, text)
        else:
            sys.exit(f"{PAGE}: a diff holds only lines to find and lines to add: {line!r}")
    target.write_text("\n".join(lines))


def copy_tree(copy):
    """What git tracks or would track; the rest is of no concern to a build."""
    command = ["git", "-C", ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy / name)


def apply_page(copy):
    found = blocks(PAGE.read_text())
    if len(found) < 7:
        sys.exit(f"{PAGE}: expected seven blocks that name a path, found {len(found)}")
    for language, path, content in found:
        target = copy / path
        if language == "diff":
            apply_diff(target, content)
        elif target.exists():
            sys.exit(f"{path} exists: the page must add a filter that is not there yet")
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(content)


def check_format(copy):
    """The page's code is formatted like the tree's, where the formatter is installed."""
    formatter = shutil.which("clang-format-19")
    added = [copy / path for language, path, _ in blocks(PAGE.read_text()) if language == "cpp"]
    if formatter:
        subprocess.run([formatter, "--dry-run", "--Werror", *added], cwd=copy, check=True)


def run_test(copy, scratch):
    bazel = [copy / "tools/bazel", f"--output_user_root={scratch}/bazel"]
    try:
        subprocess.run([*bazel, "test", TEST], cwd=copy, check=True)
    finally:
        subprocess.run([*bazel, "shutdown"], cwd=copy, check=False)


def main():
    scratch = pathlib.Path(tempfile.mkdtemp(prefix="adding_a_filter."))
    copy = scratch / "gatehouse"
    try:
        copy_tree(copy)
        apply_page(copy)
        check_format(copy)
        run_test(copy, scratch)
    except subprocess.CalledProcessError as error:
        sys.exit(f"docs/adding_a_filter.md does not work: {error}")
    finally:
        if "--keep" in sys.argv[1:]:
            print(f"kept: {scratch}")
        else:
            # Bazel takes the write permission from what it built.
            subprocess.run(["chmod", "-R", "u+w", scratch], check=False)
            shutil.rmtree(scratch, ignore_errors=True)
    print("docs/adding_a_filter.md works as it stands")


if __name__ == "__main__":
    main()
