# SPDX-License-Identifier: Apache-2.0
"""Tests of test_results.py: a failure must never be counted as anything else."""

import json
import pathlib
import tempfile
import unittest

import test_results

GTEST = (
    '<testsuites><testsuite name="S">'
    '<testcase classname="S" name="Good" status="run"/>'
    '<testcase classname="S" name="Off" status="notrun"/>'
    '<testcase classname="S" name="Skipped" status="run"><skipped/></testcase>'
    "{more}</testsuite></testsuites>"
)
BAD = '<testcase classname="S" name="Bad" status="run"><failure message="no"/></testcase>'


class CountBazel(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.events = []

    def target(self, label, verdict=None, xml=None):
        """Records a test target as Bazel reports it; no verdict: it was never built."""
        self.events.append(
            {"id": {"targetConfigured": {"label": label}}, "configured": {"testSize": "SMALL"}}
        )
        if xml is not None:
            file = self.folder / f"{len(self.events)}.xml"
            file.write_text(xml)
            output = [{"name": "test.xml", "uri": file.as_uri()}]
            self.events.append(
                {
                    "id": {"testResult": {"label": label, "run": 1, "attempt": 1}},
                    "testResult": {"testActionOutput": output},
                }
            )
        if verdict:
            summary = {"overallStatus": verdict}
            self.events.append({"id": {"testSummary": {"label": label}}, "testSummary": summary})

    def count(self, exit_code):
        path = self.folder / "events.json"
        path.write_text("\n".join(map(json.dumps, self.events)))
        return test_results.count_bazel(path, exit_code)

    def test_cases_count_one_by_one_without_those_that_did_not_run(self):
        self.target("//a:a", "PASSED", GTEST.format(more=""))
        self.target("//b:b", "FAILED", GTEST.format(more=BAD))
        self.assertEqual(self.count(3), (2, ["//b:b S.Bad"]))

    def test_a_failure_outside_of_the_cases_counts(self):
        self.target("//a:leaks_at_exit", "FAILED", GTEST.format(more=""))
        self.target("//a:hangs", "TIMEOUT")
        self.target("//a:does_not_compile")
        expected = ["//a:leaks_at_exit", "//a:hangs", "//a:does_not_compile"]
        self.assertEqual(self.count(1), (1, expected))

    def test_a_test_without_a_list_of_cases_is_one(self):
        self.target("//a:script", "PASSED", "<testsuites></testsuites>")
        self.target("//a:broken_xml", "PASSED", "<testsuites>")
        self.assertEqual(self.count(0), (2, []))

    def test_other_targets_are_no_tests(self):
        self.events.append({"id": {"targetConfigured": {"label": "//a:lib"}}, "configured": {}})
        self.assertEqual(self.count(0), (0, []))

    def test_a_build_that_fails_without_a_test_to_blame_counts(self):
        self.assertEqual(self.count(1), (0, ["bazel (exit code 1)"]))
        self.assertEqual(test_results.count_bazel("missing.json", 37)[1], ["bazel (exit code 37)"])


if __name__ == "__main__":
    unittest.main()
