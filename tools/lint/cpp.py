# SPDX-License-Identifier: Apache-2.0
"""Just enough of C++'s grammar to tell code from comments and literals."""

import re

_TOKEN = re.compile(
    r"""
      //[^\n]*
    | /\*.*?\*/
    | R"(?P<tag>[^()\\\s]{0,16})\(.*?\)(?P=tag)"
    | "(?:\\.|[^"\\\n])*"
    | (?<![0-9A-Fa-f])'(?:\\.|[^'\\\n])*'
    """,
    re.DOTALL | re.VERBOSE,
)
_INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^">]+)[">]', re.MULTILINE)


def code(text):
    """`text` with comments and literals blanked out; every line keeps its number."""
    return _TOKEN.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)


def includes(text):
    """(line number, path) of each #include, those in comments left out."""
    live = code(text).splitlines()
    for number, line in enumerate(text.splitlines(), 1):
        match = _INCLUDE.match(line)
        if match and "#" in live[number - 1]:
            yield number, match.group(1)
