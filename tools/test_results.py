# SPDX-License-Identifier: Apache-2.0
"""Counts what a `bazel test` run did, case by case, and ends with "N passed, N failed".

usage: python3 tools/test_results.py [--bazel EVENTS EXIT_CODE]... [--case NAME EXIT_CODE]...

EVENTS is what --build_event_json_file wrote: it names the targets of this very run, so results
that an earlier run left in bazel-testlogs are never counted. A test that names its cases in its
test.xml counts as that many; one that doesn't, or that failed outside of a case (a leak found at
exit, a timeout, a file that doesn't compile), counts as one. Exits 1 when anything failed or
when nothing ran.
"""

import argparse
import json
import os
import sys
import urllib.parse
import xml.etree.ElementTree

NO_TESTS_FOUND = 4  # Bazel's exit codes
TESTS_FAILED = 3


def events(path):
    if not os.path.exists(path):
        return
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def cases(xml_path):
    """(name, passed) of every case that ran; skipped ones are left out."""
    try:
        root = xml.etree.ElementTree.parse(xml_path).getroot()
    except (OSError, xml.etree.ElementTree.ParseError):
        return
    for case in root.iter("testcase"):
        if case.get("status") == "notrun" or case.find("skipped") is not None:
            continue
        name = ".".join(filter(None, (case.get("classname"), case.get("name"))))
        yield name, case.find("failure") is None and case.find("error") is None


class Target:
    """One test target of the run: its verdict and the cases of its last attempts, by shard."""

    def __init__(self):
        self.passed = False
        self.xml = {}


def targets(path):
    found = {}
    for event in events(path):
        kind, identity = next(iter(event["id"].items()))
        label = identity.get("label") if isinstance(identity, dict) else None
        if kind == "targetConfigured" and "testSize" in event.get("configured", {}):
            found.setdefault(label, Target())
        elif kind == "testResult":
            files = event.get("testResult", {}).get("testActionOutput", [])
            for file in files:
                if file["name"] == "test.xml":
                    place = (identity.get("shard", 0), identity.get("run", 0))
                    target = found.setdefault(label, Target())
                    target.xml[place] = urllib.parse.unquote(
                        urllib.parse.urlparse(file["uri"]).path
                    )
        elif kind == "testSummary":
            verdict = event.get("testSummary", {}).get("overallStatus")
            found.setdefault(label, Target()).passed = verdict in ("PASSED", "FLAKY")
    return found


def count_bazel(path, exit_code):
    """(passed, names of the failed) of one bazel run."""
    passed, failed = 0, []
    for label, target in targets(path).items():
        results = [case for file in target.xml.values() for case in cases(file)]
        bad = [f"{label} {name}" for name, good in results if not good]
        passed += len(results) - len(bad)
        if target.passed and not results:
            passed += 1
        if not target.passed and not bad:
            bad = [label]
        failed += bad
    if exit_code not in (0, TESTS_FAILED, NO_TESTS_FOUND) and not failed:
        failed.append(f"bazel (exit code {exit_code})")
    return passed, failed


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bazel", nargs=2, action="append", default=[])
    parser.add_argument("--case", nargs=2, action="append", default=[])
    options = parser.parse_args()
    passed, failed = 0, []
    for path, exit_code in options.bazel:
        good, bad = count_bazel(path, int(exit_code))
        passed += good
        failed += bad
    for name, exit_code in options.case:
        if int(exit_code) == 0:
            passed += 1
        else:
            failed.append(name)
    for name in failed:
        print(f"failed: {name}")
    if not passed and not failed:
        print("no test ran")
    print(f"{passed} passed, {len(failed)} failed")
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main())
