# SPDX-License-Identifier: Apache-2.0
"""api/gatehouse.schema.json as another program sees it: Python's jsonschema.

Whatever the gateway accepts, the schema accepts; unknown keys, wrong kinds and unknown words are
refused by both. What only the gateway can see is listed in UNSEEN.
"""

import copy
import itertools
import json
import os
import pathlib
import re
import subprocess
import unittest

import jsonschema
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
GATEHOUSE = os.environ["GATEHOUSE"]

# Golden files with mistakes that the schema lets pass, by what it would have to know.
UNSEEN = {
    "what is inside a text": [
        "admin_hostname",
        "admin_ipv6_any",
        "admin_not_loopback",
        "env_default_is_wrong",
        "listener_address",
        "listener_unix_path_too_long",
        "pain_prefix_with_star",
        "pain_regex",
        "pain_url_as_endpoint",
        "secrets_stay_secret",
        "yaml_anchored_endpoint_alias",
    ],
    "other places in the file": [
        "admin_address_taken",
        "cluster_unused_because_misspelt",
        "env_in_keys",
        "listener_duplicates",
        "pain_listener_everywhere_and_loopback",
        "many_mistakes_of_one_kind",
        "route_names",
        "route_unknown_names",
        "yaml_crlf",
    ],
    "the environment and the disk": [
        "env_bad_reference",
        "env_unset",
        "env_value_is_wrong",
        "filter_file_missing",
        "pain_files",
    ],
    "other files, which may have the listeners": [
        "include_belongs_in_main",
        "include_mistakes",
        "include_names_twice",
        "listener_empty_list",
        "root_nothing_required",
        "root_sections_without_value",
    ],
    "keys that Python's reader has dropped": ["yaml_duplicate_keys"],
}

# Pages whose examples use a filter that they have just invented.
INVENTED = {"adding_a_filter.md"}


class Core(yaml.SafeLoader):
    """YAML 1.2's core schema, as the gateway and editors read it: `on` and `1:30` are texts."""


Core.yaml_implicit_resolvers = {}
for tag, pattern, first in (
    ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("bool", r"^(?:true|false)$", list("tf")),
    ("int", r"^[-+]?[0-9]+$", list("-+0123456789")),
    ("float", r"^[-+]?[0-9]+\.[0-9]*(?:[eE][-+]?[0-9]+)?$", list("-+0123456789")),
    ("merge", r"^<<$", ["<"]),
):
    Core.add_implicit_resolver("tag:yaml.org,2002:" + tag, re.compile(pattern), first)


def read(text):
    return yaml.load(text, Core)


def schema():
    return json.loads((ROOT / "api/gatehouse.schema.json").read_text())


VALIDATOR = jsonschema.Draft7Validator(schema())


def all_errors(errors):
    """Also those inside anyOf and then."""
    for error in errors:
        yield error
        yield from all_errors(error.context)


def mistakes(document):
    return list(all_errors(VALIDATOR.iter_errors(document)))


def refused_as_unknown(document):
    """(path of the mapping, key) of all keys that the schema does not know."""
    out = set()
    for error in mistakes(document):
        if error.validator == "additionalProperties":
            for key in error.instance:
                if key not in error.schema.get("properties", {}):
                    out.add((tuple(error.absolute_path), key))
    return out


def parse_path(text):
    """`routes[0].match["a key"]` as a tuple."""
    parts = re.findall(r'\[(\d+)\]|\["((?:[^"\\]|\\.)*)"\]|([^.\[]+)', text)
    return tuple(int(i) if i else quoted or plain for i, quoted, plain in parts)


def validate(document):
    """What the gateway says of it."""
    run = subprocess.run(
        [GATEHOUSE, "validate", "-c", "-"],
        input=json.dumps(document),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    return run.stderr


def places(node, path=()):
    yield path, node
    for key, inner in (
        node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    ):
        yield from places(inner, path + (key,))


def changed(document, path, value):
    """A copy with `value` at `path`."""
    out = copy.deepcopy(document)
    node = out
    for step in path[:-1]:
        node = node[step]
    node[path[-1]] = value
    return out


def example():
    run = subprocess.run(
        [GATEHOUSE, "schema", "--format", "example"], capture_output=True, text=True, check=True
    )
    return read(run.stdout)


class SchemaTest(unittest.TestCase):
    def test_is_a_schema(self):
        jsonschema.Draft7Validator.check_schema(schema())

    def test_is_what_this_build_prints(self):
        printed = subprocess.run([GATEHOUSE, "schema"], capture_output=True, text=True, check=True)
        self.assertEqual(json.loads(printed.stdout), schema())

    def test_examples_pass(self):
        # Not those that filters read: they are no configurations.
        files = [f for f in sorted((ROOT / "configs").rglob("*.yaml")) if f.parent.name != "access.d"]
        self.assertGreaterEqual(len(files), 6)
        for file in files:
            with self.subTest(file.name):
                self.assertEqual(mistakes(read(file.read_text())), [])

    def test_pages_pass(self):
        """Every whole configuration that a page shows."""
        count = 0
        for page in sorted((ROOT / "docs").rglob("*.md")):
            if page.name in INVENTED:
                continue
            for block in re.findall(r"```yaml\n(.*?)```", page.read_text(), re.DOTALL):
                if re.search(r"^listeners:", block, re.MULTILINE):
                    count += 1
                    with self.subTest(page.name):
                        self.assertEqual(mistakes(read(block)), [])
        self.assertGreaterEqual(count, 5)

    def test_full_example_passes(self):
        self.assertEqual(mistakes(example()), [])

    def test_golden_files(self):
        passed, refused = set(), set()
        for file in sorted((ROOT / "test/golden").glob("*.yaml")):
            expected = file.with_suffix(".expected").read_text()
            try:
                document = read(file.read_text())
                wrong = mistakes(document)
            except (yaml.YAMLError, RecursionError):
                self.assertNotIn(".yaml: ok", expected, file.name)
                continue
            if re.search(r"^\S+: ok", expected, re.MULTILINE):
                self.assertEqual(wrong, [], file.name)
                continue
            (refused if wrong else passed).add(file.stem)
            unknown = refused_as_unknown(document)
            here = rf"^{re.escape(file.name)}:\S+: (\S+): unknown key"  # Not in what it includes.
            for path in re.findall(here, expected, re.MULTILINE):
                *where, key = parse_path(path)
                self.assertIn((tuple(where), key), unknown, file.name)
        self.assertEqual(passed, set(itertools.chain(*UNSEEN.values())))
        self.assertGreaterEqual(len(refused), 30)

    def test_unknown_keys_are_unknown_to_both(self):
        document = example()
        tried = 0
        for path, node in places(document):
            if isinstance(node, dict):
                tried += 1
                wrong = changed(document, path + ("zzz",), 1)
                said = validate(wrong)
                unknown = "zzz: unknown key" in said or "` stands alone" in said
                self.assertEqual(unknown, (path, "zzz") in refused_as_unknown(wrong), path)
        self.assertGreaterEqual(tried, 50)

    def test_wrong_kinds_are_wrong_to_both(self):
        document = example()
        # A time is a text, as is a rate, and what is inside a text the schema doesn't see.
        saying = (
            r"expected (a(?! (time|rate) such)|one|true|auto)|unknown value|must be (1(?! to 256 bytes)|between|at)|"
            r"has no value"
        )
        seen = set()  # Elements of one list are alike.
        for path, node in places(document):
            kind = tuple("" if isinstance(step, int) else step for step in path)
            if isinstance(node, (dict, list)) or kind in seen:
                continue
            seen.add(kind)
            for value in ("no such word", [["x"]], {"zzz": 1}, -1, 5.5):
                wrong = changed(document, path, value)
                said = validate(wrong)
                if mistakes(wrong):
                    self.assertNotIn("<stdin>: ok", said, (path, value))
                elif re.search(saying, said):
                    self.fail(f"the schema takes {value!r} at {path}, the gateway says: {said}")

    def test_variables_may_stand_in_every_scalar(self):
        document = example()
        for path, node in places(document):
            if not isinstance(node, (dict, list)):
                for text in ("${A_NAME}", "x-${A_NAME:-b}"):
                    self.assertEqual(mistakes(changed(document, path, text)), [], path)


if __name__ == "__main__":
    unittest.main()
