# SPDX-License-Identifier: Apache-2.0
"""Checks the tracked files of a tree; tools/check is the way to call it.

usage: python3 tools/lint [--root DIR] [--self-test] STEP...
"""

import argparse
import pathlib
import sys

import formatting
import layering
import scripts
import sizes
import text_rules
from tree import Tree

STEPS = {
    "format": formatting.CHECKS,
    "lint": text_rules.CHECKS + scripts.CHECKS,
    "sizes": sizes.CHECKS,
    "layering": layering.CHECKS,
}


def findings(tree, steps):
    return [finding for step in steps for check in STEPS[step] for finding in check(tree)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", default=pathlib.Path(__file__).resolve().parents[2])
    parser.add_argument("--self-test", action="store_true")
    parser.add_argument("steps", nargs="*", metavar="STEP", help=", ".join(STEPS))
    options = parser.parse_args()
    if unknown := set(options.steps) - set(STEPS):
        parser.error(f"unknown step {', '.join(sorted(unknown))}; there are {', '.join(STEPS)}")
    tree = Tree.tracked(options.root)
    if options.self_test:
        import self_test  # needs the table above

        return self_test.run(tree, lambda copy: findings(copy, STEPS))
    found = findings(tree, options.steps or STEPS)
    for finding in found:
        print(finding)
    return 1 if found else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except FileNotFoundError as error:
        sys.exit(f"lint: {error.filename} is missing; tools/install --test brings it")
