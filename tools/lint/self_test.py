# SPDX-License-Identifier: Apache-2.0
"""Shows that every rule can fail: plants one violation of each in a copy of the tree.

The copy as it stands must pass. Then every plant must be reported by its own rule, at its own
path, and nothing else may be: a rule that sees too much is as wrong as one that sees nothing.
"""

import pathlib
import shutil
import tempfile

import layering
import sizes
from text_rules import SPDX
from tree import Tree

# Put together here, so that this file does not break the rule it plants.
HOME = "/" + "home"

SOURCE = f"// {SPDX}\n"
HEADER = SOURCE + "#pragma once\n"
SCRIPT = f"#!/usr/bin/env bash\n# {SPDX}\n"
PYTHON = f"# {SPDX}\n"


def function(name, lines):
    """A C++ function of so many lines, already formatted."""
    return f"int {name}() {{\n" + "  Step();\n" * (lines - 3) + "  return 0;\n}\n"


def plants(tree):
    """(rule, path, text): each text breaks that rule and no other."""
    yield "format", "source/base/planted_format.cc", SOURCE + "int  a ;\n"
    yield "using-namespace", "source/base/planted_using.cc", SOURCE + "using namespace std;\n"
    for name in ("RouterImpl", "PoolManager", "TextUtil", "TextHelper", "IRouter"):
        text = SOURCE + f"class {name};\n"
        yield "names", f"source/base/planted_{name.lower()}.cc", text
    yield "file-names", "source/base/text_util.cc", SOURCE
    yield "exceptions", "source/base/planted_throw.cc", SOURCE + "void F() { throw 1; }\n"
    text = SOURCE + "void F() {\n  try {\n    G();\n  } catch (int) {\n  }\n}\n"
    yield "exceptions", "source/proxy/planted_try.cc", text
    yield "mutex", "source/route/planted_mutex.cc", SOURCE + "std::mutex lock;\n"
    yield "mutex", "source/route/planted_include.cc", SOURCE + "#include <mutex>\n"
    yield "sleep", "test/base/planted_sleep.cc", (
        SOURCE + "void F() { std::this_thread::sleep_for(1s); }\n"
    )
    yield "sleep", "test/planted_sleep.py", PYTHON + "time.sleep(1)\n"
    yield "sleep", "test/planted_sleep.sh", SCRIPT + "sleep 1\n"
    yield "machine-path", "docs/planted.md", f"See {HOME}/me/gatehouse.\n"
    yield "machine-path", "source/base/planted_path.cc", SOURCE + f"// In {HOME}/me.\n"
    yield "spdx", "source/base/planted_spdx.cc", "int planted;\n"
    yield "spdx", "tools/planted_spdx", "#!/usr/bin/env bash\ntrue\n"
    yield "spdx", "tools/planted_spdx.py", "PLANTED = 1\n"
    yield "pragma-once", "source/base/planted.h", SOURCE
    yield "shellcheck", "tools/planted", SCRIPT + "echo $1\n"
    yield "python", "tools/planted.py", PYTHON + "def f(:\n"
    yield from layering_plants()
    yield from size_plants(tree)


def layering_plants():
    everything = set(layering.BUILDS_ON) - {"main.cc"}
    for folder in sorted(everything):
        for other in sorted(everything - layering.allowed(folder)):
            text = SOURCE + f'#include "source/{other}/planted.h"\n'
            yield "layering", f"source/{folder}/planted_{other}.cc", text
    yield "layering", "source/misc/planted.cc", SOURCE
    for prefix in layering.LIBRARIES:
        name = prefix.strip("/").removesuffix(".h")
        header = prefix + "x.h" if prefix.endswith("/") else name + ".h"
        path = f"source/filters/planted_{name.lower()}.cc"
        yield "library", path, SOURCE + f"#include <{header}>\n"


def size_plants(tree):
    comment = "// One more line.\n"
    yield "file-max", "source/base/planted_long.cc", SOURCE + comment * sizes.FILE_MAX
    text = SOURCE + "\n" + function("Planted", sizes.FUNCTION_MAX + 1)
    yield "function-max", "source/base/planted_function.cc", text
    # The shares only move when the planted files outnumber all the others.
    enough = len(tree.cpp("source/")) + 200
    several = -(-len(list(sizes.functions(tree))) // enough) + 1
    body = "".join(
        "\n" + function(f"Planted{n}", sizes.FUNCTION_P95 + 1) for n in range(several)
    )
    filler = comment * max(0, sizes.FILE_P95 - body.count("\n"))
    for number in range(enough):
        yield None, f"source/base/planted_share_{number}.cc", SOURCE + filler + body
    for rule in ("file-median", "file-p95", "function-p95"):
        yield rule, "source/", None


def copy_tree(tree, target):
    for path in tree.files:
        copy = target / path
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(tree.root / path, copy)


def run(tree, check):
    """Prints one line for each rule; 0 when all of them did what they are for."""
    with tempfile.TemporaryDirectory(prefix="lint-") as folder:
        target = pathlib.Path(folder)
        copy_tree(tree, target)
        clean = check(Tree.everything(target))
        for finding in clean:
            print(f"FAILED  the tree as it stands: {finding}")
        expected = {}
        for rule, path, text in plants(tree):
            if text is not None:
                file = target / path
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text)
            if rule:
                expected.setdefault(rule, set()).add(path)
        reported = {}
        for finding in set(check(Tree.everything(target))) - set(clean):
            reported.setdefault(finding.rule, set()).add(finding.path)
    failed = len(clean)
    for rule in sorted(expected.keys() | reported.keys()):
        wanted, found = expected.get(rule, set()), reported.get(rule, set())
        for path in sorted(wanted - found):
            print(f"FAILED  {rule}: did not see {path}")
        for path in sorted(found - wanted):
            print(f"FAILED  {rule}: reported {path}, which does not break it")
        if wanted == found:
            print(f"ok      {rule} ({len(wanted)} planted)")
        failed += wanted != found
    return 1 if failed else 0
