#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the stories of hpack-test-case.tar.xz line by line, for hpack_test.cc.

usage: stories.py ARCHIVE OUTPUT

  story NAME        begins a story; its lists, then who encoded it
  list              begins a list of fields
  FIELD<TAB>VALUE   one of them
  encoder NAME      begins what an encoder made of the lists, one after the other
  block SIZE HEX    a header block, and the size of the table it was made for
"""
import collections
import json
import sys
import tarfile


def main():
    raw, encoded = {}, collections.defaultdict(dict)
    with tarfile.open(sys.argv[1]) as archive:
        for member in archive:
            folder, _, name = member.name.partition("/")
            if not name.endswith(".json"):
                continue
            cases = json.load(archive.extractfile(member))["cases"]
            if folder == "raw-data":
                raw[name] = cases
            else:
                encoded[name][folder] = cases
    with open(sys.argv[2], "w", encoding="utf-8") as out:
        for name, lists in sorted(raw.items()):
            print("story", name, file=out)
            for case in lists:
                print("list", file=out)
                for field in case["headers"]:
                    for key, value in field.items():
                        assert not set(key + value) & set("\t\n"), (name, key)
                        print(key, value, sep="\t", file=out)
            for folder, cases in sorted(encoded[name].items()):
                assert [c["headers"] for c in cases] == [c["headers"] for c in lists], (folder, name)
                print("encoder", folder, file=out)
                size = 4096
                for case in cases:
                    # Told only where it changes.
                    size = case.get("header_table_size") or size
                    print("block", size, case["wire"], file=out)


main()
