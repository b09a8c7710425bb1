# SPDX-License-Identifier: Apache-2.0
"""The files that the rules look at, and what a rule reports."""

import functools
import os
import pathlib
import subprocess
from typing import NamedTuple

CPP = (".cc", ".h")


class Finding(NamedTuple):
    rule: str
    path: str
    line: int
    message: str

    def __str__(self):
        where = f"{self.path}:{self.line}" if self.line else self.path
        return f"{where}: {self.message} [{self.rule}]"


class Tree:
    """A set of text files under a root, named by their path from there."""

    def __init__(self, root, files):
        self.root = pathlib.Path(root)
        self.files = sorted(f for f in files if (self.root / f).is_file())

    @classmethod
    def tracked(cls, root):
        """What git tracks."""
        names = subprocess.run(
            ["git", "-C", root, "ls-files", "-z"], check=True, capture_output=True, text=True
        ).stdout
        return cls(root, filter(None, names.split("\0")))

    @classmethod
    def everything(cls, root):
        """Every file under `root`, for a copy that is no repository."""
        return cls(
            root,
            (
                os.path.relpath(os.path.join(folder, name), root)
                for folder, _, names in os.walk(root)
                for name in names
            ),
        )

    @functools.lru_cache(maxsize=None)
    def text(self, path):
        """The file's text; None when it is binary."""
        data = (self.root / path).read_bytes()
        return None if b"\0" in data else data.decode("utf-8", "replace")

    def lines(self, path):
        return (self.text(path) or "").splitlines()

    def cpp(self, *folders):
        """C++ files under these folders ("source/")."""
        return [f for f in self.files if f.startswith(folders) and f.endswith(CPP)]

    def scripts(self, *interpreters, suffix):
        """Scripts of a language, by their ending or by their first line."""
        found = []
        for path in self.files:
            if path.endswith(suffix):
                found.append(path)
            elif "." not in os.path.basename(path):
                first = (self.lines(path) or [""])[0]
                if first.startswith("#!") and first.split("/")[-1].split()[-1] in interpreters:
                    found.append(path)
        return found

    def shell(self):
        return self.scripts("bash", "sh", suffix=".sh")

    def python(self):
        return self.scripts("python3", suffix=".py")
