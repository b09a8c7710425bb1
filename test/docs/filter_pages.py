#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Each filter has a page, and the page names what users can write and read.

usage: test/docs/filter_pages.py

For every filter that source/filters/BUILD.bazel lists, with the libraries it lies beside: docs/filters/NAME.md exists, begins with a
whole configuration, and names each key the filter reads and each metric it counts. The page of
access_log explains each operator of source/observe/operators.cc.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
SECTIONS = ("version:", "listeners:", "filters:", "clusters:", "routes:")
FILE = re.compile(r'^    "(\w+/\w+)": \[(.*?)\]', re.MULTILINE | re.DOTALL)
# in.String("path", …), in.Enum<Format>(\n "format", …, and keys passed on to functions of the file.
KEY = re.compile(r'\bin_?\.(?!Error|Warning|Has)\w+(?:<\w+>)?\(\s*"(\w+)"')
METRIC = re.compile(r'Counters?\(\s*"(\w+)",\s*"(\w+)"')
OPERATOR = re.compile(r'^\s+\{"([A-Z_]+)", k\w+, ', re.MULTILINE)


def mistakes_of(name, source, page):
    example = re.search(r"```yaml\n(.*?)```", page, re.DOTALL)
    if not page.startswith(f"# {name}\n"):
        yield "does not begin with the filter's name"
    for section in SECTIONS:
        if not example or f"\n{section}" not in "\n" + example.group(1):
            yield f"its example has no `{section}`: it must be a whole configuration"
    for key in KEY.findall(source):
        # `key`, `delay.key`, `key.name` or `{key: ...}`
        if not re.search(rf"`(\w+\.)*{key}[`.]|`\{{{key}: ", page):
            yield f"does not name the key `{key}`"
    for kind, what in METRIC.findall(source):
        if f"gatehouse_filter_{kind}_{what}_total" not in page:
            yield f"does not name the metric gatehouse_filter_{kind}_{what}_total"


def main():
    found = []
    filters = FILE.findall((ROOT / "source/filters/BUILD.bazel").read_text())
    for file, uses in filters:
        folder, name = file.split("/")
        path = ROOT / f"docs/filters/{name}.md"
        if not path.exists():
            found.append(f"docs/filters/{name}.md is missing")
            continue
        # Its own file, and those of the libraries beside it: ":policy" is policy.cc, policy_config.cc …
        parts = [name] + [f"{part}*" for part in re.findall(r'":(\w+)"', uses)]
        files = [path for part in parts for path in (ROOT / "source/filters" / folder).glob(part + ".cc")]
        source = "\n".join(file.read_text() for file in sorted(files))
        found += [f"docs/filters/{name}.md {m}" for m in mistakes_of(name, source, path.read_text())]
    operators = OPERATOR.findall((ROOT / "source/observe/operators.cc").read_text())
    page = (ROOT / "docs/filters/access_log.md").read_text()
    for operator in operators:
        if f"| `{operator}" not in page:
            found.append(f"docs/filters/access_log.md does not explain %{operator}%")
    if not filters or not operators:
        found.append("found no filters or no operators: this script reads the sources wrong")
    print("\n".join(found) or f"{len(filters)} filters and {len(operators)} operators: all have their page")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
