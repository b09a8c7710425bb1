# SPDX-License-Identifier: Apache-2.0
"""Rules that one line of text can break. Each is a row of LINE_RULES; the rest are functions."""

import os
import re
from typing import Callable, NamedTuple

import cpp
from tree import CPP, Finding

SPDX = "SPDX-License-Identifier: Apache-2.0"

# Mutexes live where threads meet (STYLE.md).
MUTEX_ALLOWED = ("source/base/", "source/event/")
# Measuring instruments pace themselves by the clock; tests wait for events.
SLEEP_ALLOWED = ("test/bench/", "test/conformance/h1_probe.py")
FORBIDDEN_SUFFIX = r"(?:Impl|Manager|Util|Utils|Helper|Helpers)"
FORBIDDEN_FILE = re.compile(r"_(?:impl|manager|utils?|helpers?)(?:_test)?\.(?:cc|h)$")


def in_source(path):
    return path.startswith("source/") and path.endswith(CPP)


def in_cpp(path):
    return path.startswith(("source/", "test/")) and path.endswith(CPP)


class LineRule(NamedTuple):
    name: str
    applies: Callable[[str], bool]
    pattern: re.Pattern
    message: str


LINE_RULES = [
    LineRule(
        "using-namespace",
        in_cpp,
        re.compile(r"\busing\s+namespace\b"),
        "no `using namespace`: name what is used",
    ),
    LineRule(
        "names",
        in_cpp,
        re.compile(
            r"\b(?:class|struct|enum|union|concept|using)\s+(?:alignas\([^)]*\)\s*|\[\[.*?\]\]\s*)?"
            rf"(?:\w+{FORBIDDEN_SUFFIX}|I[A-Z][a-z]\w*)\b(?!\s*[>,])"
        ),
        "no Impl, Manager, Util, Helper, no I prefix: say what it is",
    ),
    LineRule(
        "exceptions",
        lambda path: in_source(path) and not path.startswith("source/config/"),
        re.compile(r"\b(?:throw|try|catch)\b"),
        "no exceptions outside source/config: return a Result",
    ),
    LineRule(
        "mutex",
        lambda path: in_source(path) and not path.startswith(MUTEX_ALLOWED),
        re.compile(
            r"\bstd::(?:\w*mutex|lock_guard|unique_lock|scoped_lock|shared_lock|condition_variable)"
            r"|#\s*include\s*<(?:mutex|shared_mutex|condition_variable)>|\bpthread_mutex"
        ),
        "no mutex here: threads meet through Post",
    ),
    LineRule(
        "sleep",
        lambda path: path.startswith("test/") and not path.startswith(SLEEP_ALLOWED),
        re.compile(
            r"\bsleep_(?:for|until)\b|\bu?sleep\s*\(|\bnanosleep\b"
            r"|(?:^|[;&|]|\bdo\b|\bthen\b)\s*sleep\s+[\d.$\"]"
        ),
        "no sleeps in tests: wait for an event, with a deadline",
    ),
    LineRule(
        "machine-path",
        lambda path: True,
        re.compile(r"/(?:home|root|work)/[\w.]"),
        "a path of one machine",
    ),
]


def check_lines(tree):
    for path in tree.files:
        rules = [rule for rule in LINE_RULES if rule.applies(path)]
        text = tree.text(path)
        if not rules or text is None:
            continue
        live = cpp.code(text).splitlines() if path.endswith(CPP) else text.splitlines()
        raw = text.splitlines()
        for rule in rules:
            # A path of one machine is wrong in a comment and in a string, too.
            for number, line in enumerate(raw if rule.name == "machine-path" else live, 1):
                if rule.pattern.search(line):
                    yield Finding(rule.name, path, number, rule.message)


def check_spdx(tree):
    sources = set(tree.shell() + tree.python())
    sources.update(f for f in tree.files if f.endswith((*CPP, ".proto")))
    for path in sorted(sources):
        lines = [line for line in tree.lines(path)[:2] if not line.startswith("#!")]
        mark = "//" if path.endswith((*CPP, ".proto")) else "#"
        if not lines or lines[0] != f"{mark} {SPDX}":
            yield Finding("spdx", path, 1, f"the first line must be `{mark} {SPDX}`")


def check_pragma_once(tree):
    for path in tree.files:
        if path.endswith(".h"):
            directives = (line for line in tree.lines(path) if line.startswith("#"))
            if next(directives, "").strip() != "#pragma once":
                yield Finding("pragma-once", path, 1, "the first directive must be #pragma once")


def check_file_names(tree):
    for path in tree.files:
        if FORBIDDEN_FILE.search(os.path.basename(path)):
            yield Finding("file-names", path, 0, "no impl, manager, util, helper: say what it is")


CHECKS = [check_lines, check_spdx, check_pragma_once, check_file_names]
